package kms

import (
	"context"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/asn1"
	"errors"
	"fmt"
	"runtime"
)

// generate makes key material as it is stored: a private key in PKCS #8, the seed of an ML-KEM key, or random bytes.
func (f kind) generate() (secret, error) {
	switch {
	case f.bits > 0:
		return pkcs8(rsa.GenerateKey(rand.Reader, f.bits))
	case f.curve != nil:
		return pkcs8(ecdsa.GenerateKey(f.curve, rand.Reader))
	case f.edwards:
		_, private, err := ed25519.GenerateKey(rand.Reader)
		return pkcs8(private, err)
	case f.kem != nil:
		return randomBytes(kemSeed), nil
	case f.size > 0:
		return randomBytes(f.size), nil
	}
	return randomBytes(symmetricSize), nil
}

const symmetricSize = 32

func pkcs8[T any](private T, err error) (secret, error) {
	if err != nil {
		return nil, fmt.Errorf("generating a key: %w", err)
	}
	return x509.MarshalPKCS8PrivateKey(private)
}

func randomBytes(n int) secret {
	b := make(secret, n)
	rand.Read(b)
	return b
}

// A forge makes keys, so many at a time that other calls keep a processor: an RSA key of 4,096 bits takes one for a second.
type forge chan struct{}

func newForge() forge { return make(forge, max(1, runtime.GOMAXPROCS(0)-1)) }

func (f forge) make(ctx context.Context, of kind) (secret, error) {
	if of.bits == 0 {
		return of.generate()
	}
	select {
	case f <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	defer func() { <-f }()
	return of.generate()
}

var errMaterial = errors.New("not the key material of such a key")

// parse reads stored or imported key material. It is a *rsa.PrivateKey, an *ecdsa.PrivateKey, an ed25519.PrivateKey, a
// decapsulator, or the bytes of an HMAC or symmetric key.
func (f kind) parse(material []byte) (any, error) {
	switch {
	case f.kem != nil:
		return f.kem.private(material)
	case f.size > 0:
		return macKey(material, f.size)
	case !f.paired():
		if len(material) != symmetricSize {
			return nil, errMaterial
		}
		return material, nil
	}
	private, err := x509.ParsePKCS8PrivateKey(material)
	if err != nil || !f.fits(private) || !isWhole(material) {
		return nil, errMaterial
	}
	return private, nil
}

// isWhole reports whether nothing comes after the one value of der, which crypto/x509 does not mind in a private key.
func isWhole(der []byte) bool {
	var value asn1.RawValue
	rest, err := asn1.Unmarshal(der, &value)
	return err == nil && len(rest) == 0
}

// An HMAC key is as long as its hash, or longer, up to 1,024 bits
// (https://docs.aws.amazon.com/kms/latest/developerguide/importing-keys-conceptual.html).
const maxMacKey = 128

func macKey(material []byte, least int) (any, error) {
	if len(material) < least || len(material) > maxMacKey {
		return nil, errMaterial
	}
	return material, nil
}

// fits reports whether a private key is one of the kind.
func (f kind) fits(private any) bool {
	switch private := private.(type) {
	case *rsa.PrivateKey:
		return f.bits > 0 && private.N.BitLen() == f.bits && len(private.Primes) == 2
	case *ecdsa.PrivateKey:
		return f.curve != nil && sameCurve(private.Curve, f.curve)
	case ed25519.PrivateKey:
		return f.edwards
	}
	return false
}

func sameCurve(a, b elliptic.Curve) bool { return a.Params().Name == b.Params().Name }

// public returns the public half of a parsed key as an X.509 SubjectPublicKeyInfo.
func public(private any) ([]byte, error) {
	switch private := private.(type) {
	case *rsa.PrivateKey:
		return x509.MarshalPKIXPublicKey(&private.PublicKey)
	case *ecdsa.PrivateKey:
		return x509.MarshalPKIXPublicKey(&private.PublicKey)
	case ed25519.PrivateKey:
		return x509.MarshalPKIXPublicKey(private.Public())
	case decapsulator:
		return private.spki()
	}
	return nil, nil
}
