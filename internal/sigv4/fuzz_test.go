package sigv4_test

import (
	"bufio"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"redoubt/internal/sigv4"
)

// FuzzVerify feeds whole requests. Only what verifies unchanged may verify, and every refusal is an *Error or comes from
// reading the connection.
func FuzzVerify(f *testing.F) {
	for _, example := range documented {
		f.Add(strings.ReplaceAll(example.wire, "\n", "\r\n"), true)
	}
	for seed := range uint64(20) {
		f.Add(goSigned(f, seed).wire, seed%2 == 0)
	}
	u := documentedTrailer
	f.Add(u.wire(u.body()), true)
	f.Fuzz(func(t *testing.T, wire string, s3 bool) {
		r, err := http.ReadRequest(bufio.NewReader(strings.NewReader(wire)))
		if err != nil {
			return
		}
		s, err := sigv4.Parse(r)
		if err != nil {
			modelled(t, err)
			return
		}
		o := sigv4.Options{Region: s.Region, Service: s.Service, S3: s3, Now: s.Time, MaxBody: 1 << 20}
		if err := s.Verify(r, sigv4.NewSecret("not the secret of any of them"), o); err == nil {
			t.Fatalf("accepted:\n%s", wire)
		} else if r.Body != nil {
			modelled(t, err)
		}
		if err := s.VerifyBytes(r, nil, sigv4.NewSecret("nor this"), o); err == nil {
			t.Fatalf("accepted:\n%s", wire)
		}
	})
}

func modelled(t *testing.T, err error) {
	t.Helper()
	var e *sigv4.Error
	if !errors.As(err, &e) {
		if !errors.Is(err, io.ErrUnexpectedEOF) && !strings.HasPrefix(err.Error(), "http") && !strings.HasPrefix(err.Error(), "malformed") &&
			!strings.HasPrefix(err.Error(), "invalid") {
			t.Fatalf("refused with %T: %v", err, err)
		}
		return
	}
	if e.Kind.String() == "Unknown" || e.Message == "" {
		t.Fatalf("refused with %+v", e)
	}
}

// FuzzStream feeds what follows the headers of an aws-chunked request.
func FuzzStream(f *testing.F) {
	u := newUpload(f, unsignedMode, 3, crc).chunk("abc").chunk("").raw(crc + ":AAAA\r\n\r\n")
	f.Add(u.wire.String())
	f.Add("3;chunk-signature=" + strings.Repeat("0", 64) + "\r\nabc\r\n")
	f.Fuzz(func(t *testing.T, body string) {
		for _, mode := range []string{signedMode, trailerMode, unsignedMode} {
			u := newUpload(t, mode, 3, crc)
			u.wire.WriteString(body)
			got, s, err := verdict(u.received(), exampleSecret, exampleS3)
			if err != nil {
				modelled(t, err)
			} else if len(got) != 3 || mode != signedMode && len(s.Trailer()) != 1 {
				t.Fatalf("%s: %q gave %q and %v", mode, body, got, s.Trailer())
			}
		}
	})
}
