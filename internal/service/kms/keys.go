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
	k := shape(in)
	k.ID, k.Account, k.Region, k.Created, k.Tracked = newID(k.MultiRegion), c.Account, c.Region, now, now
	k.Description, k.Manager, k.State, k.Tags = aws.ToString(in.Description), types.KeyManagerTypeCustomer, types.KeyStateEnabled, tags
	k.Policy = defaultPolicy(c.Account)
	if in.Policy != nil {
		k.Policy = *in.Policy
	}
	if err := s.checkPolicy(ctx, &k, keyFacts(&k, nil), in.BypassPolicyLockoutSafetyCheck); err != nil {
		return nil, err
	}
	if k.Backing, err = s.firstBacking(ctx, &k); err != nil {
		return nil, err
	}
	api.Touch(ctx, api.Resource{ARN: k.place().arn(), Type: "AWS::KMS::Key"})
	err = s.db.Update(ctx, func(tx *store.Tx) error { return s.put(tx, &k) })
	return &kms.CreateKeyOutput{KeyMetadata: k.metadata()}, err
}

// firstBacking makes the material of a new key, unless it is to be imported.
func (s *Service) firstBacking(ctx context.Context, k *Key) ([]backing, error) {
	switch {
	case k.imported():
		return nil, nil
	case k.symmetric():
		return []backing{newBacking(k.Created, "")}, nil
	}
	material, err := s.forge.make(ctx, k.kind())
	if err != nil {
		return nil, err
	}
	private, err := k.kind().parse(material)
	if err != nil {
		return nil, err
	}
	spki, err := public(private)
	return []backing{{Material: material, Public: spki, Created: k.Created}}, err
}

func (k *Key) metadata() *types.KeyMetadata {
	state := k.state()
	m := &types.KeyMetadata{
		AWSAccountId: aws.String(k.Account), KeyId: aws.String(k.ID), Arn: aws.String(k.place().arn()),
		CreationDate: aws.Time(k.Created), Enabled: state == types.KeyStateEnabled, Description: aws.String(k.Description),
		KeyUsage: k.usage(), KeyState: state, Origin: k.origin(), KeyManager: k.Manager,
		CustomerMasterKeySpec: types.CustomerMasterKeySpec(k.spec()), KeySpec: k.spec(), MultiRegion: aws.Bool(k.MultiRegion),
		EncryptionAlgorithms: k.encrypts(), SigningAlgorithms: k.signs(), MacAlgorithms: k.macs(),
		KeyAgreementAlgorithms: k.agrees(), EncapsulationAlgorithms: k.encapsulates(),
	}
	if b := k.newest(); b != nil && k.symmetric() {
		m.CurrentKeyMaterialId = aws.String(b.ID)
	}
	if k.MultiRegion {
		m.MultiRegionConfiguration = k.regions()
	}
	if k.imported() && state != types.KeyStatePendingImport {
		m.ExpirationModel, m.ValidTo = expiration(k.expires())
	}
	if !k.Deletion.IsZero() {
		m.DeletionDate = aws.Time(k.Deletion)
	}
	return m
}

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
		err := k.complete()
		k.State = types.KeyStateEnabled
		return err
	})
}

// DisableKey implements the KMS operation.
func (s *Service) DisableKey(ctx context.Context, in *kms.DisableKeyInput) (*kms.DisableKeyOutput, error) {
	return &kms.DisableKeyOutput{}, s.change(ctx, *in.KeyId, func(k *Key) error {
		err := k.complete()
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
