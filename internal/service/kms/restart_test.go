package kms_test

import (
	"testing"

	sdk "github.com/aws/aws-sdk-go-v2/service/kms"

	"redoubt/internal/app"
	"redoubt/redoubttest"
)

func TestKeysAndTheirUseSurviveARestart(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	server := redoubttest.Run(t, app.Config{Data: data, Region: region})
	a := identify(t, server.Account(t), server)
	sign, mac, external := a.make(t, "RSA_2048", "SIGN_VERIFY"), a.make(t, "HMAC_512", "GENERATE_VERIFY_MAC"), a.external(t, "", "")
	multi, err := a.CreateKey(ctx, &sdk.CreateKeyInput{MultiRegion: ptr(true)})
	must(t, err)
	token := a.wrap(t, external, "RSAES_OAEP_SHA_256", newMaterial(32))
	signature, err := a.sign(sign, "RSASSA_PSS_SHA_512", "", []byte("x"))
	must(t, err)
	code, err := a.macOf(mac, "HMAC_SHA_512", []byte("x"))
	must(t, err)
	b := a.mustEncrypt(t, *multi.KeyMetadata.Arn)
	keys, err := a.cfg.Credentials.Retrieve(ctx)
	must(t, err)
	must(t, server.Stop())

	server = redoubttest.Run(t, app.Config{Data: data, Region: region})
	a = identify(t, server.Config(t, keys.AccessKeyID, keys.SecretAccessKey, ""), server)
	for key, operation := range map[string]string{sign: "Sign", mac: "GenerateMac", *multi.KeyMetadata.Arn: "Encrypt", external: ""} {
		if u := a.lastUse(t, key); string(u.Operation) != operation {
			t.Errorf("%s was used last for %q, want %q", key, u.Operation, operation)
		}
	}
	must(t, a.verify(sign, "RSASSA_PSS_SHA_512", "", []byte("x"), signature))
	_, err = a.VerifyMac(ctx, &sdk.VerifyMacInput{KeyId: &mac, MacAlgorithm: "HMAC_SHA_512", Message: []byte("x"), Mac: code})
	must(t, err)
	if plain, err := a.decrypt(b); err != nil || plain != "attack at dawn" {
		t.Errorf("got %q, %v", plain, err)
	}
	_, err = a.ImportKeyMaterial(ctx, token)
	must(t, err)
	a.mustEncrypt(t, external)
}
