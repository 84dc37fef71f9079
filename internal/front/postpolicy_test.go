package front

import (
	"encoding/base64"
	"strings"
	"testing"
	"time"
)

func TestFormsAreHeldToTheirPolicy(t *testing.T) {
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		name, policy string
		fields       map[string]string
		refusal      string
	}{
		{"as it should be", `["starts-with","$key","up/"]`, map[string]string{"key": "up/a"}, ""},
		{"ignored field", `["starts-with","$key",""]`, map[string]string{"key": "a", "x-ignore-this": "1"}, ""},
		{"list of types", `["eq","$key","a"],["starts-with","$Content-Type","image/"]`, map[string]string{"key": "a", "content-type": "image/a,image/b"}, ""},
		{"list with another type", `["eq","$key","a"],["starts-with","$Content-Type","image/"]`, map[string]string{"key": "a", "content-type": "image/a,text/b"}, "Policy Condition failed"},
		{"wrong start", `["starts-with","$key","up/"]`, map[string]string{"key": "a"}, "Policy Condition failed"},
		{"unmentioned", `["starts-with","$key",""]`, map[string]string{"key": "a", "acl": "private"}, "Extra input fields: acl"},
		{"missing field", `{"key":"a"},{"acl":"private"}`, map[string]string{"key": "a"}, "Policy Condition failed"},
		{"no key", `["starts-with","$key",""]`, map[string]string{}, "field named 'key'"},
		{"strange operator", `["ends-with","$key",""]`, map[string]string{"key": "a"}, "Invalid Condition"},
		{"field without a dollar", `["eq","key","a"]`, map[string]string{"key": "a"}, "Invalid Condition"},
		{"range that is none", `["content-length-range",5,1]`, map[string]string{"key": "a"}, "Invalid Condition"},
	} {
		text := `{"expiration":"2026-01-02T00:00:00Z","conditions":[{"bucket":"b"},` + c.policy + `]}`
		f := &form{fields: c.fields}
		f.fields["policy"] = base64.StdEncoding.EncodeToString([]byte(text))
		_, err := checkPostPolicy(f, "b", now)
		if c.refusal == "" && err != nil || c.refusal != "" && (err == nil || !strings.Contains(err.Error(), c.refusal)) {
			t.Errorf("%s: %v", c.name, err)
		}
		if _, err := checkPostPolicy(f, "b", now.AddDate(0, 0, 1)); err == nil {
			t.Errorf("%s: taken after its time", c.name)
		}
		if _, err := checkPostPolicy(f, "other", now); err == nil {
			t.Errorf("%s: taken for another bucket", c.name)
		}
	}
}

func FuzzPostPolicy(f *testing.F) {
	f.Add(base64.StdEncoding.EncodeToString([]byte(`{"expiration":"2026-01-02T00:00:00Z","conditions":[{"bucket":"b"},["eq","$key","a"],["content-length-range",0,9]]}`)))
	f.Fuzz(func(t *testing.T, text string) {
		p, err := parsePostPolicy(text)
		if (p == nil) == (err == nil) {
			t.Errorf("%v, %v", p, err)
		}
	})
}

func TestBucketsAreReadFromHosts(t *testing.T) {
	for host, want := range map[string]string{
		"b.s3.localhost": "b", "b.s3.localhost:8080": "b", "b.s3.us-east-1.localhost": "b", "my.bucket.s3.us-east-1.localhost:1": "my.bucket", "b.localhost": "b",
		"s3.localhost": "", "s3.us-east-1.localhost": "", "localhost": "", "localhost:1": "", "127.0.0.1:1": "", "[::1]:1": "", "example.com": "", "B.S3.LOCALHOST.": "b",
	} {
		if got := bucketHost(host, "us-east-1"); got != want {
			t.Errorf("%s: %q, not %q", host, got, want)
		}
	}
}
