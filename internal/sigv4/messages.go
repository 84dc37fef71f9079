package sigv4

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"strings"
	"time"
)

const mismatch = "The request signature we calculated does not match the signature you provided. " +
	"Check your AWS Secret Access Key and signing method. Consult the service documentation for details."

// S3's words where they are fixed.
const (
	s3Mismatch    = "The request signature we calculated does not match the signature you provided. Check your key and signing method."
	s3Unsigned    = "There were headers present in the request which were not signed"
	s3Mechanism   = "The authorization mechanism you have provided is not supported. Please use AWS4-HMAC-SHA256."
	s3OneAuth     = "Only one auth mechanism allowed; only the X-Amz-Algorithm query parameter, Signature query string parameter or the Authorization header should be specified"
	s3QueryParams = "Query-string authentication version 4 requires the X-Amz-Algorithm, X-Amz-Credential, X-Amz-Signature, X-Amz-Date, X-Amz-SignedHeaders, and X-Amz-Expires parameters."
	s3Skewed      = "The difference between the request time and the current time is too large."
	s3NeedDate    = "AWS authentication requires a valid Date or x-amz-date header"
	s3Week        = "X-Amz-Expires must be less than a week (in seconds); that is, the given X-Amz-Expires must be less than 604800 seconds"
	s3BadDigest   = "The provided 'x-amz-content-sha256' header does not match what was computed."
	s3Payload     = "x-amz-content-sha256 must be UNSIGNED-PAYLOAD, STREAMING-AWS4-HMAC-SHA256-PAYLOAD, or a valid sha256 value."
	s3SmallChunk  = "Only the last chunk is allowed to have a size less than 8192 bytes"
	s3Incomplete  = "The request body terminated unexpectedly"
	s3BadTrailer  = "The request contained trailing data that was not well-formed or did not conform to our published schema."
	s3NeedLength  = "You must provide the Content-Length HTTP header."
)

// fingerprint is how AWS quotes an Authorization header since it stopped echoing it.
func fingerprint(authorization string) string {
	sum := sha256.Sum256([]byte(authorization))
	return base64.StdEncoding.EncodeToString(sum[:])
}

func noEqualSign(authorization string) *Error {
	return &Error{
		Kind: KindMalformed,
		Message: "Invalid key=value pair (missing equal-sign) in Authorization header (hashed with SHA-256 and encoded with Base64): '" +
			fingerprint(authorization) + "'.",
		S3: "The authorization header is malformed; the authorization component is malformed.",
	}
}

// missingParts lists all that an Authorization header lacks, in AWS's order.
func missingParts(parts []string, noDate bool, authorization string) *Error {
	var b strings.Builder
	for _, p := range parts {
		fmt.Fprintf(&b, "Authorization header requires '%s' parameter. ", p)
	}
	s3 := s3NeedDate
	if len(parts) > 0 {
		s3 = "The authorization header is malformed; the authorization header requires three components: Credential, SignedHeaders, and Signature."
	}
	if noDate {
		b.WriteString("Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header. ")
	}
	b.WriteString("(Hashed with SHA-256 and encoded with Base64) Authorization=" + fingerprint(authorization))
	return &Error{Kind: KindIncomplete, Message: b.String(), S3: s3}
}

func missingParams(names []string) *Error {
	var b strings.Builder
	for _, n := range names {
		fmt.Fprintf(&b, "AWS query-string parameters must include '%s'. ", n)
	}
	b.WriteString("Re-examine the query-string parameters.")
	return &Error{Kind: KindIncomplete, Message: b.String(), S3: s3QueryParams, Presigned: true}
}

func badAlgorithm(name string, presigned bool) *Error {
	e := &Error{
		Kind:      KindUnsupported,
		Message:   fmt.Sprintf("Unsupported AWS 'algorithm': '%s' (only AWS4-HMAC-SHA256 for now). ", name),
		S3:        s3Mechanism,
		Presigned: presigned,
	}
	if presigned {
		e.S3 = `X-Amz-Algorithm only supports "AWS4-HMAC-SHA256"`
	}
	return e
}

func badDate(got string, presigned bool) *Error {
	e := &Error{
		Kind:      KindMalformed,
		Message:   fmt.Sprintf("Date must be in ISO-8601 'basic format'. Got '%s'. See http://en.wikipedia.org/wiki/ISO_8601", got),
		S3:        s3NeedDate,
		Presigned: presigned,
	}
	if presigned {
		e.S3 = `X-Amz-Date must be in the ISO8601 Long Format "yyyyMMdd'T'HHmmss'Z'"`
	}
	return e
}

