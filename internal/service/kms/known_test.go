package kms_test

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/sha512"
	"crypto/x509"
	"encoding/hex"
	"testing"

	sdk "github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"
)

func unhex(t *testing.T, text string) []byte {
	t.Helper()
	b, err := hex.DecodeString(text)
	must(t, err)
	return b
}

// holding makes a key with the given private key.
func (p *principal) holding(t *testing.T, spec types.KeySpec, usage types.KeyUsageType, private any) string {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(private)
	must(t, err)
	key := p.external(t, spec, usage)
	_, err = p.load(t, key, der, nil)
	must(t, err)
	return key
}

// The vectors of RFC 8032, sections 7.1 (test 2) and 7.3.
func TestEd25519SignsAsItsSpecificationDoes(t *testing.T) {
	t.Parallel()
	a := start(t)
	digest := sha512.Sum512([]byte("abc"))
	for _, c := range []struct {
		algorithm        types.SigningAlgorithmSpec
		kind             types.MessageType
		seed             string
		message          []byte
		public, expected string
	}{
		{
			"ED25519_SHA_512", "RAW", "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb", []byte{0x72},
			"3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
			"92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
		},
		{
			"ED25519_PH_SHA_512", "DIGEST", "833fe62409237b9d62ec77587520911e9a759cec1d19755b7da901b96dca3d42", digest[:],
			"ec172b93ad5e563bf4932c70e1245034c35467ef2efd4d64ebf819683467e2bf",
			"98a70222f0b8121aa9d30f813d683f809e462b469c7ff87639499bb94e6dae4131f85042463c2a355a2003d062adf5aaa10b8c61e636062aaad11c2a26083406",
		},
	} {
		key := a.holding(t, "ECC_NIST_EDWARDS25519", "SIGN_VERIFY", ed25519.NewKeyFromSeed(unhex(t, c.seed)))
		signature, err := a.sign(key, c.algorithm, c.kind, c.message)
		must(t, err)
		public := a.public(t, key).(ed25519.PublicKey)
		if hex.EncodeToString(signature) != c.expected || hex.EncodeToString(public) != c.public {
			t.Errorf("%s: got %x under %x", c.algorithm, signature, public)
		}
	}
}

// The first vector of NIST's validation of ECC CDH on P-256.
func TestECDHAgreesAsNISTExpects(t *testing.T) {
	t.Parallel()
	a := start(t)
	own, err := ecdsa.ParseRawPrivateKey(elliptic.P256(), unhex(t, "7d7dc5f71eb29ddaf80d6214632eeae03d9058af1fb6d22ed80badb62bc1a534"))
	must(t, err)
	peer, err := ecdsa.ParseUncompressedPublicKey(elliptic.P256(), unhex(t,
		"04700c48f77f56584c5cc632ca65640db91b6bacce3a4df6b42ce7cc838833d287db71e509e3fd9b060ddb20ba5c51dcc5948d46fbf640dfe0441782cab85fa4ac"))
	must(t, err)
	spki, err := x509.MarshalPKIXPublicKey(peer)
	must(t, err)
	key := a.holding(t, "ECC_NIST_P256", "KEY_AGREEMENT", own)
	out, err := a.DeriveSharedSecret(ctx, &sdk.DeriveSharedSecretInput{KeyId: &key, KeyAgreementAlgorithm: "ECDH", PublicKey: spki})
	must(t, err)
	if got := hex.EncodeToString(out.SharedSecret); got != "46fc62106420ff012e54a434fbdd2d25ccc5852060561e68040dd7778997bd7b" || out.KeyOrigin != "EXTERNAL" {
		t.Errorf("got %s", got)
	}
}

func TestSigningKeyOfAnotherAccountSignsForWhomItsPolicyNames(t *testing.T) {
	t.Parallel()
	a := start(t)
	b := a.neighbour(t)
	key := a.make(t, "ECC_NIST_P256", "SIGN_VERIFY")
	_, err := b.sign(key, "ECDSA_SHA_256", "", []byte("x"))
	refused(t, err, "AccessDeniedException", "...")
	must(t, a.setPolicy(key, a.keyPolicy(`{"Effect":"Allow","Principal":{"AWS":"`+b.account+`"},"Action":["kms:Sign","kms:GetKeyLastUsage"],"Resource":"*"}`), false))
	signature, err := b.sign(key, "ECDSA_SHA_256", "", []byte("x"))
	must(t, err)
	must(t, a.verify(key, "ECDSA_SHA_256", "", []byte("x"), signature))
	_, err = b.GetKeyLastUsage(ctx, &sdk.GetKeyLastUsageInput{KeyId: &key}) // not offered across accounts
	refused(t, err, "AccessDeniedException", "...")
}
