package s3_test

import (
	"bytes"
	"io"
	"mime/multipart"
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"redoubt/redoubttest"
)

// submit sends a form with a file, as a browser does.
func submit(t *testing.T, cfg aws.Config, url string, fields map[string]string, file string) (*http.Response, string) {
	t.Helper()
	var body bytes.Buffer
	w := multipart.NewWriter(&body)
	for k, v := range fields {
		ok(t, w.WriteField(k, v))
	}
	part, err := w.CreateFormFile("file", "photo.png")
	ok(t, err)
	_, err = io.WriteString(part, file)
	ok(t, err)
	ok(t, w.Close())
	r, err := http.NewRequest("POST", url, &body)
	ok(t, err)
	r.Header.Set("Content-Type", w.FormDataContentType())
	client := *cfg.HTTPClient.(*http.Client)
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	res, err := client.Do(r)
	ok(t, err)
	return res, read(t, res.Body)
}

func TestFormsUploadWhatTheirPolicyAllows(t *testing.T) {
	t.Parallel()
	cfg := redoubttest.Start(t)
	c := client(cfg)
	b := bucket(t, c)
	form := func(conditions ...any) (string, map[string]string) {
		post, err := s3.NewPresignClient(c).PresignPostObject(t.Context(), &s3.PutObjectInput{Bucket: b, Key: aws.String("up/photo.png")}, func(o *s3.PresignPostOptions) {
			o.Conditions = conditions
		})
		ok(t, err)
		return post.URL, post.Values
	}
	url, fields := form([]any{"content-length-range", 1, 10}, []any{"starts-with", "$Content-Type", "image/"}, map[string]string{"success_action_status": "201"}, map[string]string{"x-amz-meta-m": "1"})
	fields["Content-Type"], fields["success_action_status"], fields["x-amz-meta-m"] = "image/png", "201", "1"
	res, text := submit(t, cfg, url, fields, "picture")
	if res.StatusCode != 201 || !strings.Contains(text, "<Key>up/photo.png</Key>") {
		t.Fatalf("%s: %s", res.Status, text)
	}
	out, err := c.GetObject(t.Context(), &s3.GetObjectInput{Bucket: b, Key: aws.String("up/photo.png")})
	ok(t, err)
	if got := read(t, out.Body); got != "picture" || *out.ContentType != "image/png" || out.Metadata["m"] != "1" {
		t.Errorf("got %q %s %v", got, *out.ContentType, out.Metadata)
	}
	with := func(name, value string) map[string]string {
		changed := map[string]string{}
		for k, v := range fields {
			changed[k] = v
		}
		changed[name] = value
		return changed
	}
	for _, x := range []struct {
		name   string
		fields map[string]string
		file   string
		code   string
	}{
		{"too large", fields, "more than ten bytes", "EntityTooLarge"},
		{"too small", fields, "", "EntityTooSmall"},
		{"another type", with("Content-Type", "text/html"), "x", "AccessDenied"},
		{"another key", with("key", "elsewhere"), "x", "AccessDenied"},
		{"extra field", with("x-amz-meta-n", "1"), "x", "AccessDenied"},
		{"forged", with("X-Amz-Signature", strings.Repeat("0", 64)), "x", "SignatureDoesNotMatch"},
		{"another policy", with("policy", fields["policy"][:20]), "x", "SignatureDoesNotMatch"},
		{"unsigned", map[string]string{"key": "x"}, "x", "AccessDenied"},
	} {
		if res, text := submit(t, cfg, url, x.fields, x.file); res.StatusCode < 400 || !strings.Contains(text, "<Code>"+x.code+"</Code>") {
			t.Errorf("%s: %s %s", x.name, res.Status, text)
		}
	}
	url, fields = form(map[string]string{"success_action_redirect": "https://example.com/done"})
	fields["success_action_redirect"] = "https://example.com/done"
	if res, _ := submit(t, cfg, url, fields, "x"); res.StatusCode != 303 || !strings.HasPrefix(res.Header.Get("Location"), "https://example.com/done?bucket="+*b) {
		t.Errorf("%s to %s", res.Status, res.Header.Get("Location"))
	}
}

func TestBrowsersUseBucketsFromAllowedOrigins(t *testing.T) {
	t.Parallel()
	cfg := redoubttest.Start(t)
	c := client(cfg)
	b := bucket(t, c)
	preflight := func(origin, method, headers string) *http.Response {
		r, err := http.NewRequest("OPTIONS", *cfg.BaseEndpoint+"/"+*b+"/k", nil)
		ok(t, err)
		r.Header.Set("Origin", origin)
		r.Header.Set("Access-Control-Request-Method", method)
		if headers != "" {
			r.Header.Set("Access-Control-Request-Headers", headers)
		}
		res, err := cfg.HTTPClient.Do(r)
		ok(t, err)
		res.Body.Close()
		return res
	}
	if res := preflight("https://app.example.com", "PUT", ""); res.StatusCode != 403 {
		t.Errorf("without CORS: %s", res.Status)
	}
	_, err := c.PutBucketCors(t.Context(), &s3.PutBucketCorsInput{Bucket: b, CORSConfiguration: &types.CORSConfiguration{CORSRules: []types.CORSRule{{
		AllowedOrigins: []string{"https://*.example.com"}, AllowedMethods: []string{"PUT", "GET"}, AllowedHeaders: []string{"x-amz-*", "content-type"},
		ExposeHeaders: []string{"ETag"}, MaxAgeSeconds: aws.Int32(60),
	}}}})
	ok(t, err)
	res := preflight("https://app.example.com", "PUT", "Content-Type, X-Amz-Date")
	h := res.Header
	if res.StatusCode != 200 || h.Get("Access-Control-Allow-Origin") != "https://app.example.com" || h.Get("Access-Control-Max-Age") != "60" ||
		h.Get("Access-Control-Allow-Headers") != "content-type, x-amz-date" || h.Get("Access-Control-Expose-Headers") != "ETag" {
		t.Errorf("allowed: %s %v", res.Status, h)
	}
	for _, x := range []struct{ origin, method, headers string }{
		{"https://example.org", "PUT", ""}, {"https://app.example.com", "DELETE", ""}, {"https://app.example.com", "PUT", "authorization"},
	} {
		if res := preflight(x.origin, x.method, x.headers); res.StatusCode != 403 {
			t.Errorf("%v: %s", x, res.Status)
		}
	}
	put(t, c, b, "k", "x")
	signed, err := s3.NewPresignClient(c).PresignGetObject(t.Context(), &s3.GetObjectInput{Bucket: b, Key: aws.String("k")})
	ok(t, err)
	r, err := http.NewRequest("GET", signed.URL, nil)
	ok(t, err)
	r.Header.Set("Origin", "https://app.example.com")
	res, err = cfg.HTTPClient.Do(r)
	ok(t, err)
	if read(t, res.Body) != "x" || res.Header.Get("Access-Control-Allow-Origin") != "https://app.example.com" {
		t.Errorf("GET: %s %v", res.Status, res.Header)
	}
}
