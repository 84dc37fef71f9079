package kms

import (
	"context"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"

	"redoubt/internal/api"
	"redoubt/internal/store"
)

// An Alias is a second name of a key.
type Alias struct {
	Account, Region, Name string
	KeyID                 string
	Created, Updated      time.Time
}

// A key has at most 50 aliases (KMS quotas, "Aliases per KMS key").
const maxAliases = 50

// CreateAlias implements the KMS operation.
func (s *Service) CreateAlias(ctx context.Context, in *kms.CreateAliasInput) (*kms.CreateAliasOutput, error) {
	if err := checkAlias(*in.AliasName); err != nil {
		return nil, err
	}
	if isAlias(*in.TargetKeyId) {
		return nil, invalid("Aliases must refer to keys. Not aliases")
	}
	c, now := api.CallerOf(ctx), time.Now().UTC()
	return &kms.CreateAliasOutput{}, s.pointAlias(ctx, *in.TargetKeyId, func(tx *store.Tx, target *Key) (Alias, error) {
		taken, err := s.aliases.Has(tx, c.Account, c.Region, *in.AliasName)
		if taken {
			err = &types.AlreadyExistsException{
				Message: message("An alias with the name %s already exists", []any{arnOf(c.Account, c.Region, *in.AliasName)}),
			}
		}
		return Alias{Account: c.Account, Region: c.Region, Name: *in.AliasName, Created: now}, err
	})
}

// UpdateAlias implements the KMS operation.
func (s *Service) UpdateAlias(ctx context.Context, in *kms.UpdateAliasInput) (*kms.UpdateAliasOutput, error) {
	if err := checkAlias(*in.AliasName); err != nil {
		return nil, err
	}
	if isAlias(*in.TargetKeyId) {
		return nil, invalid("Aliases must refer to keys. Not aliases")
	}
	c := api.CallerOf(ctx)
	return &kms.UpdateAliasOutput{}, s.pointAlias(ctx, *in.TargetKeyId, func(tx *store.Tx, target *Key) (Alias, error) {
		a, err := s.authorizedAlias(ctx, tx, c.Account, c.Region, *in.AliasName)
		if err != nil || a.KeyID == target.ID {
			return a, err
		}
		if err := s.checkReplacement(tx, a, target); err != nil {
			return a, err
		}
		return a, s.forgetAlias(tx, a)
	})
}

// checkReplacement keeps an alias from a key that is used in another way: both are symmetric, asymmetric or HMAC keys, and
// have the same usage (API_UpdateAlias).
func (s *Service) checkReplacement(tx *store.Tx, a Alias, target *Key) error {
	now, err := s.get(tx, place{a.Account, a.Region, a.KeyID})
	if err != nil {
		return err
	}
	if now.usage() != target.usage() || now.kind().paired() != target.kind().paired() {
		return invalid("The current and the new KMS key of an alias must be of the same type and have the same key usage.")
	}
	return nil
}

// pointAlias makes the alias that which returns point to a key, which must have room for it.
func (s *Service) pointAlias(ctx context.Context, keyID string, which func(*store.Tx, *Key) (Alias, error)) error {
	r, err := parseKeyReference(ctx, keyID)
	if err != nil {
		return err
	}
	return s.db.Update(ctx, func(tx *store.Tx) error {
		target, err := s.get(tx, r.place)
		if err != nil {
			return err
		}
		a, err := which(tx, &target)
		if err != nil {
			return err
		}
		if err := target.present(); err != nil {
			return err
		}
		names, err := s.aliasNames(tx, target.place())
		if err != nil {
			return err
		}
		if a.KeyID != target.ID && len(names) >= maxAliases {
			return limitExceeded("Only %d aliases are allowed per KMS key.", maxAliases)
		}
		a.KeyID, a.Updated = target.ID, time.Now().UTC()
		if err := s.putAlias(tx, a); err != nil {
			return err
		}
		return s.put(tx, &target)
	})
}

// DeleteAlias implements the KMS operation.
func (s *Service) DeleteAlias(ctx context.Context, in *kms.DeleteAliasInput) (*kms.DeleteAliasOutput, error) {
	if err := checkAlias(*in.AliasName); err != nil {
		return nil, err
	}
	c := api.CallerOf(ctx)
	return &kms.DeleteAliasOutput{}, s.db.Update(ctx, func(tx *store.Tx) error {
		a, err := s.authorizedAlias(ctx, tx, c.Account, c.Region, *in.AliasName)
		if err != nil {
			return err
		}
		if err := s.aliases.Delete(tx, a.Account, a.Region, a.Name); err != nil {
			return err
		}
		return s.forgetAlias(tx, a)
	})
}

