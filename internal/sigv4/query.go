package sigv4

import (
	"cmp"
	"net/url"
	"slices"
	"strings"
)

// pair is a query parameter, name and value in canonical encoding.
type pair struct{ name, value string }

func (p pair) decoded() string {
	value, _ := url.PathUnescape(p.value) // canonical encoding is always valid
	return value
}

// query is the canonical query string before joining: encoded, then sorted by name and value.
type query []pair

func (q query) has(name string) bool {
	return slices.ContainsFunc(q, func(p pair) bool { return p.name == name })
}

// parseQuery splits a raw query on '&' and brings each name and value into canonical encoding. A parameter without '='
// has an empty value; empty parameters are dropped; '+' means a space, as it does to those who read the query later.
func parseQuery(raw string) (query, error) {
	if raw == "" {
		return nil, nil
	}
	if len(raw) > maxQueryBytes || strings.Count(raw, "&") >= maxQueryParams {
		return nil, tooLarge("The query-string is too long.")
	}
	q := make(query, 0, strings.Count(raw, "&")+1)
	for raw != "" {
		var part string
		part, raw, _ = strings.Cut(raw, "&")
		if part == "" {
			continue
		}
		name, value, _ := strings.Cut(part, "=")
		n, ok1 := canonicalComponent(name)
		v, ok2 := canonicalComponent(value)
		if !ok1 || !ok2 {
			return nil, malformed("Illegal hex characters in escape (%) pattern", false)
		}
		q = append(q, pair{n, v})
	}
	slices.SortFunc(q, func(a, b pair) int {
		return cmp.Or(strings.Compare(a.name, b.name), strings.Compare(a.value, b.value))
	})
	return q, nil
}

// appendTo writes the canonical query string, without the signature itself if the request is presigned.
func (q query) appendTo(dst []byte, presigned bool) []byte {
	first := true
	for _, p := range q {
		if presigned && p.name == "X-Amz-Signature" {
			continue
		}
		if !first {
			dst = append(dst, '&')
		}
		first = false
		dst = append(dst, p.name...)
		dst = append(dst, '=')
		dst = append(dst, p.value...)
	}
	return dst
}

// canonicalComponent decodes and encodes again; it allocates only if that changes anything.
func canonicalComponent(s string) (string, bool) {
	if strings.IndexFunc(s, func(c rune) bool { return c >= 0x80 || !unreserved(byte(c)) }) < 0 {
		return s, true
	}
	b, ok := appendCanonical(make([]byte, 0, len(s)+16), s, ' ', false)
	return string(b), ok
}
