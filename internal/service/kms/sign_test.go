package kms_test

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/x509"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	sdk "github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"
)

// make makes a key of a spec and usage.
func (p *principal) make(t testing.TB, spec types.KeySpec, usage types.KeyUsageType) string {
	t.Helper()
	out, err := p.CreateKey(ctx, &sdk.CreateKeyInput{KeySpec: spec, KeyUsage: usage})
	must(t, err)
	return *out.KeyMetadata.Arn
}

// public is the public half of a key, as a client reads it.
func (p *principal) public(t testing.TB, key string) any {
	t.Helper()
	out, err := p.GetPublicKey(ctx, &sdk.GetPublicKeyInput{KeyId: &key})
	must(t, err)
	public, err := x509.ParsePKIXPublicKey(out.PublicKey)
	must(t, err)
	return public
}

func (p *principal) sign(key string, algorithm types.SigningAlgorithmSpec, kind types.MessageType, message []byte) ([]byte, error) {
	out, err := p.Sign(ctx, &sdk.SignInput{KeyId: &key, SigningAlgorithm: algorithm, MessageType: kind, Message: message})
	if err != nil {
		return nil, err
	}
	return out.Signature, nil
}

func (p *principal) verify(key string, algorithm types.SigningAlgorithmSpec, kind types.MessageType, message, signature []byte) error {
	_, err := p.Verify(ctx, &sdk.VerifyInput{KeyId: &key, SigningAlgorithm: algorithm, MessageType: kind, Message: message, Signature: signature})
	return err
}

func hashed(algorithm types.SigningAlgorithmSpec, message []byte) (crypto.Hash, []byte) {
	switch text := string(algorithm); {
	case strings.HasSuffix(text, "256"):
		d := sha256.Sum256(message)
		return crypto.SHA256, d[:]
	case strings.HasSuffix(text, "384"):
		d := sha512.Sum384(message)
		return crypto.SHA384, d[:]
	}
	d := sha512.Sum512(message)
	return crypto.SHA512, d[:]
}

// holds verifies a signature as a client does that has only the public key.
func holds(public any, algorithm types.SigningAlgorithmSpec, message, signature []byte) bool {
	hash, digest := hashed(algorithm, message)
	switch public := public.(type) {
	case *rsa.PublicKey:
		if strings.Contains(string(algorithm), "PSS") {
			return rsa.VerifyPSS(public, hash, digest, signature, &rsa.PSSOptions{SaltLength: hash.Size()}) == nil
		}
		return rsa.VerifyPKCS1v15(public, hash, digest, signature) == nil
	case *ecdsa.PublicKey:
		return ecdsa.VerifyASN1(public, digest, signature)
	case ed25519.PublicKey:
		if algorithm == "ED25519_PH_SHA_512" {
			return ed25519.VerifyWithOptions(public, digest, signature, &ed25519.Options{Hash: crypto.SHA512}) == nil
		}
		return ed25519.Verify(public, message, signature)
	}
	return false
}

var signers = []struct {
	spec       types.KeySpec
	algorithms []types.SigningAlgorithmSpec
}{
	{"RSA_2048", []types.SigningAlgorithmSpec{
		"RSASSA_PKCS1_V1_5_SHA_256", "RSASSA_PKCS1_V1_5_SHA_384", "RSASSA_PKCS1_V1_5_SHA_512", "RSASSA_PSS_SHA_256", "RSASSA_PSS_SHA_384", "RSASSA_PSS_SHA_512",
	}},
	{"ECC_NIST_P256", []types.SigningAlgorithmSpec{"ECDSA_SHA_256"}},
	{"ECC_NIST_P384", []types.SigningAlgorithmSpec{"ECDSA_SHA_384"}},
	{"ECC_NIST_P521", []types.SigningAlgorithmSpec{"ECDSA_SHA_512"}},
	{"ECC_NIST_EDWARDS25519", []types.SigningAlgorithmSpec{"ED25519_SHA_512", "ED25519_PH_SHA_512"}},
}

