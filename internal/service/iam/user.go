package iam

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"

	"redoubt/internal/api"
	"redoubt/internal/store"
)

// User is an identity with long-term credentials.
type User struct {
	Entity
	Groups []string // names
	Keys   []string // access key ids
	MFA    []string // serial numbers of enabled devices
}

// CreateUser makes a user, who may do nothing yet.
func (s *Service) CreateUser(ctx context.Context, in *iam.CreateUserInput) (*iam.CreateUserOutput, error) {
	u := User{Entity: newEntity("AIDA", in.UserName, in.Path)}
	err := s.update(ctx, func(tx *store.Tx) error {
		if err := s.users.free(tx, account(ctx), u.Name); err != nil {
			return err
		}
		if err := s.count(tx, account(ctx), usersQuota, 1); err != nil {
			return err
		}
		if err := setTags(&u.Tags, in.Tags); err != nil {
			return err
		}
		if err := bound(tx, s.users, account(ctx), &u, aws.ToString(in.PermissionsBoundary)); err != nil {
			return err
		}
		return s.users.save(tx, account(ctx), &u)
	})
	if err != nil {
		return nil, err
	}
	return &iam.CreateUserOutput{User: u.show(account(ctx))}, nil
}

// GetUser shows a user, the caller if none is named.
func (s *Service) GetUser(ctx context.Context, in *iam.GetUserInput) (*iam.GetUserOutput, error) {
	if c := api.CallerOf(ctx); in.UserName == nil && c.Kind == api.Root {
		return s.rootUser(ctx)
	}
	name, err := s.userOrSelf(ctx, in.UserName)
	if err != nil {
		return nil, err
	}
	u, err := s.users.get(ctx, name)
	if err != nil {
		return nil, err
	}
	return &iam.GetUserOutput{User: u.show(account(ctx))}, nil
}

func (s *Service) rootUser(ctx context.Context) (*iam.GetUserOutput, error) {
	a, err := s.accountRecord(ctx)
	if err != nil {
		return nil, err
	}
	return &iam.GetUserOutput{User: &types.User{
		Arn: aws.String(rootARN(a.ID)), UserId: aws.String(a.ID), CreateDate: &a.Created, Path: aws.String("/"),
		UserName: aws.String(a.Name),
	}}, nil
}

// ListUsers lists the users below a path.
func (s *Service) ListUsers(ctx context.Context, in *iam.ListUsersInput) (*iam.ListUsersOutput, error) {
	found, next, err := s.users.page(ctx, in.PathPrefix, in.Marker, in.MaxItems)
	if err != nil {
		return nil, err
	}
	out := &iam.ListUsersOutput{IsTruncated: next != nil, Marker: next, Users: []types.User{}}
	for _, u := range found {
		out.Users = append(out.Users, u.brief(account(ctx)))
	}
	return out, nil
}

// UpdateUser gives a user another name or path. Its unique id, and so everything bound to it, stays.
func (s *Service) UpdateUser(ctx context.Context, in *iam.UpdateUserInput) (*iam.UpdateUserOutput, error) {
	return &iam.UpdateUserOutput{}, s.update(ctx, func(tx *store.Tx) error {
		u, err := s.users.load(tx, account(ctx), *in.UserName)
		if err != nil {
			return err
		}
		old := u
		if in.NewPath != nil {
			u.Path = *in.NewPath
		}
		if in.NewUserName != nil && *in.NewUserName != u.Name {
			u.Name = *in.NewUserName
			return s.renameUser(tx, account(ctx), &old, &u)
		}
		return s.users.save(tx, account(ctx), &u)
	})
}

// renameUser moves everything that is kept under the name of a user.
func (s *Service) renameUser(tx *store.Tx, account string, old, u *User) error {
	if err := rename(tx, s.users, account, old, u); err != nil {
		return err
	}
	for _, g := range u.Groups {
		if err := s.members.Delete(tx, memberKey(account, g, old.Name)...); err != nil {
			return err
		}
		if err := s.members.Put(tx, Member{User: u.Name}, memberKey(account, g, u.Name)...); err != nil {
			return err
		}
	}
	for _, id := range u.Keys {
		if err := s.changeKey(tx, account, id, func(k *AccessKey) { k.User = u.Name }); err != nil {
			return err
		}
	}
	for _, serial := range u.MFA {
		if err := s.changeDevice(tx, account, serial, func(d *Device) { d.User = u.Name }); err != nil {
			return err
		}
	}
	return nil
}

// rename moves an entity and the notes of the policies that it uses.
func rename[T any](tx *store.Tx, k kind[T], account string, old, v *T) error {
	from, to := k.entity(old), k.entity(v)
	if !strings.EqualFold(from.Name, to.Name) {
		if err := k.free(tx, account, to.Name); err != nil {
			return err
		}
	}
	if err := k.s.moveUses(tx, account, k.noun, from, to); err != nil {
		return err
	}
	if err := k.table.Delete(tx, account, "", strings.ToLower(from.Name)); err != nil {
		return err
	}
	return k.save(tx, account, v)
}

// DeleteUser deletes a user that has nothing left.
func (s *Service) DeleteUser(ctx context.Context, in *iam.DeleteUserInput) (*iam.DeleteUserOutput, error) {
	return &iam.DeleteUserOutput{}, s.users.remove(ctx, *in.UserName, func(tx *store.Tx, u *User) error {
		switch {
		case len(u.Groups) > 0:
			return conflict("Cannot delete entity, must remove users from group first.")
		case len(u.Keys) > 0:
			return conflict("Cannot delete entity, must delete access keys first.")
		case len(u.MFA) > 0:
			return conflict("Cannot delete entity, must delete MFA device first.")
		}
		return s.count(tx, account(ctx), usersQuota, -1)
	})
}

// userOrSelf is the user that an input names, or the caller.
func (s *Service) userOrSelf(ctx context.Context, name *string) (string, error) {
	if name != nil {
		return *name, nil
	}
	if c := api.CallerOf(ctx); c.Kind == api.IAMUser {
		return c.Name, nil
	}
	return "", validation("Must specify userName when calling with non-User credentials")
}

func (u *User) show(account string) *types.User {
	shown := u.brief(account)
	shown.Tags, shown.PermissionsBoundary = showTags(u.Tags), showBoundary(u.Boundary)
	return &shown
}

// brief leaves out what lists leave out.
func (u *User) brief(account string) types.User {
	return types.User{
		Arn: aws.String(arnOf(account, "user", u.Path, u.Name)), CreateDate: date(u.Created), Path: &u.Path,
		UserId: &u.ID, UserName: &u.Name,
	}
}

func date(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

func showTags(tags map[string]string) []types.Tag {
	if len(tags) == 0 {
		return nil
	}
	return tagList(tags)
}

func without(list []string, s string) []string {
	return slices.DeleteFunc(slices.Clone(list), func(x string) bool { return x == s })
}
