package kms

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/sha256"
	"fmt"
	"hash"

	"github.com/aws/aws-sdk-go-v2/service/kms/types"
)

// oaepHash is the hash of an algorithm, of the message and of the mask alike, with an empty label (PKCS #1 v2.2, section 7.1).
func oaepHash(algorithm types.EncryptionAlgorithmSpec) hash.Hash {
	if algorithm == types.EncryptionAlgorithmSpecRsaesOaepSha1 {
		return sha1.New()
	}
	return sha256.New()
}

// mostPlain is the most bytes that an RSA key encrypts.
func (k *live) mostPlain(algorithm types.EncryptionAlgorithmSpec) int {
	return k.kind().bits/8 - 2*oaepHash(algorithm).Size() - 2
}

func (k *live) rsa() (*rsa.PrivateKey, error) {
	if private, ok := k.private().(*rsa.PrivateKey); ok {
		return private, nil
	}
	return nil, fmt.Errorf("key %s has no RSA key", k.arn)
}

// private is the parsed material of keys other than symmetric ones, or nil.
func (k *live) private() any {
	if k.secret == nil {
		return nil
	}
	return k.secret()
}

func (k *live) encryptRSA(algorithm types.EncryptionAlgorithmSpec, plain []byte) ([]byte, error) {
	private, err := k.rsa()
	if err != nil {
		return nil, err
	}
	return rsa.EncryptOAEP(oaepHash(algorithm), rand.Reader, &private.PublicKey, plain, nil)
}

func (k *live) decryptRSA(algorithm types.EncryptionAlgorithmSpec, sealed []byte) ([]byte, error) {
	private, err := k.rsa()
	if err != nil {
		return nil, err
	}
	plain, err := rsa.DecryptOAEP(oaepHash(algorithm), rand.Reader, private, sealed, nil)
	if err != nil {
		return nil, badCiphertext()
	}
	return plain, nil
}
