package iam

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"

	"redoubt/internal/store"
)

// PutUserPermissionsBoundary limits what the policies of a user can give.
func (s *Service) PutUserPermissionsBoundary(ctx context.Context, in *iam.PutUserPermissionsBoundaryInput) (*iam.PutUserPermissionsBoundaryOutput, error) {
	return &iam.PutUserPermissionsBoundaryOutput{}, putBoundary(ctx, s.users, *in.UserName, *in.PermissionsBoundary)
}

// PutRolePermissionsBoundary limits what the policies of a role can give.
func (s *Service) PutRolePermissionsBoundary(ctx context.Context, in *iam.PutRolePermissionsBoundaryInput) (*iam.PutRolePermissionsBoundaryOutput, error) {
	return &iam.PutRolePermissionsBoundaryOutput{}, putBoundary(ctx, s.roles, *in.RoleName, *in.PermissionsBoundary)
}

// DeleteUserPermissionsBoundary ends the limit of a user.
func (s *Service) DeleteUserPermissionsBoundary(ctx context.Context, in *iam.DeleteUserPermissionsBoundaryInput) (*iam.DeleteUserPermissionsBoundaryOutput, error) {
	return &iam.DeleteUserPermissionsBoundaryOutput{}, putBoundary(ctx, s.users, *in.UserName, "")
}

// DeleteRolePermissionsBoundary ends the limit of a role.
func (s *Service) DeleteRolePermissionsBoundary(ctx context.Context, in *iam.DeleteRolePermissionsBoundaryInput) (*iam.DeleteRolePermissionsBoundaryOutput, error) {
	return &iam.DeleteRolePermissionsBoundaryOutput{}, putBoundary(ctx, s.roles, *in.RoleName, "")
}

func putBoundary[T any](ctx context.Context, k kind[T], name, arn string) error {
	return k.change(ctx, name, func(tx *store.Tx, v *T) error {
		if err := k.mutable(v); err != nil {
			return err
		}
		if arn == "" && k.entity(v).Boundary == "" {
			return noSuch("The %s with name %s does not have a permissions boundary.", k.noun, name)
		}
		return bound(tx, k, account(ctx), v, arn)
	})
}

// bound gives an entity a boundary, another one, or with "" none.
func bound[T any](tx *store.Tx, k kind[T], account string, v *T, arn string) error {
	e := k.entity(v)
	if e.Boundary != "" {
		if err := k.s.uses.Delete(tx, useKey(account, e.Boundary, asBoundary, k.noun, e.Name)...); err != nil {
			return err
		}
	}
	e.Boundary = arn
	if arn == "" {
		return nil
	}
	_, ok, err := k.s.findPolicy(tx, account, arn)
	if err != nil {
		return err
	}
	if !ok {
		return noSuch("Scope ARN: %s does not exist or is not attachable.", arn)
	}
	return k.s.uses.Put(tx, Use{e.Name}, useKey(account, arn, asBoundary, k.noun, e.Name)...)
}

func showBoundary(arn string) *types.AttachedPermissionsBoundary {
	if arn == "" {
		return nil
	}
	return &types.AttachedPermissionsBoundary{
		PermissionsBoundaryArn: &arn, PermissionsBoundaryType: types.PermissionsBoundaryAttachmentTypePolicy,
	}
}
