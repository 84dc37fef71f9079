package app_test

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/service/cloudtrail"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/organizations"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/signer"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"redoubt/internal/api"
	"redoubt/internal/app"
	"redoubt/redoubttest"
)

// clients makes the real SDK client of each service.
func clients(cfg aws.Config) map[string]any {
	return map[string]any{
		"cloudtrail": cloudtrail.NewFromConfig(cfg), "iam": iam.NewFromConfig(cfg), "kms": kms.NewFromConfig(cfg),
		"lambda": lambda.NewFromConfig(cfg), "logs": cloudwatchlogs.NewFromConfig(cfg),
		"organizations": organizations.NewFromConfig(cfg), "s3": s3.NewFromConfig(cfg, func(o *s3.Options) { o.UsePathStyle = true }),
		"secretsmanager": secretsmanager.NewFromConfig(cfg), "signer": signer.NewFromConfig(cfg), "ssm": ssm.NewFromConfig(cfg), "sts": sts.NewFromConfig(cfg),
	}
}

// An attack is a way to make a request that must be refused out of one that is right.
type attack struct {
	name string
	// forge changes a signed request; it returns false where the attack does not apply.
	forge func(s *sweep, r *http.Request, body []byte, service string) ([]byte, bool)
}

var attacks = []attack{
	{"unsigned", func(_ *sweep, r *http.Request, body []byte, _ string) ([]byte, bool) {
		r.Header.Del("Authorization")
		return body, true
	}},
	{"forged", func(_ *sweep, r *http.Request, body []byte, _ string) ([]byte, bool) {
		auth := r.Header.Get("Authorization")
		last := map[bool]string{true: "1", false: "0"}[strings.HasSuffix(auth, "0")]
		r.Header.Set("Authorization", auth[:len(auth)-1]+last)
		return body, true
	}},
	{"expired", func(s *sweep, r *http.Request, body []byte, service string) ([]byte, bool) {
		s.sign(r, body, service, s.region, time.Now().Add(-time.Hour))
		return body, true
	}},
	// A request is taken by the service that it is signed for, which does not know what it asks.
	{"for another service", func(s *sweep, r *http.Request, body []byte, service string) ([]byte, bool) {
		other := map[bool]string{true: "kms", false: "iam"}[service == "iam"]
		s.sign(r, body, other, s.region, time.Now())
		return body, true
	}},
	{"for another region", func(s *sweep, r *http.Request, body []byte, service string) ([]byte, bool) {
		s.sign(r, body, service, "ap-south-2", time.Now())
		return body, true
	}},
	{"replayed with another body", func(_ *sweep, r *http.Request, body []byte, _ string) ([]byte, bool) {
		if len(body) == 0 {
			r.URL.RawQuery += "&other=1"
			return body, true
		}
		return append(bytes.TrimRight(body, "\n"), ' '), true
	}},
}

// A sweep attacks every operation.
type sweep struct {
	t      *testing.T
	server *redoubttest.Server
	region string
	cfg    aws.Config        // of a user that may do nothing
	ids    map[string]string // request id -> what it was
}

// TestEveryOperationRefusesStrangers sweeps the whole operation table. An operation added to it is swept from then on.
func TestEveryOperationRefusesStrangers(t *testing.T) {
	server := redoubttest.Run(t, app.Config{})
	admin := server.Account(t)
	s := &sweep{t: t, server: server, region: server.Client.Region, cfg: nobody(t, admin), ids: map[string]string{}}
	for _, e := range server.App.Registry().Services() {
		samples, err := newSampler(e.Service)
		if err != nil {
			t.Fatal(err)
		}
		for _, op := range e.Service.Operations() {
			s.attack(e, op, samples)
		}
	}
	s.findRecords(admin, server.Config(t, server.App.Operator.AccessKey, server.App.Operator.SecretKey, ""))
}

// nobody is a user without any policy.
func nobody(t *testing.T, admin aws.Config) aws.Config {
	t.Helper()
	c, name := iam.NewFromConfig(admin), aws.String("nobody")
	if _, err := c.CreateUser(t.Context(), &iam.CreateUserInput{UserName: name}); err != nil {
		t.Fatal(err)
	}
	key, err := c.CreateAccessKey(t.Context(), &iam.CreateAccessKeyInput{UserName: name})
	if err != nil {
		t.Fatal(err)
	}
	return redoubttest.With(admin, *key.AccessKey.AccessKeyId, *key.AccessKey.SecretAccessKey, "")
}

func (s *sweep) attack(e *api.Entry, op api.Operation, samples *sampler) {
	service := e.Service.Name()
	r, body := s.capture(samples, op)
	if r == nil {
		return
	}
	for _, a := range attacks {
		if op.ProvesCaller() {
			continue // it proves identity by itself; its own tests attack that
		}
		req := r.Clone(context.Background())
		forged, applies := a.forge(s, req, bytes.Clone(body), service)
		if applies {
			s.mustRefuse(e, op, a.name, req, forged)
		}
	}
	if !free(op) && !op.ProvesCaller() {
		s.mustRefuse(e, op, "not allowed", r.Clone(context.Background()), body)
	}
}

// free reports whether an operation is for everyone who is authenticated.
func free(op api.Operation) bool { return op.Needs[0].IsFree() }

