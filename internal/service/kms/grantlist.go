package kms

import (
	"cmp"
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
	grantee, err := s.known(ctx, in.GranteePrincipal, in.GranteeServicePrincipal)
	if err != nil {
		return nil, err
	}
	var found []Grant
	out := &kms.ListGrantsOutput{}
	err = s.db.View(ctx, func(tx *store.Tx) (err error) {
		out.NextMarker, err = s.listGrants(tx, k.place(), in.GrantId, grantee, p, func(g *Grant) { found = append(found, *g) })
		return err
	})
	if err != nil {
		return nil, err
	}
	out.Truncated = out.NextMarker != nil
	out.Grants, err = s.entries(ctx, found)
	return out, err
}

// known is the name under which the index has a principal or a service.
func (s *Service) known(ctx context.Context, principal, service *string) (string, error) {
	if principal == nil {
		return aws.ToString(service), nil
	}
	id, _, err := s.api.Finder(ctx)(*principal)
	return cmp.Or(id, *principal), err
}

// entries are grants as they are listed.
func (s *Service) entries(ctx context.Context, grants []Grant) ([]types.GrantListEntry, error) {
	entries := make([]types.GrantListEntry, 0, len(grants))
	for _, g := range grants {
		shown, err := g.shown(s.api.Finder(ctx))
		if err != nil {
			return nil, err
		}
		entries = append(entries, shown.entry())
	}
	return entries, nil
}

func (s *Service) listGrants(tx *store.Tx, k place, id *string, grantee string, p page, add func(*Grant)) (next *string, err error) {
	switch {
	case id != nil:
		g, ok, err := s.grants.Get(tx, k.account, k.region, k.id, *id)
		if err != nil {
			return nil, err
		}
		if !ok {
			return nil, &types.InvalidGrantIdException{Message: message("Grant ID %s not found", []any{*id})}
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
	if (in.RetiringPrincipal == nil) == (in.RetiringServicePrincipal == nil) {
		return nil, invalid("Either RetiringPrincipal or RetiringServicePrincipal must be specified, but not both.")
	}
	retiring, err := s.known(ctx, in.RetiringPrincipal, in.RetiringServicePrincipal)
	if err != nil {
		return nil, err
	}
	var found []Grant
	out := &kms.ListRetirableGrantsOutput{}
	err = s.db.View(ctx, func(tx *store.Tx) (err error) {
		prefix := []string{c.Account, c.Region, byRetiring, retiring}
		out.NextMarker, err = scan(tx, s.index, p, prefix, func(r store.Record[grantRef]) error {
			g, err := s.getGrant(tx, place{c.Account, c.Region, r.Key[4]}, r.Value.ID)
			found = append(found, g)
			return err
		})
		return err
	})
	if err != nil {
		return nil, err
	}
	out.Truncated = out.NextMarker != nil
	out.Grants, err = s.entries(ctx, found)
	return out, err
}
