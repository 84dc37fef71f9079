package kms

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"

	"redoubt/internal/api"
)

// A source is a ciphertext that an operation opens, and all that the request says of it.
type source struct {
	operation  string
	keyID      *string
	ciphertext []byte
	algorithm  types.EncryptionAlgorithmSpec
	context    map[string]string
	tokens     []string
	dry        *bool
	modifiers  []types.DryRunModifierType

	key  *live
	blob blob // of a symmetric key's ciphertext
	skip bool // a dry run without a ciphertext
}

// decipher finds the key and decrypts.
func (s *Service) decipher(ctx context.Context, from *source) ([]byte, error) {
	if err := s.find(ctx, from); err != nil {
		return nil, err
	}
	return from.decrypt()
}

// find opens the key of a ciphertext: the named one, which must be the one that it was encrypted under, or else that. What
// asymmetric keys encrypt does not tell its key.
func (s *Service) find(ctx context.Context, from *source) error {
	if err := from.check(); err != nil {
		return err
	}
	var ok bool
	from.blob, ok = parseBlob(from.ciphertext)
	at := place{from.blob.account, api.CallerOf(ctx).Region, from.blob.id}
	var err error
	switch {
	case from.keyID != nil:
		from.key, err = s.open(ctx, *from.keyID)
	case ok:
		from.key, err = s.load(ctx, at)
	}
	if err == nil && from.key != nil {
		err = from.fits()
	}
	switch {
	case err != nil:
		return err
	case from.skip || from.key != nil && from.algorithm != symmetricDefault:
		return from.key.usable()
	case !ok:
		return badCiphertext()
	case from.key == nil:
		return goneCiphertext()
	case from.key.place() != at:
		return &types.IncorrectKeyException{
			Message: aws.String("The key ID in the request does not identify a CMK that can perform this operation."),
		}
	}
	return from.key.usable()
}

// check refuses what no key could help.
func (from *source) check() error {
	if err := checkTokens(from.tokens); err != nil {
		return err
	}
	from.skip = len(from.modifiers) > 0 // there is one modifier: IGNORE_CIPHERTEXT
	switch {
	case from.skip && !aws.ToBool(from.dry):
		return invalid("DryRunModifiers can be specified only when DryRun is true.")
	case from.keyID == nil && (from.skip || from.algorithm != symmetricDefault):
		return invalid("You must specify the key ID for this operation.")
	case !from.skip && len(from.ciphertext) == 0:
		return invalid("1 validation error detected: Value null at 'ciphertextBlob' failed to satisfy constraint: Member must not be null")
	}
	return nil
}

func (from *source) fits() error {
	if err := from.key.serves(purpose{from.operation, types.KeyUsageTypeEncryptDecrypt}); err != nil {
		return err
	}
	return fit(from.key, from.algorithm, from.key.encrypts())
}

func (from *source) decrypt() ([]byte, error) {
	switch {
	case from.skip:
		return nil, nil
	case from.algorithm == symmetricDefault:
		return from.key.decrypt(from.blob, from.context)
	}
	if err := checkNoContext(from.context, from.algorithm); err != nil {
		return nil, err
	}
	return from.key.decryptRSA(from.algorithm, from.ciphertext)
}

// materialID is the id of the material that the ciphertext was encrypted under.
func (from *source) materialID() *string {
	if from.algorithm != symmetricDefault {
		return nil
	}
	return aws.String(from.key.Backing[from.blob.backing].ID)
}

// goneCiphertext is what AWS says of a ciphertext that is whole, but whose key is not to be found.
func goneCiphertext() error {
	return api.Errorf("AccessDeniedException", "The ciphertext refers to a customer master key that does not exist, "+
		"does not exist in this region, or you are not allowed to access.")
}
