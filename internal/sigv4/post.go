package sigv4

import (
	"crypto/hmac"
	"encoding/hex"
	"strings"
)

// ParsePost finds the signature in the fields of an HTML form that uploads to S3, whose names are in lower case. What it
// signs is the field "policy". A form without any field of a signature is ErrNone.
// https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-authentication-HTTPPOST.html
func ParsePost(fields map[string]string) (*Signature, error) {
	if fields["policy"] == "" && fields["x-amz-signature"] == "" {
		return nil, ErrNone
	}
	for _, name := range []string{"policy", "x-amz-algorithm", "x-amz-credential", "x-amz-date", "x-amz-signature"} {
		if fields[name] == "" {
			return nil, malformedPost("Bucket POST must contain a field named '" + postNames[name] + "'.  If it is specified, please check the order of the fields.")
		}
	}
	if fields["x-amz-algorithm"] != algorithm {
		return nil, malformedPost("Unsupported X-Amz-Algorithm; it must be " + algorithm + ".")
	}
	d, err := basicDate(fields["x-amz-date"], true)
	if err != nil {
		return nil, err
	}
	s := &Signature{
		Presigned: true, Token: fields["x-amz-security-token"], Time: d.time, stamp: d.stamp, signature: strings.ToLower(fields["x-amz-signature"]),
		policy: fields["policy"],
	}
	return s, s.setCredential(fields["x-amz-credential"])
}

var postNames = map[string]string{
	"policy": "policy", "x-amz-algorithm": "X-Amz-Algorithm", "x-amz-credential": "X-Amz-Credential", "x-amz-date": "X-Amz-Date",
	"x-amz-signature": "X-Amz-Signature",
}

func malformedPost(message string) *Error {
	return &Error{Kind: KindBadPayload, Message: message, Presigned: true}
}

// VerifyPost decides whether the holder of secret signed the policy of a form, for what Options says. How long it is good for
// the policy itself says, which the caller reads.
func (s *Signature) VerifyPost(secret Secret, o Options) error {
	if s.Region != o.Region || s.Service != o.Service || s.terminator != terminator || s.Date != s.stamp[:8] {
		return s.badScope(o)
	}
	if newest := o.now().Add(o.skew()); s.Time.After(newest) {
		return s.tooNew(KindNotYetValid, newest, o.now(), o.skew())
	}
	if secret.empty() || s.policy == "" {
		return s.mismatch("", "")
	}
	key := o.Cache.key(s, secret)
	want := mac(key[:], s.policy)
	if !hmac.Equal([]byte(hex.EncodeToString(want[:])), []byte(s.signature)) {
		return s.mismatch("", s.policy)
	}
	return nil
}
