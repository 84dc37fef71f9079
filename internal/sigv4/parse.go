package sigv4

import (
	"net/http"
	"slices"
	"strings"
	"time"
)

// Parse finds the signature in a request: in its Authorization header, or in its query if it is presigned. It knows no
// secret and reads no body. It returns ErrNone if the request carries no signature, and another *Error if it carries one
// that cannot be right whatever the secret.
func Parse(r *http.Request) (*Signature, error) {
	query, err := parseQuery(r.URL.RawQuery)
	if err != nil {
		return nil, err
	}
	auth := r.Header["Authorization"]
	presigned := query.has("X-Amz-Algorithm") || query.has("X-Amz-Signature") || query.has("X-Amz-Credential")
	switch {
	case len(auth) > 1:
		return nil, &Error{Kind: KindAmbiguous, Message: "Found more than one 'Authorization' HTTP header.", S3: s3OneAuth}
	case len(auth) == 1 && presigned:
		return nil, &Error{Kind: KindAmbiguous, Message: "Found both 'X-Amz-Algorithm' as a query-string param and 'Authorization' as HTTP header.", S3: s3OneAuth}
	case len(auth) == 1:
		return parseHeader(r, auth[0])
	case presigned:
		return parsePresigned(r, query)
	case query.has("AWSAccessKeyId") && query.has("Signature"):
		return nil, badAlgorithm("AWS2", false)
	}
	return nil, ErrNone
}

// parseHeader reads "AWS4-HMAC-SHA256 Credential=..., SignedHeaders=..., Signature=...". Commas and spaces both separate.
func parseHeader(r *http.Request, auth string) (*Signature, error) {
	if len(auth) > maxAuthorization {
		return nil, tooLarge("Authorization header is too long.")
	}
	name, rest, _ := strings.Cut(strings.TrimSpace(auth), " ")
	if err := checkScheme(name); err != nil {
		return nil, err
	}
	p, err := parseParts(rest, auth)
	if err != nil {
		return nil, err
	}
	date, err := headerDate(r.Header)
	if err != nil {
		return nil, err
	}
	if missing := p.missing(); len(missing) > 0 || date.stamp == "" {
		return nil, missingParts(missing, date.stamp == "", auth)
	}
	s := &Signature{Time: date.time, stamp: date.stamp, signature: p.signature}
	if err := s.setCredential(p.credential); err != nil {
		return nil, err
	}
	if s.headers, err = signedNames(p.headers, false); err != nil {
		return nil, err
	}
	if s.Token, err = single(r.Header, "X-Amz-Security-Token"); err != nil {
		return nil, err
	}
	if s.payload, err = single(r.Header, "X-Amz-Content-Sha256"); err != nil {
		return nil, err
	}
	return s, nil
}

// checkScheme tells SigV4 from its siblings, and both from schemes that are no signature.
func checkScheme(name string) error {
	switch {
	case name == algorithm:
		return nil
	case name == "AWS": // Signature Version 2: "AWS AKID:signature"
		return badAlgorithm("AWS2", false)
	case strings.HasPrefix(name, "AWS"): // SigV4A (AWS4-ECDSA-P256-SHA256), AWS3-HTTPS, and what may come
		return badAlgorithm(name, false)
	}
	return &Error{Kind: KindMissing, Message: missingToken, S3: "Unsupported Authorization Type"}
}

type parts struct{ credential, headers, signature string }

func parseParts(rest, auth string) (p parts, err error) {
	for rest != "" {
		var part string
		if i := strings.IndexAny(rest, ", "); i >= 0 {
			part, rest = rest[:i], rest[i+1:]
		} else {
			part, rest = rest, ""
		}
		if part == "" {
			continue
		}
		key, value, ok := strings.Cut(part, "=")
		if !ok {
			return p, noEqualSign(auth)
		}
		if err := p.set(key, value); err != nil {
			return p, err
		}
	}
	return p, nil
}

