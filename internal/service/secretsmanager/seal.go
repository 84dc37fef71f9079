package secretsmanager

import (
	"bytes"
	"context"
	"crypto/aes"
	"crypto/cipher"
	"errors"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	kmstypes "github.com/aws/aws-sdk-go-v2/service/kms/types"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager/types"
	"github.com/aws/smithy-go"

	"redoubt/internal/api"
)

// A value is what is secret. Its bytes are behind a function because fmt prints unexported fields without asking their
// methods, and of a function it can print the address only.
type value struct {
	bytes  func() []byte
	binary bool
}

func valueOf(b []byte, binary bool) value { return value{func() []byte { return b }, binary} }

func (v value) String() string { return "[sealed]" }

func (v value) equal(w value) bool { return v.binary == w.binary && bytes.Equal(v.bytes(), w.bytes()) }

// maxValue is what a secret may take, in bytes (Secrets Manager quotas).
const maxValue = 65536

// newValue is the value in a request; ok is false if there is none.
func newValue(text *string, binary []byte) (v value, ok bool, err error) {
	switch {
	case text != nil && binary != nil:
		return v, false, badParameter("You can't specify both a binary secret value and a string secret value in the same secret.")
	case text != nil:
		v = valueOf([]byte(*text), false)
	case binary != nil:
		v = valueOf(binary, true)
	default:
		return v, false, nil
	}
	if len(v.bytes()) > maxValue {
		return v, false, badParameter("The secret value can't be larger than %d bytes.", maxValue)
	}
	return v, true, nil
}

// shown puts a value where answers have it.
func (v value) shown() (text *string, binary []byte) {
	if v.binary {
		return nil, v.bytes()
	}
	return aws.String(string(v.bytes())), nil
}

// A wrap is the data key of a version as KMS wrapped it.
type wrap struct {
	Key  string // the KMS key, as the secret names it; "" is aws/secretsmanager
	Blob []byte
}

// keyARN is a KMS key of a secret's account by any of its names; "" is aws/secretsmanager.
func keyARN(p place, key string) string {
	switch {
	case strings.HasPrefix(key, "arn:"):
		return key
	case key == "":
		key = "alias/aws/secretsmanager"
	case !strings.HasPrefix(key, "alias/"):
		key = "key/" + key
	}
	return "arn:aws:kms:" + p.region + ":" + p.account + ":" + key
}

// encryptionContext binds a data key to its version, in the words of AWS:
// https://docs.aws.amazon.com/secretsmanager/latest/userguide/security-encryption.html#security-encryption-encryption-context
func (x *Secret) encryptionContext(id string) map[string]string {
	return map[string]string{"SecretARN": x.arn(), "SecretVersionId": id}
}

func (x *Secret) associated(id string) []byte { return []byte(x.arn() + "\x00" + id) }

// seal makes a version of a value, under a new data key that the caller must be allowed to get.
func (s *Service) seal(ctx context.Context, x *Secret, id string, v value) (*Version, error) {
	key, err := api.Call[kms.GenerateDataKeyOutput](api.Via(ctx, principal), s.api, &kms.GenerateDataKeyInput{
		KeyId: ptr(keyARN(x.place(), x.KMSKey)), KeySpec: kmstypes.DataKeySpecAes256, EncryptionContext: x.encryptionContext(id),
	})
	if err != nil {
		return nil, cannotEncrypt(err)
	}
	defer clear(key.Plaintext)
	aead, err := newAEAD(key.Plaintext)
	if err != nil {
		return nil, fmt.Errorf("sealing a secret: %w", err)
	}
	return &Version{
		Created: stamp(), Binary: v.binary, Sealed: aead.Seal(nil, nil, v.bytes(), x.associated(id)),
		Wraps: []wrap{{x.KMSKey, key.CiphertextBlob}},
	}, nil
}

func newAEAD(key []byte) (cipher.AEAD, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCMWithRandomNonce(block)
}

// open opens a version for a caller that may use its KMS key.
func (s *Service) open(ctx context.Context, x *Secret, id string, v *Version) (value, error) {
	if v.Of != "" {
		id = v.Of
	}
	key, err := s.unwrap(ctx, x, id, v)
	if err != nil {
		return value{}, cannotDecrypt(err)
	}
	defer clear(key)
	aead, err := newAEAD(key)
	if err != nil {
		return value{}, fmt.Errorf("opening a secret: %w", err)
	}
	plain, err := aead.Open(nil, nil, v.Sealed, x.associated(id))
	if err != nil {
		return value{}, fmt.Errorf("opening version %s of %s: %w", id, x.arn(), err)
	}
	return valueOf(plain, v.Binary), nil
}

// unwrap lets KMS open the data key of a version: with the secret's key, or with the one that it had before.
func (s *Service) unwrap(ctx context.Context, x *Secret, id string, v *Version) (key []byte, err error) {
	for _, w := range v.Wraps {
		var out *kms.DecryptOutput
		out, err = api.Call[kms.DecryptOutput](api.Via(ctx, principal), s.api, &kms.DecryptInput{
			CiphertextBlob: w.Blob, EncryptionContext: x.encryptionContext(id),
		})
		if err == nil {
			return out.Plaintext, nil
		}
	}
	return nil, err
}

// rewrap adds a wrap under the secret's present key to a version, so that either key opens it.
func (s *Service) rewrap(ctx context.Context, x *Secret, id string, v *Version) error {
	if v.Of != "" || len(v.Wraps) == 0 || v.Wraps[0].Key == x.KMSKey {
		return nil
	}
	key, err := s.unwrap(ctx, x, id, v)
	var known smithy.APIError
	if errors.As(err, &known) {
		return nil // who may not use the key before cannot move the version off it
	}
	if err != nil {
		return err
	}
	defer clear(key)
	out, err := api.Call[kms.EncryptOutput](api.Via(ctx, principal), s.api, &kms.EncryptInput{
		KeyId: ptr(keyARN(x.place(), x.KMSKey)), Plaintext: key, EncryptionContext: x.encryptionContext(id),
	})
	if err != nil {
		return cannotEncrypt(err)
	}
	v.Wraps = []wrap{{x.KMSKey, out.CiphertextBlob}, v.Wraps[0]}
	return nil
}

// cannotEncrypt and cannotDecrypt tell in the words of Secrets Manager what KMS said.
func cannotEncrypt(err error) error {
	var known smithy.APIError
	switch {
	case !errors.As(err, &known):
		return err
	case known.ErrorCode() == "AccessDeniedException":
		return noKMS()
	case known.ErrorCode() == "InvalidKeyUsageException":
		return badRequest("Cannot generate a data key with an asymmetric KMS key")
	}
	return &types.EncryptionFailure{Message: aws.String("Secrets Manager can't encrypt the protected secret text using the provided KMS key. " +
		"Check that the KMS key is available, enabled, and not in an invalid state.")}
}

func cannotDecrypt(err error) error {
	var known smithy.APIError
	switch {
	case !errors.As(err, &known):
		return err
	case known.ErrorCode() == "AccessDeniedException":
		return noKMS()
	}
	return &types.DecryptionFailure{Message: aws.String("Secrets Manager can't decrypt the protected secret text using the provided KMS key.")}
}

func noKMS() error { return denied("Access to KMS is not allowed") }
