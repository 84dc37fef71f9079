package kms

import (
	"context"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"
)

const symmetricDefault = types.EncryptionAlgorithmSpecSymmetricDefault

// A purpose is what an operation uses keys for.
type purpose struct {
	operation string
	usage     types.KeyUsageType
}

// use opens a key for cryptography that an operation has been authorised for.
func (s *Service) use(ctx context.Context, keyID string, p purpose, tokens []string) (*live, error) {
	if err := checkTokens(tokens); err != nil {
		return nil, err
	}
	k, err := s.open(ctx, keyID)
	if err != nil {
		return nil, err
	}
	return k, k.serves(p)
}

// serves refuses keys that are for something else.
func (k *live) serves(p purpose) error {
	if k.usage() == p.usage {
		return nil
	}
	return &types.InvalidKeyUsageException{
		Message: message("%s key usage is %s which is not valid for %s.", []any{k.arn, k.usage(), p.operation}),
	}
}

// fit refuses an algorithm that is not one of those of a key.
func fit[T ~string](k *live, algorithm T, of []T) error {
	if slices.Contains(of, algorithm) {
		return nil
	}
	return &types.InvalidKeyUsageException{
		Message: message("Algorithm %s is incompatible with key spec %s.", []any{algorithm, k.spec()}),
	}
}

// useToEncrypt is use for an operation that encrypts or decrypts with an algorithm.
func (s *Service) useToEncrypt(ctx context.Context, keyID, operation string, algorithm types.EncryptionAlgorithmSpec, tokens []string) (*live, error) {
	k, err := s.use(ctx, keyID, purpose{operation, types.KeyUsageTypeEncryptDecrypt}, tokens)
	if err == nil {
		err = fit(k, algorithm, k.encrypts())
	}
	if err == nil {
		err = k.usable()
	}
	return k, err
}

// algorithmOr is the algorithm of a request, which need not name that of symmetric keys.
func algorithmOr(algorithm types.EncryptionAlgorithmSpec) types.EncryptionAlgorithmSpec {
	if algorithm == "" {
		return symmetricDefault
	}
	return algorithm
}

// Encrypt implements the KMS operation.
func (s *Service) Encrypt(ctx context.Context, in *kms.EncryptInput) (*kms.EncryptOutput, error) {
	algorithm := algorithmOr(in.EncryptionAlgorithm)
	k, err := s.useToEncrypt(ctx, *in.KeyId, "Encrypt", algorithm, in.GrantTokens)
	if err == nil {
		err = k.takes(in.Plaintext, algorithm, in.EncryptionContext)
	}
	if err == nil {
		err = dryRun(in.DryRun)
	}
	if err != nil {
		return nil, err
	}
	b, err := k.encryptWith(algorithm, in.Plaintext, in.EncryptionContext)
	if err == nil {
		err = s.used(ctx, k, types.KeyLastUsageTrackingOperationEncrypt)
	}
	return &kms.EncryptOutput{CiphertextBlob: b, KeyId: aws.String(k.arn), EncryptionAlgorithm: algorithm}, err
}

// An encryption context has at most 8,192 characters (API_Encrypt refers to the quota).
const maxContext = 8192

func checkContext(context map[string]string) error {
	n := 0
	for k, v := range context {
		n += len(k) + len(v)
	}
	if n > maxContext {
		return invalid("The encryption context must not exceed %d characters.", maxContext)
	}
	return nil
}

// takes refuses a message or a context that does not go with an algorithm.
func (k *live) takes(plain []byte, algorithm types.EncryptionAlgorithmSpec, context map[string]string) error {
	if algorithm == symmetricDefault {
		return checkContext(context)
	}
	if most := k.mostPlain(algorithm); len(plain) > most {
		return invalid("Algorithm %s and key spec %s cannot encrypt data larger than %d bytes.", algorithm, k.spec(), most)
	}
	return checkNoContext(context, algorithm)
}

