package iam

import (
	"context"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"

	"redoubt/internal/store"
)

// Group is a set of users that share policies. It is no principal.
type Group struct{ Entity }

// Member says that a user is in a group; the user's record says so too.
type Member struct{ User string }

// maxGroupsPerUser is a quota that cannot be raised.
const maxGroupsPerUser = 10

func memberKey(account, group, user string) []string {
	return []string{account, "", strings.ToLower(group), strings.ToLower(user)}
}

// CreateGroup makes a group without members.
func (s *Service) CreateGroup(ctx context.Context, in *iam.CreateGroupInput) (*iam.CreateGroupOutput, error) {
	g := Group{newEntity("AGPA", in.GroupName, in.Path)}
	err := s.update(ctx, func(tx *store.Tx) error {
		if err := s.groups.free(tx, account(ctx), g.Name); err != nil {
			return err
		}
		if err := s.count(tx, account(ctx), groupsQuota, 1); err != nil {
			return err
		}
		return s.groups.save(tx, account(ctx), &g)
	})
	if err != nil {
		return nil, err
	}
	return &iam.CreateGroupOutput{Group: g.show(account(ctx))}, nil
}

// GetGroup shows a group and its members.
func (s *Service) GetGroup(ctx context.Context, in *iam.GetGroupInput) (*iam.GetGroupOutput, error) {
	p, err := pageOf(in.Marker, in.MaxItems)
	if err != nil {
		return nil, err
	}
	out := &iam.GetGroupOutput{Users: []types.User{}}
	return out, s.view(ctx, func(tx *store.Tx) error {
		g, err := s.groups.load(tx, account(ctx), *in.GroupName)
		if err != nil {
			return err
		}
		members, next, err := scanPage(tx, s.members, p, anyOf, account(ctx), "", strings.ToLower(g.Name))
		if err != nil {
			return err
		}
		out.Group, out.IsTruncated, out.Marker = g.show(account(ctx)), next != nil, next
		for _, m := range members {
			u, err := s.users.load(tx, account(ctx), m.User)
			if err != nil {
				return err
			}
			out.Users = append(out.Users, u.brief(account(ctx)))
		}
		return nil
	})
}

// ListGroups lists the groups below a path.
func (s *Service) ListGroups(ctx context.Context, in *iam.ListGroupsInput) (*iam.ListGroupsOutput, error) {
	found, next, err := s.groups.page(ctx, in.PathPrefix, in.Marker, in.MaxItems)
	if err != nil {
		return nil, err
	}
	out := &iam.ListGroupsOutput{IsTruncated: next != nil, Marker: next, Groups: []types.Group{}}
	for _, g := range found {
		out.Groups = append(out.Groups, *g.show(account(ctx)))
	}
	return out, nil
}

// ListGroupsForUser lists the groups that a user is in.
func (s *Service) ListGroupsForUser(ctx context.Context, in *iam.ListGroupsForUserInput) (*iam.ListGroupsForUserOutput, error) {
	p, err := pageOf(in.Marker, in.MaxItems)
	if err != nil {
		return nil, err
	}
	out := &iam.ListGroupsForUserOutput{Groups: []types.Group{}}
	return out, s.view(ctx, func(tx *store.Tx) error {
		u, err := s.users.load(tx, account(ctx), *in.UserName)
		if err != nil {
			return err
		}
		names, next := cut(p, u.Groups, itself)
		out.IsTruncated, out.Marker = next != nil, next
		for _, name := range names {
			g, err := s.groups.load(tx, account(ctx), name)
			if err != nil {
				return err
			}
			out.Groups = append(out.Groups, *g.show(account(ctx)))
		}
		return nil
	})
}

// UpdateGroup gives a group another name or path.
func (s *Service) UpdateGroup(ctx context.Context, in *iam.UpdateGroupInput) (*iam.UpdateGroupOutput, error) {
	return &iam.UpdateGroupOutput{}, s.update(ctx, func(tx *store.Tx) error {
		g, err := s.groups.load(tx, account(ctx), *in.GroupName)
		if err != nil {
			return err
		}
		old := g
		if in.NewPath != nil {
			g.Path = *in.NewPath
		}
		if in.NewGroupName != nil && *in.NewGroupName != g.Name {
			g.Name = *in.NewGroupName
			return s.renameGroup(tx, account(ctx), &old, &g)
		}
		return s.groups.save(tx, account(ctx), &g)
	})
}