// ListAliases implements the KMS operation.
func (s *Service) ListAliases(ctx context.Context, in *kms.ListAliasesInput) (*kms.ListAliasesOutput, error) {
	c := api.CallerOf(ctx)
	out := &kms.ListAliasesOutput{Aliases: []types.AliasListEntry{}}
	p, err := newPage(in.Marker, in.Limit, 50, 100)
	if err != nil {
		return nil, err
	}
	if in.KeyId != nil {
		return out, s.aliasesOf(ctx, *in.KeyId, p, out)
	}
	return out, s.db.View(ctx, func(tx *store.Tx) (err error) {
		out.NextMarker, err = scan(tx, s.aliases, p, []string{c.Account, c.Region}, func(r store.Record[Alias]) error {
			out.Aliases = append(out.Aliases, r.Value.entry())
			return nil
		})
		out.Truncated = out.NextMarker != nil
		return err
	})
}

func (s *Service) aliasesOf(ctx context.Context, keyID string, p page, out *kms.ListAliasesOutput) error {
	r, err := parseKeyReference(ctx, keyID)
	if err != nil {
		return err
	}
	k, err := s.lookup(ctx, r) // kms:ListAliases is a permission on no key
	if err != nil {
		return err
	}
	if k.Account != api.CallerOf(ctx).Account {
		return noKey(k.place())
	}
	return s.db.View(ctx, func(tx *store.Tx) (err error) {
		out.NextMarker, err = scan(tx, s.named, p, []string{k.Account, k.Region, k.ID}, func(r store.Record[mark]) error {
			a, err := s.getAlias(tx, k.Account, k.Region, r.Key[3])
			out.Aliases = append(out.Aliases, a.entry())
			return err
		})
		out.Truncated = out.NextMarker != nil
		return err
	})
}

func (a Alias) entry() types.AliasListEntry {
	return types.AliasListEntry{
		AliasName: aws.String(a.Name), AliasArn: aws.String(arnOf(a.Account, a.Region, a.Name)),
		TargetKeyId: aws.String(a.KeyID), CreationDate: aws.Time(a.Created), LastUpdatedDate: aws.Time(a.Updated),
	}
}

// checkAlias applies the rules for names that customers give (API_CreateAlias, AliasName).
func checkAlias(alias string) error {
	rest, ok := strings.CutPrefix(alias, aliasPrefix)
	switch {
	case !ok:
		return invalid(`Alias must start with the prefix "alias/". Please see https://docs.aws.amazon.com/kms/latest/developerguide/kms-alias.html`)
	case strings.HasPrefix(alias, managedPrefix):
		return reserved(alias)
	case rest == "" || strings.Contains(rest, ":"):
		return invalid("%s contains invalid characters for an alias", alias)
	}
	return nil
}

func isAlias(keyID string) bool {
	return strings.HasPrefix(keyID, aliasPrefix) || strings.HasPrefix(keyID, "arn:") && strings.Contains(keyID, ":"+aliasPrefix)
}

func (s *Service) getAlias(tx *store.Tx, account, region, alias string) (Alias, error) {
	a, ok, err := s.aliases.Get(tx, account, region, alias)
	if err == nil && !ok {
		err = noAlias(account, region, alias)
	}
	return a, err
}

// authorizedAlias is getAlias for a call that changes the alias. That takes permission on its key, which may be another
// one since permission was asked.
func (s *Service) authorizedAlias(ctx context.Context, tx *store.Tx, account, region, alias string) (Alias, error) {
	a, err := s.getAlias(tx, account, region, alias)
	if err == nil && !api.Authorized(ctx, arnOf(account, region, "key/"+a.KeyID)) {
		err = moved()
	}
	return a, err
}

// putAlias stores an alias and its entry under its key.
func (s *Service) putAlias(tx *store.Tx, a Alias) error {
	if err := s.named.Put(tx, mark{}, a.Account, a.Region, a.KeyID, a.Name); err != nil {
		return err
	}
	return s.aliases.Put(tx, a, a.Account, a.Region, a.Name)
}

// forgetAlias removes an alias's entry under its key, and tells the key.
func (s *Service) forgetAlias(tx *store.Tx, a Alias) error {
	if err := s.named.Delete(tx, a.Account, a.Region, a.KeyID, a.Name); err != nil {
		return err
	}
	k, err := s.get(tx, place{a.Account, a.Region, a.KeyID})
	if err != nil {
		return err
	}
	return s.put(tx, &k)
}

// aliasNames lists the aliases of a key.
func (s *Service) aliasNames(tx *store.Tx, p place) (names []string, err error) {
	for r, err := range s.named.Scan(tx, store.Range{Prefix: []string{p.account, p.region, p.id}}) {
		if err != nil {
			return nil, err
		}
		names = append(names, r.Key[3])
	}
	return names, nil
}
