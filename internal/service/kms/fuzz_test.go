package kms_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"errors"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/kms/types"
	"github.com/aws/smithy-go"

	"redoubt/internal/service/kms"
)

// FuzzImportedMaterial reads anything as the material of keys: what is accepted is accepted again, as the same; all else is
// refused in AWS's words.
func FuzzImportedMaterial(f *testing.F) {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(f, err)
	der, err := x509.MarshalPKCS8PrivateKey(private)
	must(f, err)
	for _, seed := range [][]byte{nil, make([]byte, 32), make([]byte, 128), der, append(der, 0)} {
		f.Add(seed)
	}
	specs := append(kms.PairSpecs(), types.KeySpecSymmetricDefault, types.KeySpecHmac224, types.KeySpecHmac512)
	f.Fuzz(func(t *testing.T, material []byte) {
		for _, spec := range specs {
			stored, id, err := kms.Accept(spec, material)
			if err != nil {
				modelled(t, err)
				continue
			}
			again, same, err := kms.Accept(spec, stored)
			if err != nil || same != id || !bytes.Equal(again, stored) {
				t.Fatalf("%s: %x becomes %x, %v", spec, stored, again, err)
			}
		}
	})
}

// FuzzWrappedMaterial unwraps anything.
func FuzzWrappedMaterial(f *testing.F) {
	private, err := rsa.GenerateKey(rand.Reader, 2048)
	must(f, err)
	for i, algorithm := range wrappings {
		f.Add(uint8(i), wrapped(f, algorithm, &private.PublicKey, make([]byte, 32)))
	}
	f.Add(uint8(2), make([]byte, 256))
	f.Fuzz(func(t *testing.T, i uint8, b []byte) {
		if _, err := kms.Unwrap(wrappings[int(i)%len(wrappings)], private, b); err != nil {
			modelled(t, err)
		}
	})
}

var wrappings = []types.AlgorithmSpec{"RSAES_OAEP_SHA_1", "RSAES_OAEP_SHA_256", "RSA_AES_KEY_WRAP_SHA_1", "RSA_AES_KEY_WRAP_SHA_256"}

// FuzzPeerKey derives secrets with anything.
func FuzzPeerKey(f *testing.F) {
	own, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(f, err)
	der, err := x509.MarshalPKCS8PrivateKey(own)
	must(f, err)
	for _, curve := range []elliptic.Curve{elliptic.P224(), elliptic.P256(), elliptic.P384()} {
		peer, err := ecdsa.GenerateKey(curve, rand.Reader)
		must(f, err)
		spki, err := x509.MarshalPKIXPublicKey(&peer.PublicKey)
		must(f, err)
		f.Add(spki)
	}
	f.Fuzz(func(t *testing.T, spki []byte) {
		secret, err := kms.Agree(der, spki)
		if err != nil {
			modelled(t, err)
		} else if len(secret) != 32 {
			t.Fatalf("a secret of %d bytes", len(secret))
		}
	})
}

func modelled(t *testing.T, err error) {
	t.Helper()
	var known smithy.APIError
	if !errors.As(err, &known) {
		t.Fatalf("not an error of the API: %v", err)
	}
}
