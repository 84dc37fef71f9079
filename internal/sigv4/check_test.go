package sigv4_test

import (
	"bytes"
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"

	"redoubt/internal/sigv4"
)

// signedAt is a POST of "body" with headers given as pairs, signed with the example credentials at the example time.
func signedAt(t testing.TB, o sigv4.Options, hash string, headers ...string) *http.Request {
	t.Helper()
	r, err := http.NewRequest("POST", "http://localhost:4566/path", strings.NewReader("body"))
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Add(headers[i], headers[i+1])
	}
	creds := aws.Credentials{AccessKeyID: exampleID, SecretAccessKey: exampleSecret}
	signer := v4.NewSigner(func(so *v4.SignerOptions) { so.DisableURIPathEscaping = o.S3 })
	if err := signer.SignHTTP(context.Background(), creds, r, hash, o.Service, o.Region, exampleTime); err != nil {
		t.Fatal(err)
	}
	return overTheWire(t, r)
}

// presignedAt is signedAt with the signature in the query; expires may be "".
func presignedAt(t testing.TB, o sigv4.Options, hash, expires string) *http.Request {
	t.Helper()
	target := "http://localhost:4566/path"
	if expires != "" {
		target += "?X-Amz-Expires=" + expires
	}
	r, err := http.NewRequest("GET", target, nil)
	if err != nil {
		t.Fatal(err)
	}
	creds := aws.Credentials{AccessKeyID: exampleID, SecretAccessKey: exampleSecret}
	uri, _, err := v4.NewSigner().PresignHTTP(context.Background(), creds, r, hash, o.Service, o.Region, exampleTime)
	if err != nil {
		t.Fatal(err)
	}
	r, err = http.NewRequest("GET", uri, nil)
	if err != nil {
		t.Fatal(err)
	}
	return overTheWire(t, r)
}

var (
	exampleKMS = sigv4.Options{Region: "eu-west-1", Service: "kms", Now: exampleTime}
	emptyHash  = hashOf(nil)
	bodyHash   = hashOf([]byte("body"))
)

func TestASignatureByHeaderLivesWithinTheSkew(t *testing.T) {
	tests := []struct {
		name string
		s3   bool
		skew time.Duration
		off  time.Duration // of the clock of the server
		kind sigv4.Kind    // 0 is accepted
	}{
		{"on time", false, 0, 0, 0},
		{"five minutes late", false, 0, 5 * time.Minute, 0},
		{"and some milliseconds", false, 0, 5*time.Minute + 900*time.Millisecond, 0},
		{"and a second", false, 0, 5*time.Minute + time.Second, sigv4.KindSkewed},
		{"five minutes early", false, 0, -5 * time.Minute, 0},
		{"and a second early", false, 0, -5*time.Minute - time.Second, sigv4.KindSkewed},
		{"S3, fifteen minutes late", true, 0, 15 * time.Minute, 0},
		{"S3, and a second", true, 0, 15*time.Minute + time.Second, sigv4.KindSkewed},
		{"S3, fifteen minutes early", true, 0, -15 * time.Minute, 0},
		{"S3, and a second early", true, 0, -15*time.Minute - time.Second, sigv4.KindSkewed},
		{"own skew", false, 90 * time.Second, 90 * time.Second, 0},
		{"own skew and a second", false, 90 * time.Second, 91 * time.Second, sigv4.KindSkewed},
	}
	for _, test := range tests {
		o := exampleKMS
		o.S3, o.Skew, o.Now = test.s3, test.skew, o.Now.Add(test.off)
		_, _, err := verdict(signedAt(t, o, bodyHash, "X-Amz-Content-Sha256", bodyHash), exampleSecret, o)
		if test.kind == 0 && err != nil {
			t.Errorf("%s: %v", test.name, err)
		} else if test.kind != 0 {
			wantKind(t, err, test.kind)
		}
	}
}

