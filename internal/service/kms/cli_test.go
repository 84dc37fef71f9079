package kms_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// script runs shell commands with the AWS CLI as the principal, in a directory of their own.
func (p *principal) script(t *testing.T, text string) string {
	t.Helper()
	const debian = "/usr/bin/aws"
	if _, err := os.Stat(debian); err != nil {
		t.Skip("needs the AWS CLI: apt-get install awscli")
	}
	if _, err := exec.LookPath("openssl"); err != nil {
		t.Skip("needs openssl")
	}
	keys, err := p.cfg.Credentials.Retrieve(ctx)
	must(t, err)
	dir := t.TempDir()
	cmd := exec.Command("sh", "-eu")
	cmd.Dir, cmd.Stdin = dir, strings.NewReader("kms() { "+debian+` kms "$@" --endpoint-url "$ENDPOINT" --output text; }`+"\n"+text)
	cmd.Env = []string{
		"PATH=/usr/bin:/bin", "HOME=" + dir, "AWS_EC2_METADATA_DISABLED=true", "AWS_CONFIG_FILE=" + filepath.Join(dir, "none"),
		"AWS_REGION=" + region, "AWS_ACCESS_KEY_ID=" + keys.AccessKeyID, "AWS_SECRET_ACCESS_KEY=" + keys.SecretAccessKey,
		"AWS_CA_BUNDLE=" + p.server.Client.CAFile, "ENDPOINT=" + p.server.Client.Endpoint,
	}
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return string(out)
}

func TestCLIImportsMaterialThatOpenSSLWrapped(t *testing.T) {
	t.Parallel()
	a := serve(t)
	key := a.external(t, "", "")
	out := a.script(t, fmt.Sprintf(`
KEY=%s
openssl rand -out material 32
kms get-parameters-for-import --key-id $KEY --wrapping-algorithm RSAES_OAEP_SHA_256 --wrapping-key-spec RSA_3072 --query '[ImportToken,PublicKey]' > parameters
cut -f 1 parameters | base64 -d > token
cut -f 2 parameters | base64 -d > public
openssl pkeyutl -encrypt -in material -out wrapped -inkey public -keyform DER -pubin \
  -pkeyopt rsa_padding_mode:oaep -pkeyopt rsa_oaep_md:sha256 -pkeyopt rsa_mgf1_md:sha256
kms import-key-material --key-id $KEY --encrypted-key-material fileb://wrapped --import-token fileb://token --expiration-model KEY_MATERIAL_DOES_NOT_EXPIRE > imported
printf 'attack at dawn' > plain
kms encrypt --key-id $KEY --plaintext fileb://plain --query CiphertextBlob | base64 -d > sealed
kms decrypt --ciphertext-blob fileb://sealed --query Plaintext | base64 -d
`, key))
	if out != "attack at dawn" {
		t.Errorf("got %q", out)
	}
}

func TestCLISignsWhatOpenSSLVerifies(t *testing.T) {
	t.Parallel()
	a := serve(t)
	out := a.script(t, `
KEY=$(kms create-key --key-spec RSA_2048 --key-usage SIGN_VERIFY --query KeyMetadata.Arn)
printf 'attack at dawn' > message
kms sign --key-id $KEY --message fileb://message --signing-algorithm RSASSA_PSS_SHA_256 --query Signature | base64 -d > signature
kms get-public-key --key-id $KEY --query PublicKey | base64 -d > public
openssl dgst -sha256 -keyform DER -verify public -sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:digest -signature signature message
kms verify --key-id $KEY --message fileb://message --signature fileb://signature --signing-algorithm RSASSA_PSS_SHA_256 --query SignatureValid
MAC=$(kms create-key --key-spec HMAC_384 --key-usage GENERATE_VERIFY_MAC --query KeyMetadata.KeyId)
kms generate-mac --key-id $MAC --message fileb://message --mac-algorithm HMAC_SHA_384 --query Mac | base64 -d > mac
kms verify-mac --key-id $MAC --message fileb://message --mac-algorithm HMAC_SHA_384 --mac fileb://mac --query MacValid
kms generate-data-key-pair-without-plaintext --key-id $(kms create-key --query KeyMetadata.KeyId) --key-pair-spec ECC_NIST_P256 --query KeyPairSpec
`)
	if want := "Verified OK\nTrue\nTrue\nECC_NIST_P256\n"; out != want {
		t.Errorf("got %q, want %q", out, want)
	}
}
