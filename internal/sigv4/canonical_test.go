package sigv4

import (
	"net/http"
	"strings"
	"testing"
)

func TestCanonicalPath(t *testing.T) {
	tests := []struct{ wire, general, s3 string }{
		{"", "/", "/"},
		{"/", "/", "/"},
		{"//", "/", "//"},
		{"/a/b", "/a/b", "/a/b"},
		{"/a//b/", "/a/b/", "/a//b/"},
		{"/a/./b/../c", "/a/c", "/a/./b/../c"},
		{"/../../a", "/a", "/../../a"},
		{"/a/..", "/", "/a/.."},
		{"/a/b/..", "/a", "/a/b/.."},
		{"/a/.", "/a", "/a/."},
		{"/...", "/...", "/..."},
		{"/%2e%2e/a", "/%252e%252e/a", "/../a"},
		{"/a%20b", "/a%2520b", "/a%20b"},
		{"/a%2fb", "/a%252fb", "/a%2Fb"},
		{"/%41%7e", "/%2541%257e", "/A~"},
		{"/a+b", "/a%2Bb", "/a%2Bb"},
		{"/arn:aws:x@*", "/arn%3Aaws%3Ax%40%2A", "/arn%3Aaws%3Ax%40%2A"},
		{"/é", "/%C3%A9", "/%C3%A9"},
		{"/%C3%A9", "/%25C3%25A9", "/%C3%A9"},
	}
	for _, test := range tests {
		if got, ok := appendPath(nil, test.wire, false); string(got) != test.general || !ok {
			t.Errorf("%s: got %s, want %s", test.wire, got, test.general)
		}
		if got, ok := appendPath(nil, test.wire, true); string(got) != test.s3 || !ok {
			t.Errorf("%s on S3: got %s, want %s", test.wire, got, test.s3)
		}
	}
	if _, ok := appendPath(nil, "/%zz", true); ok {
		t.Error("a broken escape has a canonical form")
	}
}

func TestCanonicalQuery(t *testing.T) {
	tests := []struct{ name, raw, want string }{
		{"empty", "", ""},
		{"no value", "lifecycle", "lifecycle="},
		{"empty value", "lifecycle=", "lifecycle="},
		{"empty parameters", "&&a=1&&", "a=1"},
		{"sorted by name", "b=1&a=2&B=3", "B=3&a=2&b=1"},
		{"repeated, sorted by value", "a=2&a=1&a", "a=&a=1&a=2"},
		{"names before values", "a-b=1&a=2", "a=2&a-b=1"},
		{"sorted as encoded", "a=a-b&a=a/b", "a=a%2Fb&a=a-b"},
		{"equal signs in the value", "a=b=c", "a=b%3Dc"},
		{"plus is a space", "a=b+c", "a=b%20c"},
		{"encoded plus", "a=b%2Bc", "a=b%2Bc"},
		{"case of escapes", "a=%2f%c3%a9", "a=%2F%C3%A9"},
		{"needless escapes", "%61=%7E", "a=~"},
		{"unicode", "é=日", "%C3%A9=%E6%97%A5"},
		{"semicolons", "a;b=c;d", "a%3Bb=c%3Bd"},
		{"signature by header", "X-Amz-Signature=x", "X-Amz-Signature=x"},
	}
	for _, test := range tests {
		q, err := parseQuery(test.raw)
		if got := string(q.appendTo(nil, false)); got != test.want || err != nil {
			t.Errorf("%s: got %s, want %s (%v)", test.name, got, test.want, err)
		}
	}
	q, _ := parseQuery("b=1&X-Amz-Signature=x&a=1")
	if got := string(q.appendTo(nil, true)); got != "a=1&b=1" {
		t.Errorf("presigned: got %s", got)
	}
}

func TestCanonicalHeaders(t *testing.T) {
	r := &http.Request{
		Host:             "example.com:8080",
		ContentLength:    7,
		TransferEncoding: []string{"chunked"},
		Header: http.Header{
			"X-Spaces": {"  a   b  "}, "X-Tabs": {"a\t b\v"}, "X-Many": {"2", " 1 "}, "X-Empty": {""}, "X-Quoted": {`"a   b"`}, "X-Long": {strings.Repeat("x", maxHeaderBytes)},
		},
	}
	tests := map[string]string{
		"host":              "host:example.com:8080\n",
		"x-spaces":          "x-spaces:a b\n",
		"x-tabs":            "x-tabs:a b\n",
		"x-many":            "x-many:2,1\n",
		"x-empty":           "x-empty:\n",
		"x-quoted":          "x-quoted:\"a b\"\n",
		"host;x-empty":      "host:example.com:8080\nx-empty:\n",
		"content-length":    "content-length:7\n",
		"transfer-encoding": "transfer-encoding:chunked\n",
	}
	for names, want := range tests {
		s := Signature{headers: names}
		if got, ok := s.appendHeaders(nil, r); string(got) != want || !ok {
			t.Errorf("%s: got %q, want %q", names, got, want)
		}
	}
	for _, names := range []string{"x-absent", "x-long"} {
		s := Signature{headers: names}
		if _, ok := s.appendHeaders(nil, r); ok {
			t.Errorf("%s has a canonical form", names)
		}
	}
}

func TestABrokenRequestMatchesNothing(t *testing.T) {
	for name, spoil := range map[string]func(*http.Request){
		"path":  func(r *http.Request) { r.URL.RawPath = "/%zz" },
		"query": func(r *http.Request) { r.URL.RawQuery = "a=%zz" },
	} {
		r, _ := http.NewRequest("GET", "http://localhost/", nil)
		s := Signature{headers: "host"}
		if _, ok := s.appendRequest(nil, r, true, emptyHash); !ok {
			t.Fatal("the request is broken before")
		}
		spoil(r)
		if _, ok := s.appendRequest(nil, r, true, emptyHash); ok {
			t.Errorf("a broken %s has a canonical form", name)
		}
	}
}
