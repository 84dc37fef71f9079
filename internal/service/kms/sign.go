package kms

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"
)

// Sign implements the KMS operation.
func (s *Service) Sign(ctx context.Context, in *kms.SignInput) (*kms.SignOutput, error) {
	k, digest, err := s.toSign(ctx, in, "Sign")
	if err == nil {
		err = dryRun(in.DryRun)
	}
	if err != nil {
		return nil, err
	}
	signature, err := k.sign(in.SigningAlgorithm, digest)
	if err == nil {
		err = s.used(ctx, k, types.KeyLastUsageTrackingOperationSign)
	}
	return &kms.SignOutput{KeyId: aws.String(k.arn), Signature: signature, SigningAlgorithm: in.SigningAlgorithm}, err
}

// Verify implements the KMS operation.
func (s *Service) Verify(ctx context.Context, in *kms.VerifyInput) (*kms.VerifyOutput, error) {
	k, digest, err := s.toSign(ctx, &kms.SignInput{
		KeyId: in.KeyId, Message: in.Message, MessageType: in.MessageType, SigningAlgorithm: in.SigningAlgorithm, GrantTokens: in.GrantTokens,
	}, "Verify")
	if err != nil {
		return nil, err
	}
	if !k.verify(in.SigningAlgorithm, digest, in.Signature) {
		return nil, &types.KMSInvalidSignatureException{}
	}
	if err := dryRun(in.DryRun); err != nil {
		return nil, err
	}
	return &kms.VerifyOutput{
		KeyId: aws.String(k.arn), SignatureValid: true, SigningAlgorithm: in.SigningAlgorithm,
	}, s.used(ctx, k, types.KeyLastUsageTrackingOperationVerify)
}

// toSign opens the key of a signature, and returns what is signed: the digest of a message, or for ED25519_SHA_512 the message.
func (s *Service) toSign(ctx context.Context, in *kms.SignInput, operation string) (*live, []byte, error) {
	k, err := s.use(ctx, *in.KeyId, purpose{operation, types.KeyUsageTypeSignVerify}, in.GrantTokens)
	if err == nil {
		err = fit(k, in.SigningAlgorithm, k.signs())
	}
	if err == nil {
		err = k.usable()
	}
	if err != nil {
		return nil, nil, err
	}
	digest, err := digestOf(in.SigningAlgorithm, in.MessageType, in.Message)
	return k, digest, err
}

// digestOf applies a signing algorithm's hash to a message that is not hashed yet (API_Sign, MessageType).
func digestOf(algorithm types.SigningAlgorithmSpec, kind types.MessageType, message []byte) ([]byte, error) {
	hash := hashOf(algorithm)
	switch kind {
	case "", types.MessageTypeRaw:
		if algorithm == types.SigningAlgorithmSpecEd25519PhSha512 {
			return nil, badMessageType(kind, algorithm)
		}
		if algorithm == types.SigningAlgorithmSpecEd25519Sha512 {
			return message, nil
		}
		h := hash.New()
		h.Write(message)
		return h.Sum(nil), nil
	case types.MessageTypeDigest:
		if algorithm == types.SigningAlgorithmSpecEd25519Sha512 {
			return nil, badMessageType(kind, algorithm)
		}
		if len(message) != hash.Size() {
			return nil, invalid("Digest is invalid length for algorithm %s.", algorithm)
		}
		return message, nil
	}
	return nil, badMessageType(kind, algorithm)
}

func badMessageType(kind types.MessageType, algorithm types.SigningAlgorithmSpec) error {
	if kind == "" {
		kind = types.MessageTypeRaw
	}
	return invalid("MessageType %s is not compatible with signing algorithm %s.", kind, algorithm)
}

func hashOf(algorithm types.SigningAlgorithmSpec) crypto.Hash {
	switch text := string(algorithm); {
	case strings.HasSuffix(text, "256"):
		return crypto.SHA256
	case strings.HasSuffix(text, "384"):
		return crypto.SHA384
	}
	return crypto.SHA512
}

func isPSS(algorithm types.SigningAlgorithmSpec) bool {
	return strings.HasPrefix(string(algorithm), "RSASSA_PSS")
}

// pss has a salt as long as the hash (PKCS #1 v2.2, section 8.1).
var pss = &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash}

// edwards are the options of the two forms of Ed25519 (RFC 8032): of the message itself, and of its SHA-512.
func edwards(algorithm types.SigningAlgorithmSpec) *ed25519.Options {
	if algorithm == types.SigningAlgorithmSpecEd25519PhSha512 {
		return &ed25519.Options{Hash: crypto.SHA512}
	}
	return &ed25519.Options{}
}

func (k *live) sign(algorithm types.SigningAlgorithmSpec, digest []byte) ([]byte, error) {
	hash := hashOf(algorithm)
	switch private := k.private().(type) {
	case *rsa.PrivateKey:
		if isPSS(algorithm) {
			return rsa.SignPSS(rand.Reader, private, hash, digest, pss)
		}
		return rsa.SignPKCS1v15(rand.Reader, private, hash, digest)
	case *ecdsa.PrivateKey:
		return ecdsa.SignASN1(rand.Reader, private, digest)
	case ed25519.PrivateKey:
		return private.Sign(rand.Reader, digest, edwards(algorithm))
	}
	return nil, fmt.Errorf("key %s has nothing to sign with", k.arn)
}

func (k *live) verify(algorithm types.SigningAlgorithmSpec, digest, signature []byte) bool {
	hash := hashOf(algorithm)
	switch private := k.private().(type) {
	case *rsa.PrivateKey:
		if isPSS(algorithm) {
			return rsa.VerifyPSS(&private.PublicKey, hash, digest, signature, pss) == nil
		}
		return rsa.VerifyPKCS1v15(&private.PublicKey, hash, digest, signature) == nil
	case *ecdsa.PrivateKey:
		return ecdsa.VerifyASN1(&private.PublicKey, digest, signature)
	case ed25519.PrivateKey:
		own := private.Public().(ed25519.PublicKey)
		return ed25519.VerifyWithOptions(own, digest, signature, edwards(algorithm)) == nil
	}
	return false
}
