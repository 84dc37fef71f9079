package kms

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"
)

// GenerateDataKeyPair implements the KMS operation.
func (s *Service) GenerateDataKeyPair(ctx context.Context, in *kms.GenerateDataKeyPairInput) (*kms.GenerateDataKeyPairOutput, error) {
	if err := checkNotAttested(in.Recipient); err != nil {
		return nil, err
	}
	const operation = types.KeyLastUsageTrackingOperationGenerateDataKeyPair
	p, k, err := s.dataPair(ctx, in, operation)
	if err != nil {
		return nil, err
	}
	return &kms.GenerateDataKeyPairOutput{
		PrivateKeyPlaintext: p.private, PrivateKeyCiphertextBlob: p.sealed, PublicKey: p.public, KeyPairSpec: in.KeyPairSpec,
		KeyId: aws.String(k.arn), KeyMaterialId: k.materialID(),
	}, nil
}

// GenerateDataKeyPairWithoutPlaintext implements the KMS operation.
func (s *Service) GenerateDataKeyPairWithoutPlaintext(ctx context.Context, in *kms.GenerateDataKeyPairWithoutPlaintextInput) (*kms.GenerateDataKeyPairWithoutPlaintextOutput, error) {
	const operation = types.KeyLastUsageTrackingOperationGenerateDataKeyPairWithoutPlaintext
	p, k, err := s.dataPair(ctx, &kms.GenerateDataKeyPairInput{
		KeyId: in.KeyId, KeyPairSpec: in.KeyPairSpec, EncryptionContext: in.EncryptionContext, GrantTokens: in.GrantTokens, DryRun: in.DryRun,
	}, operation)
	if err != nil {
		return nil, err
	}
	return &kms.GenerateDataKeyPairWithoutPlaintextOutput{
		PrivateKeyCiphertextBlob: p.sealed, PublicKey: p.public, KeyPairSpec: in.KeyPairSpec, KeyId: aws.String(k.arn), KeyMaterialId: k.materialID(),
	}, nil
}

// A dataPair is a key pair for use outside: in PKCS #8, the same sealed, and its public half.
type dataPair struct{ private, sealed, public []byte }

func (s *Service) dataPair(ctx context.Context, in *kms.GenerateDataKeyPairInput, operation types.KeyLastUsageTrackingOperation) (*dataPair, *live, error) {
	of, ok := kinds[types.KeySpec(in.KeyPairSpec)]
	if !ok || !of.paired() {
		return nil, nil, unsupported("KeyPairSpec %s is not supported by Redoubt.", in.KeyPairSpec)
	}
	k, err := s.useToEncrypt(ctx, *in.KeyId, string(operation), symmetricDefault, in.GrantTokens)
	if err == nil {
		err = checkContext(in.EncryptionContext)
	}
	if err == nil {
		err = dryRun(in.DryRun)
	}
	if err != nil {
		return nil, nil, err
	}
	p, err := s.newPair(ctx, of)
	if err != nil {
		return nil, nil, err
	}
	if p.sealed, err = k.encrypt(p.private, in.EncryptionContext); err != nil {
		return nil, nil, err
	}
	return p, k, s.used(ctx, k, operation)
}

func (s *Service) newPair(ctx context.Context, of kind) (*dataPair, error) {
	material, err := s.forge.make(ctx, of)
	if err != nil {
		return nil, err
	}
	private, err := of.parse(material)
	if err != nil {
		return nil, fmt.Errorf("making a pair of keys: %w", err)
	}
	p := &dataPair{private: material}
	if of.kem != nil {
		if p.private, err = kemPrivate(of.kem, material); err != nil {
			return nil, err
		}
	}
	p.public, err = public(private)
	return p, err
}
