package kms

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"

	"redoubt/internal/api"
	"redoubt/internal/store"
)

// ListGrants implements the KMS operation.
func (s *Service) ListGrants(ctx context.Context, in *kms.ListGrantsInput) (*kms.ListGrantsOutput, error) {
	p, err := newPage(in.Marker, in.Limit, 50, 100)
	if err != nil {
		return nil, err
	}
	k, err := s.openByID(ctx, *in.KeyId)
	if err != nil {
		return nil, err
	}
	if in.GranteePrincipal != nil && in.GranteeServicePrincipal != nil {
		return nil, invalid("Either GranteePrincipal or GranteeServicePrincipal can be specified, but not both.")
	}
	out := &kms.ListGrantsOutput{Grants: []types.GrantListEntry{}}
	err = s.db.View(ctx, func(tx *store.Tx) (err error) {
		out.NextMarker, err = s.listGrants(tx, k.place(), in, p, func(g *Grant) { out.Grants = append(out.Grants, g.entry()) })
		return err
	})
	out.Truncated = out.NextMarker != nil
	return out, err
}

func (s *Service) listGrants(tx *store.Tx, k place, in *kms.ListGrantsInput, p page, add func(*Grant)) (next *string, err error) {
	grantee := aws.ToString(in.GranteePrincipal) + aws.ToString(in.GranteeServicePrincipal)
	switch {
	case in.GrantId != nil:
		g, ok, err := s.grants.Get(tx, k.account, k.region, k.id, *in.GrantId)
		if err != nil {
			return nil, err
		}
		if !ok {
			return nil, &types.InvalidGrantIdException{Message: message("Grant ID %s not found", []any{*in.GrantId})}
		}
		if grantee == "" || grantee == g.grantee() {
			add(&g)
		}
		return nil, nil
	case grantee != "":
		prefix := []string{k.account, k.region, byGrantee, k.id, grantee}
		return scan(tx, s.index, p, prefix, func(r store.Record[grantRef]) error {
			g, err := s.getGrant(tx, k, r.Value.ID)
			add(&g)
			return err
		})
	}
	return scan(tx, s.grants, p, []string{k.account, k.region, k.id}, func(r store.Record[Grant]) error {
		add(&r.Value)
		return nil
	})
}

// ListRetirableGrants implements the KMS operation.
func (s *Service) ListRetirableGrants(ctx context.Context, in *kms.ListRetirableGrantsInput) (*kms.ListRetirableGrantsOutput, error) {
	c := api.CallerOf(ctx)
	p, err := newPage(in.Marker, in.Limit, 50, 100)
	if err != nil {
		return nil, err
	}
	retiring := aws.ToString(in.RetiringPrincipal) + aws.ToString(in.RetiringServicePrincipal)
	if (in.RetiringPrincipal == nil) == (in.RetiringServicePrincipal == nil) {
		return nil, invalid("Either RetiringPrincipal or RetiringServicePrincipal must be specified, but not both.")
	}
	out := &kms.ListRetirableGrantsOutput{Grants: []types.GrantListEntry{}}
	err = s.db.View(ctx, func(tx *store.Tx) (err error) {
		prefix := []string{c.Account, c.Region, byRetiring, retiring}
		out.NextMarker, err = scan(tx, s.index, p, prefix, func(r store.Record[grantRef]) error {
			g, err := s.getGrant(tx, place{c.Account, c.Region, r.Key[4]}, r.Value.ID)
			out.Grants = append(out.Grants, g.entry())
			return err
		})
		return err
	})
	out.Truncated = out.NextMarker != nil
	return out, err
}
