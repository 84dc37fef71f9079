package kms_test

import (
	"bytes"
	"crypto"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/mlkem"
	"crypto/rand"
	"crypto/x509"
	"encoding/asn1"
	"testing"

	sdk "github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"
)

func TestSharedSecretIsThePeersToo(t *testing.T) {
	t.Parallel()
	a := start(t)
	for spec, curve := range map[types.KeySpec]ecdh.Curve{"ECC_NIST_P256": ecdh.P256(), "ECC_NIST_P384": ecdh.P384(), "ECC_NIST_P521": ecdh.P521()} {
		key := a.make(t, spec, "KEY_AGREEMENT")
		peer, err := curve.GenerateKey(rand.Reader)
		must(t, err)
		spki, err := x509.MarshalPKIXPublicKey(peer.PublicKey())
		must(t, err)
		out, err := a.DeriveSharedSecret(ctx, &sdk.DeriveSharedSecretInput{KeyId: &key, KeyAgreementAlgorithm: "ECDH", PublicKey: spki})
		must(t, err)
		own, err := a.public(t, key).(*ecdsa.PublicKey).ECDH()
		must(t, err)
		want, err := peer.ECDH(own)
		must(t, err)
		if !bytes.Equal(out.SharedSecret, want) || out.KeyOrigin != "AWS_KMS" {
			t.Errorf("%s: got %x, want %x", spec, out.SharedSecret, want)
		}
	}
}

func TestPublicKeysOfOthersAreChecked(t *testing.T) {
	t.Parallel()
	a := start(t)
	key := a.make(t, "ECC_NIST_P256", "KEY_AGREEMENT")
	other, err := a.GetPublicKey(ctx, &sdk.GetPublicKeyInput{KeyId: ptr(a.make(t, "ECC_NIST_P384", "KEY_AGREEMENT"))})
	must(t, err)
	own, err := a.GetPublicKey(ctx, &sdk.GetPublicKeyInput{KeyId: &key})
	must(t, err)
	off := bytes.Clone(own.PublicKey)
	off[len(off)-1] ^= 1
	for _, spki := range [][]byte{{0}, []byte("junk"), other.PublicKey, off, append(own.PublicKey, 0)} {
		_, err := a.DeriveSharedSecret(ctx, &sdk.DeriveSharedSecretInput{KeyId: &key, KeyAgreementAlgorithm: "ECDH", PublicKey: spki})
		refused(t, err, "ValidationException", "The public key is not a valid DER-encoded X.509 public key of key spec ECC_NIST_P256.")
	}
}

// rawKey is the key in a SubjectPublicKeyInfo, of an algorithm that crypto/x509 does not know.
func rawKey(t *testing.T, spki []byte, oid string) []byte {
	t.Helper()
	var info struct {
		Algorithm struct{ Object asn1.ObjectIdentifier }
		Key       asn1.BitString
	}
	if rest, err := asn1.Unmarshal(spki, &info); err != nil || len(rest) > 0 || info.Algorithm.Object.String() != oid {
		t.Fatalf("got %v, %v", info, err)
	}
	return info.Key.Bytes
}

