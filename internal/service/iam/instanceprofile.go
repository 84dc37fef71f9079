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

// InstanceProfile holds the one role of a virtual machine.
type InstanceProfile struct {
	Name, Path, ID string
	Created        time.Time
	Role           string // its name, or ""
	Tags           map[string]string
}

func profileKey(account, name string) []string { return []string{account, "", strings.ToLower(name)} }

// CreateInstanceProfile makes a profile without a role.
func (s *Service) CreateInstanceProfile(ctx context.Context, in *iam.CreateInstanceProfileInput) (*iam.CreateInstanceProfileOutput, error) {
	p := InstanceProfile{Name: *in.InstanceProfileName, Path: pathOr(in.Path), ID: api.NewID("AIPA"), Created: now()}
	if err := setTags(&p.Tags, in.Tags); err != nil {
		return nil, err
	}
	err := s.update(ctx, func(tx *store.Tx) error {
		taken, err := s.profiles.Has(tx, profileKey(account(ctx), p.Name)...)
		if err != nil {
			return err
		}
		if taken {
			return exists("Instance Profile %s already exists.", p.Name)
		}
		if err := s.count(tx, account(ctx), profilesQuota, 1); err != nil {
			return err
		}
		return s.profiles.Put(tx, p, profileKey(account(ctx), p.Name)...)
	})
	if err != nil {
		return nil, err
	}
	return &iam.CreateInstanceProfileOutput{InstanceProfile: p.show(account(ctx), nil)}, nil
}

// GetInstanceProfile shows a profile and its role.
func (s *Service) GetInstanceProfile(ctx context.Context, in *iam.GetInstanceProfileInput) (*iam.GetInstanceProfileOutput, error) {
	shown, err := read(ctx, s, func(tx *store.Tx) (*types.InstanceProfile, error) {
		p, err := s.profile(tx, account(ctx), *in.InstanceProfileName)
		if err != nil {
			return nil, err
		}
		return s.showProfile(tx, account(ctx), &p)
	})
	if err != nil {
		return nil, err
	}
	return &iam.GetInstanceProfileOutput{InstanceProfile: shown}, nil
}

// ListInstanceProfiles lists the profiles below a path.
func (s *Service) ListInstanceProfiles(ctx context.Context, in *iam.ListInstanceProfilesInput) (*iam.ListInstanceProfilesOutput, error) {
	list, next, err := s.listProfiles(ctx, in.Marker, in.MaxItems, func(tx *store.Tx, p page) ([]InstanceProfile, *string, error) {
		return scanPage(tx, s.profiles, p, func(x *InstanceProfile) bool {
			return strings.HasPrefix(x.Path, aws.ToString(in.PathPrefix))
		}, account(ctx), "")
	})
	if err != nil {
		return nil, err
	}
	return &iam.ListInstanceProfilesOutput{InstanceProfiles: list, IsTruncated: next != nil, Marker: next}, nil
}

// ListInstanceProfilesForRole lists the profiles that hold a role.
func (s *Service) ListInstanceProfilesForRole(ctx context.Context, in *iam.ListInstanceProfilesForRoleInput) (*iam.ListInstanceProfilesForRoleOutput, error) {
	list, next, err := s.listProfiles(ctx, in.Marker, in.MaxItems, func(tx *store.Tx, p page) (found []InstanceProfile, next *string, err error) {
		r, err := s.roles.load(tx, account(ctx), *in.RoleName)
		if err != nil {
			return nil, nil, err
		}
		names, next := cut(p, r.Profiles, itself)
		for _, name := range names {
			x, err := s.profile(tx, account(ctx), name)
			if err != nil {
				return nil, nil, err
			}
			found = append(found, x)
		}
		return found, next, nil
	})
	if err != nil {
		return nil, err
	}
	return &iam.ListInstanceProfilesForRoleOutput{InstanceProfiles: list, IsTruncated: next != nil, Marker: next}, nil
}

func (s *Service) listProfiles(ctx context.Context, marker *string, max *int32, find func(*store.Tx, page) ([]InstanceProfile, *string, error)) (list []types.InstanceProfile, next *string, err error) {
	p, err := pageOf(marker, max)
	if err != nil {
		return nil, nil, err
	}
	list = []types.InstanceProfile{}
	err = s.view(ctx, func(tx *store.Tx) error {
		found, more, err := find(tx, p)
		if err != nil {
			return err
		}
		next = more
		for _, x := range found {
			shown, err := s.showProfile(tx, account(ctx), &x)
			if err != nil {
				return err
			}
			shown.Tags = nil
			list = append(list, *shown)
		}
		return nil
	})
	return list, next, err
}

