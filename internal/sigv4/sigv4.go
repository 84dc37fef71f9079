// Package sigv4 is the server side of AWS Signature Version 4: it finds the signature in an HTTP request and decides
// whether the holder of a secret made exactly that request.
//
// The two steps are apart because the secret is not known before the access key id is:
//
//	sig, err := sigv4.Parse(r)                  // reads headers and query only
//	secret := lookup(sig.AccessKeyID, sig.Token)
//	err = sig.Verify(r, secret, sigv4.Options{Region: "eu-west-1", Service: "kms"})
//
// The rules are those of https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html and,
// for Options.S3, https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-authenticating-requests.html.
package sigv4

import (
	"net/http"
	"time"
)

// Signature is what a request claims about its signer. Nothing in it is proven before Verify or VerifyBytes returned nil.
type Signature struct {
	AccessKeyID string
	Date        string // yyyymmdd of the credential scope
	Region      string // of the credential scope
	Service     string // of the credential scope
	Token       string // X-Amz-Security-Token: of the headers, or of the query if Presigned
	Time        time.Time
	Presigned   bool          // the signature is in the query
	Expires     time.Duration // X-Amz-Expires; 0 if absent

	terminator string
	headers    string // the signed headers: lower case, sorted, joined by ';'
	signature  string // lower-case hex
	stamp      string // Time as the string to sign has it
	payload    string // X-Amz-Content-Sha256, or "" if the request has none
	trailer    http.Header
	policy     string // what a form signs, in base64
}

// Options says what a signature must be good for.
type Options struct {
	Region  string // the region the scope must name; "" matches nothing
	Service string // the signing name the scope must name, such as "kms"; "" matches nothing

	// S3 selects the rules of Amazon S3: the path is encoded once and not normalised, X-Amz-Content-Sha256 is required in
	// header signatures and may be UNSIGNED-PAYLOAD or one of the STREAMING values.
	S3 bool

	Skew  time.Duration // tolerated clock difference; 0 means AWS's 5 minutes, or 15 minutes for S3
	Now   time.Time     // the time to check against; zero means time.Now
	Cache *KeyCache     // signing keys to share between calls; nil derives them each time

	// MaxBody caps the body, after aws-chunked decoding, in bytes. 0 means no cap for a body that is streamed and
	// 64 MiB for one that Verify has to hold.
	MaxBody int64
}

// Limits on what is looked at before anything is proven.
const (
	maxAuthorization = 16 << 10
	maxHeaderBytes   = 64 << 10
	maxSignedHeaders = 128
	maxQueryBytes    = 64 << 10
	maxQueryParams   = 2000
	maxHeldBody      = 64 << 20
)

const (
	algorithm  = "AWS4-HMAC-SHA256"
	terminator = "aws4_request"
	stampForm  = "20060102T150405Z"
)

func (o Options) now() time.Time {
	if o.Now.IsZero() {
		return time.Now()
	}
	return o.Now
}

// skew is 5 minutes for most services and 15 for S3 ("RequestTimeTooSkewed" in the S3 error list).
func (o Options) skew() time.Duration {
	switch {
	case o.Skew > 0:
		return o.Skew
	case o.S3:
		return 15 * time.Minute
	}
	return 5 * time.Minute
}

// Trailer returns the trailing headers of an aws-chunked body, exactly those that X-Amz-Trailer declares, once the body
// that Verify installed has returned its last byte; before that, and for other bodies, it is nil. With a signed stream
// the values are proven; with STREAMING-UNSIGNED-PAYLOAD-TRAILER only the checksums they carry protect the data.
// http.Request.Trailer is left alone because HTTP's own, unsigned, trailers end up there.
func (s *Signature) Trailer() http.Header { return s.trailer }
