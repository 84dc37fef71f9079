package kms

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"

	"redoubt/internal/api"
)

const symmetricDefault = types.EncryptionAlgorithmSpecSymmetricDefault

// use opens a key for cryptography that an operation has been authorised for.
func (s *Service) use(ctx context.Context, keyID string, algorithm types.EncryptionAlgorithmSpec, tokens []string) (*live, error) {
	if err := checkTokens(tokens); err != nil {
		return nil, err
	}
	k, err := s.open(ctx, keyID)
	if err != nil {
		return nil, err
	}
	if err := checkAlgorithm(algorithm); err != nil {
		return nil, err
	}
	return k, k.usable()
}

func checkAlgorithm(algorithm types.EncryptionAlgorithmSpec) error {
	if algorithm == "" || algorithm == symmetricDefault {
		return nil
	}
	return &types.InvalidKeyUsageException{
		Message: message("Algorithm %s is incompatible with key spec SYMMETRIC_DEFAULT.", []any{algorithm}),
	}
}

// Encrypt implements the KMS operation.
func (s *Service) Encrypt(ctx context.Context, in *kms.EncryptInput) (*kms.EncryptOutput, error) {
	k, err := s.use(ctx, *in.KeyId, in.EncryptionAlgorithm, in.GrantTokens)
	if err != nil {
		return nil, err
	}
	if err := checkContext(in.EncryptionContext, in.DryRun); err != nil {
		return nil, err
	}
	b, err := k.encrypt(in.Plaintext, in.EncryptionContext)
	return &kms.EncryptOutput{CiphertextBlob: b, KeyId: aws.String(k.arn), EncryptionAlgorithm: symmetricDefault}, err
}

// An encryption context has at most 8,192 characters (API_Encrypt refers to the quota).
const maxContext = 8192

// checkContext is the last check before anything is done, so it ends a dry run too.
func checkContext(context map[string]string, dry *bool) error {
	n := 0
	for k, v := range context {
		n += len(k) + len(v)
	}
	if n > maxContext {
		return invalid("The encryption context must not exceed %d characters.", maxContext)
	}
	return dryRun(dry)
}

// Decrypt implements the KMS operation.
func (s *Service) Decrypt(ctx context.Context, in *kms.DecryptInput) (*kms.DecryptOutput, error) {
	if err := checkNotAttested(in.Recipient); err != nil {
		return nil, err
	}
	if err := checkModifiers(in.DryRunModifiers); err != nil {
		return nil, err
	}
	k, b, err := s.source(ctx, in.KeyId, in.CiphertextBlob, in.EncryptionAlgorithm, in.GrantTokens)
	if err != nil {
		return nil, err
	}
	plain, err := k.decrypt(b, in.EncryptionContext)
	if err == nil {
		err = dryRun(in.DryRun)
	}
	if err != nil {
		return nil, err
	}
	return &kms.DecryptOutput{
		Plaintext: plain, KeyId: aws.String(k.arn), EncryptionAlgorithm: symmetricDefault,
		KeyMaterialId: aws.String(k.Backing[b.backing].ID),
	}, nil
}

// source opens the key of a ciphertext: the named one, which must be the one that it was encrypted under, or else that.
func (s *Service) source(ctx context.Context, keyID *string, ciphertext []byte, algorithm types.EncryptionAlgorithmSpec, tokens []string) (*live, blob, error) {
	if err := checkTokens(tokens); err != nil {
		return nil, blob{}, err
	}
	b, ok := parseBlob(ciphertext)
	at := place{b.account, api.CallerOf(ctx).Region, b.id}
	var k *live
	var err error
	if keyID != nil {
		k, err = s.open(ctx, *keyID)
	} else if ok {
		k, err = s.load(ctx, at)
	}
	if err == nil {
		err = checkAlgorithm(algorithm)
	}
	switch {
	case err != nil:
		return nil, b, err
	case !ok:
		return nil, b, badCiphertext()
	case k == nil:
		return nil, b, goneCiphertext()
	case k.place() != at:
		return nil, b, &types.IncorrectKeyException{
			Message: aws.String("The key ID in the request does not identify a CMK that can perform this operation."),
		}
	}
	return k, b, k.usable()
}

// goneCiphertext is what AWS says of a ciphertext that is whole, but whose key is not to be found.
func goneCiphertext() error {
	return api.Errorf("AccessDeniedException", "The ciphertext refers to a customer master key that does not exist, "+
		"does not exist in this region, or you are not allowed to access.")
}

func checkNotAttested(r *types.RecipientInfo) error {
	if r != nil {
		return invalid("Recipient is not supported by Redoubt yet.")
	}
	return nil
}

func checkModifiers(m []types.DryRunModifierType) error {
	if len(m) > 0 {
		return invalid("DryRunModifiers is not supported by Redoubt yet.")
	}
	return nil
}

// ReEncrypt implements the KMS operation.
func (s *Service) ReEncrypt(ctx context.Context, in *kms.ReEncryptInput) (*kms.ReEncryptOutput, error) {
	if err := checkModifiers(in.DryRunModifiers); err != nil {
		return nil, err
	}
	from, b, err := s.source(ctx, in.SourceKeyId, in.CiphertextBlob, in.SourceEncryptionAlgorithm, in.GrantTokens)
	if err != nil {
		return nil, err
	}
	to, err := s.use(ctx, *in.DestinationKeyId, in.DestinationEncryptionAlgorithm, in.GrantTokens)
	if err != nil {
		return nil, err
	}
	plain, err := from.decrypt(b, in.SourceEncryptionContext)
	if err != nil {
		return nil, err
	}
	if err := checkContext(in.DestinationEncryptionContext, in.DryRun); err != nil {
		return nil, err
	}
	moved, err := to.encrypt(plain, in.DestinationEncryptionContext)
	return &kms.ReEncryptOutput{
		CiphertextBlob: moved, KeyId: aws.String(to.arn), SourceKeyId: aws.String(from.arn),
		SourceEncryptionAlgorithm: symmetricDefault, DestinationEncryptionAlgorithm: symmetricDefault,
		SourceKeyMaterialId: aws.String(from.Backing[b.backing].ID), DestinationKeyMaterialId: aws.String(to.newest().ID),
	}, err
}
