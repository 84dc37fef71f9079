package sigv4_test

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/iotest"

	"redoubt/internal/sigv4"
)

// withHash is a request whose payload hash is announced in a signed header.
func withHash(t testing.TB, o sigv4.Options, hash string) *http.Request {
	t.Helper()
	return signedAt(t, o, hash, "X-Amz-Content-Sha256", hash)
}

func TestPayloadSchemes(t *testing.T) {
	kms, s3 := exampleKMS, exampleS3
	tests := []struct {
		name string
		r    *http.Request
		o    sigv4.Options
		kind sigv4.Kind // 0 is accepted
	}{
		{"hash", withHash(t, kms, bodyHash), kms, 0},
		{"no header", signedAt(t, kms, bodyHash), kms, 0},
		{"other hash", withHash(t, kms, emptyHash), kms, sigv4.KindMismatch},
		{"unsigned", withHash(t, kms, "UNSIGNED-PAYLOAD"), kms, sigv4.KindBadPayload},
		{"stream", withHash(t, kms, signedMode), kms, sigv4.KindBadPayload},
		{"event stream", withHash(t, kms, "STREAMING-AWS4-HMAC-SHA256-EVENTS"), kms, sigv4.KindBadPayload},
		{"upper case", withHash(t, kms, strings.ToUpper(bodyHash)), kms, sigv4.KindBadPayload},
		{"S3 hash", withHash(t, s3, bodyHash), s3, 0},
		{"S3 unsigned", withHash(t, s3, "UNSIGNED-PAYLOAD"), s3, 0},
		{"S3 no header", signedAt(t, s3, bodyHash), s3, sigv4.KindIncomplete},
		{"S3 other hash", withHash(t, s3, emptyHash), s3, sigv4.KindBadDigest},
		{"S3 asymmetric stream", withHash(t, s3, "STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD"), s3, sigv4.KindBadPayload},
		{"S3 nonsense", withHash(t, s3, "x"), s3, sigv4.KindBadPayload},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			body, err := io.ReadAll(test.r.Body)
			if err != nil {
				t.Fatal(err)
			}
			for name, run := range map[string]func(*http.Request, string, sigv4.Options) error{
				"stream": func(r *http.Request, secret string, o sigv4.Options) error {
					_, _, err := verdict(r, secret, o)
					return err
				},
				"bytes": verdictBytes,
			} {
				test.r.Body = io.NopCloser(bytes.NewReader(body))
				err := run(test.r, exampleSecret, test.o)
				if test.kind == 0 && err != nil {
					t.Errorf("%s: %v", name, err)
				} else if test.kind != 0 {
					wantKind(t, err, test.kind)
				}
			}
		})
	}
}

func TestPresignedPayloadSchemes(t *testing.T) {
	s3 := exampleS3
	for _, query := range []string{"&X-Amz-Content-Sha256=" + signedMode, "&X-Amz-Content-Sha256=x"} {
		r := presignedAt(t, s3, "UNSIGNED-PAYLOAD", "60")
		r.URL.RawQuery += query
		_, _, err := verdict(r, exampleSecret, s3)
		wantKind(t, err, sigv4.KindBadPayload)
	}
}

func TestAPresignedRequestMayBindItsBodyByHeader(t *testing.T) {
	for hash, kind := range map[string]sigv4.Kind{emptyHash: 0, bodyHash: sigv4.KindBadDigest} {
		r := presignedAt(t, exampleS3, hash, "60")
		r.Header.Set("X-Amz-Content-Sha256", hash)
		_, _, err := verdict(r, exampleSecret, exampleS3)
		if kind == 0 && err != nil {
			t.Error(err)
		} else if kind != 0 {
			wantKind(t, err, kind)
		}
	}
}

func TestVerifyBytesDoesNotDecodeStreams(t *testing.T) {
	u := newUpload(t, signedMode, 3).chunk("abc").chunk("")
	wantKind(t, verdictBytes(u.received(), exampleSecret, exampleS3), sigv4.KindUnsupported)
}

func TestMaxBodyHolds(t *testing.T) {
	for limit, kind := range map[int64]sigv4.Kind{4: 0, 3: sigv4.KindTooLarge} {
		for name, build := range map[string]func() (*http.Request, sigv4.Options){
			"held":               func() (*http.Request, sigv4.Options) { return signedAt(t, exampleKMS, bodyHash), exampleKMS },
			"streamed":           func() (*http.Request, sigv4.Options) { return withHash(t, exampleKMS, bodyHash), exampleKMS },
			"of unknown length":  func() (*http.Request, sigv4.Options) { return unknownLength(t, bodyHash) },
			"unsigned, the same": func() (*http.Request, sigv4.Options) { return unknownLength(t, "UNSIGNED-PAYLOAD") },
		} {
			for _, run := range []func(*http.Request, string, sigv4.Options) error{verdictBytes, func(r *http.Request, secret string, o sigv4.Options) error {
				_, _, err := verdict(r, secret, o)
				return err
			}} {
				r, o := build()
				o.MaxBody = limit
				err := run(r, exampleSecret, o)
				if kind == 0 && err != nil {
					t.Errorf("%s: %v", name, err)
				} else if kind != 0 {
					wantKind(t, err, kind)
				}
			}
		}
	}
}

// unknownLength is an S3 request whose body comes in chunks of HTTP.
func unknownLength(t testing.TB, hash string) (*http.Request, sigv4.Options) {
	t.Helper()
	r := withHash(t, exampleS3, hash)
	r.ContentLength = -1 // Content-Length stays among the headers, for it is signed
	return r, exampleS3
}

func TestTheLastByteOfABodyComesAfterItsHash(t *testing.T) {
	r := withHash(t, exampleS3, bodyHash)
	r.Body = io.NopCloser(strings.NewReader("bodX"))
	s, err := sigv4.Parse(r)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Verify(r, sigv4.NewSecret(exampleSecret), exampleS3); err != nil {
		t.Fatal(err)
	}
	n, err := io.ReadFull(r.Body, make([]byte, 4))
	if n != 0 {
		t.Errorf("%d bytes were given out", n)
	}
	wantKind(t, err, sigv4.KindBadDigest)
	if _, again := r.Body.Read(make([]byte, 1)); again != err {
		t.Errorf("reading on: %v", again)
	}
}

func TestABodyMayBeReadInAnyPieces(t *testing.T) {
	r := withHash(t, exampleS3, bodyHash)
	s, err := sigv4.Parse(r)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Verify(r, sigv4.NewSecret(exampleSecret), exampleS3); err != nil {
		t.Fatal(err)
	}
	if err := iotest.TestReader(r.Body, []byte("body")); err != nil {
		t.Error(err)
	}
}

func TestABodyThatCannotBeReadIsNotVerified(t *testing.T) {
	lost := errors.New("connection lost")
	r := signedAt(t, exampleKMS, bodyHash)
	r.Body = io.NopCloser(iotest.ErrReader(lost))
	if _, _, err := verdict(r, exampleSecret, exampleKMS); err != lost {
		t.Errorf("got %v", err)
	}
}

func TestARequestMayHaveNoBody(t *testing.T) {
	for _, body := range []io.ReadCloser{nil, http.NoBody} {
		for _, o := range []sigv4.Options{exampleKMS, exampleS3} {
			hash := emptyHash
			if o.S3 {
				hash = "UNSIGNED-PAYLOAD"
			}
			r := presignedAt(t, o, hash, "60")
			r.Body = body
			if _, _, err := verdict(r, exampleSecret, o); err != nil {
				t.Error(err)
			}
		}
	}
}
