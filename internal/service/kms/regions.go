package kms

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"
)

// Redoubt serves one Region. A multi-Region key is the primary one there, and has no replica.

// regions is where a multi-Region key is.
func (k *Key) regions() *types.MultiRegionConfiguration {
	return &types.MultiRegionConfiguration{
		MultiRegionKeyType: types.MultiRegionKeyTypePrimary,
		PrimaryKey:         &types.MultiRegionKey{Arn: aws.String(k.place().arn()), Region: aws.String(k.Region)},
		ReplicaKeys:        []types.MultiRegionKey{},
	}
}

// ReplicateKey implements the KMS operation, as far as it can be refused for what the caller did wrong.
func (s *Service) ReplicateKey(ctx context.Context, in *kms.ReplicateKeyInput) (*kms.ReplicateKeyOutput, error) {
	return nil, s.elsewhere(ctx, *in.KeyId, "ReplicaRegion", *in.ReplicaRegion)
}

// UpdatePrimaryRegion implements the KMS operation, as far as it can be refused for what the caller did wrong.
func (s *Service) UpdatePrimaryRegion(ctx context.Context, in *kms.UpdatePrimaryRegionInput) (*kms.UpdatePrimaryRegionOutput, error) {
	return nil, s.elsewhere(ctx, *in.KeyId, "PrimaryRegion", *in.PrimaryRegion)
}

// elsewhere says why a key cannot get into another Region.
func (s *Service) elsewhere(ctx context.Context, keyID, field, region string) error {
	k, err := s.openByID(ctx, keyID)
	if err != nil {
		return err
	}
	if !k.MultiRegion {
		return unsupported("%s is not a multi-Region primary key.", k.arn)
	}
	if err := k.usable(); err != nil {
		return err
	}
	if region == k.Region {
		return invalid("%s must not be the Region of the primary key.", field)
	}
	return unsupported("%s %s is not reachable: Redoubt serves the Region %s only.", field, region, k.Region)
}
