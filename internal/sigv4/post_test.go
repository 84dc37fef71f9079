package sigv4_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"maps"
	"testing"
	"time"

	"redoubt/internal/sigv4"
)

// signedForm signs a policy as a server of web pages does.
func signedForm(policy, secret string) map[string]string {
	key := []byte("AWS4" + secret)
	for _, part := range []string{"20130524", "us-east-1", "s3", "aws4_request", policy} {
		h := hmac.New(sha256.New, key)
		h.Write([]byte(part))
		key = h.Sum(nil)
	}
	return map[string]string{
		"policy": policy, "x-amz-algorithm": "AWS4-HMAC-SHA256", "x-amz-credential": "AKID/20130524/us-east-1/s3/aws4_request",
		"x-amz-date": "20130524T000000Z", "x-amz-signature": hex.EncodeToString(key),
	}
}

func verifyForm(fields map[string]string, o sigv4.Options) error {
	s, err := sigv4.ParsePost(fields)
	if err != nil {
		return err
	}
	return s.VerifyPost(sigv4.NewSecret("secret"), o)
}

func TestFormsAreVerifiedByTheirPolicy(t *testing.T) {
	o := sigv4.Options{Region: "us-east-1", Service: "s3", S3: true, Now: exampleTime}
	if err := verifyForm(signedForm("cG9saWN5", "secret"), o); err != nil {
		t.Errorf("the right signature is refused: %v", err)
	}
	with := func(name, value string) map[string]string {
		f := maps.Clone(signedForm("cG9saWN5", "secret"))
		f[name] = value
		return f
	}
	early := o
	early.Now = exampleTime.Add(-time.Hour)
	elsewhere := o
	elsewhere.Region = "eu-west-1"
	for _, c := range []struct {
		name   string
		fields map[string]string
		o      sigv4.Options
		kind   sigv4.Kind
	}{
		{"another policy", with("policy", "b3RoZXI="), o, sigv4.KindMismatch},
		{"another secret", signedForm("cG9saWN5", "other"), o, sigv4.KindMismatch},
		{"no signature", with("x-amz-signature", ""), o, sigv4.KindBadPayload},
		{"no policy", with("policy", ""), o, sigv4.KindBadPayload},
		{"another algorithm", with("x-amz-algorithm", "AWS4-ECDSA-P256-SHA256"), o, sigv4.KindBadPayload},
		{"no date", with("x-amz-date", "today"), o, sigv4.KindMalformed},
		{"no scope", with("x-amz-credential", "AKID"), o, sigv4.KindMalformed},
		{"another day", with("x-amz-credential", "AKID/20130525/us-east-1/s3/aws4_request"), o, sigv4.KindBadScope},
		{"another region", signedForm("cG9saWN5", "secret"), elsewhere, sigv4.KindBadScope},
		{"for later", signedForm("cG9saWN5", "secret"), early, sigv4.KindNotYetValid},
	} {
		if err := verifyForm(c.fields, c.o); !errors.Is(err, &sigv4.Error{Kind: c.kind}) {
			t.Errorf("%s: %v", c.name, err)
		}
	}
	if _, err := sigv4.ParsePost(map[string]string{"key": "a"}); !errors.Is(err, sigv4.ErrNone) {
		t.Errorf("without a signature: %v", err)
	}
	s, err := sigv4.ParsePost(signedForm("cG9saWN5", ""))
	if err != nil {
		t.Fatal(err)
	}
	if err := s.VerifyPost(sigv4.Secret{}, o); !errors.Is(err, &sigv4.Error{Kind: sigv4.KindMismatch}) {
		t.Errorf("without a secret: %v", err)
	}
}
