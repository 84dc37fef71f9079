package kms

import (
	"crypto/rsa"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/kms/types"
)

// RunDueAt does what the background work does, at another time.
var RunDueAt = (*Service).runDueAt

// StateOf is the state, at a time, of a key whose imported material expires.
func StateOf(expires, now time.Time) types.KeyState {
	k := Key{Origin: types.OriginTypeExternal, State: types.KeyStateEnabled, Backing: []backing{{Expires: expires}}}
	return k.stateAt(now)
}

// OpenToken reads an import token at a time.
func (s *Service) OpenToken(account, region, id string, token []byte, now time.Time) error {
	_, _, err := s.openToken(place{account, region, id}, token, now)
	return err
}

// Unwrap decrypts imported material, and Accept reads it for a key of some kind.
var Unwrap = func(algorithm types.AlgorithmSpec, private *rsa.PrivateKey, wrapped []byte) ([]byte, error) {
	return unwrap(algorithm, private, wrapped)
}

func Accept(spec types.KeySpec, material []byte) (stored []byte, id string, err error) {
	k := Key{Spec: spec, Account: "200000000001", Region: "us-east-1", ID: "k"}
	d, err := k.accept(material)
	if err != nil {
		return nil, "", err
	}
	return d.material, d.id, nil
}

// Agree derives a secret with a peer under a new key of P-256.
func Agree(material, spki []byte) ([]byte, error) {
	k := &live{Key: Key{Spec: types.KeySpecEccNistP256}}
	private, err := k.kind().parse(material)
	if err != nil {
		return nil, err
	}
	k.secret = func() any { return private }
	return k.agree(spki)
}

// PairSpecs are the key specs with a public half.
func PairSpecs() (specs []types.KeySpec) {
	for spec, f := range kinds {
		if f.paired() && f.kem == nil {
			specs = append(specs, spec)
		}
	}
	return specs
}
