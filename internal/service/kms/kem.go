package kms

import (
	"crypto/mlkem"
	"crypto/x509/pkix"
	"encoding/asn1"
	"fmt"
)

// A kem is a parameter set of ML-KEM (FIPS 203). Its private keys are stored as their seeds.
type kem interface {
	private(seed []byte) (decapsulator, error)
	object() asn1.ObjectIdentifier
}

// A decapsulator is an ML-KEM private key.
type decapsulator interface {
	encapsulate() (shared, ciphertext []byte)
	decapsulate(ciphertext []byte) (shared []byte, err error)
	spki() ([]byte, error)
}

const kemSeed = mlkem.SeedSize

type (
	kem768  struct{}
	kem1024 struct{}

	private768  struct{ *mlkem.DecapsulationKey768 }
	private1024 struct{ *mlkem.DecapsulationKey1024 }
)

func (kem768) private(seed []byte) (decapsulator, error) {
	k, err := mlkem.NewDecapsulationKey768(seed)
	return private768{k}, err
}

func (kem1024) private(seed []byte) (decapsulator, error) {
	k, err := mlkem.NewDecapsulationKey1024(seed)
	return private1024{k}, err
}

func (p private768) encapsulate() (shared, ciphertext []byte) {
	return p.EncapsulationKey().Encapsulate()
}

func (p private1024) encapsulate() (shared, ciphertext []byte) {
	return p.EncapsulationKey().Encapsulate()
}

func (p private768) decapsulate(ciphertext []byte) ([]byte, error) { return p.Decapsulate(ciphertext) }

func (p private1024) decapsulate(ciphertext []byte) ([]byte, error) { return p.Decapsulate(ciphertext) }

// The object identifiers of ML-KEM (RFC 9935).
func (kem768) object() asn1.ObjectIdentifier {
	return asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 4, 2}
}

func (kem1024) object() asn1.ObjectIdentifier {
	return asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 4, 3}
}

func (p private768) spki() ([]byte, error) {
	return kemPublic(kem768{}, p.EncapsulationKey().Bytes())
}

func (p private1024) spki() ([]byte, error) {
	return kemPublic(kem1024{}, p.EncapsulationKey().Bytes())
}

// kemPublic writes a SubjectPublicKeyInfo of ML-KEM, which crypto/x509 does not know (RFC 9935, section 4).
func kemPublic(k kem, key []byte) ([]byte, error) {
	return asn1.Marshal(struct {
		Algorithm pkix.AlgorithmIdentifier
		Key       asn1.BitString
	}{pkix.AlgorithmIdentifier{Algorithm: k.object()}, asn1.BitString{Bytes: key, BitLength: len(key) * 8}})
}

// kemPrivate writes a PKCS #8 private key of ML-KEM in the form of its seed (RFC 9935, section 6).
func kemPrivate(k kem, seed []byte) ([]byte, error) {
	choice, err := asn1.Marshal(asn1.RawValue{Class: asn1.ClassContextSpecific, Tag: 0, Bytes: seed})
	if err != nil {
		return nil, fmt.Errorf("writing a seed: %w", err)
	}
	return asn1.Marshal(struct {
		Version   int
		Algorithm pkix.AlgorithmIdentifier
		Key       []byte
	}{0, pkix.AlgorithmIdentifier{Algorithm: k.object()}, choice})
}
