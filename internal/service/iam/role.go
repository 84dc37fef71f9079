package iam

import (
	"context"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"

	"redoubt/internal/store"
)

// Role is an identity that others take on for a while, if its trust policy lets them.
type Role struct {
	Entity
	Description string
	Trust       string
	Bound       map[string]string // the users and roles that Trust names: ARN to unique id
	MaxSession  int32             // seconds
	Profiles    []string          // names of instance profiles
}

// defaultSession is how long a session of a role may last unless told otherwise.
const defaultSession = 3600

// CreateRole makes a role, which may do nothing yet.
func (s *Service) CreateRole(ctx context.Context, in *iam.CreateRoleInput) (*iam.CreateRoleOutput, error) {
	if strings.HasPrefix(aws.ToString(in.Path), linkedPath) {
		return nil, invalid("The path specified is reserved for service-linked roles: %s", *in.Path)
	}
	r := Role{Entity: newEntity("AROA", in.RoleName, in.Path), Description: aws.ToString(in.Description), MaxSession: defaultSession}
	if in.MaxSessionDuration != nil {
		r.MaxSession = *in.MaxSessionDuration
	}
	err := s.update(ctx, func(tx *store.Tx) error {
		if err := s.setTrust(tx, &r, *in.AssumeRolePolicyDocument); err != nil {
			return err
		}
		if err := setTags(&r.Tags, in.Tags); err != nil {
			return err
		}
		if err := bound(tx, s.roles, account(ctx), &r, aws.ToString(in.PermissionsBoundary)); err != nil {
			return err
		}
		return s.addRole(tx, account(ctx), &r)
	})
	if err != nil {
		return nil, err
	}
	shown := r.brief(account(ctx), r.Trust)
	shown.Tags, shown.PermissionsBoundary = showTags(r.Tags), showBoundary(r.Boundary)
	return &iam.CreateRoleOutput{Role: &shown}, nil
}

func (s *Service) addRole(tx *store.Tx, account string, r *Role) error {
	if err := s.roles.free(tx, account, r.Name); err != nil {
		return err
	}
	if err := s.count(tx, account, rolesQuota, 1); err != nil {
		return err
	}
	return s.roles.save(tx, account, r)
}

// GetRole shows a role.
func (s *Service) GetRole(ctx context.Context, in *iam.GetRoleInput) (*iam.GetRoleOutput, error) {
	shown, err := s.showRole(ctx, *in.RoleName)
	if err != nil {
		return nil, err
	}
	return &iam.GetRoleOutput{Role: shown}, nil
}

func (s *Service) showRole(ctx context.Context, name string) (*types.Role, error) {
	return read(ctx, s, func(tx *store.Tx) (*types.Role, error) {
		r, err := s.roles.load(tx, account(ctx), name)
		if err != nil {
			return nil, err
		}
		trust, err := s.trust(tx, &r)
		if err != nil {
			return nil, err
		}
		used, err := s.lastUse(tx, account(ctx), r.ID)
		if err != nil {
			return nil, err
		}
		shown := r.brief(account(ctx), trust)
		shown.Tags, shown.PermissionsBoundary = showTags(r.Tags), showBoundary(r.Boundary)
		shown.RoleLastUsed = &types.RoleLastUsed{LastUsedDate: date(used.Time), Region: text(used.Region)}
		return &shown, nil
	})
}

// ListRoles lists the roles below a path.
func (s *Service) ListRoles(ctx context.Context, in *iam.ListRolesInput) (*iam.ListRolesOutput, error) {
	found, next, err := s.roles.page(ctx, in.PathPrefix, in.Marker, in.MaxItems)
	if err != nil {
		return nil, err
	}
	out := &iam.ListRolesOutput{IsTruncated: next != nil, Marker: next, Roles: []types.Role{}}
	return out, s.view(ctx, func(tx *store.Tx) error {
		for _, r := range found {
			trust, err := s.trust(tx, &r)
			if err != nil {
				return err
			}
			out.Roles = append(out.Roles, r.brief(account(ctx), trust))
		}
		return nil
	})
}

