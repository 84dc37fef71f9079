package front

import (
	"cmp"
	"encoding/xml"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/url"
	"path"
	"strings"

	"redoubt/internal/api"
	"redoubt/internal/sigv4"
	"redoubt/internal/wire"
)

// maxFields is how much a form may have besides its file (AmazonS3/latest/API/sigv4-HTTPPOSTForms.html).
const maxFields = 20 << 10

// isForm recognises an upload by an HTML form.
func isForm(r *http.Request) bool {
	t, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	return r.Method == http.MethodPost && t == "multipart/form-data"
}

// A form is an upload by an HTML form: its fields, and its file, which streams.
type form struct {
	fields   map[string]string // by names in lower case
	file     io.Reader
	fileName string
}

// readForm reads a form up to its file, which must be the last field.
func readForm(r *http.Request, body io.Reader) (*form, error) {
	_, params, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || params["boundary"] == "" {
		return nil, errNotAForm
	}
	f, left := &form{fields: map[string]string{}}, maxFields
	before := &preamble{r: body, left: maxUnsigned}
	for parts := multipart.NewReader(before, params["boundary"]); ; {
		p, err := parts.NextRawPart()
		if errors.Is(err, io.EOF) {
			return nil, wire.Errorf("InvalidArgument", http.StatusBadRequest, "POST requires exactly one file upload per request.")
		}
		if err != nil {
			return nil, before.explain()
		}
		name := strings.ToLower(p.FormName())
		if name == "file" {
			before.over = true
			f.file, f.fileName = p, path.Base(strings.ReplaceAll(p.FileName(), `\`, "/"))
			return f, nil
		}
		text, err := io.ReadAll(io.LimitReader(p, int64(left)+1))
		if err != nil {
			return nil, before.explain()
		}
		if left -= len(text) + len(name); left < 0 {
			return nil, errPreData
		}
		if _, twice := f.fields[name]; twice {
			return nil, wire.Errorf("InvalidArgument", http.StatusBadRequest, "POST requires exactly one of each field: %s", name)
		}
		f.fields[name] = string(text)
	}
}

var errPreData = wire.Errorf("MaxPostPreDataLengthExceeded", http.StatusBadRequest, "Your POST request fields preceding the upload file was too large.")

// A preamble is what comes before the file, of which nobody knows yet who has sent it.
type preamble struct {
	r    io.Reader
	left int
	over bool // what comes now is the file
}

func (p *preamble) Read(b []byte) (int, error) {
	if p.over {
		return p.r.Read(b)
	}
	if p.left == 0 {
		return 0, errPreData
	}
	n, err := p.r.Read(b[:min(len(b), p.left)])
	p.left -= n
	return n, err
}

// explain tells why there is no more.
func (p *preamble) explain() error {
	if p.left == 0 {
		return errPreData
	}
	return errNotAForm
}

// post serves an upload by a form: who signed its policy uploads, if the policy lets the form be as it is.
func (x *exchange) post() {
	f, in, bucket, err := x.readPost()
	if err != nil {
		x.refuse(err)
		return
	}
	x.caller.Keys = x.signatureKeys()
	x.caller.Keys["s3:authtype"] = byForm
	out, err := x.door.api.Do(api.WithCaller(x.r.Context(), x.caller), in)
	if err != nil {
		x.answerError(err)
		return
	}
	stored := http.Header{}
	x.call.Headers(stored, out)
	x.answerPost(f, bucket, stored.Get("Etag"))
}

// readPost reads a form up to its file, and the PutObject that it comes to.
func (x *exchange) readPost() (f *form, in any, bucket string, err error) {
	r, err := x.addressed()
	if err != nil {
		return nil, nil, "", err
	}
	bucket = strings.Trim(r.URL.Path, "/")
	if f, err = readForm(x.r, x.steady()); err != nil {
		return nil, nil, "", err
	}
	if err := x.verifyPost(f); err != nil {
		return nil, nil, "", err
	}
	f.fields["key"] = strings.ReplaceAll(f.fields["key"], "${filename}", f.fileName)
	limits, err := checkPostPolicy(f, bucket, x.caller.Request.Time)
	if err != nil {
		return nil, nil, "", err
	}
	if x.call, err = x.entry.Wire.Match(f.request(r, bucket, limits), nil); err != nil {
		return nil, nil, "", err
	}
	in, err = x.decode()
	return f, in, bucket, err
}

// verifyPost finds out who signed the policy of a form.
func (x *exchange) verifyPost(f *form) error {
	sig, err := sigv4.ParsePost(f.fields)
	if err != nil {
		return x.entry.Errors.Signature(err)
	}
	x.sig = sig
	secret, err := x.identify(nil)
	if err != nil {
		return err
	}
	if err := sig.VerifyPost(secret, x.signing()); err != nil {
		x.disown()
		return x.entry.Errors.Signature(err)
	}
	return nil
}

var byForm = []string{"POST"}

// request is the PutObject that a form comes to: its fields are headers.
func (f *form) request(r *http.Request, bucket string, l limits) *http.Request {
	put := r.Clone(r.Context())
	put.Method, put.Header, put.ContentLength = http.MethodPut, http.Header{}, -1
	put.URL = &url.URL{Path: "/" + bucket + "/" + f.fields["key"], RawPath: "/" + url.PathEscape(bucket) + "/" + escapeKey(f.fields["key"])}
	put.Body = io.NopCloser(&limitedFile{r: f.file, limits: l})
	for name, value := range f.fields {
		switch {
		case strings.HasPrefix(name, "x-amz-") && !postOnly[name], postHeaders[name]:
			put.Header.Set(name, value)
		case name == "acl":
			put.Header.Set("X-Amz-Acl", value)
		case name == "tagging":
			put.Header.Set("X-Amz-Tagging", xmlTags(value))
		}
	}
	return put
}

func escapeKey(key string) string {
	parts := strings.Split(key, "/")
	for i := range parts {
		parts[i] = url.PathEscape(parts[i])
	}
	return strings.Join(parts, "/")
}

var (
	postHeaders = map[string]bool{"cache-control": true, "content-type": true, "content-disposition": true, "content-encoding": true, "expires": true}
	postOnly    = map[string]bool{"x-amz-algorithm": true, "x-amz-credential": true, "x-amz-date": true, "x-amz-signature": true, "x-amz-security-token": true}
)

// xmlTags makes the header's form of tags out of the form's, a document.
func xmlTags(text string) string {
	var doc struct {
		Tags []struct{ Key, Value string } `xml:"TagSet>Tag"`
	}
	if xml.Unmarshal([]byte(text), &doc) != nil {
		return text // which the service refuses
	}
	q := url.Values{}
	for _, t := range doc.Tags {
		q.Add(t.Key, t.Value)
	}
	return q.Encode()
}

// limitedFile is a file that must have so many bytes.
type limitedFile struct {
	r io.Reader
	limits
	read int64
}

func (l *limitedFile) Read(p []byte) (int, error) {
	n, err := l.r.Read(p)
	l.read += int64(n)
	switch {
	case l.read > l.most:
		return 0, wire.Errorf("EntityTooLarge", http.StatusBadRequest, "Your proposed upload exceeds the maximum allowed size")
	case err == io.EOF && l.read < l.least:
		return 0, wire.Errorf("EntityTooSmall", http.StatusBadRequest, "Your proposed upload is smaller than the minimum allowed size")
	case err != nil && err != io.EOF:
		return 0, errNotAForm
	}
	return n, err
}

// answerPost answers as the form asks: by a redirection, or by a status.
func (x *exchange) answerPost(f *form, bucket, etag string) {
	h := x.w.Header()
	h.Set("X-Amz-Request-Id", x.caller.Request.ID)
	h.Set("Etag", etag)
	location := "/" + bucket + "/" + escapeKey(f.fields["key"])
	h.Set("Location", location)
	if to, err := url.Parse(cmp.Or(f.fields["success_action_redirect"], f.fields["redirect"])); err == nil && (to.Scheme == "http" || to.Scheme == "https") {
		q := to.Query()
		q.Set("bucket", bucket)
		q.Set("key", f.fields["key"])
		q.Set("etag", etag)
		to.RawQuery = q.Encode()
		h.Set("Location", to.String())
		x.w.WriteHeader(http.StatusSeeOther)
		return
	}
	switch f.fields["success_action_status"] {
	case "200":
		x.w.WriteHeader(http.StatusOK)
	case "201":
		h.Set("Content-Type", "application/xml")
		x.w.WriteHeader(http.StatusCreated)
		_ = xml.NewEncoder(x.w).Encode(struct { // whoever has gone does not miss it
			XMLName                     xml.Name `xml:"PostResponse"`
			Location, Bucket, Key, ETag string
		}{Location: location, Bucket: bucket, Key: f.fields["key"], ETag: etag})
	default:
		x.w.WriteHeader(http.StatusNoContent)
	}
}