func TestAPresignedRequestLivesAsLongAsItSays(t *testing.T) {
	tests := []struct {
		name    string
		s3      bool
		expires string
		off     time.Duration
		kind    sigv4.Kind
	}{
		{"at once", true, "60", 0, 0},
		{"last second", true, "60", 60 * time.Second, 0},
		{"one more", true, "60", 61 * time.Second, sigv4.KindExpired},
		{"a week", true, "604800", 7 * 24 * time.Hour, 0},
		{"a week and a second", true, "604800", 7*24*time.Hour + time.Second, sigv4.KindExpired},
		{"clock behind", true, "60", -15 * time.Minute, 0},
		{"clock far behind", true, "60", -15*time.Minute - time.Second, sigv4.KindNotYetValid},
		{"S3 without", true, "", 0, sigv4.KindIncomplete},
		{"without", false, "", 5 * time.Minute, 0},
		{"without, too late", false, "", 5*time.Minute + time.Second, sigv4.KindExpired},
		{"longer than the skew", false, "900", 15 * time.Minute, 0},
		{"longer, too late", false, "900", 15*time.Minute + time.Second, sigv4.KindExpired},
	}
	for _, test := range tests {
		o := exampleKMS
		o.S3, o.Now = test.s3, o.Now.Add(test.off)
		hash := emptyHash
		if o.S3 {
			hash = "UNSIGNED-PAYLOAD"
		}
		_, _, err := verdict(presignedAt(t, o, hash, test.expires), exampleSecret, o)
		if test.kind == 0 && err != nil {
			t.Errorf("%s: %v", test.name, err)
		} else if test.kind != 0 && !wantKind(t, err, test.kind).Presigned {
			t.Errorf("%s: the error does not tell that the request is presigned", test.name)
		}
	}
}

func TestWithoutNowTheTimeIsNow(t *testing.T) {
	o := exampleKMS
	o.Now = time.Time{}
	_, _, err := verdict(signedAt(t, o, bodyHash), exampleSecret, o)
	wantKind(t, err, sigv4.KindSkewed)
}

func TestMessagesAreThoseOfAWS(t *testing.T) {
	late, soon := exampleKMS, exampleKMS
	late.Now, soon.Now = late.Now.Add(time.Hour), soon.Now.Add(-time.Hour)
	odd := late
	odd.Skew = 90 * time.Second
	elsewhere := exampleKMS
	elsewhere.Region, elsewhere.Service = "us-east-1", "sts"
	scope := func(old, new string) *http.Request {
		r := signedAt(t, exampleKMS, bodyHash)
		r.Header.Set("Authorization", change(r.Header.Get("Authorization"), old, new))
		return r
	}
	tests := []struct {
		name        string
		r           *http.Request
		o           sigv4.Options
		kind        sigv4.Kind
		message, s3 string
	}{
		{"expired", signedAt(t, late, bodyHash), late, sigv4.KindSkewed,
			"Signature expired: 20130524T000000Z is now earlier than 20130524T005500Z (20130524T010000Z - 5 min.)", "The difference between the request time and the current time is too large."},
		{"odd skew", signedAt(t, late, bodyHash), odd, sigv4.KindSkewed,
			"Signature expired: 20130524T000000Z is now earlier than 20130524T005830Z (20130524T010000Z - 90 sec.)", "The difference between the request time and the current time is too large."},
		{"early", signedAt(t, soon, bodyHash), soon, sigv4.KindSkewed,
			"Signature not yet current: 20130524T000000Z is still later than 20130523T230500Z (20130523T230000Z + 5 min.)", "The difference between the request time and the current time is too large."},
		{"presigned expired", presignedAt(t, late, emptyHash, "60"), late, sigv4.KindExpired,
			"Signature expired: 20130524T000000Z is now earlier than 20130524T005900Z (20130524T010000Z - 1 min.)", "Request has expired"},
		{"presigned early", presignedAt(t, soon, emptyHash, "60"), soon, sigv4.KindNotYetValid,
			"Signature not yet current: 20130524T000000Z is still later than 20130523T230500Z (20130523T230000Z + 5 min.)", "Request is not valid yet"},
		{"scope", signedAt(t, exampleKMS, bodyHash), elsewhere, sigv4.KindBadScope,
			"Credential should be scoped to a valid region. Credential should be scoped to correct service: 'sts'. ",
			"The authorization header is malformed; the region 'eu-west-1' is wrong; expecting 'us-east-1'"},
		{"presigned scope", presignedAt(t, exampleKMS, emptyHash, "60"), elsewhere, sigv4.KindBadScope,
			"Credential should be scoped to a valid region. Credential should be scoped to correct service: 'sts'. ",
			"Error parsing the X-Amz-Credential parameter; the region 'eu-west-1' is wrong; expecting 'us-east-1'"},
		{"terminator", scope("aws4_request", "x"), exampleKMS, sigv4.KindBadScope,
			"Credential should be scoped with a valid terminator: 'aws4_request', not 'x'. ", `The authorization header is malformed; incorrect terminal "x". This endpoint uses "aws4_request".`},
		{"date", scope("/20130524", "/20130525"), exampleKMS, sigv4.KindBadScope,
			"Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '20130525' != '20130524', from '20130524T000000Z'. ",
			`The authorization header is malformed; Invalid credential date "20130525". This date is not the same as X-Amz-Date: "20130524".`},
		{"host", scope("host;", ""), exampleKMS, sigv4.KindUnsignedHeader,
			"'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization.", "There were headers present in the request which were not signed"},
		{"signature", scope("Signature=", "Signature=0"), exampleKMS, sigv4.KindMismatch,
			"The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method. Consult the service documentation for details.",
			"The request signature we calculated does not match the signature you provided. Check your key and signing method."},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, _, err := verdict(test.r, exampleSecret, test.o)
			if e := wantKind(t, err, test.kind); e.Message != test.message || e.S3 != test.s3 {
				t.Errorf("got  %q and %q\nwant %q and %q", e.Message, e.S3, test.message, test.s3)
			}
		})
	}
}