func (p *parts) set(key, value string) error {
	var field *string
	switch key {
	case "Credential":
		field = &p.credential
	case "SignedHeaders":
		field = &p.headers
	case "Signature":
		field = &p.signature
	default:
		return nil
	}
	if *field != "" {
		return malformed("Authorization header has more than one '"+key+"' parameter.", false)
	}
	*field = value
	return nil
}

func (p parts) missing() (names []string) {
	if p.credential == "" {
		names = append(names, "Credential")
	}
	if p.signature == "" {
		names = append(names, "Signature")
	}
	if p.headers == "" {
		names = append(names, "SignedHeaders")
	}
	return names
}

// setCredential splits "AKID/yyyymmdd/region/service/aws4_request".
func (s *Signature) setCredential(credential string) error {
	rest := credential
	for i, field := range [...]*string{&s.AccessKeyID, &s.Date, &s.Region, &s.Service, &s.terminator} {
		var more bool
		if *field, rest, more = strings.Cut(rest, "/"); more != (i < 4) {
			return badCredential(credential, s.Presigned)
		}
	}
	if s.AccessKeyID == "" {
		return badCredential(credential, s.Presigned)
	}
	return nil
}

// signedNames brings SignedHeaders into the form that the canonical request has: lower case, sorted, each name once.
func signedNames(list string, presigned bool) (string, error) {
	if strings.Count(list, ";") >= maxSignedHeaders || len(list) > maxAuthorization {
		return "", tooLarge("SignedHeaders has too many elements.")
	}
	if inOrder(list) {
		return list, nil
	}
	names := strings.Split(list, ";")
	for i, n := range names {
		if !token(n) {
			return "", malformed("SignedHeaders must be a semicolon-separated list of header names.", presigned)
		}
		names[i] = strings.ToLower(n)
	}
	slices.Sort(names)
	if len(slices.Compact(slices.Clone(names))) != len(names) {
		return "", malformed("SignedHeaders must not name a header twice.", presigned)
	}
	return strings.Join(names, ";"), nil
}

// inOrder reports whether a list is in that form already, as those of all SDKs are.
func inOrder(list string) bool {
	last := ""
	for more := true; more; {
		var name string
		name, list, more = strings.Cut(list, ";")
		if name <= last || !token(name) || strings.ToLower(name) != name {
			return false
		}
		last = name
	}
	return true
}

// token reports whether s can be the name of a header (RFC 9110, section 5.6.2).
func token(s string) bool {
	for i := range len(s) {
		c := s[i]
		if !alphanumeric(c) && strings.IndexByte("!#$%&'*+-.^_`|~", c) < 0 {
			return false
		}
	}
	return s != ""
}

// single returns the value of a header that must not be repeated, since two readers might choose differently.
func single(h http.Header, key string) (string, error) {
	switch v := h[key]; len(v) {
	case 0:
		return "", nil
	case 1:
		return v[0], nil
	}
	return "", malformed("'"+key+"' header must be given at most once.", false)
}

type date struct {
	time  time.Time
	stamp string
}

// headerDate reads X-Amz-Date or, in its absence, Date; neither gives the zero date. The SDKs send an RFC 1123 Date.
func headerDate(h http.Header) (date, error) {
	value, err := single(h, "X-Amz-Date")
	if err != nil {
		return date{}, err
	}
	if value != "" {
		return basicDate(value, false)
	}
	if value, err = single(h, "Date"); err != nil || value == "" {
		return date{}, err
	}
	t, err := http.ParseTime(value)
	if err != nil {
		t, err = time.Parse(time.RFC1123Z, value)
	}
	if err != nil {
		return basicDate(value, false)
	}
	return date{t.UTC(), stamp(t)}, nil
}

func basicDate(value string, presigned bool) (date, error) {
	t, err := time.Parse(stampForm, value)
	if err != nil || len(value) != len(stampForm) {
		return date{}, badDate(value, presigned)
	}
	return date{t, value}, nil
}
