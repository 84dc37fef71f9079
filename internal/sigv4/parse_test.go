package sigv4_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"redoubt/internal/sigv4"
)

const (
	goodAuth  = "AWS4-HMAC-SHA256 Credential=AKID/20260101/eu-west-1/kms/aws4_request, SignedHeaders=host;x-amz-date, Signature=abc"
	goodQuery = "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKID%2F20260101%2Feu-west-1%2Fs3%2Faws4_request&X-Amz-Date=20260101T000000Z&X-Amz-Expires=60&X-Amz-SignedHeaders=host&X-Amz-Signature=abc"
)

// headerRequest is a request with an Authorization header, an X-Amz-Date and more headers given as pairs.
func headerRequest(auth string, more ...string) *http.Request {
	r, _ := http.NewRequest("POST", "http://localhost/", nil)
	r.Header.Set("Authorization", auth)
	r.Header.Set("X-Amz-Date", "20260101T000000Z")
	for i := 0; i < len(more); i += 2 {
		r.Header.Add(more[i], more[i+1])
	}
	return r
}

func queryRequest(query string, more ...string) *http.Request {
	r := headerRequest("", more...)
	r.Header.Del("Authorization")
	r.URL.RawQuery = query
	return r
}

func without(r *http.Request, key string) *http.Request { r.Header.Del(key); return r }

func TestParseReadsAHeader(t *testing.T) {
	s, err := sigv4.Parse(headerRequest(goodAuth, "X-Amz-Security-Token", "token"))
	if err != nil {
		t.Fatal(err)
	}
	if s.AccessKeyID != "AKID" || s.Date != "20260101" || s.Region != "eu-west-1" || s.Service != "kms" || s.Token != "token" ||
		s.Presigned || s.Expires != 0 || !s.Time.Equal(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)) {
		t.Errorf("got %+v", s)
	}
}

func TestParseReadsAQuery(t *testing.T) {
	s, err := sigv4.Parse(queryRequest(goodQuery + "&X-Amz-Security-Token=to%2Bken"))
	if err != nil {
		t.Fatal(err)
	}
	if s.AccessKeyID != "AKID" || s.Service != "s3" || s.Token != "to+ken" || !s.Presigned || s.Expires != time.Minute {
		t.Errorf("got %+v", s)
	}
}

func TestParseReadsTheDateHeader(t *testing.T) {
	want := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for _, date := range []string{"Thu, 01 Jan 2026 00:00:00 GMT", "Thu, 01 Jan 2026 00:00:00 -0000", "Thu, 01 Jan 2026 02:00:00 +0200", "20260101T000000Z"} {
		s, err := sigv4.Parse(without(headerRequest(goodAuth, "Date", date), "X-Amz-Date"))
		if err != nil || !s.Time.Equal(want) {
			t.Errorf("%s: %v", date, err)
		}
	}
}

func TestParseTakesAnyOrderAndSpacing(t *testing.T) {
	for _, auth := range []string{
		"AWS4-HMAC-SHA256 Signature=abc,SignedHeaders=x-amz-date;host,Credential=AKID/20260101/eu-west-1/kms/aws4_request",
		"  AWS4-HMAC-SHA256   Credential=AKID/20260101/eu-west-1/kms/aws4_request SignedHeaders=Host;X-Amz-Date Signature=abc Other=x ",
	} {
		if _, err := sigv4.Parse(headerRequest(auth)); err != nil {
			t.Errorf("%s: %v", auth, err)
		}
	}
}

func TestAnUnsignedRequestIsErrNone(t *testing.T) {
	_, err := sigv4.Parse(queryRequest("a=b"))
	if err != sigv4.ErrNone || !errors.Is(err, &sigv4.Error{Kind: sigv4.KindMissing}) {
		t.Errorf("got %v", err)
	}
	if _, err := sigv4.Parse(headerRequest("Bearer x")); errors.Is(err, sigv4.ErrNone) {
		t.Error("a bearer token passes for no authentication at all")
	}
}

func change(s, old, new string) string { return strings.Replace(s, old, new, 1) }