// checkNoContext refuses a context where nothing would protect it (API_Encrypt, EncryptionContext).
func checkNoContext(context map[string]string, algorithm types.EncryptionAlgorithmSpec) error {
	if len(context) > 0 {
		return invalid("EncryptionContext is not supported with encryption algorithm %s.", algorithm)
	}
	return nil
}

func (k *live) encryptWith(algorithm types.EncryptionAlgorithmSpec, plain []byte, context map[string]string) ([]byte, error) {
	if algorithm == symmetricDefault {
		return k.encrypt(plain, context)
	}
	return k.encryptRSA(algorithm, plain)
}

// materialID is the id of the material in use; only symmetric keys have one.
func (k *live) materialID() *string {
	if b := k.newest(); b != nil && k.symmetric() {
		return aws.String(b.ID)
	}
	return nil
}

// Decrypt implements the KMS operation.
func (s *Service) Decrypt(ctx context.Context, in *kms.DecryptInput) (*kms.DecryptOutput, error) {
	if err := checkNotAttested(in.Recipient); err != nil {
		return nil, err
	}
	from := source{
		operation: "Decrypt", keyID: in.KeyId, ciphertext: in.CiphertextBlob, algorithm: algorithmOr(in.EncryptionAlgorithm),
		context: in.EncryptionContext, tokens: in.GrantTokens, dry: in.DryRun, modifiers: in.DryRunModifiers,
	}
	plain, err := s.decipher(ctx, &from)
	if err == nil {
		err = dryRun(in.DryRun)
	}
	if err == nil {
		err = s.used(ctx, from.key, types.KeyLastUsageTrackingOperationDecrypt)
	}
	if err != nil {
		return nil, err
	}
	return &kms.DecryptOutput{
		Plaintext: plain, KeyId: aws.String(from.key.arn), EncryptionAlgorithm: from.algorithm, KeyMaterialId: from.materialID(),
	}, nil
}

func checkNotAttested(r *types.RecipientInfo) error {
	if r != nil {
		return invalid("Recipient is not supported by Redoubt yet.")
	}
	return nil
}

// ReEncrypt implements the KMS operation.
func (s *Service) ReEncrypt(ctx context.Context, in *kms.ReEncryptInput) (*kms.ReEncryptOutput, error) {
	from := source{
		operation: "ReEncrypt", keyID: in.SourceKeyId, ciphertext: in.CiphertextBlob, algorithm: algorithmOr(in.SourceEncryptionAlgorithm),
		context: in.SourceEncryptionContext, tokens: in.GrantTokens, dry: in.DryRun, modifiers: in.DryRunModifiers,
	}
	if err := s.find(ctx, &from); err != nil {
		return nil, err
	}
	algorithm := algorithmOr(in.DestinationEncryptionAlgorithm)
	to, err := s.useToEncrypt(ctx, *in.DestinationKeyId, "ReEncrypt", algorithm, in.GrantTokens)
	if err != nil {
		return nil, err
	}
	plain, err := from.decrypt()
	if err == nil {
		err = to.takes(plain, algorithm, in.DestinationEncryptionContext)
	}
	if err == nil {
		err = dryRun(in.DryRun)
	}
	if err != nil {
		return nil, err
	}
	moved, err := to.encryptWith(algorithm, plain, in.DestinationEncryptionContext)
	if err == nil {
		err = s.used(ctx, from.key, types.KeyLastUsageTrackingOperationReEncrypt)
	}
	if err == nil {
		err = s.used(ctx, to, types.KeyLastUsageTrackingOperationReEncrypt)
	}
	return &kms.ReEncryptOutput{
		CiphertextBlob: moved, KeyId: aws.String(to.arn), SourceKeyId: aws.String(from.key.arn),
		SourceEncryptionAlgorithm: from.algorithm, DestinationEncryptionAlgorithm: algorithm,
		SourceKeyMaterialId: from.materialID(), DestinationKeyMaterialId: to.materialID(),
	}, err
}