// s3Parsing is the beginning of what S3 says about a credential.
func s3Parsing(presigned bool, rest string) string {
	if presigned {
		return "Error parsing the X-Amz-Credential parameter; " + rest
	}
	return "The authorization header is malformed; " + rest
}

func badCredential(got string, presigned bool) *Error {
	return &Error{
		Kind:      KindMalformed,
		Message:   fmt.Sprintf("Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term, got '%s'", got),
		S3:        s3Parsing(presigned, `the Credential is mal-formed; expecting "<YOUR-AKID>/YYYYMMDD/REGION/SERVICE/aws4_request".`),
		Presigned: presigned,
	}
}

func malformed(message string, presigned bool) *Error {
	return &Error{Kind: KindMalformed, Message: message, Presigned: presigned}
}

func tooLarge(message string) *Error { return &Error{Kind: KindTooLarge, Message: message} }

func unsignedHeader(name string) *Error {
	return &Error{
		Kind:    KindUnsignedHeader,
		Message: fmt.Sprintf("'%s' must be a 'SignedHeader' in the AWS Authorization.", name),
		S3:      s3Unsigned,
	}
}

// badScope tells everything that is wrong with the scope at once, as AWS does; S3 tells the first thing.
func (s *Signature) badScope(o Options) *Error {
	var all, s3 []string
	add := func(wrong bool, general, forS3 string) {
		if wrong {
			all, s3 = append(all, general), append(s3, s3Parsing(s.Presigned, forS3))
		}
	}
	date := s.stamp[:8]
	add(s.Region != o.Region, "Credential should be scoped to a valid region. ",
		fmt.Sprintf("the region '%s' is wrong; expecting '%s'", s.Region, o.Region))
	add(s.Service != o.Service, fmt.Sprintf("Credential should be scoped to correct service: '%s'. ", o.Service),
		fmt.Sprintf("incorrect service %q. This endpoint belongs to %q.", s.Service, o.Service))
	add(s.terminator != terminator, fmt.Sprintf("Credential should be scoped with a valid terminator: 'aws4_request', not '%s'. ", s.terminator),
		fmt.Sprintf("incorrect terminal %q. This endpoint uses %q.", s.terminator, terminator))
	add(s.Date != date, fmt.Sprintf("Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '%s' != '%s', from '%s'. ", s.Date, date, s.stamp),
		fmt.Sprintf("Invalid credential date %q. This date is not the same as X-Amz-Date: %q.", s.Date, date))
	return &Error{Kind: KindBadScope, Message: strings.Join(all, ""), S3: s3[0], Presigned: s.Presigned}
}

// tooOld and tooNew quote the limit and how it came about: "... than LIMIT (NOW - 5 min.)".
func (s *Signature) tooOld(kind Kind, limit, now time.Time, skew time.Duration) *Error {
	e := &Error{Kind: kind, S3: s3Skewed, Presigned: s.Presigned, Message: fmt.Sprintf("Signature expired: %s is now earlier than %s (%s - %s.)",
		s.stamp, stamp(limit), stamp(now), minutes(skew))}
	if kind == KindExpired {
		e.S3 = "Request has expired"
	}
	return e
}

func (s *Signature) tooNew(kind Kind, limit, now time.Time, skew time.Duration) *Error {
	e := &Error{Kind: kind, S3: s3Skewed, Presigned: s.Presigned, Message: fmt.Sprintf("Signature not yet current: %s is still later than %s (%s + %s.)",
		s.stamp, stamp(limit), stamp(now), minutes(skew))}
	if kind == KindNotYetValid {
		e.S3 = "Request is not valid yet"
	}
	return e
}

func stamp(t time.Time) string { return t.UTC().Format(stampForm) }

func minutes(d time.Duration) string {
	if d%time.Minute == 0 {
		return fmt.Sprintf("%d min", d/time.Minute)
	}
	return fmt.Sprintf("%d sec", d/time.Second)
}

func (s *Signature) mismatch(canonical, toSign string) *Error {
	return &Error{Kind: KindMismatch, Message: mismatch, S3: s3Mismatch, Presigned: s.Presigned, CanonicalRequest: canonical, StringToSign: toSign}
}

// badDigest is for a body that is not the announced one. Services other than S3 hash what they got, so to them the
// signature is wrong.
func (s *Signature) badDigest(s3 bool) *Error {
	if s3 {
		return &Error{Kind: KindBadDigest, Message: s3BadDigest, Presigned: s.Presigned}
	}
	return s.mismatch("", "")
}
