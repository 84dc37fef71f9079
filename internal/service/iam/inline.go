package iam

import (
	"context"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"

	"redoubt/internal/policy"
	"redoubt/internal/store"
)

// Inline is a policy that is part of one entity.
type Inline struct{ Name, Document string }

// PutUserPolicy adds or replaces an inline policy of a user.
func (s *Service) PutUserPolicy(ctx context.Context, in *iam.PutUserPolicyInput) (*iam.PutUserPolicyOutput, error) {
	return &iam.PutUserPolicyOutput{}, putInline(ctx, s.users, *in.UserName, Inline{*in.PolicyName, *in.PolicyDocument})
}

// PutGroupPolicy adds or replaces an inline policy of a group.
func (s *Service) PutGroupPolicy(ctx context.Context, in *iam.PutGroupPolicyInput) (*iam.PutGroupPolicyOutput, error) {
	return &iam.PutGroupPolicyOutput{}, putInline(ctx, s.groups, *in.GroupName, Inline{*in.PolicyName, *in.PolicyDocument})
}

// PutRolePolicy adds or replaces an inline policy of a role.
func (s *Service) PutRolePolicy(ctx context.Context, in *iam.PutRolePolicyInput) (*iam.PutRolePolicyOutput, error) {
	return &iam.PutRolePolicyOutput{}, putInline(ctx, s.roles, *in.RoleName, Inline{*in.PolicyName, *in.PolicyDocument})
}

func putInline[T any](ctx context.Context, k kind[T], name string, p Inline) error {
	if _, err := policy.Parse(p.Document, policy.Identity); err != nil {
		return asMalformed(err)
	}
	return k.change(ctx, name, func(_ *store.Tx, v *T) error {
		if err := k.mutable(v); err != nil {
			return err
		}
		e := k.entity(v)
		i, found := e.inline(p.Name)
		if found {
			e.Inline[i] = p
		} else {
			e.Inline = slices.Insert(e.Inline, i, p)
		}
		total := 0
		for _, p := range e.Inline {
			total += size(p.Document)
		}
		if total > k.inline {
			return limit("Maximum policy size of %d bytes exceeded for %s %s", k.inline, k.noun, e.Name)
		}
		return nil
	})
}

// GetUserPolicy shows an inline policy of a user.
func (s *Service) GetUserPolicy(ctx context.Context, in *iam.GetUserPolicyInput) (*iam.GetUserPolicyOutput, error) {
	p, err := getInline(ctx, s.users, *in.UserName, *in.PolicyName)
	if err != nil {
		return nil, err
	}
	return &iam.GetUserPolicyOutput{UserName: in.UserName, PolicyName: &p.Name, PolicyDocument: escaped(p.Document)}, nil
}

// GetGroupPolicy shows an inline policy of a group.
func (s *Service) GetGroupPolicy(ctx context.Context, in *iam.GetGroupPolicyInput) (*iam.GetGroupPolicyOutput, error) {
	p, err := getInline(ctx, s.groups, *in.GroupName, *in.PolicyName)
	if err != nil {
		return nil, err
	}
	return &iam.GetGroupPolicyOutput{GroupName: in.GroupName, PolicyName: &p.Name, PolicyDocument: escaped(p.Document)}, nil
}

// GetRolePolicy shows an inline policy of a role.
func (s *Service) GetRolePolicy(ctx context.Context, in *iam.GetRolePolicyInput) (*iam.GetRolePolicyOutput, error) {
	p, err := getInline(ctx, s.roles, *in.RoleName, *in.PolicyName)
	if err != nil {
		return nil, err
	}
	return &iam.GetRolePolicyOutput{RoleName: in.RoleName, PolicyName: &p.Name, PolicyDocument: escaped(p.Document)}, nil
}

func getInline[T any](ctx context.Context, k kind[T], name, policyName string) (Inline, error) {
	v, err := k.get(ctx, name)
	if err != nil {
		return Inline{}, err
	}
	e := k.entity(&v)
	i, found := e.inline(policyName)
	if !found {
		return Inline{}, noInline(k.noun, policyName)
	}
	return e.Inline[i], nil
}