func TestSignaturesHoldOutside(t *testing.T) {
	t.Parallel()
	a := start(t)
	message := []byte("attack at dawn")
	for _, c := range signers {
		key := a.make(t, c.spec, "SIGN_VERIFY")
		public := a.public(t, key)
		for _, algorithm := range c.algorithms {
			if algorithm != "ED25519_PH_SHA_512" {
				signature, err := a.sign(key, algorithm, "", message)
				must(t, err)
				if !holds(public, algorithm, message, signature) {
					t.Errorf("%s: the signature of the message does not hold", algorithm)
				}
				must(t, a.verify(key, algorithm, "RAW", message, signature))
				refused(t, a.verify(key, algorithm, "RAW", []byte("attack at dusk"), signature), "KMSInvalidSignatureException", "")
			}
			if algorithm == "ED25519_SHA_512" {
				continue
			}
			_, digest := hashed(algorithm, message)
			signature, err := a.sign(key, algorithm, "DIGEST", digest)
			must(t, err)
			if !holds(public, algorithm, message, signature) {
				t.Errorf("%s: the signature of the digest does not hold", algorithm)
			}
			must(t, a.verify(key, algorithm, "DIGEST", digest, signature))
			signature[len(signature)-1] ^= 1
			refused(t, a.verify(key, algorithm, "DIGEST", digest, signature), "KMSInvalidSignatureException", "")
		}
	}
}

func TestOpenSSLVerifiesASignature(t *testing.T) {
	t.Parallel()
	openssl, err := exec.LookPath("openssl")
	if err != nil {
		t.Skip("openssl is not installed")
	}
	a := start(t)
	key := a.make(t, "ECC_NIST_P384", "SIGN_VERIFY")
	message := []byte("attack at dawn")
	signature, err := a.sign(key, "ECDSA_SHA_384", "RAW", message)
	must(t, err)
	out, err := a.GetPublicKey(ctx, &sdk.GetPublicKeyInput{KeyId: &key})
	must(t, err)
	dir := t.TempDir()
	for name, data := range map[string][]byte{"public": out.PublicKey, "message": message, "signature": signature} {
		must(t, os.WriteFile(filepath.Join(dir, name), data, 0o600))
	}
	cmd := exec.Command(openssl, "dgst", "-sha384", "-keyform", "DER", "-verify", "public", "-signature", "signature", "message")
	cmd.Dir = dir
	if text, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v: %s", err, text)
	}
}

func TestMessagesToSignAreMeasured(t *testing.T) {
	t.Parallel()
	a := start(t)
	ecc, ed := a.make(t, "ECC_NIST_P256", "SIGN_VERIFY"), a.make(t, "ECC_NIST_EDWARDS25519", "SIGN_VERIFY")
	_, err := a.sign(ecc, "ECDSA_SHA_256", "RAW", make([]byte, 4096))
	must(t, err)
	for _, c := range []struct {
		key       string
		algorithm types.SigningAlgorithmSpec
		kind      types.MessageType
		size      int
		code      string
		message   string
	}{
		{ecc, "ECDSA_SHA_256", "RAW", 4097, "ValidationException", "1 validation error detected: Value at 'message' failed to satisfy constraint: Member must have length less than or equal to 4096"},
		{ecc, "ECDSA_SHA_256", "DIGEST", 31, "ValidationException", "Digest is invalid length for algorithm ECDSA_SHA_256."},
		{ecc, "ECDSA_SHA_256", "DIGEST", 64, "ValidationException", "Digest is invalid length for algorithm ECDSA_SHA_256."},
		{ecc, "ECDSA_SHA_256", "EXTERNAL_MU", 64, "ValidationException", "MessageType EXTERNAL_MU is not compatible with signing algorithm ECDSA_SHA_256."},
		{ecc, "ECDSA_SHA_384", "RAW", 1, "InvalidKeyUsageException", "Algorithm ECDSA_SHA_384 is incompatible with key spec ECC_NIST_P256."},
		{ecc, "RSASSA_PSS_SHA_256", "RAW", 1, "InvalidKeyUsageException", "Algorithm RSASSA_PSS_SHA_256 is incompatible with key spec ECC_NIST_P256."},
		{ed, "ED25519_SHA_512", "DIGEST", 64, "ValidationException", "MessageType DIGEST is not compatible with signing algorithm ED25519_SHA_512."},
		{ed, "ED25519_PH_SHA_512", "", 64, "ValidationException", "MessageType RAW is not compatible with signing algorithm ED25519_PH_SHA_512."},
	} {
		_, err := a.sign(c.key, c.algorithm, c.kind, make([]byte, c.size))
		refused(t, err, c.code, c.message)
	}
}

