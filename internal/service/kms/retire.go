package kms

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"

	"redoubt/internal/api"
	"redoubt/internal/store"
)

// RevokeGrant implements the KMS operation.
func (s *Service) RevokeGrant(ctx context.Context, in *kms.RevokeGrantInput) (*kms.RevokeGrantOutput, error) {
	r, err := parseKeyReference(ctx, *in.KeyId)
	if err != nil {
		return nil, err
	}
	return &kms.RevokeGrantOutput{}, s.endGrant(ctx, r.place, *in.GrantId, in.DryRun)
}

// RetireGrant implements the KMS operation.
func (s *Service) RetireGrant(ctx context.Context, in *kms.RetireGrantInput) (*kms.RetireGrantOutput, error) {
	p, id, err := grantToRetire(ctx, in)
	if err != nil {
		return nil, err
	}
	return &kms.RetireGrantOutput{}, s.endGrant(ctx, p, id, in.DryRun)
}

func (s *Service) endGrant(ctx context.Context, p place, id string, dry *bool) error {
	return s.db.Update(ctx, func(tx *store.Tx) error {
		k, err := s.get(tx, p)
		if err != nil {
			return err
		}
		g, err := s.getGrant(tx, p, id)
		if err != nil {
			return err
		}
		if err := dryRun(dry); err != nil {
			return err
		}
		if err := s.deleteGrant(tx, &g); err != nil {
			return err
		}
		k.Grants--
		return s.put(tx, &k)
	})
}

// grantToRetire is the grant that a token names, or a key and an id.
func grantToRetire(ctx context.Context, in *kms.RetireGrantInput) (place, string, error) {
	if in.GrantToken != nil {
		p, id, err := parseToken(*in.GrantToken)
		if err == nil && p.region != api.CallerOf(ctx).Region {
			err = &types.InvalidGrantTokenException{Message: aws.String("The grant token is not valid.")}
		}
		return p, id, err
	}
	if in.KeyId == nil || in.GrantId == nil {
		return place{}, "", invalid("Grant token OR (grant ID, key ID) must be specified")
	}
	r, err := parseKeyReference(ctx, *in.KeyId)
	return r.place, *in.GrantId, err
}

// retires resolves the key of a RetireGrant. Who may retire is told by the grant alone; the key's policy has no say.
func (s *Service) retires(ctx context.Context, in *kms.RetireGrantInput) (api.Resource, error) {
	c := api.CallerOf(ctx)
	p, id, err := grantToRetire(ctx, in)
	if err != nil {
		return api.Resource{ARN: arnOf(c.Account, c.Region, "key/*"), Type: keyType, Account: c.Account}, nil
	}
	res := api.Resource{ARN: p.arn(), Type: keyType, Account: p.account}
	err = s.db.View(ctx, func(tx *store.Tx) error {
		k, err := s.loadIn(tx, p)
		if err != nil || k == nil {
			return err
		}
		g, ok, err := s.grants.Get(tx, p.account, p.region, p.id, id)
		if err != nil || !ok {
			return err
		}
		res.Tags, res.Keys, res.MustDelegate = k.Tags, k.facts, true
		res.Policy, err = g.compile(g.retirement())
		return err
	})
	return res, err
}
