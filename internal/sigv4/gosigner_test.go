package sigv4_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strconv"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/smithy-go/encoding/httpbinding"

	"redoubt/internal/sigv4"
)

// dice makes requests of many shapes, the same ones in every run.
type dice struct{ *rand.Rand }

func newDice(seed uint64) dice { return dice{rand.New(rand.NewPCG(seed, 4))} }

func (d dice) pick(from ...string) string { return from[d.IntN(len(from))] }

func (d dice) text(alphabet []rune, most int) string {
	out := make([]rune, d.IntN(most+1))
	for i := range out {
		out[i] = alphabet[d.IntN(len(alphabet))]
	}
	return string(out)
}

var (
	pathAlphabet   = []rune("abcXYZ019-_.~ !$&'()*+,:;=@%#?[]{}|^<>\"\\`éñ日本😀")
	queryAlphabet  = []rune("abcXYZ019-_.~ !$&'()*+,:;=@%#?/[]{}|^<>\"éñ日本😀")
	headerAlphabet = []rune("abcXYZ019-_.~  !$&'()*+,:;=@%#?/[]{}|^<>\"é日😀")
)

// path has segments that are neither empty nor dots, because this signer does not normalise.
func (d dice) path() string {
	var p string
	for range d.IntN(4) {
		p += "/s" + d.text(pathAlphabet, 8)
	}
	return p + d.pick("", "/")
}

func (d dice) query() url.Values {
	q := url.Values{}
	for range d.IntN(5) {
		key := d.pick("a", "A", "a-b", "é", "x+y", "list-type", "prefix", d.text(queryAlphabet, 5))
		q.Add(key, d.text(queryAlphabet, 8))
	}
	return q
}

func (d dice) body() []byte { return []byte(d.text(queryAlphabet, 200)) }

