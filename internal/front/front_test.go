package front_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/service/cloudtrail"
	"github.com/aws/aws-sdk-go-v2/service/cloudtrail/types"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"redoubt/redoubttest"
)

// A wireCall is a small valid request of a service, as its clients send it.
type wireCall struct {
	service, method, path, target, contentType, body string
}

var calls = map[string]wireCall{
	"sts":    {"sts", "POST", "/", "", "application/x-www-form-urlencoded", "Action=GetCallerIdentity&Version=2011-06-15"},
	"iam":    {"iam", "POST", "/", "", "application/x-www-form-urlencoded", "Action=ListUsers&Version=2010-05-08"},
	"kms":    {"kms", "POST", "/", "TrentService.ListKeys", "application/x-amz-json-1.1", "{}"},
	"lambda": {"lambda", "GET", "/2015-03-31/functions", "", "", ""},
}

func (c wireCall) request(t *testing.T, cfg aws.Config) *http.Request {
	t.Helper()
	r, err := http.NewRequest(c.method, *cfg.BaseEndpoint+c.path, strings.NewReader(c.body))
	if err != nil {
		t.Fatal(err)
	}
	if c.contentType != "" {
		r.Header.Set("Content-Type", c.contentType)
	}
	if c.target != "" {
		r.Header.Set("X-Amz-Target", c.target)
	}
	return r
}

