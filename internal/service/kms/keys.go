package kms

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"

	"redoubt/internal/api"
	"redoubt/internal/store"
)

// CreateKey implements the KMS operation.
func (s *Service) CreateKey(ctx context.Context, in *kms.CreateKeyInput) (*kms.CreateKeyOutput, error) {
	if err := checkSpec(in); err != nil {
		return nil, err
	}
	tags, err := addTags(nil, in.Tags)
	if err != nil {
		return nil, err
	}
	c, now := api.CallerOf(ctx), time.Now().UTC()
	k := Key{
		ID: newID(), Account: c.Account, Region: c.Region, Created: now, Description: aws.ToString(in.Description),
		Manager: types.KeyManagerTypeCustomer, State: types.KeyStateEnabled, Tags: tags,
		Policy: defaultPolicy(c.Account), Backing: []backing{newBacking(now, "")},
	}
	if in.Policy != nil {
		k.Policy = *in.Policy
	}
	if err := s.checkPolicy(ctx, &k, keyFacts(nil), in.BypassPolicyLockoutSafetyCheck); err != nil {
		return nil, err
	}
	api.Touch(ctx, api.Resource{ARN: k.place().arn(), Type: "AWS::KMS::Key"})
	err = s.db.Update(ctx, func(tx *store.Tx) error { return s.put(tx, &k) })
	return &kms.CreateKeyOutput{KeyMetadata: k.metadata()}, err
}

// specOf is the key spec of a request, by its present or its former name.
func specOf(in *kms.CreateKeyInput) string {
	if in.KeySpec != "" {
		return string(in.KeySpec)
	}
	return string(in.CustomerMasterKeySpec)
}

// checkSpec refuses what is not a symmetric encryption key with material made here.
func checkSpec(in *kms.CreateKeyInput) error {
	if in.KeySpec != "" && in.CustomerMasterKeySpec != "" {
		return invalid("You cannot specify KeySpec and CustomerMasterKeySpec in the same request. CustomerMasterKeySpec is deprecated.")
	}
	switch spec := specOf(in); {
	case spec != "" && spec != string(types.KeySpecSymmetricDefault):
		return unsupported("KeySpec %s is not supported by Redoubt yet.", spec)
	case in.KeyUsage != "" && in.KeyUsage != types.KeyUsageTypeEncryptDecrypt:
		return invalid("KeyUsage %s is not compatible with KeySpec SYMMETRIC_DEFAULT", in.KeyUsage)
	case in.Origin != "" && in.Origin != types.OriginTypeAwsKms:
		return unsupported("Origin %s is not supported by Redoubt yet.", in.Origin)
	case in.CustomKeyStoreId != nil || in.XksKeyId != nil:
		return unsupported("Custom key stores are not supported by Redoubt yet.")
	case aws.ToBool(in.MultiRegion):
		return unsupported("Multi-Region keys are not supported by Redoubt yet.")
	}
	return nil
}

func (k *Key) metadata() *types.KeyMetadata {
	m := &types.KeyMetadata{
		AWSAccountId: aws.String(k.Account), KeyId: aws.String(k.ID), Arn: aws.String(k.place().arn()),
		CreationDate: aws.Time(k.Created), Enabled: k.State == types.KeyStateEnabled, Description: aws.String(k.Description),
		KeyUsage: types.KeyUsageTypeEncryptDecrypt, KeyState: k.State, Origin: types.OriginTypeAwsKms, KeyManager: k.Manager,
		CustomerMasterKeySpec: types.CustomerMasterKeySpecSymmetricDefault, KeySpec: types.KeySpecSymmetricDefault,
		EncryptionAlgorithms: []types.EncryptionAlgorithmSpec{types.EncryptionAlgorithmSpecSymmetricDefault},
		MultiRegion:          aws.Bool(false), CurrentKeyMaterialId: aws.String(k.newest().ID),
	}
	if !k.Deletion.IsZero() {
		m.DeletionDate = aws.Time(k.Deletion)
	}
	return m
}

func (k *Key) newest() *backing { return &k.Backing[len(k.Backing)-1] }

// DescribeKey implements the KMS operation.
func (s *Service) DescribeKey(ctx context.Context, in *kms.DescribeKeyInput) (*kms.DescribeKeyOutput, error) {
	if err := checkTokens(in.GrantTokens); err != nil {
		return nil, err
	}
	k, err := s.open(ctx, *in.KeyId)
	if err != nil {
		return nil, err
	}
	return &kms.DescribeKeyOutput{KeyMetadata: k.metadata()}, nil
}

// ListKeys implements the KMS operation.
func (s *Service) ListKeys(ctx context.Context, in *kms.ListKeysInput) (*kms.ListKeysOutput, error) {
	c := api.CallerOf(ctx)
	p, err := newPage(in.Marker, in.Limit, 100, 1000)
	if err != nil {
		return nil, err
	}
	out := &kms.ListKeysOutput{Keys: []types.KeyListEntry{}}
	err = s.db.View(ctx, func(tx *store.Tx) (err error) {
		out.NextMarker, err = scan(tx, s.keys, p, []string{c.Account, c.Region}, func(r store.Record[Key]) error {
			k := r.Value
			out.Keys = append(out.Keys, types.KeyListEntry{KeyId: aws.String(k.ID), KeyArn: aws.String(k.place().arn())})
			return nil
		})
		return err
	})
	out.Truncated = out.NextMarker != nil
	return out, err
}

// EnableKey implements the KMS operation.
func (s *Service) EnableKey(ctx context.Context, in *kms.EnableKeyInput) (*kms.EnableKeyOutput, error) {
	return &kms.EnableKeyOutput{}, s.change(ctx, *in.KeyId, func(k *Key) error {
		err := k.present()
		k.State = types.KeyStateEnabled
		return err
	})
}

// DisableKey implements the KMS operation.
func (s *Service) DisableKey(ctx context.Context, in *kms.DisableKeyInput) (*kms.DisableKeyOutput, error) {
	return &kms.DisableKeyOutput{}, s.change(ctx, *in.KeyId, func(k *Key) error {
		err := k.present()
		k.State = types.KeyStateDisabled
		return err
	})
}

// UpdateKeyDescription implements the KMS operation.
func (s *Service) UpdateKeyDescription(ctx context.Context, in *kms.UpdateKeyDescriptionInput) (*kms.UpdateKeyDescriptionOutput, error) {
	return &kms.UpdateKeyDescriptionOutput{}, s.change(ctx, *in.KeyId, func(k *Key) error {
		k.Description = *in.Description
		return k.present()
	})
}
