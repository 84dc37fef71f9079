package iam

import (
	"context"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"

	"redoubt/internal/store"
)

// detail is one entry of the account's details; show reads it and adds it to an output.
type detail struct {
	key  string
	show func(tx *store.Tx, out *iam.GetAccountAuthorizationDetailsOutput) error
}

// GetAccountAuthorizationDetails shows all users, groups, roles and policies, with what connects them.
func (s *Service) GetAccountAuthorizationDetails(ctx context.Context, in *iam.GetAccountAuthorizationDetailsInput) (*iam.GetAccountAuthorizationDetailsOutput, error) {
	p, err := pageOf(in.Marker, in.MaxItems)
	if err != nil {
		return nil, err
	}
	out := &iam.GetAccountAuthorizationDetailsOutput{
		GroupDetailList: []types.GroupDetail{}, Policies: []types.ManagedPolicyDetail{},
		RoleDetailList: []types.RoleDetail{}, UserDetailList: []types.UserDetail{},
	}
	return out, s.view(ctx, func(tx *store.Tx) error {
		all, err := s.details(tx, account(ctx), in.Filter)
		if err != nil {
			return err
		}
		found, next := cut(p, all, func(d detail) string { return d.key })
		out.IsTruncated, out.Marker = next != nil, next
		for _, d := range found {
			if err := d.show(tx, out); err != nil {
				return err
			}
		}
		return nil
	})
}

func (s *Service) details(tx *store.Tx, account string, filter []types.EntityType) (all []detail, err error) {
	wanted := func(t types.EntityType) bool { return len(filter) == 0 || slices.Contains(filter, t) }
	if wanted(types.EntityTypeUser) {
		if all, err = s.users.details(tx, account, all, s.userDetail); err != nil {
			return nil, err
		}
	}
	if wanted(types.EntityTypeGroup) {
		if all, err = s.groups.details(tx, account, all, s.groupDetail); err != nil {
			return nil, err
		}
	}
	if wanted(types.EntityTypeRole) {
		if all, err = s.roles.details(tx, account, all, s.roleDetail); err != nil {
			return nil, err
		}
	}
	return s.policyDetails(tx, account, all, wanted)
}

func (k kind[T]) details(tx *store.Tx, account string, all []detail, show func(*store.Tx, string, *T, *iam.GetAccountAuthorizationDetailsOutput) error) ([]detail, error) {
	for rec, err := range k.table.Scan(tx, store.Range{Prefix: []string{account, ""}}) {
		if err != nil {
			return nil, err
		}
		all = append(all, detail{k.noun + "/" + rec.Key[2], func(tx *store.Tx, out *iam.GetAccountAuthorizationDetailsOutput) error {
			return show(tx, account, &rec.Value, out)
		}})
	}
	return all, nil
}

func (s *Service) userDetail(_ *store.Tx, account string, u *User, out *iam.GetAccountAuthorizationDetailsOutput) error {
	out.UserDetailList = append(out.UserDetailList, types.UserDetail{
		Arn: aws.String(s.users.arn(account, u)), UserId: &u.ID, UserName: &u.Name, Path: &u.Path, CreateDate: date(u.Created),
		AttachedManagedPolicies: showAttached(u.Attached), UserPolicyList: showInline(u.Inline), GroupList: append([]string{}, u.Groups...),
		PermissionsBoundary: showBoundary(u.Boundary), Tags: tagList(u.Tags),
	})
	return nil
}

func (s *Service) groupDetail(_ *store.Tx, account string, g *Group, out *iam.GetAccountAuthorizationDetailsOutput) error {
	out.GroupDetailList = append(out.GroupDetailList, types.GroupDetail{
		Arn: aws.String(s.groups.arn(account, g)), GroupId: &g.ID, GroupName: &g.Name, Path: &g.Path, CreateDate: date(g.Created),
		AttachedManagedPolicies: showAttached(g.Attached), GroupPolicyList: showInline(g.Inline),
	})
	return nil
}

func (s *Service) roleDetail(tx *store.Tx, account string, r *Role, out *iam.GetAccountAuthorizationDetailsOutput) error {
	trust, err := s.trust(tx, r)
	if err != nil {
		return err
	}
	used, err := s.lastUse(tx, account, r.ID)
	if err != nil {
		return err
	}
	d := types.RoleDetail{
		Arn: aws.String(s.roles.arn(account, r)), RoleId: &r.ID, RoleName: &r.Name, Path: &r.Path, CreateDate: date(r.Created),
		AssumeRolePolicyDocument: escaped(trust), AttachedManagedPolicies: showAttached(r.Attached), RolePolicyList: showInline(r.Inline),
		InstanceProfileList: []types.InstanceProfile{}, PermissionsBoundary: showBoundary(r.Boundary), Tags: tagList(r.Tags),
		RoleLastUsed: &types.RoleLastUsed{LastUsedDate: date(used.Time), Region: text(used.Region)},
	}
	for _, name := range r.Profiles {
		p, err := s.profile(tx, account, name)
		if err != nil {
			return err
		}
		d.InstanceProfileList = append(d.InstanceProfileList, *p.show(account, []types.Role{r.brief(account, trust)}))
	}
	out.RoleDetailList = append(out.RoleDetailList, d)
	return nil
}

// policyDetails adds the policies of the account, and of those of AWS the ones in use.
func (s *Service) policyDetails(tx *store.Tx, account string, all []detail, wanted func(types.EntityType) bool) ([]detail, error) {
	local, aws := wanted(types.EntityTypeLocalManagedPolicy), wanted(types.EntityTypeAWSManagedPolicy)
	if !local && !aws {
		return all, nil
	}
	used, err := s.usageOf(tx, account)
	if err != nil {
		return nil, err
	}
	policies, err := s.allPolicies(tx, account, "")
	if err != nil {
		return nil, err
	}
	for _, p := range policies {
		if s.managed.byARN[p.arn] != nil && aws && used[p.arn] != (uses{}) || s.managed.byARN[p.arn] == nil && local {
			all = append(all, detail{p.arn, func(_ *store.Tx, out *iam.GetAccountAuthorizationDetailsOutput) error {
				out.Policies = append(out.Policies, p.detail(used[p.arn]))
				return nil
			}})
		}
	}
	return all, nil
}

func (p named) detail(used uses) types.ManagedPolicyDetail {
	shown := p.show(p.arn, used)
	d := types.ManagedPolicyDetail{
		Arn: shown.Arn, PolicyId: shown.PolicyId, PolicyName: shown.PolicyName, Path: shown.Path, Description: shown.Description,
		DefaultVersionId: shown.DefaultVersionId, CreateDate: shown.CreateDate, UpdateDate: shown.UpdateDate,
		IsAttachable: shown.IsAttachable, AttachmentCount: shown.AttachmentCount,
		PermissionsBoundaryUsageCount: shown.PermissionsBoundaryUsageCount,
	}
	for _, v := range slices.Backward(p.Versions) {
		version := p.brief(&v)
		version.Document = escaped(v.Document)
		d.PolicyVersionList = append(d.PolicyVersionList, *version)
	}
	return d
}