// sign signs a request of c with the keys of cfg at a time.
func (c wireCall) sign(t *testing.T, cfg aws.Config, region string, at time.Time) *http.Request {
	t.Helper()
	r := c.request(t, cfg)
	creds, err := cfg.Credentials.Retrieve(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256([]byte(c.body))
	if err := v4.NewSigner().SignHTTP(context.Background(), creds, r, hex.EncodeToString(sum[:]), c.service, region, at); err != nil {
		t.Fatal(err)
	}
	return r
}

func send(t *testing.T, cfg aws.Config, r *http.Request) (status int, body string) {
	t.Helper()
	res, err := cfg.HTTPClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	if res.Header.Get("X-Amzn-Requestid") == "" {
		t.Errorf("answer %s has no request id", res.Status)
	}
	return res.StatusCode, res.Header.Get("X-Amzn-Errortype") + " " + string(text)
}

// Each service refuses in its own words, as measured on AWS.
func TestServicesRefuseInTheirOwnWords(t *testing.T) {
	cfg := redoubttest.Start(t)
	stranger := redoubttest.With(cfg, "AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "")
	creds, err := cfg.Credentials.Retrieve(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	forger := redoubttest.With(cfg, creds.AccessKeyID, "wrong", "")
	holder := redoubttest.With(cfg, creds.AccessKeyID, creds.SecretAccessKey, "bm90IGEgdG9rZW4=")
	now := time.Now()
	for _, test := range []struct {
		name    string
		request func(c wireCall) *http.Request
		want    map[string]string // service to status and code
	}{
		{"unknown key", func(c wireCall) *http.Request { return c.sign(t, stranger, "us-east-1", now) }, map[string]string{
			"sts": "403 InvalidClientTokenId", "iam": "403 InvalidClientTokenId",
			"kms": "400 UnrecognizedClientException", "lambda": "403 UnrecognizedClientException",
		}},
		{"wrong secret", func(c wireCall) *http.Request { return c.sign(t, forger, "us-east-1", now) }, map[string]string{
			"sts": "403 SignatureDoesNotMatch", "iam": "403 SignatureDoesNotMatch",
			"kms": "400 InvalidSignatureException", "lambda": "403 InvalidSignatureException",
		}},
		{"unknown token", func(c wireCall) *http.Request { return c.sign(t, holder, "us-east-1", now) }, map[string]string{
			"sts": "403 InvalidClientTokenId", "kms": "400 UnrecognizedClientException", "lambda": "403 UnrecognizedClientException",
		}},
		{"unsigned", func(c wireCall) *http.Request { return c.request(t, cfg) }, map[string]string{
			"sts": "403 MissingAuthenticationToken", "iam": "403 MissingAuthenticationToken",
			"kms": "400 MissingAuthenticationTokenException", "lambda": "403 MissingAuthenticationTokenException",
		}},
		{"other region", func(c wireCall) *http.Request { return c.sign(t, cfg, "eu-west-3", now) }, map[string]string{
			"sts": "403 SignatureDoesNotMatch", "kms": "400 InvalidSignatureException", "lambda": "403 InvalidSignatureException",
		}},
		{"6 minutes old", func(c wireCall) *http.Request { return c.sign(t, cfg, "us-east-1", now.Add(-6*time.Minute)) }, map[string]string{
			"sts": "200 ", "iam": "200 ", "kms": "400 InvalidSignatureException", "lambda": "403 InvalidSignatureException",
		}},
		{"16 minutes old", func(c wireCall) *http.Request { return c.sign(t, cfg, "us-east-1", now.Add(-16*time.Minute)) }, map[string]string{
			"sts": "403 SignatureDoesNotMatch", "iam": "403 SignatureDoesNotMatch",
		}},
		{"incomplete", func(c wireCall) *http.Request {
			r := c.sign(t, cfg, "us-east-1", now)
			r.Header.Set("Authorization", strings.Replace(r.Header.Get("Authorization"), "SignedHeaders", "Nothing", 1))
			return r
		}, map[string]string{
			"sts": "400 IncompleteSignature", "kms": "400 IncompleteSignatureException", "lambda": "403 IncompleteSignatureException",
		}},
	} {
		for service, want := range test.want {
			status, body := send(t, cfg, test.request(calls[service]))
			wantStatus, code, _ := strings.Cut(want, " ")
			if fmt.Sprint(status) != wantStatus || !strings.Contains(body, code) {
				t.Errorf("%s, %s: got %d %s, want %s", service, test.name, status, body, want)
			}
		}
	}
}

func TestPresignedRequestIsTaken(t *testing.T) {
	cfg := redoubttest.Start(t)
	presigned, err := sts.NewPresignClient(sts.NewFromConfig(cfg)).PresignGetCallerIdentity(t.Context(), &sts.GetCallerIdentityInput{})
	if err != nil {
		t.Fatal(err)
	}
	r, err := http.NewRequest(presigned.Method, presigned.URL, nil)
	if err != nil {
		t.Fatal(err)
	}
	if status, body := send(t, cfg, r); status != http.StatusOK || !strings.Contains(body, "user/operator") {
		t.Errorf("got %d %s", status, body)
	}
}

func TestPathThatIsSignedAsAnotherIsRefused(t *testing.T) {
	cfg := redoubttest.Start(t)
	c := calls["lambda"]
	c.path = "/2015-03-31/functions/x/../"
	if status, body := send(t, cfg, c.sign(t, cfg, "us-east-1", time.Now())); status != http.StatusBadRequest {
		t.Errorf("got %d %s", status, body)
	}
}

func TestBodyOverTheCapIsRefused(t *testing.T) {
	cfg := redoubttest.Start(t)
	c := calls["kms"]
	c.body = `{"x":"` + string(bytes.Repeat([]byte("x"), 3<<20)) + `"}`
	if status, body := send(t, cfg, c.sign(t, cfg, "us-east-1", time.Now())); status != http.StatusRequestEntityTooLarge {
		t.Errorf("got %d %.200s", status, body)
	}
}

func TestUnknownServiceIsRefused(t *testing.T) {
	cfg := redoubttest.Start(t)
	c := calls["kms"]
	c.service = "gamelift"
	status, body := send(t, cfg, c.sign(t, cfg, "us-east-1", time.Now()))
	if status != http.StatusNotFound || !strings.Contains(body, "UnknownServiceException") {
		t.Errorf("got %d %s", status, body)
	}
}

// A forged call is recorded under the key that it named, but not as the doing of the key's owner.
func TestForgedCallIsNotRecordedAsItsVictims(t *testing.T) {
	cfg := redoubttest.Start(t)
	creds, err := cfg.Credentials.Retrieve(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := iam.NewFromConfig(redoubttest.With(cfg, creds.AccessKeyID, "wrong", "")).ListUsers(t.Context(), &iam.ListUsersInput{}); err == nil {
		t.Fatal("a wrong secret was accepted")
	}
	out, err := cloudtrail.NewFromConfig(cfg).LookupEvents(t.Context(), &cloudtrail.LookupEventsInput{
		LookupAttributes: []types.LookupAttribute{{AttributeKey: types.LookupAttributeKeyEventName, AttributeValue: aws.String("ListUsers")}},
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(out.Events) != 1 {
		t.Fatalf("got %d events, want 1", len(out.Events))
	}
	record := *out.Events[0].CloudTrailEvent
	for _, want := range []string{`"errorCode":"SignatureDoesNotMatch"`, `"type":"Unknown"`, `"accessKeyId":"` + creds.AccessKeyID} {
		if !strings.Contains(record, want) {
			t.Errorf("record lacks %s: %s", want, record)
		}
	}
	if strings.Contains(record, "user/operator") {
		t.Errorf("record blames the victim: %s", record)
	}
}