func TestKeysServeTheirUsageOnly(t *testing.T) {
	t.Parallel()
	a := start(t)
	signing, agreeing := a.make(t, "ECC_NIST_P256", "SIGN_VERIFY"), a.make(t, "ECC_NIST_P256", "KEY_AGREEMENT")
	mac, symmetric := a.make(t, "HMAC_256", "GENERATE_VERIFY_MAC"), a.createKey(t, "")
	_, err := a.encrypt(signing)
	refused(t, err, "InvalidKeyUsageException", signing+" key usage is SIGN_VERIFY which is not valid for Encrypt.")
	_, err = a.sign(agreeing, "ECDSA_SHA_256", "", []byte("x"))
	refused(t, err, "InvalidKeyUsageException", agreeing+" key usage is KEY_AGREEMENT which is not valid for Sign.")
	_, err = a.sign(symmetric, "ECDSA_SHA_256", "", []byte("x"))
	refused(t, err, "InvalidKeyUsageException", symmetric+" key usage is ENCRYPT_DECRYPT which is not valid for Sign.")
	_, err = a.GenerateMac(ctx, &sdk.GenerateMacInput{KeyId: &signing, MacAlgorithm: "HMAC_SHA_256", Message: []byte("x")})
	refused(t, err, "InvalidKeyUsageException", "...")
	_, err = a.GenerateDataKey(ctx, &sdk.GenerateDataKeyInput{KeyId: &mac, KeySpec: "AES_256"})
	refused(t, err, "InvalidKeyUsageException", mac+" key usage is GENERATE_VERIFY_MAC which is not valid for GenerateDataKey.")
	for _, key := range []string{mac, symmetric} {
		_, err = a.GetPublicKey(ctx, &sdk.GetPublicKeyInput{KeyId: &key})
		refused(t, err, "UnsupportedOperationException", "...")
	}
}

func TestPublicKeyTellsWhatItIsFor(t *testing.T) {
	t.Parallel()
	a := start(t)
	key := a.make(t, "ECC_NIST_P521", "KEY_AGREEMENT")
	out, err := a.GetPublicKey(ctx, &sdk.GetPublicKeyInput{KeyId: &key})
	must(t, err)
	if *out.KeyId != key || out.KeySpec != "ECC_NIST_P521" || out.KeyUsage != "KEY_AGREEMENT" || len(out.KeyAgreementAlgorithms) != 1 || out.SigningAlgorithms != nil {
		t.Errorf("got %+v", out)
	}
	described, err := a.DescribeKey(ctx, &sdk.DescribeKeyInput{KeyId: &key})
	must(t, err)
	m := described.KeyMetadata
	if m.KeySpec != "ECC_NIST_P521" || m.KeyUsage != "KEY_AGREEMENT" || m.CurrentKeyMaterialId != nil || m.EncryptionAlgorithms != nil {
		t.Errorf("got %+v", m)
	}
	_, err = a.DisableKey(ctx, &sdk.DisableKeyInput{KeyId: &key})
	must(t, err)
	again, err := a.GetPublicKey(ctx, &sdk.GetPublicKeyInput{KeyId: &key})
	must(t, err)
	if !bytes.Equal(again.PublicKey, out.PublicKey) {
		t.Error("the key changed")
	}
}
