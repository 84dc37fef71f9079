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

// policyUser is an entity that uses a policy.
type policyUser struct{ noun, name string }

// ListEntitiesForPolicy lists who uses a managed policy.
func (s *Service) ListEntitiesForPolicy(ctx context.Context, in *iam.ListEntitiesForPolicyInput) (*iam.ListEntitiesForPolicyOutput, error) {
	p, err := pageOf(in.Marker, in.MaxItems)
	if err != nil {
		return nil, err
	}
	out := &iam.ListEntitiesForPolicyOutput{
		PolicyGroups: []types.PolicyGroup{}, PolicyRoles: []types.PolicyRole{}, PolicyUsers: []types.PolicyUser{},
	}
	return out, s.view(ctx, func(tx *store.Tx) error {
		if _, err := s.policy(tx, account(ctx), *in.PolicyArn); err != nil {
			return err
		}
		all, err := s.policyUsers(tx, account(ctx), in)
		if err != nil {
			return err
		}
		found, next := cut(p, all, func(u policyUser) string { return u.noun + "/" + u.name })
		out.IsTruncated, out.Marker = next != nil, next
		for _, u := range found {
			if err := s.addUse(tx, account(ctx), u, aws.ToString(in.PathPrefix), out); err != nil {
				return err
			}
		}
		return nil
	})
}

func (s *Service) policyUsers(tx *store.Tx, account string, in *iam.ListEntitiesForPolicyInput) (all []policyUser, err error) {
	for rec, err := range s.uses.Scan(tx, store.Range{Prefix: []string{account, "", *in.PolicyArn}}) {
		if err != nil {
			return nil, err
		}
		as, u := rec.Key[3], policyUser{rec.Key[4], rec.Value.Name}
		switch {
		case in.PolicyUsageFilter == types.PolicyUsageTypePermissionsBoundary && as != asBoundary,
			in.PolicyUsageFilter == types.PolicyUsageTypePermissionsPolicy && as != asPolicy,
			in.EntityFilter != "" && !strings.EqualFold(string(in.EntityFilter), u.noun),
			slices.Contains(all, u):
			continue
		}
		all = append(all, u)
	}
	return all, nil
}

// addUse shows an entity below the path that is asked for.
func (s *Service) addUse(tx *store.Tx, account string, u policyUser, prefix string, out *iam.ListEntitiesForPolicyOutput) error {
	switch u.noun {
	case "group":
		g, err := s.groups.load(tx, account, u.name)
		if err == nil && strings.HasPrefix(g.Path, prefix) {
			out.PolicyGroups = append(out.PolicyGroups, types.PolicyGroup{GroupId: &g.ID, GroupName: &g.Name})
		}
		return err
	case "role":
		r, err := s.roles.load(tx, account, u.name)
		if err == nil && strings.HasPrefix(r.Path, prefix) {
			out.PolicyRoles = append(out.PolicyRoles, types.PolicyRole{RoleId: &r.ID, RoleName: &r.Name})
		}
		return err
	}
	x, err := s.users.load(tx, account, u.name)
	if err == nil && strings.HasPrefix(x.Path, prefix) {
		out.PolicyUsers = append(out.PolicyUsers, types.PolicyUser{UserId: &x.ID, UserName: &x.Name})
	}
	return err
}
