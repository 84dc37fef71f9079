package front

import (
	"crypto/tls"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"redoubt/internal/policy"
	"redoubt/internal/wire"
)

// objects is the service whose requests differ from all others': its paths are keys, which are signed and meant as they are
// ("a//b" and "a/../b" are keys), its bodies stream, and a bucket may be in the host.
const objects = "s3"

func (x *exchange) isObjects() bool { return x.entry.Service.Name() == objects }

// addressed is the request with its bucket in the path, wherever it was: virtual-hosted requests have it in the host.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/VirtualHosting.html
func (x *exchange) addressed() (*http.Request, error) {
	path := x.r.URL.EscapedPath()
	if bucket := bucketHost(x.r.Host, x.door.region); bucket != "" {
		path = "/" + url.PathEscape(bucket) + path
	}
	plain, err := url.PathUnescape(path)
	if err != nil || !utf8.ValidString(plain) {
		return nil, wire.Errorf("InvalidURI", http.StatusBadRequest, "Couldn't parse the specified URI.")
	}
	r := *x.r
	u := *x.r.URL
	u.Path, u.RawPath = plain, path
	r.URL = &u
	unchunk(&r)
	return &r, nil
}

// signatureKeys are the condition keys of S3 about how a request is signed.
// https://docs.aws.amazon.com/AmazonS3/latest/API/bucket-policy-s3-sigv4-conditions.html
func (x *exchange) signatureKeys() policy.MapKeys {
	keys := policy.MapKeys{}
	if s := x.r.TLS; s != nil {
		keys["s3:tlsversion"] = tlsVersions[s.Version]
	}
	if x.sig == nil {
		return keys
	}
	keys["s3:signatureversion"] = signatureVersion
	keys["s3:authtype"] = byHeader
	if x.sig.Presigned {
		keys["s3:authtype"] = byQuery
		age := x.caller.Request.Time.Sub(x.sig.Time)
		keys["s3:signatureage"] = []string{strconv.FormatInt(max(0, age.Milliseconds()), 10)}
	}
	if v := x.r.Header["X-Amz-Content-Sha256"]; len(v) == 1 {
		keys["s3:x-amz-content-sha256"] = v
	}
	return keys
}

var (
	signatureVersion = []string{"AWS4-HMAC-SHA256"}
	byHeader         = []string{"REST-HEADER"}
	byQuery          = []string{"REST-QUERY-STRING"}
	tlsVersions      = map[uint16][]string{tls.VersionTLS12: {"1.2"}, tls.VersionTLS13: {"1.3"}}
)

// bucketHost is the bucket in a host: BUCKET.s3.localhost, BUCKET.s3.REGION.localhost, or BUCKET.localhost, which is what
// SDKs make of an endpoint on localhost; "" if the host names none. Buckets may have dots in their names.
func bucketHost(host, region string) string {
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	name, ok := strings.CutSuffix(strings.ToLower(strings.TrimSuffix(host, ".")), ".localhost")
	if !ok {
		return ""
	}
	name = strings.TrimSuffix(name, "."+region)
	if name == objects {
		return ""
	}
	return strings.TrimSuffix(name, "."+objects)
}

// objectsHost reports whether a host is that of S3, whatever else the request says.
func objectsHost(host, region string) bool {
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	labels := strings.Split(strings.ToLower(strings.TrimSuffix(host, ".")), ".")
	n := len(labels) - 1
	if n > 0 && labels[n-1] == region {
		n--
	}
	return n > 0 && labels[len(labels)-1] == "localhost" && labels[n-1] == objects
}

// unchunk takes the encoding of the transfer out of Content-Encoding: what is left is kept with the object.
func unchunk(r *http.Request) {
	values := r.Header["Content-Encoding"]
	if !slices.ContainsFunc(values, func(v string) bool { return strings.Contains(v, "aws-chunked") }) {
		return
	}
	var rest []string
	for v := range strings.SplitSeq(strings.Join(values, ","), ",") {
		if v = strings.TrimSpace(v); v != "" && v != "aws-chunked" {
			rest = append(rest, v)
		}
	}
	r.Header = r.Header.Clone()
	r.Header.Del("Content-Encoding")
	if len(rest) > 0 {
		r.Header.Set("Content-Encoding", strings.Join(rest, ","))
	}
}