func TestSecretEncapsulatedOutsideDecapsulatesInside(t *testing.T) {
	t.Parallel()
	a := start(t)
	for _, c := range []struct {
		spec types.KeySpec
		oid  string
		make func(key []byte) (shared, ciphertext []byte)
	}{
		{"ML_KEM_768", "2.16.840.1.101.3.4.4.2", func(b []byte) (shared, ciphertext []byte) {
			k, err := mlkem.NewEncapsulationKey768(b)
			must(t, err)
			return k.Encapsulate()
		}},
		{"ML_KEM_1024", "2.16.840.1.101.3.4.4.3", func(b []byte) (shared, ciphertext []byte) {
			k, err := mlkem.NewEncapsulationKey1024(b)
			must(t, err)
			return k.Encapsulate()
		}},
	} {
		key := a.make(t, c.spec, "ENCAPSULATE_DECAPSULATE")
		public, err := a.GetPublicKey(ctx, &sdk.GetPublicKeyInput{KeyId: &key})
		must(t, err)
		shared, ciphertext := c.make(rawKey(t, public.PublicKey, c.oid))
		decapsulate := func(b []byte) ([]byte, error) {
			out, err := a.Decapsulate(ctx, &sdk.DecapsulateInput{KeyId: &key, EncapsulationAlgorithm: "ML_KEM", SharedSecretCiphertextBlob: b})
			if err != nil {
				return nil, err
			}
			return out.SharedSecret, nil
		}
		if got, err := decapsulate(ciphertext); err != nil || !bytes.Equal(got, shared) {
			t.Errorf("%s: got %x, %v", c.spec, got, err)
		}
		out, err := a.Encapsulate(ctx, &sdk.EncapsulateInput{KeyId: &key, EncapsulationAlgorithm: "ML_KEM"})
		must(t, err)
		if got, err := decapsulate(out.SharedSecretCiphertextBlob); err != nil || !bytes.Equal(got, out.SharedSecret) || len(got) != 32 {
			t.Errorf("%s: got %x, %v", c.spec, got, err)
		}
		_, err = decapsulate(ciphertext[1:])
		refused(t, err, "InvalidCiphertextException", "")
		ciphertext[0] ^= 1
		if got, err := decapsulate(ciphertext); err != nil || bytes.Equal(got, shared) {
			t.Errorf("%s: a forged ciphertext gave %x, %v", c.spec, got, err)
		}
	}
}

func TestDataKeyPairsAreSealedUnderTheKey(t *testing.T) {
	t.Parallel()
	a := start(t)
	key := a.createKey(t, "")
	pairs := map[string]string{"app": "web"}
	for _, spec := range []types.DataKeyPairSpec{"RSA_2048", "ECC_NIST_P256", "ECC_NIST_P384", "ECC_NIST_P521", "ECC_NIST_EDWARDS25519"} {
		out, err := a.GenerateDataKeyPair(ctx, &sdk.GenerateDataKeyPairInput{KeyId: &key, KeyPairSpec: spec, EncryptionContext: pairs})
		must(t, err)
		opened, err := a.decrypt(out.PrivateKeyCiphertextBlob, "app", "web")
		must(t, err)
		private, err := x509.ParsePKCS8PrivateKey([]byte(opened))
		must(t, err)
		public, err := x509.MarshalPKIXPublicKey(private.(crypto.Signer).Public())
		if err != nil || !bytes.Equal(public, out.PublicKey) || opened != string(out.PrivateKeyPlaintext) || *out.KeyId != key || out.KeyMaterialId == nil {
			t.Errorf("%s: got %+v, %v", spec, out, err)
		}
		_, err = a.decrypt(out.PrivateKeyCiphertextBlob)
		refused(t, err, "InvalidCiphertextException", "")
	}
}

func TestDataKeyPairsWithoutPlaintextShowTheirPublicHalf(t *testing.T) {
	t.Parallel()
	a := start(t)
	key := a.createKey(t, "")
	out, err := a.GenerateDataKeyPairWithoutPlaintext(ctx, &sdk.GenerateDataKeyPairWithoutPlaintextInput{KeyId: &key, KeyPairSpec: "ML_KEM_768"})
	must(t, err)
	opened, err := a.decrypt(out.PrivateKeyCiphertextBlob)
	must(t, err)
	seed := []byte(opened)[len(opened)-mlkem.SeedSize:]
	private, err := mlkem.NewDecapsulationKey768(seed)
	must(t, err)
	if !bytes.Equal(private.EncapsulationKey().Bytes(), rawKey(t, out.PublicKey, "2.16.840.1.101.3.4.4.2")) {
		t.Error("the halves do not belong together")
	}
	for _, spec := range []types.DataKeyPairSpec{"ECC_SECG_P256K1", "SM2", "ML_KEM_512"} {
		_, err := a.GenerateDataKeyPairWithoutPlaintext(ctx, &sdk.GenerateDataKeyPairWithoutPlaintextInput{KeyId: &key, KeyPairSpec: spec})
		refused(t, err, "UnsupportedOperationException", "KeyPairSpec "+string(spec)+" is not supported by Redoubt.")
	}
}