// request is an unsigned request as an SDK would hand it to its signer.
func (d dice) request(t testing.TB, body []byte) *http.Request {
	t.Helper()
	r, err := http.NewRequest(d.pick("GET", "POST", "PUT", "DELETE"), "https://host", bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.URL.Path = d.path()
	r.URL.RawPath = httpbinding.EscapePath(r.URL.Path, false)
	r.URL.RawQuery = d.query().Encode()
	r.URL.Host = d.pick("kms.eu-west-1.amazonaws.com", "localhost:4566", "bucket.s3.amazonaws.com:443", "[::1]:8080", "127.0.0.1")
	r.Header.Set("Content-Type", d.pick("application/x-amz-json-1.1", "text/plain;  charset=utf-8"))
	r.Header.Set("X-Amz-Target", "TrentService.Decrypt")
	for range d.IntN(3) {
		r.Header.Add(d.pick("X-Amz-Meta-One", "X-Amz-Meta-Two", "X-Other", "Cache-Control"), "v"+d.text(headerAlphabet, 20)+"v")
	}
	return r
}

func (d dice) credentials() aws.Credentials {
	return aws.Credentials{
		AccessKeyID:     "AKIA" + strconv.Itoa(d.IntN(1e6)),
		SecretAccessKey: "secret" + d.text(pathAlphabet, 34),
		SessionToken:    d.pick("", "IQoJb3JpZ2lu+/token=="),
	}
}

// signed is a request with a signature, and what that signature is good for.
type signed struct {
	wire   string
	body   []byte
	secret string
	token  string
	o      sigv4.Options
}

func hashOf(body []byte) string {
	sum := sha256.Sum256(body)
	return hex.EncodeToString(sum[:])
}

// goSigned signs a random request with the signer of the SDK for Go.
func goSigned(t testing.TB, seed uint64) signed {
	t.Helper()
	d := newDice(seed)
	body, creds := d.body(), d.credentials()
	o := sigv4.Options{Region: d.pick("eu-west-1", "us-east-1"), Service: "kms", Now: time.Unix(1.7e9+int64(d.IntN(1e8)), 0)}
	hash := hashOf(body)
	if o.S3 = d.IntN(2) == 0; o.S3 {
		o.Service = "s3"
		hash = d.pick(hash, "UNSIGNED-PAYLOAD")
	}
	r := d.request(t, body)
	if o.S3 || d.IntN(3) == 0 {
		r.Header.Set("X-Amz-Content-Sha256", hash)
	}
	signer := v4.NewSigner(func(so *v4.SignerOptions) { so.DisableURIPathEscaping = o.S3 })
	if d.IntN(2) == 0 {
		r = goPresigned(t, signer, creds, r, hash, o)
	} else if err := signer.SignHTTP(context.Background(), creds, r, hash, o.Service, o.Region, o.Now); err != nil {
		t.Fatal(err)
	}
	var wire bytes.Buffer
	r.Body = http.NoBody
	if len(body) > 0 {
		r.Body = readCloser{bytes.NewReader(body)}
	}
	if err := r.Write(&wire); err != nil {
		t.Fatal(err)
	}
	return signed{wire.String(), body, creds.SecretAccessKey, creds.SessionToken, o}
}

type readCloser struct{ *bytes.Reader }

func (readCloser) Close() error { return nil }

func goPresigned(t testing.TB, signer *v4.Signer, creds aws.Credentials, r *http.Request, hash string, o sigv4.Options) *http.Request {
	t.Helper()
	q := r.URL.Query()
	q.Set("X-Amz-Expires", "900")
	r.URL.RawQuery = q.Encode()
	uri, headers, err := signer.PresignHTTP(context.Background(), creds, r, hash, o.Service, o.Region, o.Now)
	if err != nil {
		t.Fatal(err)
	}
	out, err := http.NewRequest(r.Method, uri, nil)
	if err != nil {
		t.Fatal(err)
	}
	out.Header, out.Host = headers, headers.Get("Host")
	out.ContentLength = r.ContentLength
	return out
}

const goCases = 400

func TestRequestsSignedByTheSDKForGoVerify(t *testing.T) {
	var cache sigv4.KeyCache
	for seed := range uint64(goCases) {
		c := goSigned(t, seed)
		c.o.Cache = &cache
		r := received(t, c.wire)
		body, s, err := verdict(r, c.secret, c.o)
		if err != nil {
			explain(t, err, seed, c.wire)
		}
		if !bytes.Equal(body, c.body) || s.Token != c.token || !s.Time.Equal(c.o.Now) {
			t.Errorf("seed %d: body %q, token %q, time %v", seed, body, s.Token, s.Time)
		}
		if err := verdictBytes(received(t, c.wire), c.secret, c.o); err != nil {
			explain(t, err, seed, c.wire)
		}
	}
}

func explain(t testing.TB, err error, seed any, wire string) {
	t.Helper()
	var canonical string
	if e, ok := err.(*sigv4.Error); ok {
		canonical = e.CanonicalRequest
	}
	t.Fatalf("case %v: %v\n%s\n--- canonical\n%s", seed, err, wire, canonical)
}

func TestASingleChangeToASignedRequestIsRefused(t *testing.T) {
	for seed := range uint64(goCases / 2) {
		c := goSigned(t, seed)
		for name, change := range mutations {
			r := received(t, c.wire)
			if !change(r) {
				continue
			}
			if _, _, err := verdict(r, c.secret, c.o); err == nil {
				t.Errorf("seed %d: accepted with changed %s\n%s", seed, name, c.wire)
			}
			r = received(t, c.wire)
			change(r)
			if err := verdictBytes(r, c.secret, c.o); err == nil {
				t.Errorf("seed %d: bytes accepted with changed %s\n%s", seed, name, c.wire)
			}
		}
		if t.Failed() {
			return
		}
	}
}

func TestASignatureIsGoodForOneSecretScopeAndTimeOnly(t *testing.T) {
	changes := map[string]func(*signed){
		"secret":  func(c *signed) { c.secret += "x" },
		"none":    func(c *signed) { c.secret = "" },
		"region":  func(c *signed) { c.o.Region = "eu-north-1" },
		"service": func(c *signed) { c.o.Service = "sts" },
		"rules":   func(c *signed) { c.o.S3 = !c.o.S3 },
		"later":   func(c *signed) { c.o.Now = c.o.Now.Add(time.Hour) },
		"earlier": func(c *signed) { c.o.Now = c.o.Now.Add(-time.Hour) },
		"options": func(c *signed) { c.o = sigv4.Options{Now: c.o.Now} },
	}
	for seed := range uint64(50) {
		for name, change := range changes {
			c := goSigned(t, seed)
			if change(&c); name == "rules" && !differs(c) {
				continue
			}
			if _, _, err := verdict(received(t, c.wire), c.secret, c.o); err == nil {
				t.Errorf("seed %d: accepted with other %s\n%s", seed, name, c.wire)
			}
		}
	}
}

// differs reports whether the rules of S3 and of the rest lead to different signatures: the path needs escaping.
func differs(c signed) bool {
	var method, target string
	fmt.Sscan(c.wire, &method, &target)
	path, _, _ := bytes.Cut([]byte(target), []byte("?"))
	return bytes.Contains(path, []byte("%"))
}
