package iam

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"

	"redoubt/internal/api"
	"redoubt/internal/store"
)

// AccessKey is a long-term key pair of a user, or of the root user of an account.
type AccessKey struct {
	ID      string
	Secret  string
	User    string // its name; "" is the root user
	Status  types.StatusType
	Created time.Time
}

// String hides the secret.
func (k AccessKey) String() string { return k.ID }

// maxKeys is a quota that cannot be raised.
const maxKeys = 2

func newKey(account, user string) AccessKey {
	return AccessKey{
		ID: api.NewKeyID("AKIA", account), Secret: api.NewSecretKey(), User: user,
		Status: types.StatusTypeActive, Created: now(),
	}
}

// CreateAccessKey makes a key pair for a user, or for the caller. The secret is shown once.
func (s *Service) CreateAccessKey(ctx context.Context, in *iam.CreateAccessKeyInput) (*iam.CreateAccessKeyOutput, error) {
	var k AccessKey
	err := s.update(ctx, func(tx *store.Tx) error {
		return s.changeKeys(ctx, tx, in.UserName, func(user string, ids []string) ([]string, error) {
			if len(ids) >= maxKeys {
				return nil, limit("Cannot exceed quota for AccessKeysPerUser: %d", maxKeys)
			}
			k = newKey(account(ctx), user)
			return append(ids, k.ID), s.keys.Put(tx, k, account(ctx), "", k.ID)
		})
	})
	if err != nil {
		return nil, err
	}
	return &iam.CreateAccessKeyOutput{AccessKey: &types.AccessKey{
		AccessKeyId: &k.ID, SecretAccessKey: &k.Secret, Status: k.Status, UserName: aws.String(k.User), CreateDate: &k.Created,
	}}, nil
}

// ListAccessKeys lists the keys of a user, or of the caller.
func (s *Service) ListAccessKeys(ctx context.Context, in *iam.ListAccessKeysInput) (*iam.ListAccessKeysOutput, error) {
	p, err := pageOf(in.Marker, in.MaxItems)
	if err != nil {
		return nil, err
	}
	out := &iam.ListAccessKeysOutput{AccessKeyMetadata: []types.AccessKeyMetadata{}}
	return out, s.view(ctx, func(tx *store.Tx) error {
		_, ids, err := s.keysOf(ctx, tx, in.UserName)
		if err != nil {
			return err
		}
		ids, next := cut(p, ids, itself)
		out.IsTruncated, out.Marker = next != nil, next
		for _, id := range ids {
			k, _, err := s.keys.Get(tx, account(ctx), "", id)
			if err != nil {
				return err
			}
			out.AccessKeyMetadata = append(out.AccessKeyMetadata, types.AccessKeyMetadata{
				AccessKeyId: &k.ID, Status: k.Status, UserName: aws.String(k.User), CreateDate: &k.Created,
			})
		}
		return nil
	})
}

// UpdateAccessKey switches a key on or off.
func (s *Service) UpdateAccessKey(ctx context.Context, in *iam.UpdateAccessKeyInput) (*iam.UpdateAccessKeyOutput, error) {
	if in.Status == types.StatusTypeExpired {
		return nil, invalid("The status Expired cannot be set on an access key.")
	}
	return &iam.UpdateAccessKeyOutput{}, s.update(ctx, func(tx *store.Tx) error {
		_, ids, err := s.keysOf(ctx, tx, in.UserName)
		if err != nil {
			return err
		}
		if len(without(ids, *in.AccessKeyId)) == len(ids) {
			return noKey(*in.AccessKeyId)
		}
		return s.changeKey(tx, account(ctx), *in.AccessKeyId, func(k *AccessKey) { k.Status = in.Status })
	})
}

// DeleteAccessKey deletes a key pair.
func (s *Service) DeleteAccessKey(ctx context.Context, in *iam.DeleteAccessKeyInput) (*iam.DeleteAccessKeyOutput, error) {
	return &iam.DeleteAccessKeyOutput{}, s.update(ctx, func(tx *store.Tx) error {
		return s.changeKeys(ctx, tx, in.UserName, func(_ string, ids []string) ([]string, error) {
			rest := without(ids, *in.AccessKeyId)
			if len(rest) == len(ids) {
				return nil, noKey(*in.AccessKeyId)
			}
			if err := s.lastUsed.Delete(tx, account(ctx), "", *in.AccessKeyId); err != nil {
				return nil, err
			}
			return rest, s.keys.Delete(tx, account(ctx), "", *in.AccessKeyId)
		})
	})
}

// GetAccessKeyLastUsed tells when, where and for what a key was last used.
func (s *Service) GetAccessKeyLastUsed(ctx context.Context, in *iam.GetAccessKeyLastUsedInput) (*iam.GetAccessKeyLastUsedOutput, error) {
	out := &iam.GetAccessKeyLastUsedOutput{}
	return out, s.view(ctx, func(tx *store.Tx) error {
		k, ok, err := s.keys.Get(tx, account(ctx), "", *in.AccessKeyId)
		if err != nil {
			return err
		}
		if !ok {
			return noKey(*in.AccessKeyId)
		}
		used, err := s.lastUse(tx, account(ctx), k.ID)
		if err != nil {
			return err
		}
		out.UserName, out.AccessKeyLastUsed = aws.String(k.User), used.show()
		return nil
	})
}

// keysOf returns whose keys an input is about, "" being the root user, and their ids.
func (s *Service) keysOf(ctx context.Context, tx *store.Tx, name *string) (user string, ids []string, err error) {
	if name == nil && api.CallerOf(ctx).Kind == api.Root {
		a, _, err := s.accounts.Get(tx, account(ctx), "")
		return "", a.Keys, err
	}
	if user, err = s.userOrSelf(ctx, name); err != nil {
		return "", nil, err
	}
	u, err := s.users.load(tx, account(ctx), user)
	return user, u.Keys, err
}

// changeKeys changes the list of the keys of a user, or of the root user.
func (s *Service) changeKeys(ctx context.Context, tx *store.Tx, name *string, fn func(user string, ids []string) ([]string, error)) error {
	user, ids, err := s.keysOf(ctx, tx, name)
	if err != nil {
		return err
	}
	if ids, err = fn(user, ids); err != nil {
		return err
	}
	if user == "" {
		return s.changeAccount(tx, account(ctx), func(a *Account) { a.Keys = ids })
	}
	u, err := s.users.load(tx, account(ctx), user)
	if err != nil {
		return err
	}
	u.Keys = ids
	return s.users.save(tx, account(ctx), &u)
}

func (s *Service) changeKey(tx *store.Tx, account, id string, fn func(*AccessKey)) error {
	k, ok, err := s.keys.Get(tx, account, "", id)
	if err != nil {
		return err
	}
	if !ok {
		return noKey(id)
	}
	fn(&k)
	return s.keys.Put(tx, k, account, "", id)
}

func noKey(id string) error { return noSuch("The Access Key with id %s cannot be found.", id) }
