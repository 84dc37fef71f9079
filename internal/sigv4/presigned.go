package sigv4

import (
	"net/http"
	"strconv"
	"time"
)

const maxExpires = 604800 // seven days, in seconds (AmazonS3/latest/API/sigv4-query-string-auth.html)

// parsePresigned reads the X-Amz-* parameters of a query.
func parsePresigned(r *http.Request, q query) (*Signature, error) {
	p, err := q.authParams()
	if err != nil {
		return nil, err
	}
	if missing := p.missing(); len(missing) > 0 {
		return nil, missingParams(missing)
	}
	if p.algorithm != algorithm {
		return nil, badAlgorithm(p.algorithm, true)
	}
	date, err := basicDate(p.date, true)
	if err != nil {
		return nil, err
	}
	s := &Signature{Presigned: true, Token: p.token, Time: date.time, stamp: date.stamp, signature: p.signature}
	if s.Expires, err = expires(p.expires); err != nil {
		return nil, err
	}
	if err := s.setCredential(p.credential); err != nil {
		return nil, err
	}
	if s.headers, err = signedNames(p.headers, true); err != nil {
		return nil, err
	}
	if s.payload, err = presignedPayload(r.Header, p.payload); err != nil {
		return nil, err
	}
	return s, refuseSecondToken(r.Header)
}

// presignedPayload is the announced hash: of the query, or else of the headers.
func presignedPayload(h http.Header, fromQuery string) (string, error) {
	fromHeader, err := single(h, "X-Amz-Content-Sha256")
	switch {
	case err != nil:
		return "", err
	case fromQuery == "":
		return fromHeader, nil
	case fromHeader != "" && fromHeader != fromQuery:
		return "", malformed("X-Amz-Content-Sha256 differs between the query-string and the HTTP header.", true)
	}
	return fromQuery, nil
}

// refuseSecondToken refuses a session token in the headers: the one of a presigned request is in its query.
func refuseSecondToken(h http.Header) error {
	if len(h["X-Amz-Security-Token"]) > 0 {
		return &Error{Kind: KindAmbiguous, Message: "Found 'X-Amz-Security-Token' as HTTP header of a request that is signed in its query-string.", S3: s3OneAuth, Presigned: true}
	}
	return nil
}

// expires reads X-Amz-Expires. S3 requires it (Verify checks that), other services do not.
func expires(value string) (time.Duration, error) {
	if value == "" {
		return 0, nil
	}
	n, err := strconv.ParseInt(value, 10, 64)
	switch {
	case err != nil || value[0] == '+':
		return 0, malformed("X-Amz-Expires should be a number", true)
	case n < 1:
		return 0, malformed("X-Amz-Expires must be non-negative", true)
	case n > maxExpires:
		return 0, malformed(s3Week, true)
	}
	return time.Duration(n) * time.Second, nil
}

type authParams struct{ algorithm, credential, signature, headers, date, expires, token, payload string }

func (p *authParams) field(name string) *string {
	switch name {
	case "X-Amz-Algorithm":
		return &p.algorithm
	case "X-Amz-Credential":
		return &p.credential
	case "X-Amz-Signature":
		return &p.signature
	case "X-Amz-SignedHeaders":
		return &p.headers
	case "X-Amz-Date":
		return &p.date
	case "X-Amz-Expires":
		return &p.expires
	case "X-Amz-Security-Token":
		return &p.token
	case "X-Amz-Content-Sha256":
		return &p.payload
	}
	return nil
}

// missing lists the absent parameters in AWS's order.
func (p *authParams) missing() (names []string) {
	for _, n := range []string{"X-Amz-Algorithm", "X-Amz-Credential", "X-Amz-Signature", "X-Amz-SignedHeaders", "X-Amz-Date"} {
		if *p.field(n) == "" {
			names = append(names, n)
		}
	}
	return names
}

// authParams collects the parameters of the signature, decoded. Each may appear once only.
func (q query) authParams() (p authParams, err error) {
	var last string
	for _, pair := range q {
		field := p.field(pair.name)
		if field == nil {
			continue
		}
		if pair.name == last { // the query is sorted
			return p, malformed("AWS query-string parameter '"+last+"' must be given once.", true)
		}
		*field, last = pair.decoded(), pair.name
	}
	return p, nil
}
