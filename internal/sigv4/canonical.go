package sigv4

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

// appendRequest appends the canonical request. It is false if a signed header is absent or the path or query is broken;
// no signature can match then.
func (s *Signature) appendRequest(dst []byte, r *http.Request, s3 bool, payload string) ([]byte, bool) {
	dst = append(dst, r.Method...)
	dst = append(dst, '\n')
	dst, ok := appendPath(dst, wirePath(r.URL), s3)
	if !ok {
		return dst, false
	}
	dst = append(dst, '\n')
	q, err := parseQuery(r.URL.RawQuery)
	if err != nil {
		return dst, false
	}
	dst = q.appendTo(dst, s.Presigned)
	dst = append(dst, '\n')
	if dst, ok = s.appendHeaders(dst, r); !ok {
		return dst, false
	}
	dst = append(dst, '\n')
	dst = append(dst, s.headers...)
	dst = append(dst, '\n')
	return append(dst, payload...), true
}

// wirePath is the path as the client sent it. net/url keeps it in RawPath unless EscapedPath is the same.
func wirePath(u *url.URL) string {
	if u.RawPath != "" {
		return u.RawPath
	}
	return u.EscapedPath()
}

// appendPath appends the canonical path. For S3 that is the path encoded once, as it is; for all others the path is
// normalised (RFC 3986, no "." or "..", and no empty segments) and what is on the wire is encoded a second time.
func appendPath(dst []byte, path string, s3 bool) ([]byte, bool) {
	if path == "" {
		return append(dst, '/'), true
	}
	if s3 {
		return appendCanonical(dst, path, '+', true)
	}
	start := len(dst)
	for rest := path; rest != ""; {
		var segment string
		segment, rest, _ = strings.Cut(rest, "/")
		switch segment {
		case "", ".":
		case "..":
			dst = dst[:max(start, lastSlash(dst))]
		default:
			dst = append(dst, '/')
			for i := range len(segment) {
				dst = appendEncoded(dst, segment[i])
			}
		}
	}
	if len(dst) == start || path[len(path)-1] == '/' {
		dst = append(dst, '/')
	}
	return dst, true
}

func lastSlash(b []byte) int {
	for i := len(b) - 1; i >= 0; i-- {
		if b[i] == '/' {
			return i
		}
	}
	return 0
}

// appendHeaders appends "name:value\n" for each signed header.
func (s *Signature) appendHeaders(dst []byte, r *http.Request) ([]byte, bool) {
	var key [64]byte
	limit := len(dst) + maxHeaderBytes
	for rest := s.headers; rest != ""; {
		var name string
		name, rest, _ = strings.Cut(rest, ";")
		dst = append(dst, name...)
		dst = append(dst, ':')
		values, present := r.Header[string(appendKey(key[:0], name))]
		switch {
		case name == "host":
			dst = appendFolded(dst, r.Host)
		case present:
			dst = appendValues(dst, values)
		case name == "content-length" && r.ContentLength >= 0: // net/http may keep these two apart
			dst = strconv.AppendInt(dst, r.ContentLength, 10)
		case name == "transfer-encoding" && len(r.TransferEncoding) > 0:
			dst = appendValues(dst, r.TransferEncoding)
		default:
			return dst, false
		}
		dst = append(dst, '\n')
		if len(dst) > limit {
			return dst, false
		}
	}
	return dst, true
}

// appendKey appends a lower-case header name in the form that keys of http.Header have.
func appendKey(dst []byte, name string) []byte {
	upper := true
	for i := range len(name) {
		c := name[i]
		if upper && 'a' <= c && c <= 'z' {
			c -= 'a' - 'A'
		}
		dst = append(dst, c)
		upper = c == '-'
	}
	return dst
}

func appendValues(dst []byte, values []string) []byte {
	for i, v := range values {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = appendFolded(dst, v)
	}
	return dst
}

// appendFolded appends a header value, trimmed and with each run of white space made one space. The SDKs differ about
// tabs; like most of them, and unlike the one for Go, this treats a tab as white space.
func appendFolded(dst []byte, v string) []byte {
	start := len(dst)
	gap := false
	for i := range len(v) {
		if c := v[i]; c == ' ' || '\t' <= c && c <= '\r' {
			gap = true
			continue
		}
		if gap && len(dst) > start {
			dst = append(dst, ' ')
		}
		gap = false
		dst = append(dst, v[i])
	}
	return dst
}
