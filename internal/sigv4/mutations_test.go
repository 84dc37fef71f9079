package sigv4_test

import (
	"bytes"
	"io"
	"net/http"
	"strings"
)

// mutations each change one thing about a received request; false means that it has no such thing.
var mutations = map[string]func(*http.Request) bool{
	"method":          func(r *http.Request) bool { r.Method = "PATCH"; return true },
	"method case":     func(r *http.Request) bool { r.Method = strings.ToLower(r.Method); return true },
	"path":            func(r *http.Request) bool { return setPath(r, r.URL.EscapedPath()+"x") },
	"path end":        func(r *http.Request) bool { return setPath(r, r.URL.EscapedPath()+"/x/") },
	"host":            func(r *http.Request) bool { r.Host += "x"; return true },
	"host port":       func(r *http.Request) bool { r.Host += ":1"; return true },
	"query added":     func(r *http.Request) bool { r.URL.RawQuery += "&added"; return true },
	"query removed":   dropParam,
	"query value":     bendParam,
	"query broken":    func(r *http.Request) bool { r.URL.RawQuery += "&a=%zz"; return true },
	"body":            bendBody,
	"body longer":     func(r *http.Request) bool { return setBody(r, func(b []byte) []byte { return append(b, 'x') }) },
	"header added":    func(r *http.Request) bool { r.Header.Set("X-Amz-Added", "x"); return true },
	"target":          bendHeader("X-Amz-Target"),
	"content type":    bendHeader("Content-Type"),
	"metadata":        bendHeader("X-Amz-Meta-One"),
	"payload hash":    bendHeader("X-Amz-Content-Sha256"),
	"date":            bendHeader("X-Amz-Date"),
	"token":           bendHeader("X-Amz-Security-Token"),
	"token dropped":   dropHeader("X-Amz-Security-Token"),
	"target dropped":  dropHeader("X-Amz-Target"),
	"date dropped":    dropHeader("X-Amz-Date"),
	"authorization":   bendHeader("Authorization"),
	"both signatures": func(r *http.Request) bool { return addAuthorization(r) },
	"signature":       replaceAuth("Signature=", "Signature=f"),
	"signature empty": replaceAuth("Signature=", "Signature=,"),
	"region":          replaceAuth("/aws4_request", "x/aws4_request"),
	"terminator":      replaceAuth("aws4_request", "aws5_request"),
	"date of scope":   replaceAuth("/20", "/21"),
	"key id":          replaceAuth("/20", "/x/20"),
	"algorithm":       replaceAuth("AWS4-HMAC-SHA256", "AWS4-HMAC-SHA1"),
	"signed headers":  replaceAuth("host", "hosts"),
	"host not signed": replaceAuth("host;", ""),
	"expires":         replaceAuth("X-Amz-Expires=900", "X-Amz-Expires=901"),
	"query token":     replaceAuth("X-Amz-Security-Token=", "X-Amz-Security-Token=x"),
	"query date":      replaceAuth("X-Amz-Date=20", "X-Amz-Date=21"),
}

func setPath(r *http.Request, raw string) bool {
	u, err := r.URL.Parse("http://host/" + strings.TrimPrefix(raw, "/"))
	if err != nil {
		return false
	}
	r.URL.Path, r.URL.RawPath = u.Path, u.RawPath
	return true
}

func setBody(r *http.Request, change func([]byte) []byte) bool {
	hash := r.Header.Get("X-Amz-Content-Sha256")
	if hash == "UNSIGNED-PAYLOAD" || strings.Contains(r.URL.RawQuery, "%2Fs3%2F") && hash == "" {
		return false // nothing binds the body
	}
	body, _ := io.ReadAll(r.Body)
	body = change(body)
	r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	return true
}

func bendBody(r *http.Request) bool {
	if r.ContentLength == 0 {
		return false
	}
	return setBody(r, func(b []byte) []byte { b[len(b)/2] ^= 1; return b })
}

func bendHeader(key string) func(*http.Request) bool {
	return func(r *http.Request) bool {
		v := r.Header.Get(key)
		if v == "" {
			return false
		}
		last := v[len(v)-1] ^ 1
		r.Header.Set(key, v[:len(v)-1]+string(last))
		return true
	}
}

func dropHeader(key string) func(*http.Request) bool {
	return func(r *http.Request) bool {
		had := r.Header.Get(key) != ""
		r.Header.Del(key)
		return had
	}
}

func dropParam(r *http.Request) bool {
	first, rest, more := strings.Cut(r.URL.RawQuery, "&")
	r.URL.RawQuery = rest
	return more && first != ""
}

func bendParam(r *http.Request) bool {
	had := r.URL.RawQuery != ""
	r.URL.RawQuery += "x"
	return had
}

func addAuthorization(r *http.Request) bool {
	if r.Header.Get("Authorization") == "" {
		r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=a/b/c/d/aws4_request,SignedHeaders=host,Signature=00")
		return true
	}
	r.URL.RawQuery += "&X-Amz-Algorithm=AWS4-HMAC-SHA256"
	return true
}

// replaceAuth changes the first occurrence in the Authorization header, or in the query of a presigned request.
func replaceAuth(old, new string) func(*http.Request) bool {
	return func(r *http.Request) bool {
		if v := r.Header.Get("Authorization"); v != "" {
			out := strings.Replace(v, old, new, 1)
			r.Header.Set("Authorization", out)
			return out != v
		}
		q := r.URL.RawQuery
		for _, pair := range [][2]string{{old, new}, {strings.ReplaceAll(old, "/", "%2F"), strings.ReplaceAll(new, "/", "%2F")}} {
			if out := strings.Replace(q, pair[0], pair[1], 1); out != q {
				r.URL.RawQuery = out
				return true
			}
		}
		return false
	}
}