func TestParseRefuses(t *testing.T) {
	hash := " (Hashed with SHA-256 and encoded with Base64) Authorization="
	tests := []struct {
		name    string
		r       *http.Request
		kind    sigv4.Kind
		message string // how it begins
	}{
		{"two headers", headerRequest(goodAuth, "Authorization", goodAuth), sigv4.KindAmbiguous, "Found more than one 'Authorization'"},
		{"header and query", withQuery(headerRequest(goodAuth), goodQuery), sigv4.KindAmbiguous, "Found both 'X-Amz-Algorithm' as a query-string param and 'Authorization' as HTTP header."},
		{"header and part of a query", withQuery(headerRequest(goodAuth), "X-Amz-Signature=x"), sigv4.KindAmbiguous, "Found both"},
		{"bearer", headerRequest("Bearer abc"), sigv4.KindMissing, "Request is missing Authentication Token"},
		{"empty", headerRequest(""), sigv4.KindMissing, "Request is missing Authentication Token"},
		{"version 2", headerRequest("AWS AKID:c2ln"), sigv4.KindUnsupported, "Unsupported AWS 'algorithm': 'AWS2'"},
		{"version 2 query", queryRequest("AWSAccessKeyId=AKID&Expires=1&Signature=x"), sigv4.KindUnsupported, "Unsupported AWS 'algorithm': 'AWS2'"},
		{"asymmetric", headerRequest(change(goodAuth, "HMAC-SHA256", "ECDSA-P256-SHA256")), sigv4.KindUnsupported, "Unsupported AWS 'algorithm': 'AWS4-ECDSA-P256-SHA256' (only AWS4-HMAC-SHA256 for now). "},
		{"asymmetric query", queryRequest(change(goodQuery, "HMAC-SHA256", "ECDSA-P256-SHA256")), sigv4.KindUnsupported, "Unsupported AWS 'algorithm': 'AWS4-ECDSA-P256-SHA256'"},
		{"long header", headerRequest(goodAuth + strings.Repeat(" ", 16<<10)), sigv4.KindTooLarge, ""},
		{"no equal sign", headerRequest("AWS4-HMAC-SHA256 FooBar"), sigv4.KindMalformed, "Invalid key=value pair (missing equal-sign) in Authorization header (hashed with SHA-256 and encoded with Base64): '"},
		{"nothing", without(headerRequest("AWS4-HMAC-SHA256"), "X-Amz-Date"), sigv4.KindIncomplete, "Authorization header requires 'Credential' parameter. Authorization header requires 'Signature' parameter. " +
			"Authorization header requires 'SignedHeaders' parameter. Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header." + hash},
		{"no date", without(headerRequest(goodAuth), "X-Amz-Date"), sigv4.KindIncomplete, "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header." + hash},
		{"part twice", headerRequest(goodAuth + ", Signature=def"), sigv4.KindMalformed, ""},
		{"date", headerRequest(goodAuth, "X-Amz-Date", "x"), sigv4.KindMalformed, "'X-Amz-Date' header must be given at most once."},
		{"date form", headerRequest2(goodAuth, "X-Amz-Date", "2026-01-01T00:00:00Z"), sigv4.KindMalformed, "Date must be in ISO-8601 'basic format'. Got '2026-01-01T00:00:00Z'. See http://en.wikipedia.org/wiki/ISO_8601"},
		{"date fraction", headerRequest2(goodAuth, "X-Amz-Date", "20260101T000000.5Z"), sigv4.KindMalformed, "Date must be in ISO-8601"},
		{"date header", without(headerRequest(goodAuth, "Date", "tomorrow"), "X-Amz-Date"), sigv4.KindMalformed, "Date must be in ISO-8601"},
		{"credential", headerRequest(change(goodAuth, "/kms", "")), sigv4.KindMalformed, "Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term, got 'AKID/20260101/eu-west-1/aws4_request'"},
		{"credential of six", headerRequest(change(goodAuth, "/kms", "/kms/kms")), sigv4.KindMalformed, "Credential must have exactly 5"},
		{"no key id", headerRequest(change(goodAuth, "AKID", "")), sigv4.KindMalformed, "Credential must have exactly 5"},
		{"header name", headerRequest(change(goodAuth, "host;", "ho@st;")), sigv4.KindMalformed, "SignedHeaders"},
		{"header name empty", headerRequest(change(goodAuth, "host;", "host;;")), sigv4.KindMalformed, "SignedHeaders"},
		{"header name twice", headerRequest(change(goodAuth, "host;", "host;host;")), sigv4.KindMalformed, "SignedHeaders must not"},
		{"header names", headerRequest(change(goodAuth, "host;", strings.Repeat("a;", 200))), sigv4.KindTooLarge, ""},
		{"token twice", headerRequest(goodAuth, "X-Amz-Security-Token", "a", "X-Amz-Security-Token", "a"), sigv4.KindMalformed, ""},
		{"hash twice", headerRequest(goodAuth, "X-Amz-Content-Sha256", "a", "X-Amz-Content-Sha256", "a"), sigv4.KindMalformed, ""},

		{"query escape", queryRequest("a=%x0"), sigv4.KindMalformed, "Illegal hex character"},
		{"query escape cut", queryRequest("%2=a"), sigv4.KindMalformed, "Illegal hex character"},
		{"query length", queryRequest("a=" + strings.Repeat("b", 64<<10)), sigv4.KindTooLarge, ""},
		{"query parameters", queryRequest(strings.Repeat("a&", 3000)), sigv4.KindTooLarge, ""},
		{"query nothing", queryRequest("X-Amz-Algorithm="), sigv4.KindIncomplete, "AWS query-string parameters must include 'X-Amz-Algorithm'. AWS query-string parameters must include 'X-Amz-Credential'. " +
			"AWS query-string parameters must include 'X-Amz-Signature'. AWS query-string parameters must include 'X-Amz-SignedHeaders'. AWS query-string parameters must include 'X-Amz-Date'. Re-examine the query-string parameters."},
		{"query twice", queryRequest(goodQuery + "&X-Amz-Date=20260101T000000Z"), sigv4.KindMalformed, ""},
		{"query date", queryRequest(change(goodQuery, "T000000Z", "")), sigv4.KindMalformed, "Date must be in ISO-8601 'basic format'. Got '20260101'."},
		{"query credential", queryRequest(change(goodQuery, "%2Fs3", "")), sigv4.KindMalformed, "Credential must have exactly 5"},
		{"query header name", queryRequest(change(goodQuery, "=host", "=host%0A")), sigv4.KindMalformed, "SignedHeaders"},
		{"expires text", queryRequest(change(goodQuery, "=60", "=soon")), sigv4.KindMalformed, "X-Amz-Expires should be a number"},
		{"expires sign", queryRequest(change(goodQuery, "=60", "=%2B60")), sigv4.KindMalformed, "X-Amz-Expires should be a number"},
		{"expires zero", queryRequest(change(goodQuery, "=60", "=0")), sigv4.KindMalformed, "X-Amz-Expires must be non-negative"},
		{"expires week", queryRequest(change(goodQuery, "=60", "=604801")), sigv4.KindMalformed, "X-Amz-Expires must be less than a week (in seconds); that is, the given X-Amz-Expires must be less than 604800 seconds"},
		{"two hashes", queryRequest(goodQuery+"&X-Amz-Content-Sha256=a", "X-Amz-Content-Sha256", "b"), sigv4.KindMalformed, "X-Amz-Content-Sha256 differs"},
		{"query hash twice", queryRequest(goodQuery, "X-Amz-Content-Sha256", "b", "X-Amz-Content-Sha256", "b"), sigv4.KindMalformed, ""},
		{"second token", queryRequest(goodQuery, "X-Amz-Security-Token", "b"), sigv4.KindAmbiguous, ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, err := sigv4.Parse(test.r)
			e := wantKind(t, err, test.kind)
			if !strings.HasPrefix(e.Error(), test.message) {
				t.Errorf("message %q", e.Message)
			}
		})
	}
}

func withQuery(r *http.Request, query string) *http.Request { r.URL.RawQuery = query; return r }

// headerRequest2 replaces a header instead of adding it.
func headerRequest2(auth, key, value string) *http.Request {
	r := headerRequest(auth)
	r.Header.Set(key, value)
	return r
}

func TestAQueryMayTakeTheWholeWeek(t *testing.T) {
	s, err := sigv4.Parse(queryRequest(change(goodQuery, "=60", "=604800")))
	if err != nil || s.Expires != 7*24*time.Hour {
		t.Errorf("%v, %v", s, err)
	}
}

func TestAQueryMayRepeatTheHashOfItsHeader(t *testing.T) {
	if _, err := sigv4.Parse(queryRequest(goodQuery+"&X-Amz-Content-Sha256=UNSIGNED-PAYLOAD", "X-Amz-Content-Sha256", "UNSIGNED-PAYLOAD")); err != nil {
		t.Error(err)
	}
}
