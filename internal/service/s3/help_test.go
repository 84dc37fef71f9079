package s3_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go"

	"redoubt/internal/patient"
	"redoubt/redoubttest"
)

func TestMain(m *testing.M) { redoubttest.Main(m) }

// start returns a client of a new account.
func start(t testing.TB) *s3.Client { return client(redoubttest.Start(t)) }

func client(cfg aws.Config) *s3.Client {
	return s3.NewFromConfig(cfg, func(o *s3.Options) { o.UsePathStyle = true })
}

// bucket makes a bucket with a name of its own.
func bucket(t testing.TB, c *s3.Client, with ...func(*s3.CreateBucketInput)) *string {
	t.Helper()
	in := &s3.CreateBucketInput{Bucket: aws.String("b-" + strings.ToLower(rand.Text()))}
	for _, f := range with {
		f(in)
	}
	if _, err := c.CreateBucket(t.Context(), in); err != nil {
		t.Fatal(err)
	}
	return in.Bucket
}

func put(t testing.TB, c *s3.Client, bucket *string, key, text string) *s3.PutObjectOutput {
	t.Helper()
	out, err := c.PutObject(t.Context(), &s3.PutObjectInput{Bucket: bucket, Key: &key, Body: strings.NewReader(text)})
	if err != nil {
		t.Fatalf("PutObject %s: %v", key, err)
	}
	return out
}

func get(t testing.TB, c *s3.Client, bucket *string, key string) string {
	t.Helper()
	out, err := c.GetObject(t.Context(), &s3.GetObjectInput{Bucket: bucket, Key: &key})
	if err != nil {
		t.Fatalf("GetObject %s: %v", key, err)
	}
	return read(t, out.Body)
}

func read(t testing.TB, r io.ReadCloser) string {
	t.Helper()
	defer r.Close()
	b, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// must fails unless err has that code.
func must(t testing.TB, err error, code string) {
	t.Helper()
	var known smithy.APIError
	if !errors.As(err, &known) || known.ErrorCode() != code {
		t.Errorf("got %v, want %s", err, code)
	}
}

func ok(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func random(n int) []byte {
	b := make([]byte, n)
	rand.Read(b)
	return b
}

// everyHost reaches the server under every name below localhost, which resolvers need not know.
func everyHost(cfg aws.Config) aws.Config {
	address := strings.TrimPrefix(*cfg.BaseEndpoint, "https://")
	transport := cfg.HTTPClient.(*http.Client).Transport.(patient.Transport).Transport.Clone()
	transport.DialContext = func(ctx context.Context, network, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, network, address)
	}
	cfg.HTTPClient = &http.Client{Transport: transport}
	return cfg
}

func same(t testing.TB, got, want []byte) {
	t.Helper()
	if !bytes.Equal(got, want) {
		t.Errorf("got %d bytes, not the %d that were put", len(got), len(want))
	}
}
