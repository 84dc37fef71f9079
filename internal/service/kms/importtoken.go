package kms

import (
	"context"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"
)

// A wrapping key and its import token are good for 24 hours (API_GetParametersForImport).
const importWindow = 24 * time.Hour

// An importToken is what an import token holds: the private half of the wrapping key, and how it is to be used. It is
// sealed and bound to its key, so that nothing needs to be kept of it.
type importToken struct {
	Private   secretBytes
	Algorithm types.AlgorithmSpec
	Until     time.Time
}

// secretBytes are written as they are, into what is sealed, and shown nowhere.
type secretBytes []byte

// String implements fmt.Stringer.
func (secretBytes) String() string { return sealed }

// Format implements fmt.Formatter, for every verb.
func (secretBytes) Format(f fmt.State, _ rune) { f.Write([]byte(sealed)) }

// GetParametersForImport implements the KMS operation.
func (s *Service) GetParametersForImport(ctx context.Context, in *kms.GetParametersForImportInput) (*kms.GetParametersForImportOutput, error) {
	k, err := s.openByID(ctx, *in.KeyId)
	if err != nil {
		return nil, err
	}
	if err := k.importable(); err != nil {
		return nil, err
	}
	wrapping, err := wrappingKind(in.WrappingKeySpec)
	if err == nil {
		err = k.checkWrapping(in.WrappingAlgorithm, in.WrappingKeySpec)
	}
	if err != nil {
		return nil, err
	}
	p, err := s.newPair(ctx, wrapping)
	if err != nil {
		return nil, err
	}
	until := time.Now().UTC().Add(importWindow)
	token, err := s.sealToken(k.place(), importToken{p.private, in.WrappingAlgorithm, until})
	return &kms.GetParametersForImportOutput{
		KeyId: aws.String(k.arn), ImportToken: token, PublicKey: p.public, ParametersValidTo: aws.Time(until),
	}, err
}

// importable refuses keys that take no material, or not now.
func (k *Key) importable() error {
	if !k.imported() {
		return unsupported("%s origin is %s which is not valid for this operation.", k.place().arn(), k.origin())
	}
	return k.present()
}

func wrappingKind(spec types.WrappingKeySpec) (kind, error) {
	f, ok := kinds[types.KeySpec(spec)]
	if !ok {
		return kind{}, unsupported("WrappingKeySpec %s is not supported by Redoubt.", spec)
	}
	return f, nil
}

// checkWrapping applies the rules of API_GetParametersForImport (WrappingAlgorithm): an RSA key is too large to be wrapped by
// RSA alone, and that of P-521 is for a wrapping key of 2,048 bits.
func (k *Key) checkWrapping(algorithm types.AlgorithmSpec, spec types.WrappingKeySpec) error {
	switch algorithm {
	case types.AlgorithmSpecRsaAesKeyWrapSha1, types.AlgorithmSpecRsaAesKeyWrapSha256:
		if !k.kind().paired() {
			return invalid("Wrapping algorithm %s is not compatible with key spec %s.", algorithm, k.spec())
		}
		return nil
	case types.AlgorithmSpecRsaesOaepSha1, types.AlgorithmSpecRsaesOaepSha256:
		if k.kind().bits > 0 || k.spec() == types.KeySpecEccNistP521 && spec == types.WrappingKeySpecRsa2048 {
			return invalid("Wrapping algorithm %s with wrapping key spec %s is not compatible with key spec %s.", algorithm, spec, k.spec())
		}
		return nil
	}
	return unsupported("Wrapping algorithm %s is not supported.", algorithm)
}

// tokenAD binds an import token to its key.
func tokenAD(p place) []byte { return []byte("redoubt kms import token 1 " + p.arn()) }

func (s *Service) sealToken(p place, t importToken) ([]byte, error) {
	text, err := json.Marshal(t)
	if err != nil {
		return nil, fmt.Errorf("writing an import token: %w", err)
	}
	return s.tokens.Seal(text, tokenAD(p))
}

// openToken reads the import token of a key, and the private wrapping key in it.
func (s *Service) openToken(p place, token []byte, now time.Time) (types.AlgorithmSpec, *rsa.PrivateKey, error) {
	text, err := s.tokens.Open(token, tokenAD(p))
	if err != nil {
		return "", nil, &types.InvalidImportTokenException{
			Message: aws.String("The import token is invalid or is associated with a different KMS key."),
		}
	}
	var t importToken
	if err := json.Unmarshal(text, &t); err != nil {
		return "", nil, fmt.Errorf("reading an import token: %w", err)
	}
	if !now.Before(t.Until) {
		return "", nil, &types.ExpiredImportTokenException{Message: aws.String("The import token is expired.")}
	}
	private, err := x509.ParsePKCS8PrivateKey(t.Private)
	if err != nil {
		return "", nil, fmt.Errorf("reading an import token: %w", err)
	}
	wrapping, ok := private.(*rsa.PrivateKey)
	if !ok {
		return "", nil, fmt.Errorf("reading an import token: %T", private)
	}
	return t.Algorithm, wrapping, nil
}
