package kms

import (
	"context"
	"crypto/ecdsa"
	"crypto/x509"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"
)

// agrees and encapsulates list the algorithms with which the key makes secrets that it shares with others.
func (k *Key) agrees() []types.KeyAgreementAlgorithmSpec {
	if k.usage() != types.KeyUsageTypeKeyAgreement {
		return nil
	}
	return []types.KeyAgreementAlgorithmSpec{types.KeyAgreementAlgorithmSpecEcdh}
}

func (k *Key) encapsulates() []types.EncapsulationAlgorithmSpec {
	if k.usage() != types.KeyUsageTypeEncapsulateDecapsulate {
		return nil
	}
	return []types.EncapsulationAlgorithmSpec{types.EncapsulationAlgorithmSpecMlKem}
}

// DeriveSharedSecret implements the KMS operation.
func (s *Service) DeriveSharedSecret(ctx context.Context, in *kms.DeriveSharedSecretInput) (*kms.DeriveSharedSecretOutput, error) {
	if err := checkNotAttested(in.Recipient); err != nil {
		return nil, err
	}
	k, err := s.use(ctx, *in.KeyId, purpose{"DeriveSharedSecret", types.KeyUsageTypeKeyAgreement}, in.GrantTokens)
	if err == nil {
		err = fit(k, in.KeyAgreementAlgorithm, k.agrees())
	}
	if err == nil {
		err = k.usable()
	}
	if err != nil {
		return nil, err
	}
	shared, err := k.agree(in.PublicKey)
	if err == nil {
		err = dryRun(in.DryRun)
	}
	if err == nil {
		err = s.used(ctx, k, types.KeyLastUsageTrackingOperationDeriveSharedSecret)
	}
	if err != nil {
		return nil, err
	}
	return &kms.DeriveSharedSecretOutput{
		KeyId: aws.String(k.arn), SharedSecret: shared, KeyAgreementAlgorithm: in.KeyAgreementAlgorithm, KeyOrigin: k.origin(),
	}, nil
}

// agree is ECDH with a peer on the same curve (NIST SP 800-56A, cofactor Diffie-Hellman, whose cofactor is 1 here).
func (k *live) agree(spki []byte) ([]byte, error) {
	private, ok := k.private().(*ecdsa.PrivateKey)
	if !ok {
		return nil, fmt.Errorf("key %s has no key of a curve", k.arn)
	}
	own, err := private.ECDH()
	if err != nil {
		return nil, fmt.Errorf("using key %s: %w", k.arn, err)
	}
	peer, err := peerKey(spki)
	if err != nil || !sameCurve(peer.Curve, private.Curve) {
		return nil, invalid("The public key is not a valid DER-encoded X.509 public key of key spec %s.", k.spec())
	}
	point, err := peer.ECDH()
	if err != nil {
		return nil, invalid("The public key is not a valid DER-encoded X.509 public key of key spec %s.", k.spec())
	}
	return own.ECDH(point)
}

func peerKey(spki []byte) (*ecdsa.PublicKey, error) {
	parsed, err := x509.ParsePKIXPublicKey(spki)
	if err != nil {
		return nil, err
	}
	peer, ok := parsed.(*ecdsa.PublicKey)
	if !ok {
		return nil, errMaterial
	}
	return peer, nil
}

// Encapsulate implements the KMS operation.
func (s *Service) Encapsulate(ctx context.Context, in *kms.EncapsulateInput) (*kms.EncapsulateOutput, error) {
	k, private, err := s.useToEncapsulate(ctx, *in.KeyId, "Encapsulate", in.EncapsulationAlgorithm, in.GrantTokens)
	if err == nil {
		err = dryRun(in.DryRun)
	}
	if err == nil {
		err = s.used(ctx, k, types.KeyLastUsageTrackingOperationEncapsulate)
	}
	if err != nil {
		return nil, err
	}
	shared, ciphertext := private.encapsulate()
	return &kms.EncapsulateOutput{
		KeyId: aws.String(k.arn), EncapsulationAlgorithm: in.EncapsulationAlgorithm, SharedSecret: shared, SharedSecretCiphertextBlob: ciphertext,
	}, nil
}

// Decapsulate implements the KMS operation. A ciphertext that is not genuine yields another secret, not an error (FIPS 203,
// implicit rejection).
func (s *Service) Decapsulate(ctx context.Context, in *kms.DecapsulateInput) (*kms.DecapsulateOutput, error) {
	k, private, err := s.useToEncapsulate(ctx, *in.KeyId, "Decapsulate", in.EncapsulationAlgorithm, in.GrantTokens)
	if err != nil {
		return nil, err
	}
	shared, err := private.decapsulate(in.SharedSecretCiphertextBlob)
	if err != nil {
		return nil, badCiphertext() // of another length
	}
	if err = dryRun(in.DryRun); err == nil {
		err = s.used(ctx, k, types.KeyLastUsageTrackingOperationDecapsulate)
	}
	if err != nil {
		return nil, err
	}
	return &kms.DecapsulateOutput{KeyId: aws.String(k.arn), EncapsulationAlgorithm: in.EncapsulationAlgorithm, SharedSecret: shared}, nil
}

func (s *Service) useToEncapsulate(ctx context.Context, keyID, operation string, algorithm types.EncapsulationAlgorithmSpec, tokens []string) (*live, decapsulator, error) {
	k, err := s.use(ctx, keyID, purpose{operation, types.KeyUsageTypeEncapsulateDecapsulate}, tokens)
	if err == nil {
		err = fit(k, algorithm, k.encapsulates())
	}
	if err == nil {
		err = k.usable()
	}
	if err != nil {
		return nil, nil, err
	}
	private, ok := k.private().(decapsulator)
	if !ok {
		return nil, nil, fmt.Errorf("key %s has no ML-KEM key", k.arn)
	}
	return k, private, nil
}

// GetPublicKey implements the KMS operation. A disabled key tells its public half, as it is not used for that.
func (s *Service) GetPublicKey(ctx context.Context, in *kms.GetPublicKeyInput) (*kms.GetPublicKeyOutput, error) {
	if err := checkTokens(in.GrantTokens); err != nil {
		return nil, err
	}
	k, err := s.open(ctx, *in.KeyId)
	if err != nil {
		return nil, err
	}
	if !k.kind().paired() {
		return nil, unsupported("%s is not an asymmetric key.", k.arn)
	}
	if err := k.present(); err != nil {
		return nil, err
	}
	b := k.newest()
	if b == nil {
		return nil, k.wanting()
	}
	return &kms.GetPublicKeyOutput{
		KeyId: aws.String(k.arn), PublicKey: b.Public, KeySpec: k.spec(), KeyUsage: k.usage(),
		CustomerMasterKeySpec: types.CustomerMasterKeySpec(k.spec()),
		EncryptionAlgorithms:  k.encrypts(), SigningAlgorithms: k.signs(), KeyAgreementAlgorithms: k.agrees(),
		EncapsulationAlgorithms: k.encapsulates(),
	}, nil
}