func (s *Service) renameGroup(tx *store.Tx, account string, old, g *Group) error {
	members, err := s.membersOf(tx, account, old.Name)
	if err != nil {
		return err
	}
	if err := rename(tx, s.groups, account, old, g); err != nil {
		return err
	}
	for _, name := range members {
		if err := s.leave(tx, account, old.Name, name); err != nil {
			return err
		}
		if err := s.join(tx, account, g.Name, name); err != nil {
			return err
		}
	}
	return nil
}

func (s *Service) membersOf(tx *store.Tx, account, group string) ([]string, error) {
	all := page{limit: int(^uint(0) >> 1)}
	members, _, err := scanPage(tx, s.members, all, anyOf, account, "", strings.ToLower(group))
	names := make([]string, len(members))
	for i, m := range members {
		names[i] = m.User
	}
	return names, err
}

// DeleteGroup deletes a group without members and policies.
func (s *Service) DeleteGroup(ctx context.Context, in *iam.DeleteGroupInput) (*iam.DeleteGroupOutput, error) {
	return &iam.DeleteGroupOutput{}, s.groups.remove(ctx, *in.GroupName, func(tx *store.Tx, g *Group) error {
		members, err := s.membersOf(tx, account(ctx), g.Name)
		if err != nil {
			return err
		}
		if len(members) > 0 {
			return conflict("Cannot delete entity, must remove users from group first.")
		}
		return s.count(tx, account(ctx), groupsQuota, -1)
	})
}

// AddUserToGroup gives a user the policies of a group.
func (s *Service) AddUserToGroup(ctx context.Context, in *iam.AddUserToGroupInput) (*iam.AddUserToGroupOutput, error) {
	return &iam.AddUserToGroupOutput{}, s.update(ctx, func(tx *store.Tx) error {
		if _, err := s.groups.load(tx, account(ctx), *in.GroupName); err != nil {
			return err
		}
		return s.join(tx, account(ctx), *in.GroupName, *in.UserName)
	})
}

// RemoveUserFromGroup takes the policies of a group away from a user.
func (s *Service) RemoveUserFromGroup(ctx context.Context, in *iam.RemoveUserFromGroupInput) (*iam.RemoveUserFromGroupOutput, error) {
	return &iam.RemoveUserFromGroupOutput{}, s.update(ctx, func(tx *store.Tx) error {
		if _, err := s.groups.load(tx, account(ctx), *in.GroupName); err != nil {
			return err
		}
		return s.leave(tx, account(ctx), *in.GroupName, *in.UserName)
	})
}

func (s *Service) join(tx *store.Tx, account, group, name string) error {
	u, err := s.users.load(tx, account, name)
	if err != nil {
		return err
	}
	if slices.Contains(u.Groups, group) {
		return nil
	}
	if len(u.Groups) >= maxGroupsPerUser {
		return limit("Cannot exceed quota for GroupsPerUser: %d", maxGroupsPerUser)
	}
	u.Groups = append(u.Groups, group)
	if err := s.members.Put(tx, Member{User: u.Name}, memberKey(account, group, u.Name)...); err != nil {
		return err
	}
	return s.users.save(tx, account, &u)
}

func (s *Service) leave(tx *store.Tx, account, group, name string) error {
	u, err := s.users.load(tx, account, name)
	if err != nil {
		return err
	}
	u.Groups = without(u.Groups, group)
	if err := s.members.Delete(tx, memberKey(account, group, u.Name)...); err != nil {
		return err
	}
	return s.users.save(tx, account, &u)
}

func (g *Group) show(account string) *types.Group {
	return &types.Group{
		Arn: aws.String(arnOf(account, "group", g.Path, g.Name)), CreateDate: date(g.Created), Path: &g.Path,
		GroupId: &g.ID, GroupName: &g.Name,
	}
}
