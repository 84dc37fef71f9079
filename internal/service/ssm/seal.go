package ssm

import (
	"context"
	"encoding/base64"

	"github.com/aws/aws-sdk-go-v2/service/kms"
	kmstypes "github.com/aws/aws-sdk-go-v2/service/kms/types"
	"github.com/aws/aws-sdk-go-v2/service/ssm/types"

	"redoubt/internal/api"
)

// encryptionContext binds an encrypted value to its parameter:
// https://docs.aws.amazon.com/systems-manager/latest/userguide/secure-string-parameter-kms-encryption.html
func encryptionContext(at place) map[string]string {
	return map[string]string{contextKey: at.arn()}
}

const contextKey = "PARAMETER_ARN"

func (v *Version) secure() bool { return v.Type == types.ParameterTypeSecureString }

// seal is a value as it is stored. KMS itself encrypts that of a Standard SecureString, that of an Advanced one is encrypted
// under a data key of its own. Both as the caller, who must be allowed to.
func (s *Service) seal(ctx context.Context, at place, v *Version, value string) ([]byte, error) {
	if !v.secure() {
		return []byte(value), nil
	}
	if v.Tier != advanced {
		out, err := api.Call[kms.EncryptOutput](api.Via(ctx, principal), s.api, &kms.EncryptInput{
			KeyId: &v.Key, Plaintext: []byte(value), EncryptionContext: encryptionContext(at),
		})
		if err != nil {
			return nil, ofKMS(ctx, err)
		}
		return out.CiphertextBlob, nil
	}
	key, err := api.Call[kms.GenerateDataKeyOutput](api.Via(ctx, principal), s.api, &kms.GenerateDataKeyInput{
		KeyId: &v.Key, KeySpec: kmstypes.DataKeySpecAes256, EncryptionContext: encryptionContext(at),
	})
	if err != nil {
		return nil, ofKMS(ctx, err)
	}
	defer clear(key.Plaintext)
	return sealMessage(message{arn: at.arn(), key: *key.KeyId, wrapped: key.CiphertextBlob}, key.Plaintext, []byte(value))
}

// open is the value of a version in the clear, for callers whom KMS decrypts it for.
func (s *Service) open(ctx context.Context, at place, v *Version) (string, error) {
	if !v.secure() {
		return string(v.Value), nil
	}
	if v.Tier != advanced {
		plain, err := s.decrypt(ctx, at, v.Value)
		return string(plain), err
	}
	m, err := parseMessage(v.Value)
	if err != nil {
		return "", err
	}
	key, err := s.decrypt(ctx, at, m.wrapped)
	if err != nil {
		return "", err
	}
	defer clear(key)
	plain, err := m.open(at.arn(), key)
	return string(plain), err
}

func (s *Service) decrypt(ctx context.Context, at place, blob []byte) ([]byte, error) {
	out, err := api.Call[kms.DecryptOutput](api.Via(ctx, principal), s.api, &kms.DecryptInput{
		CiphertextBlob: blob, EncryptionContext: encryptionContext(at),
	})
	if err != nil {
		return nil, ofKMS(ctx, err)
	}
	return out.Plaintext, nil
}

// value is what a request that asks for decryption, or not, gets to see.
func (s *Service) value(ctx context.Context, at place, v *Version, decrypt *bool) (string, error) {
	if v.secure() && (decrypt == nil || !*decrypt) {
		return base64.StdEncoding.EncodeToString(v.Value), nil
	}
	return s.open(ctx, at, v)
}

// ofKMS tells what KMS has said: that it may not be used as it says it, anything else as something wrong with the key.
func ofKMS(ctx context.Context, err error) error {
	message, code, known := relayed(err, "AWSKMS", api.CallerOf(ctx).Request.ID)
	switch {
	case !known, code == "InternalFailure":
		return err
	case code == "AccessDeniedException":
		return api.Errorf(code, "%s", *message)
	}
	return &types.InvalidKeyId{Message: message}
}
