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

// maxAttached is the default quota of managed policies on one entity.
const maxAttached = 10

// Use notes that an entity uses a managed policy; the entity's record says so too.
type Use struct{ Name string }

// The two ways in which an entity uses a policy.
const (
	asPolicy   = "policy"
	asBoundary = "boundary"
)

func useKey(account, arn, as, noun, name string) []string {
	return []string{account, "", arn, as, noun, strings.ToLower(name)}
}

// uses counts the entities that use a policy.
type uses struct{ attached, boundaries int32 }

func (u uses) passes(onlyAttached bool, filter types.PolicyUsageType) bool {
	switch filter {
	case types.PolicyUsageTypePermissionsPolicy:
		return u.attached > 0
	case types.PolicyUsageTypePermissionsBoundary:
		return u.boundaries > 0
	}
	return !onlyAttached || u.attached > 0
}

// usageOf counts the uses of one policy, or of all.
func (s *Service) usageOf(tx *store.Tx, account string, arn ...string) (map[string]uses, error) {
	counted := map[string]uses{}
	for rec, err := range s.uses.Scan(tx, store.Range{Prefix: append([]string{account, ""}, arn...)}) {
		if err != nil {
			return nil, err
		}
		u := counted[rec.Key[2]]
		if rec.Key[3] == asBoundary {
			u.boundaries++
		} else {
			u.attached++
		}
		counted[rec.Key[2]] = u
	}
	return counted, nil
}

// AttachUserPolicy gives a user the permissions of a managed policy.
func (s *Service) AttachUserPolicy(ctx context.Context, in *iam.AttachUserPolicyInput) (*iam.AttachUserPolicyOutput, error) {
	return &iam.AttachUserPolicyOutput{}, attach(ctx, s.users, *in.UserName, *in.PolicyArn)
}

// AttachGroupPolicy gives a group the permissions of a managed policy.
func (s *Service) AttachGroupPolicy(ctx context.Context, in *iam.AttachGroupPolicyInput) (*iam.AttachGroupPolicyOutput, error) {
	return &iam.AttachGroupPolicyOutput{}, attach(ctx, s.groups, *in.GroupName, *in.PolicyArn)
}

// AttachRolePolicy gives a role the permissions of a managed policy.
func (s *Service) AttachRolePolicy(ctx context.Context, in *iam.AttachRolePolicyInput) (*iam.AttachRolePolicyOutput, error) {
	return &iam.AttachRolePolicyOutput{}, attach(ctx, s.roles, *in.RoleName, *in.PolicyArn)
}

// DetachUserPolicy takes a managed policy from a user.
func (s *Service) DetachUserPolicy(ctx context.Context, in *iam.DetachUserPolicyInput) (*iam.DetachUserPolicyOutput, error) {
	return &iam.DetachUserPolicyOutput{}, detach(ctx, s.users, *in.UserName, *in.PolicyArn)
}

// DetachGroupPolicy takes a managed policy from a group.
func (s *Service) DetachGroupPolicy(ctx context.Context, in *iam.DetachGroupPolicyInput) (*iam.DetachGroupPolicyOutput, error) {
	return &iam.DetachGroupPolicyOutput{}, detach(ctx, s.groups, *in.GroupName, *in.PolicyArn)
}

// DetachRolePolicy takes a managed policy from a role.
func (s *Service) DetachRolePolicy(ctx context.Context, in *iam.DetachRolePolicyInput) (*iam.DetachRolePolicyOutput, error) {
	return &iam.DetachRolePolicyOutput{}, detach(ctx, s.roles, *in.RoleName, *in.PolicyArn)
}

func attach[T any](ctx context.Context, k kind[T], name, arn string) error {
	return k.change(ctx, name, func(tx *store.Tx, v *T) error {
		if err := k.mutable(v); err != nil {
			return err
		}
		return k.attach(tx, account(ctx), v, arn)
	})
}

func (k kind[T]) attach(tx *store.Tx, account string, v *T, arn string) error {
	if err := k.s.attachable(tx, account, arn); err != nil {
		return err
	}
	e := k.entity(v)
	if slices.Contains(e.Attached, arn) {
		return nil
	}
	if len(e.Attached) >= maxAttached {
		return limit("Cannot exceed quota for PoliciesPer%s: %d", k.title, maxAttached)
	}
	e.Attached = append(e.Attached, arn)
	return k.s.uses.Put(tx, Use{e.Name}, useKey(account, arn, asPolicy, k.noun, e.Name)...)
}