// DeleteUserPolicy deletes an inline policy of a user.
func (s *Service) DeleteUserPolicy(ctx context.Context, in *iam.DeleteUserPolicyInput) (*iam.DeleteUserPolicyOutput, error) {
	return &iam.DeleteUserPolicyOutput{}, deleteInline(ctx, s.users, *in.UserName, *in.PolicyName)
}

// DeleteGroupPolicy deletes an inline policy of a group.
func (s *Service) DeleteGroupPolicy(ctx context.Context, in *iam.DeleteGroupPolicyInput) (*iam.DeleteGroupPolicyOutput, error) {
	return &iam.DeleteGroupPolicyOutput{}, deleteInline(ctx, s.groups, *in.GroupName, *in.PolicyName)
}

// DeleteRolePolicy deletes an inline policy of a role.
func (s *Service) DeleteRolePolicy(ctx context.Context, in *iam.DeleteRolePolicyInput) (*iam.DeleteRolePolicyOutput, error) {
	return &iam.DeleteRolePolicyOutput{}, deleteInline(ctx, s.roles, *in.RoleName, *in.PolicyName)
}

func deleteInline[T any](ctx context.Context, k kind[T], name, policyName string) error {
	return k.change(ctx, name, func(_ *store.Tx, v *T) error {
		if err := k.mutable(v); err != nil {
			return err
		}
		e := k.entity(v)
		i, found := e.inline(policyName)
		if !found {
			return noInline(k.noun, policyName)
		}
		e.Inline = slices.Delete(e.Inline, i, i+1)
		return nil
	})
}

// ListUserPolicies lists the names of a user's inline policies.
func (s *Service) ListUserPolicies(ctx context.Context, in *iam.ListUserPoliciesInput) (*iam.ListUserPoliciesOutput, error) {
	names, next, err := listInline(ctx, s.users, *in.UserName, in.Marker, in.MaxItems)
	if err != nil {
		return nil, err
	}
	return &iam.ListUserPoliciesOutput{PolicyNames: names, IsTruncated: next != nil, Marker: next}, nil
}

// ListGroupPolicies lists the names of a group's inline policies.
func (s *Service) ListGroupPolicies(ctx context.Context, in *iam.ListGroupPoliciesInput) (*iam.ListGroupPoliciesOutput, error) {
	names, next, err := listInline(ctx, s.groups, *in.GroupName, in.Marker, in.MaxItems)
	if err != nil {
		return nil, err
	}
	return &iam.ListGroupPoliciesOutput{PolicyNames: names, IsTruncated: next != nil, Marker: next}, nil
}

// ListRolePolicies lists the names of a role's inline policies.
func (s *Service) ListRolePolicies(ctx context.Context, in *iam.ListRolePoliciesInput) (*iam.ListRolePoliciesOutput, error) {
	names, next, err := listInline(ctx, s.roles, *in.RoleName, in.Marker, in.MaxItems)
	if err != nil {
		return nil, err
	}
	return &iam.ListRolePoliciesOutput{PolicyNames: names, IsTruncated: next != nil, Marker: next}, nil
}

func listInline[T any](ctx context.Context, k kind[T], name string, marker *string, max *int32) ([]string, *string, error) {
	p, err := pageOf(marker, max)
	if err != nil {
		return nil, nil, err
	}
	v, err := k.get(ctx, name)
	if err != nil {
		return nil, nil, err
	}
	names := []string{}
	for _, p := range k.entity(&v).Inline {
		names = append(names, p.Name)
	}
	names, next := cut(p, names, itself)
	return names, next, nil
}

func (e *Entity) inline(name string) (int, bool) {
	return slices.BinarySearchFunc(e.Inline, name, func(p Inline, name string) int { return strings.Compare(p.Name, name) })
}

func showInline(list []Inline) []types.PolicyDetail {
	shown := []types.PolicyDetail{}
	for _, p := range list {
		shown = append(shown, types.PolicyDetail{PolicyName: &p.Name, PolicyDocument: escaped(p.Document)})
	}
	return shown
}

func noInline(noun, name string) error {
	return noSuch("The %s policy with name %s cannot be found.", noun, name)
}