func TestEveryAmzHeaderMustBeSigned(t *testing.T) {
	r := signedAt(t, exampleKMS, bodyHash)
	r.Header.Set("X-Amz-Target", "TrentService.DeleteEverything")
	_, _, err := verdict(r, exampleSecret, exampleKMS)
	if e := wantKind(t, err, sigv4.KindUnsignedHeader); e.Message != "'x-amz-target' must be a 'SignedHeader' in the AWS Authorization." {
		t.Error(e.Message)
	}
}

func TestHeadersOfProxiesNeedNoSignature(t *testing.T) {
	r := signedAt(t, exampleKMS, bodyHash)
	r.Header.Set("X-Amzn-Trace-Id", "Root=1-2-3")
	r.Header.Set("Via", "proxy")
	if _, _, err := verdict(r, exampleSecret, exampleKMS); err != nil {
		t.Error(err)
	}
}

func TestThePayloadHashNeedsNoSignatureOfItsOwn(t *testing.T) {
	for hash, good := range map[string]bool{bodyHash: true, emptyHash: false} {
		r := signedAt(t, exampleKMS, bodyHash)
		r.Header.Set("X-Amz-Content-Sha256", hash)
		if _, _, err := verdict(r, exampleSecret, exampleKMS); (err == nil) != good {
			t.Errorf("hash %s: %v", hash, err)
		}
	}
}

func TestAMismatchShowsWhatTheServerCalculated(t *testing.T) {
	_, _, err := verdict(signedAt(t, exampleKMS, bodyHash), "wrong", exampleKMS)
	e := wantKind(t, err, sigv4.KindMismatch)
	if want := "POST\n/path\n\ncontent-length:4\nhost:localhost:4566\nx-amz-date:20130524T000000Z\n\ncontent-length;host;x-amz-date\n" + bodyHash; e.CanonicalRequest != want {
		t.Errorf("got  %q\nwant %q", e.CanonicalRequest, want)
	}
	if want := "AWS4-HMAC-SHA256\n20130524T000000Z\n20130524/eu-west-1/kms/aws4_request\n" + hashOf([]byte(e.CanonicalRequest)); e.StringToSign != want {
		t.Errorf("got  %q\nwant %q", e.StringToSign, want)
	}
}

func TestKindsHaveNames(t *testing.T) {
	seen := map[string]bool{}
	for k := sigv4.KindMissing; k <= sigv4.KindMissingLength; k++ {
		seen[k.String()] = true
	}
	if len(seen) != int(sigv4.KindMissingLength) || seen["Unknown"] || sigv4.Kind(200).String() != "Unknown" {
		t.Errorf("names: %v", seen)
	}
}

func TestADoubledDecodedLengthIsRefusedEvenIfSigned(t *testing.T) {
	r := signedAt(t, exampleS3, signedMode, "X-Amz-Content-Sha256", signedMode, "X-Amz-Decoded-Content-Length", "3", "X-Amz-Decoded-Content-Length", "3")
	_, _, err := verdict(r, exampleSecret, exampleS3)
	wantKind(t, err, sigv4.KindMalformed)
}

func TestTheBodyIsReadAgainAfterVerify(t *testing.T) {
	body, _, err := verdict(signedAt(t, exampleKMS, bodyHash), exampleSecret, exampleKMS)
	if err != nil || !bytes.Equal(body, []byte("body")) {
		t.Errorf("%q, %v", body, err)
	}
}
