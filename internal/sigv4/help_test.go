package sigv4_test

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"redoubt/internal/sigv4"
)

// The credentials and the time of the examples in AWS's documentation.
const (
	exampleID     = "AKIAIOSFODNN7EXAMPLE"
	exampleSecret = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
)

var (
	exampleTime = time.Date(2013, 5, 24, 0, 0, 0, 0, time.UTC)
	exampleS3   = sigv4.Options{Region: "us-east-1", Service: "s3", S3: true, Now: exampleTime}
)

// received reads a request as the server would.
func received(t testing.TB, wire string) *http.Request {
	t.Helper()
	r, err := http.ReadRequest(bufio.NewReader(strings.NewReader(wire)))
	if err != nil {
		t.Fatalf("reading request: %v\n%s", err, wire)
	}
	return r
}

// overTheWire writes what a client made and reads it as the server would.
func overTheWire(t testing.TB, r *http.Request) *http.Request {
	t.Helper()
	var wire bytes.Buffer
	if err := r.Write(&wire); err != nil {
		t.Fatal(err)
	}
	return received(t, wire.String())
}

// verdict parses, verifies and reads the body to its end.
func verdict(r *http.Request, secret string, o sigv4.Options) ([]byte, *sigv4.Signature, error) {
	s, err := sigv4.Parse(r)
	if err != nil {
		return nil, nil, err
	}
	if err := s.Verify(r, sigv4.NewSecret(secret), o); err != nil {
		return nil, s, err
	}
	if r.Body == nil {
		return nil, s, nil
	}
	body, err := io.ReadAll(r.Body)
	return body, s, err
}

// verdictBytes is verdict for callers that hold the body.
func verdictBytes(r *http.Request, secret string, o sigv4.Options) error {
	s, err := sigv4.Parse(r)
	if err != nil {
		return err
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return err
	}
	return s.VerifyBytes(r, body, sigv4.NewSecret(secret), o)
}

func wantKind(t testing.TB, err error, kind sigv4.Kind) *sigv4.Error {
	t.Helper()
	var e *sigv4.Error
	if !errors.As(err, &e) {
		t.Fatalf("got %v, want an error of kind %v", err, kind)
	}
	if e.Kind != kind {
		t.Fatalf("got %v (%s), want %v", e.Kind, e.Message, kind)
	}
	return e
}