// UpdateRole changes the description of a role, or how long its sessions may last.
func (s *Service) UpdateRole(ctx context.Context, in *iam.UpdateRoleInput) (*iam.UpdateRoleOutput, error) {
	return &iam.UpdateRoleOutput{}, s.changeRole(ctx, *in.RoleName, func(_ *store.Tx, r *Role) error {
		if in.Description != nil {
			r.Description = *in.Description
		}
		r.MaxSession = defaultSession
		if in.MaxSessionDuration != nil {
			r.MaxSession = *in.MaxSessionDuration
		}
		return nil
	})
}

// UpdateRoleDescription is the older way to change a description.
func (s *Service) UpdateRoleDescription(ctx context.Context, in *iam.UpdateRoleDescriptionInput) (*iam.UpdateRoleDescriptionOutput, error) {
	err := s.roles.change(ctx, *in.RoleName, func(_ *store.Tx, r *Role) error {
		r.Description = *in.Description
		return nil
	})
	if err != nil {
		return nil, err
	}
	shown, err := s.showRole(ctx, *in.RoleName)
	return &iam.UpdateRoleDescriptionOutput{Role: shown}, err
}

// UpdateAssumeRolePolicy replaces the trust policy of a role.
func (s *Service) UpdateAssumeRolePolicy(ctx context.Context, in *iam.UpdateAssumeRolePolicyInput) (*iam.UpdateAssumeRolePolicyOutput, error) {
	return &iam.UpdateAssumeRolePolicyOutput{}, s.changeRole(ctx, *in.RoleName, func(tx *store.Tx, r *Role) error {
		return s.setTrust(tx, r, *in.PolicyDocument)
	})
}

// DeleteRole deletes a role that has nothing left. Its sessions end with it.
func (s *Service) DeleteRole(ctx context.Context, in *iam.DeleteRoleInput) (*iam.DeleteRoleOutput, error) {
	return &iam.DeleteRoleOutput{}, s.roles.remove(ctx, *in.RoleName, func(tx *store.Tx, r *Role) error {
		if err := r.mutable(); err != nil {
			return err
		}
		if len(r.Profiles) > 0 {
			return conflict("Cannot delete entity, must remove roles from instance profile first.")
		}
		return s.count(tx, account(ctx), rolesQuota, -1)
	})
}

// changeRole changes a role that is not of a service.
func (s *Service) changeRole(ctx context.Context, name string, fn func(tx *store.Tx, r *Role) error) error {
	return s.roles.change(ctx, name, func(tx *store.Tx, r *Role) error {
		if err := r.mutable(); err != nil {
			return err
		}
		return fn(tx, r)
	})
}

// mutable protects service-linked roles, which only their service may change.
func (r *Role) mutable() error {
	if !strings.HasPrefix(r.Path, linkedPath) {
		return nil
	}
	return &types.UnmodifiableEntityException{Message: sprintf(
		"Cannot perform the operation on the protected role '%s' - this role is only modifiable by AWS", []any{r.Name})}
}

// brief leaves out what lists leave out.
func (r *Role) brief(account, trust string) types.Role {
	return types.Role{
		Arn: aws.String(arnOf(account, "role", r.Path, r.Name)), CreateDate: date(r.Created), Path: &r.Path,
		RoleId: &r.ID, RoleName: &r.Name, AssumeRolePolicyDocument: escaped(trust), Description: text(r.Description),
		MaxSessionDuration: aws.Int32(r.MaxSession),
	}
}

func text(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

// nameIn tells which user or role of an account an ARN names, as far as its form goes.
func nameIn(arn, account, noun string) (name string, ok bool) {
	rest, ok := strings.CutPrefix(arn, "arn:aws:iam::"+account+":"+noun+"/")
	return rest[strings.LastIndexByte(rest, '/')+1:], ok
}

// owner tells the account and the kind of entity in an ARN of IAM.
func owner(arn string) (account, noun string) {
	rest, ok := strings.CutPrefix(arn, "arn:aws:iam::")
	if !ok {
		return "", ""
	}
	account, rest, _ = strings.Cut(rest, ":")
	noun, _, _ = strings.Cut(rest, "/")
	return account, noun
}
