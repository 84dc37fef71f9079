package kms

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/sha512"
	"fmt"
	"hash"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"
)

var macHashes = map[types.MacAlgorithmSpec]func() hash.Hash{
	types.MacAlgorithmSpecHmacSha224: sha256.New224,
	types.MacAlgorithmSpecHmacSha256: sha256.New,
	types.MacAlgorithmSpecHmacSha384: sha512.New384,
	types.MacAlgorithmSpecHmacSha512: sha512.New,
}

// macs lists the algorithm of an HMAC key.
func (k *Key) macs() []types.MacAlgorithmSpec {
	if f := k.kind(); f.mac != "" {
		return []types.MacAlgorithmSpec{f.mac}
	}
	return nil
}

// GenerateMac implements the KMS operation.
func (s *Service) GenerateMac(ctx context.Context, in *kms.GenerateMacInput) (*kms.GenerateMacOutput, error) {
	k, mac, err := s.mac(ctx, in, "GenerateMac")
	if err == nil {
		err = dryRun(in.DryRun)
	}
	if err == nil {
		err = s.used(ctx, k, types.KeyLastUsageTrackingOperationGenerateMac)
	}
	if err != nil {
		return nil, err
	}
	return &kms.GenerateMacOutput{KeyId: aws.String(k.arn), Mac: mac, MacAlgorithm: in.MacAlgorithm}, nil
}

// VerifyMac implements the KMS operation.
func (s *Service) VerifyMac(ctx context.Context, in *kms.VerifyMacInput) (*kms.VerifyMacOutput, error) {
	k, mac, err := s.mac(ctx, &kms.GenerateMacInput{
		KeyId: in.KeyId, MacAlgorithm: in.MacAlgorithm, Message: in.Message, GrantTokens: in.GrantTokens,
	}, "VerifyMac")
	if err != nil {
		return nil, err
	}
	if !hmac.Equal(mac, in.Mac) {
		return nil, &types.KMSInvalidMacException{}
	}
	if err := dryRun(in.DryRun); err != nil {
		return nil, err
	}
	return &kms.VerifyMacOutput{
		KeyId: aws.String(k.arn), MacAlgorithm: in.MacAlgorithm, MacValid: true,
	}, s.used(ctx, k, types.KeyLastUsageTrackingOperationVerifyMac)
}

func (s *Service) mac(ctx context.Context, in *kms.GenerateMacInput, operation string) (*live, []byte, error) {
	k, err := s.use(ctx, *in.KeyId, purpose{operation, types.KeyUsageTypeGenerateVerifyMac}, in.GrantTokens)
	if err == nil {
		err = fit(k, in.MacAlgorithm, k.macs())
	}
	if err == nil {
		err = k.usable()
	}
	if err != nil {
		return nil, nil, err
	}
	key, ok := k.private().([]byte)
	if !ok {
		return nil, nil, fmt.Errorf("key %s has no HMAC key", k.arn)
	}
	h := hmac.New(macHashes[in.MacAlgorithm], key)
	h.Write(in.Message)
	return k, h.Sum(nil), nil
}