// capture lets the real client sign a valid request for an operation, and catches it.
func (s *sweep) capture(samples *sampler, op api.Operation) (*http.Request, []byte) {
	s.t.Helper()
	service := samples.service
	catcher := &catch{}
	cfg := s.cfg
	cfg.HTTPClient = catcher
	client := clients(cfg)[service]
	if client == nil {
		s.t.Fatalf("service %s has no client in this test: add it to clients", service)
	}
	method := reflect.ValueOf(client).MethodByName(op.Name)
	in := reflect.New(op.In)
	if err := samples.input(op.Name, in.Elem()); err != nil {
		s.t.Errorf("%s:%s: no sample input: %v", service, op.Name, err)
	}
	out := method.Call([]reflect.Value{reflect.ValueOf(s.t.Context()), in})
	if catcher.request == nil {
		s.t.Errorf("%s:%s: the client sends nothing: %v", service, op.Name, out[1].Interface())
		return nil, nil
	}
	// Signer's client asks a host of its own for revocations; there is no such name for an address of this machine.
	catcher.request.Host = catcher.request.URL.Host
	catcher.request.URL.Host = strings.TrimPrefix(catcher.request.URL.Host, "data-")
	return catcher.request, catcher.body
}

// A catch is an HTTP client that keeps the request and answers nothing.
type catch struct {
	request *http.Request
	body    []byte
}

var errCaught = errors.New("caught")

func (c *catch) Do(r *http.Request) (*http.Response, error) {
	c.request = r
	if r.Body != nil {
		c.body, _ = io.ReadAll(r.Body)
	}
	return nil, errCaught
}

// sign puts another signature on a request.
func (s *sweep) sign(r *http.Request, body []byte, service, region string, at time.Time) {
	s.t.Helper()
	creds, err := s.cfg.Credentials.Retrieve(r.Context())
	if err != nil {
		s.t.Fatal(err)
	}
	r.Header.Del("Authorization")
	sum := sha256.Sum256(body)
	if err := v4.NewSigner().SignHTTP(r.Context(), creds, r, hex.EncodeToString(sum[:]), service, region, at); err != nil {
		s.t.Fatal(err)
	}
}

func (s *sweep) mustRefuse(e *api.Entry, op api.Operation, how string, r *http.Request, body []byte) {
	s.t.Helper()
	what := fmt.Sprintf("%s:%s %s", e.Service.Name(), op.Name, how)
	r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	r.RequestURI = ""
	res, err := s.cfg.HTTPClient.Do(r)
	if err != nil {
		s.t.Errorf("%s: %v", what, err)
		return
	}
	defer res.Body.Close()
	text, _ := io.ReadAll(res.Body)
	if res.StatusCode < 400 || res.StatusCode >= 500 {
		s.t.Errorf("%s: answered %s: %s", what, res.Status, text)
		return
	}
	code, refused := refusal(res, text)
	if !refused && !(r.Method == http.MethodHead && (res.StatusCode == http.StatusForbidden || res.StatusCode == http.StatusBadRequest)) { // those have no body to tell a code

		s.t.Errorf("%s: refused as %s, which is no refusal of a stranger: %s", what, code, text)
	}
	id := cmp.Or(res.Header.Get("X-Amzn-Requestid"), res.Header.Get("X-Amz-Request-Id"))
	if id == "" {
		s.t.Errorf("%s: answer has no request id", what)
	}
	s.ids[id] = what
}

// refusals are the codes of all services for a caller that is not who it says, or may not.
var refusals = []string{
	"SignatureDoesNotMatch", "InvalidSignatureException", "MissingAuthenticationToken", "AccessDenied",
	"IncompleteSignature", "InvalidClientTokenId", "UnrecognizedClientException", "ExpiredToken",
	"InvalidAction", "MissingAction", "UnknownOperationException",
	"InvalidAccessKeyId", "AuthorizationHeaderMalformed", "RequestTimeTooSkewed", "XAmzContentSHA256Mismatch",
}

func refusal(res *http.Response, body []byte) (string, bool) {
	text := res.Header.Get("X-Amzn-Errortype") + string(body)
	for _, code := range refusals {
		if strings.Contains(text, code) {
			return code, true
		}
	}
	return res.Header.Get("X-Amzn-Errortype"), false
}

// findRecords checks that each refusal is in the trail of an account that it concerns.
func (s *sweep) findRecords(configs ...aws.Config) {
	s.t.Helper()
	for _, cfg := range configs {
		pages := cloudtrail.NewLookupEventsPaginator(cloudtrail.NewFromConfig(cfg), &cloudtrail.LookupEventsInput{})
		for pages.HasMorePages() {
			page, err := pages.NextPage(s.t.Context())
			if err != nil {
				s.t.Fatal(err)
			}
			for _, e := range page.Events {
				if id := requestID(*e.CloudTrailEvent); s.ids[id] != "" && strings.Contains(*e.CloudTrailEvent, `"errorCode":"`) {
					delete(s.ids, id)
				}
			}
		}
	}
	for _, what := range s.ids {
		s.t.Errorf("%s: refused, but not recorded", what)
	}
}

func requestID(event string) string {
	_, rest, _ := strings.Cut(event, `"requestID":"`)
	id, _, _ := strings.Cut(rest, `"`)
	return id
}
