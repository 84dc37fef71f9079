package kms

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"hash"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"
	kwp "github.com/tink-crypto/tink-go/v2/kwp/subtle"
)

// unwrap decrypts key material that comes from outside. RSA_AES_KEY_WRAP is CKM_RSA_AES_KEY_WRAP of PKCS #11: an AES key
// under RSA-OAEP, and after it the material under that key (AES-KWP, RFC 5649).
// https://docs.aws.amazon.com/kms/latest/developerguide/importing-keys-encrypt-key-material.html
func unwrap(algorithm types.AlgorithmSpec, wrapping *rsa.PrivateKey, wrapped []byte) ([]byte, error) {
	head, rest := wrapped, []byte(nil)
	hybrid := algorithm == types.AlgorithmSpecRsaAesKeyWrapSha1 || algorithm == types.AlgorithmSpecRsaAesKeyWrapSha256
	if hybrid {
		n := wrapping.Size()
		if len(wrapped) <= n {
			return nil, badCiphertext()
		}
		head, rest = wrapped[:n], wrapped[n:]
	}
	plain, err := rsa.DecryptOAEP(wrappingHash(algorithm), rand.Reader, wrapping, head, nil)
	if err != nil {
		return nil, badCiphertext()
	}
	if !hybrid {
		return plain, nil
	}
	k, err := kwp.NewKWP(plain)
	if err != nil {
		return nil, badCiphertext()
	}
	material, err := k.Unwrap(rest)
	if err != nil {
		return nil, badCiphertext()
	}
	return material, nil
}

func wrappingHash(algorithm types.AlgorithmSpec) hash.Hash {
	if algorithm == types.AlgorithmSpecRsaesOaepSha1 || algorithm == types.AlgorithmSpecRsaAesKeyWrapSha1 {
		return sha1.New()
	}
	return sha256.New()
}

// A delivery is imported material that is what its key needs.
type delivery struct {
	material, public []byte
	id               string
}

// accept checks material for a key. A private key is written anew, so that the same key is the same material, and never
// one whose public half was made up.
func (k *Key) accept(material []byte) (*delivery, error) {
	private, err := k.kind().parse(material)
	if err != nil {
		return nil, wrongMaterial()
	}
	d := &delivery{material: material}
	if k.kind().paired() {
		if d.material, err = x509.MarshalPKCS8PrivateKey(private); err != nil {
			return nil, wrongMaterial()
		}
		if d.public, err = public(private); err != nil {
			return nil, wrongMaterial()
		}
	}
	d.id = materialID(k.place(), d.material)
	return d, nil
}

func wrongMaterial() error {
	return &types.IncorrectKeyMaterialException{
		Message: aws.String("The key material in the request is invalid for the key spec of the KMS key, or is not the key material that was previously imported into it."),
	}
}

// materialID is made of the key's id and the material, so that the same material is known again
// (API_ImportKeyMaterial, KeyMaterialId). It tells nothing of the material.
func materialID(p place, material []byte) string {
	mac := hmac.New(sha256.New, material)
	mac.Write([]byte("redoubt kms material 1 " + p.arn()))
	return hex.EncodeToString(mac.Sum(nil))
}