// AddRoleToInstanceProfile puts the one role into a profile.
func (s *Service) AddRoleToInstanceProfile(ctx context.Context, in *iam.AddRoleToInstanceProfileInput) (*iam.AddRoleToInstanceProfileOutput, error) {
	return &iam.AddRoleToInstanceProfileOutput{}, s.changeProfile(ctx, *in.InstanceProfileName, func(tx *store.Tx, p *InstanceProfile) error {
		if p.Role != "" {
			return limit("Cannot exceed quota for InstanceSessionsPerInstanceProfile: 1")
		}
		p.Role = *in.RoleName
		return s.changeRoleProfiles(tx, account(ctx), p.Role, func(names []string) []string { return append(names, p.Name) })
	})
}

// RemoveRoleFromInstanceProfile takes the role out of a profile.
func (s *Service) RemoveRoleFromInstanceProfile(ctx context.Context, in *iam.RemoveRoleFromInstanceProfileInput) (*iam.RemoveRoleFromInstanceProfileOutput, error) {
	return &iam.RemoveRoleFromInstanceProfileOutput{}, s.changeProfile(ctx, *in.InstanceProfileName, func(tx *store.Tx, p *InstanceProfile) error {
		if p.Role != *in.RoleName {
			return noSuch("The role with name %s cannot be found.", *in.RoleName)
		}
		p.Role = ""
		return s.changeRoleProfiles(tx, account(ctx), *in.RoleName, func(names []string) []string { return without(names, p.Name) })
	})
}

func (s *Service) changeRoleProfiles(tx *store.Tx, account, role string, fn func([]string) []string) error {
	r, err := s.roles.load(tx, account, role)
	if err != nil {
		return err
	}
	r.Profiles = fn(slices.Clone(r.Profiles))
	return s.roles.save(tx, account, &r)
}

// DeleteInstanceProfile deletes a profile without a role.
func (s *Service) DeleteInstanceProfile(ctx context.Context, in *iam.DeleteInstanceProfileInput) (*iam.DeleteInstanceProfileOutput, error) {
	return &iam.DeleteInstanceProfileOutput{}, s.update(ctx, func(tx *store.Tx) error {
		p, err := s.profile(tx, account(ctx), *in.InstanceProfileName)
		if err != nil {
			return err
		}
		if p.Role != "" {
			return conflict("Cannot delete entity, must remove roles from instance profile first.")
		}
		if err := s.count(tx, account(ctx), profilesQuota, -1); err != nil {
			return err
		}
		return s.profiles.Delete(tx, profileKey(account(ctx), p.Name)...)
	})
}

func (s *Service) profile(tx *store.Tx, account, name string) (InstanceProfile, error) {
	p, ok, err := s.profiles.Get(tx, profileKey(account, name)...)
	if err == nil && (!ok || p.Name != name) {
		err = noSuch("Instance Profile %s cannot be found.", name)
	}
	return p, err
}

func (s *Service) changeProfile(ctx context.Context, name string, fn func(*store.Tx, *InstanceProfile) error) error {
	return s.update(ctx, func(tx *store.Tx) error {
		p, err := s.profile(tx, account(ctx), name)
		if err != nil {
			return err
		}
		if err := fn(tx, &p); err != nil {
			return err
		}
		return s.profiles.Put(tx, p, profileKey(account(ctx), name)...)
	})
}

func (s *Service) showProfile(tx *store.Tx, account string, p *InstanceProfile) (*types.InstanceProfile, error) {
	if p.Role == "" {
		return p.show(account, nil), nil
	}
	r, err := s.roles.load(tx, account, p.Role)
	if err != nil {
		return nil, err
	}
	trust, err := s.trust(tx, &r)
	return p.show(account, []types.Role{r.brief(account, trust)}), err
}

func (p *InstanceProfile) show(account string, roles []types.Role) *types.InstanceProfile {
	if roles == nil {
		roles = []types.Role{}
	}
	return &types.InstanceProfile{
		Arn: aws.String(arnOf(account, "instance-profile", p.Path, p.Name)), InstanceProfileId: &p.ID,
		InstanceProfileName: &p.Name, Path: &p.Path, CreateDate: date(p.Created), Roles: roles, Tags: showTags(p.Tags),
	}
}

// profileResource finds a profile for a decision.
func (s *Service) profileResource(ctx context.Context, name string) (api.Resource, error) {
	r := api.Resource{ARN: arnOf(account(ctx), "instance-profile", "/", name), Type: "AWS::IAM::InstanceProfile"}
	err := s.view(ctx, func(tx *store.Tx) error {
		p, ok, err := s.profiles.Get(tx, profileKey(account(ctx), name)...)
		if ok && p.Name == name {
			r.ARN, r.Tags = arnOf(account(ctx), "instance-profile", p.Path, p.Name), p.Tags
		}
		return err
	})
	return r, err
}
