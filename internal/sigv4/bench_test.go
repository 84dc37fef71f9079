package sigv4_test

import (
	"bytes"
	"context"
	"net/http"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"

	"redoubt/internal/sigv4"
)

// kmsRequest is what the SDK for Go sends for kms:Decrypt.
func kmsRequest(t testing.TB, token string) (*http.Request, []byte, sigv4.Options) {
	t.Helper()
	body := bytes.Repeat([]byte("x"), 200)
	r, err := http.NewRequest("POST", "https://kms.eu-west-1.amazonaws.com/", bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Amz-Sdk-Invocation-Id", "5c2d2ae4-2d5c-4b0c-8a5f-1c1f1f2b3c4d")
	r.Header.Set("Amz-Sdk-Request", "attempt=1; max=3")
	r.Header.Set("Content-Type", "application/x-amz-json-1.1")
	r.Header.Set("X-Amz-Target", "TrentService.Decrypt")
	r.Header.Set("User-Agent", "aws-sdk-go-v2/1.47.7 os/linux lang/go#1.26.0 md/GOOS#linux md/GOARCH#amd64 api/kms#1.62.4")
	creds := aws.Credentials{AccessKeyID: exampleID, SecretAccessKey: exampleSecret, SessionToken: token}
	if err := v4.NewSigner().SignHTTP(context.Background(), creds, r, hashOf(body), "kms", "eu-west-1", exampleTime); err != nil {
		t.Fatal(err)
	}
	r = overTheWire(t, r)
	return r, body, sigv4.Options{Region: "eu-west-1", Service: "kms", Now: exampleTime}
}

func BenchmarkVerify(b *testing.B) {
	var cache sigv4.KeyCache
	for name, c := range map[string]*sigv4.KeyCache{"cached key": &cache, "derived key": nil} {
		b.Run(name, func(b *testing.B) {
			r, body, o := kmsRequest(b, "")
			o.Cache = c
			secret := sigv4.NewSecret(exampleSecret)
			b.ReportAllocs()
			for b.Loop() {
				s, err := sigv4.Parse(r)
				if err != nil {
					b.Fatal(err)
				}
				if err := s.VerifyBytes(r, body, secret, o); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkVerifyParallel(b *testing.B) {
	var cache sigv4.KeyCache
	secret := sigv4.NewSecret(exampleSecret)
	r, body, o := kmsRequest(b, "")
	o.Cache = &cache
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			s, err := sigv4.Parse(r)
			if err == nil {
				err = s.VerifyBytes(r, body, secret, o)
			}
			if err != nil {
				b.Fatal(err)
			}
		}
	})
}
