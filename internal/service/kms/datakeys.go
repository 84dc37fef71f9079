package kms

import (
	"context"
	"crypto/rand"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"
)

// GenerateDataKey implements the KMS operation.
func (s *Service) GenerateDataKey(ctx context.Context, in *kms.GenerateDataKeyInput) (*kms.GenerateDataKeyOutput, error) {
	if err := checkNotAttested(in.Recipient); err != nil {
		return nil, err
	}
	plain, sealed, k, err := s.dataKey(ctx, in, types.KeyLastUsageTrackingOperationGenerateDataKey)
	if err != nil {
		return nil, err
	}
	return &kms.GenerateDataKeyOutput{
		Plaintext: plain, CiphertextBlob: sealed, KeyId: aws.String(k.arn), KeyMaterialId: k.materialID(),
	}, nil
}

// GenerateDataKeyWithoutPlaintext implements the KMS operation.
func (s *Service) GenerateDataKeyWithoutPlaintext(ctx context.Context, in *kms.GenerateDataKeyWithoutPlaintextInput) (*kms.GenerateDataKeyWithoutPlaintextOutput, error) {
	_, sealed, k, err := s.dataKey(ctx, &kms.GenerateDataKeyInput{
		KeyId: in.KeyId, KeySpec: in.KeySpec, NumberOfBytes: in.NumberOfBytes, EncryptionContext: in.EncryptionContext,
		GrantTokens: in.GrantTokens, DryRun: in.DryRun,
	}, types.KeyLastUsageTrackingOperationGenerateDataKeyWithoutPlaintext)
	if err != nil {
		return nil, err
	}
	return &kms.GenerateDataKeyWithoutPlaintextOutput{
		CiphertextBlob: sealed, KeyId: aws.String(k.arn), KeyMaterialId: k.materialID(),
	}, nil
}

func (s *Service) dataKey(ctx context.Context, in *kms.GenerateDataKeyInput, operation types.KeyLastUsageTrackingOperation) (plain, sealed []byte, k *live, err error) {
	size := int(aws.ToInt32(in.NumberOfBytes))
	if (size == 0) == (in.KeySpec == "") {
		return nil, nil, nil, invalid("Please specify either number of bytes or key spec.")
	}
	switch in.KeySpec {
	case types.DataKeySpecAes128:
		size = 16
	case types.DataKeySpecAes256:
		size = 32
	}
	k, err = s.useToEncrypt(ctx, *in.KeyId, string(operation), symmetricDefault, in.GrantTokens)
	if err == nil {
		err = checkContext(in.EncryptionContext)
	}
	if err == nil {
		err = dryRun(in.DryRun)
	}
	if err != nil {
		return nil, nil, nil, err
	}
	plain = make([]byte, size)
	rand.Read(plain)
	if sealed, err = k.encrypt(plain, in.EncryptionContext); err == nil {
		err = s.used(ctx, k, operation)
	}
	return plain, sealed, k, err
}

// GenerateRandom implements the KMS operation.
func (s *Service) GenerateRandom(_ context.Context, in *kms.GenerateRandomInput) (*kms.GenerateRandomOutput, error) {
	switch {
	case in.Recipient != nil:
		return nil, checkNotAttested(in.Recipient)
	case in.CustomKeyStoreId != nil:
		return nil, unsupported("Custom key stores are not supported by Redoubt.")
	case in.NumberOfBytes == nil:
		return nil, invalid("NumberOfBytes is required.")
	}
	b := make([]byte, *in.NumberOfBytes)
	rand.Read(b)
	return &kms.GenerateRandomOutput{Plaintext: b}, nil
}