func detach[T any](ctx context.Context, k kind[T], name, arn string) error {
	return k.change(ctx, name, func(tx *store.Tx, v *T) error {
		if err := k.mutable(v); err != nil {
			return err
		}
		e := k.entity(v)
		if !slices.Contains(e.Attached, arn) {
			return noSuch("Policy %s was not found.", arn)
		}
		e.Attached = without(e.Attached, arn)
		return k.s.uses.Delete(tx, useKey(account(ctx), arn, asPolicy, k.noun, e.Name)...)
	})
}

// mutable refuses changes of service-linked roles.
func (k kind[T]) mutable(v *T) error {
	if r, ok := any(v).(*Role); ok {
		return r.mutable()
	}
	return nil
}

func (s *Service) attachable(tx *store.Tx, account, arn string) error {
	_, ok, err := s.findPolicy(tx, account, arn)
	if err == nil && !ok {
		err = noSuch("Policy %s does not exist or is not attachable.", arn)
	}
	return err
}

// moveUses keeps the notes of uses right when an entity gets another name.
func (s *Service) moveUses(tx *store.Tx, account, noun string, from, to *Entity) error {
	move := func(arn, as string) error {
		if err := s.uses.Delete(tx, useKey(account, arn, as, noun, from.Name)...); err != nil {
			return err
		}
		return s.uses.Put(tx, Use{to.Name}, useKey(account, arn, as, noun, to.Name)...)
	}
	for _, arn := range to.Attached {
		if err := move(arn, asPolicy); err != nil {
			return err
		}
	}
	if to.Boundary == "" {
		return nil
	}
	return move(to.Boundary, asBoundary)
}

// ListAttachedUserPolicies lists the managed policies of a user.
func (s *Service) ListAttachedUserPolicies(ctx context.Context, in *iam.ListAttachedUserPoliciesInput) (*iam.ListAttachedUserPoliciesOutput, error) {
	found, next, err := attached(ctx, s.users, *in.UserName, in.PathPrefix, in.Marker, in.MaxItems)
	if err != nil {
		return nil, err
	}
	return &iam.ListAttachedUserPoliciesOutput{AttachedPolicies: found, IsTruncated: next != nil, Marker: next}, nil
}

// ListAttachedGroupPolicies lists the managed policies of a group.
func (s *Service) ListAttachedGroupPolicies(ctx context.Context, in *iam.ListAttachedGroupPoliciesInput) (*iam.ListAttachedGroupPoliciesOutput, error) {
	found, next, err := attached(ctx, s.groups, *in.GroupName, in.PathPrefix, in.Marker, in.MaxItems)
	if err != nil {
		return nil, err
	}
	return &iam.ListAttachedGroupPoliciesOutput{AttachedPolicies: found, IsTruncated: next != nil, Marker: next}, nil
}

// ListAttachedRolePolicies lists the managed policies of a role.
func (s *Service) ListAttachedRolePolicies(ctx context.Context, in *iam.ListAttachedRolePoliciesInput) (*iam.ListAttachedRolePoliciesOutput, error) {
	found, next, err := attached(ctx, s.roles, *in.RoleName, in.PathPrefix, in.Marker, in.MaxItems)
	if err != nil {
		return nil, err
	}
	return &iam.ListAttachedRolePoliciesOutput{AttachedPolicies: found, IsTruncated: next != nil, Marker: next}, nil
}

func attached[T any](ctx context.Context, k kind[T], name string, prefix, marker *string, max *int32) ([]types.AttachedPolicy, *string, error) {
	p, err := pageOf(marker, max)
	if err != nil {
		return nil, nil, err
	}
	v, err := k.get(ctx, name)
	if err != nil {
		return nil, nil, err
	}
	arns := slices.DeleteFunc(slices.Clone(k.entity(&v).Attached), func(arn string) bool {
		return !strings.HasPrefix(pathOf(arn), aws.ToString(prefix))
	})
	found, next := cut(p, arns, itself)
	return showAttached(found), next, nil
}

func showAttached(arns []string) []types.AttachedPolicy {
	list := []types.AttachedPolicy{}
	for _, arn := range arns {
		list = append(list, types.AttachedPolicy{
			PolicyArn: aws.String(arn), PolicyName: aws.String(arn[strings.LastIndexByte(arn, '/')+1:]),
		})
	}
	return list
}

// pathOf is the path in an ARN of IAM: "/dev/" of arn:aws:iam::1:policy/dev/P.
func pathOf(arn string) string {
	i, j := strings.IndexByte(arn, '/'), strings.LastIndexByte(arn, '/')
	if i < 0 {
		return "/"
	}
	return arn[i : j+1]
}
