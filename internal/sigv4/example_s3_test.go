package sigv4_test

import (
	"fmt"
	"strings"
	"testing"

	"redoubt/internal/sigv4"
)

// The examples of AmazonS3/latest/API/sig-v4-header-based-auth.html and sigv4-query-string-auth.html, byte for byte.
var documented = []struct{ name, wire string }{
	{"GET Object", `GET /test.txt HTTP/1.1
Host: examplebucket.s3.amazonaws.com
Range: bytes=0-9
x-amz-content-sha256: e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855
x-amz-date: 20130524T000000Z
Authorization: AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request,SignedHeaders=host;range;x-amz-content-sha256;x-amz-date,Signature=f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41

`},
	{"PUT Object", `PUT /test$file.text HTTP/1.1
Host: examplebucket.s3.amazonaws.com
Date: Fri, 24 May 2013 00:00:00 GMT
Content-Length: 21
x-amz-date: 20130524T000000Z
x-amz-storage-class: REDUCED_REDUNDANCY
x-amz-content-sha256: 44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072
Authorization: AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request,SignedHeaders=date;host;x-amz-content-sha256;x-amz-date;x-amz-storage-class,Signature=98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd

Welcome to Amazon S3.`},
	{"GET Bucket Lifecycle", `GET /?lifecycle HTTP/1.1
Host: examplebucket.s3.amazonaws.com
x-amz-date: 20130524T000000Z
x-amz-content-sha256: e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855
Authorization: AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request,SignedHeaders=host;x-amz-content-sha256;x-amz-date,Signature=fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543

`},
	{"List Objects", `GET /?max-keys=2&prefix=J HTTP/1.1
Host: examplebucket.s3.amazonaws.com
x-amz-date: 20130524T000000Z
x-amz-content-sha256: e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855
Authorization: AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request,SignedHeaders=host;x-amz-content-sha256;x-amz-date,Signature=34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7

`},
	{"presigned GET", `GET /test.txt?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2Faws4_request&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&X-Amz-SignedHeaders=host&X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404 HTTP/1.1
Host: examplebucket.s3.amazonaws.com

`},
}

func TestDocumentedS3ExamplesVerify(t *testing.T) {
	for _, example := range documented {
		t.Run(example.name, func(t *testing.T) {
			wire := strings.ReplaceAll(example.wire, "\n", "\r\n")
			if _, _, err := verdict(received(t, wire), exampleSecret, exampleS3); err != nil {
				t.Errorf("Verify: %v", err)
			}
			if err := verdictBytes(received(t, wire), exampleSecret, exampleS3); err != nil {
				t.Errorf("VerifyBytes: %v", err)
			}
			_, _, err := verdict(received(t, wire), exampleSecret+"x", exampleS3)
			wantKind(t, err, sigv4.KindMismatch)
		})
	}
}

// stream is an aws-chunked upload in parts, as the two examples of the documentation have it: 65 KiB of 'a'.
type stream struct {
	payload, headers, seed string
	chunks                 []string // size and signature
	trailer                string
}

var (
	documentedStream = stream{
		payload: "STREAMING-AWS4-HMAC-SHA256-PAYLOAD",
		headers: "content-encoding;content-length;host;x-amz-content-sha256;x-amz-date;x-amz-decoded-content-length;x-amz-storage-class",
		seed:    "4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9",
		chunks: []string{
			"ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648",
			"0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497",
			"b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9",
		},
		trailer: "\r\n",
	}
	documentedTrailer = stream{
		payload: "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER",
		headers: "content-encoding;host;x-amz-content-sha256;x-amz-date;x-amz-decoded-content-length;x-amz-storage-class;x-amz-trailer",
		seed:    "106e2a8a18243abcf37539882f36619c00e2dfc72633413f02d3b74544bfeb8e",
		chunks: []string{
			"b474d8862b1487a5145d686f57f013e54db672cee1c953b3010fb58501ef5aa2",
			"1c1344b170168f8e65b41376b44b20fe354e373826ccbbe2c1d40a8cae51e5c7",
			"2ca2aba2005185cf7159c6277faf83795951dd77a3a99e6e65d5c9f85863f992",
		},
		trailer: "x-amz-checksum-crc32c:sOO8/Q==\r\nx-amz-trailer-signature:d81f82fc3505edab99d459891051a732e8730629a2e4a59689829ca17fe2e435\r\n\r\n",
	}
)

func (s stream) body() string {
	var b strings.Builder
	for i, data := range []string{strings.Repeat("a", 65536), strings.Repeat("a", 1024), ""} {
		fmt.Fprintf(&b, "%x;chunk-signature=%s\r\n%s", len(data), s.chunks[i], data)
		if data != "" {
			b.WriteString("\r\n")
		}
	}
	return b.String() + s.trailer
}

// wire is the request with the given body. Content-Length is the documented one where it is signed, else the true one.
func (s stream) wire(body string) string {
	declared := ""
	if strings.Contains(s.headers, "x-amz-trailer") {
		declared = "x-amz-trailer: x-amz-checksum-crc32c\r\n"
	}
	return "PUT /examplebucket/chunkObject.txt HTTP/1.1\r\nHost: s3.amazonaws.com\r\nx-amz-date: 20130524T000000Z\r\n" +
		"x-amz-storage-class: REDUCED_REDUNDANCY\r\nContent-Encoding: aws-chunked\r\nx-amz-decoded-content-length: 66560\r\n" + declared +
		"x-amz-content-sha256: " + s.payload + "\r\n" + fmt.Sprintf("Content-Length: %d\r\n", len(body)) +
		"Authorization: AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request,SignedHeaders=" +
		s.headers + ",Signature=" + s.seed + "\r\n\r\n" + body
}

func TestDocumentedStreamsDecode(t *testing.T) {
	for _, s := range []stream{documentedStream, documentedTrailer} {
		r := received(t, s.wire(s.body()))
		body, sig, err := verdict(r, exampleSecret, exampleS3)
		if err != nil {
			t.Fatalf("%s: %v", s.payload, err)
		}
		if string(body) != strings.Repeat("a", 66560) || r.ContentLength != 66560 {
			t.Errorf("%s: %d bytes decoded, ContentLength %d", s.payload, len(body), r.ContentLength)
		}
		if err := r.Body.Close(); err != nil {
			t.Error(err)
		}
		if got, want := sig.Trailer().Get("x-amz-checksum-crc32c"), strings.Contains(s.payload, "TRAILER"); (got == "sOO8/Q==") != want {
			t.Errorf("%s: trailer %q", s.payload, got)
		}
	}
}
