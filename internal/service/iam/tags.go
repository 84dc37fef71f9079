package iam

import (
	"context"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"

	"redoubt/internal/store"
)

// maxTags is how many tags anything may have.
const maxTags = 50

// setTags adds tags. Their keys are not distinguished by case, but keep the case in which they were first given.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/id_tags.html
func setTags(tags *map[string]string, add []types.Tag) error {
	given := map[string]bool{}
	for _, t := range add {
		folded := strings.ToLower(*t.Key)
		if given[folded] {
			return invalid("Duplicate tag keys found. Please note that Tag keys are case insensitive.")
		}
		given[folded] = true
		if strings.HasPrefix(folded, "aws:") {
			return invalid("Tag keys beginning with aws: are reserved for system use.")
		}
		if *tags == nil {
			*tags = map[string]string{}
		}
		(*tags)[sameKey(*tags, *t.Key)] = *t.Value
	}
	if len(*tags) > maxTags {
		return limit("The number of tags has reached the maximum limit.")
	}
	return nil
}

func sameKey(tags map[string]string, key string) string {
	for k := range tags {
		if strings.EqualFold(k, key) {
			return k
		}
	}
	return key
}

func removeTags(tags map[string]string, keys []string) {
	for _, key := range keys {
		delete(tags, sameKey(tags, key))
	}
}

// tagPage is what the lists of tags have in common.
func tagPage(marker *string, max *int32, read func() (map[string]string, error)) ([]types.Tag, *string, error) {
	p, err := pageOf(marker, max)
	if err != nil {
		return nil, nil, err
	}
	tags, err := read()
	if err != nil {
		return nil, nil, err
	}
	list, next := cut(p, tagList(tags), func(t types.Tag) string { return *t.Key })
	return list, next, nil
}

func (k kind[T]) tag(ctx context.Context, name string, add []types.Tag, remove []string) error {
	return k.change(ctx, name, func(_ *store.Tx, v *T) error {
		removeTags(k.entity(v).Tags, remove)
		return setTags(&k.entity(v).Tags, add)
	})
}

func (k kind[T]) tags(ctx context.Context, name string) (map[string]string, error) {
	v, err := k.get(ctx, name)
	return k.entity(&v).Tags, err
}

// TagUser adds tags to a user.
func (s *Service) TagUser(ctx context.Context, in *iam.TagUserInput) (*iam.TagUserOutput, error) {
	return &iam.TagUserOutput{}, s.users.tag(ctx, *in.UserName, in.Tags, nil)
}

// UntagUser removes tags from a user.
func (s *Service) UntagUser(ctx context.Context, in *iam.UntagUserInput) (*iam.UntagUserOutput, error) {
	return &iam.UntagUserOutput{}, s.users.tag(ctx, *in.UserName, nil, in.TagKeys)
}

// ListUserTags lists the tags of a user.
func (s *Service) ListUserTags(ctx context.Context, in *iam.ListUserTagsInput) (*iam.ListUserTagsOutput, error) {
	tags, next, err := tagPage(in.Marker, in.MaxItems, func() (map[string]string, error) { return s.users.tags(ctx, *in.UserName) })
	if err != nil {
		return nil, err
	}
	return &iam.ListUserTagsOutput{Tags: tags, IsTruncated: next != nil, Marker: next}, nil
}

// TagRole adds tags to a role.
func (s *Service) TagRole(ctx context.Context, in *iam.TagRoleInput) (*iam.TagRoleOutput, error) {
	return &iam.TagRoleOutput{}, s.roles.tag(ctx, *in.RoleName, in.Tags, nil)
}

// UntagRole removes tags from a role.
func (s *Service) UntagRole(ctx context.Context, in *iam.UntagRoleInput) (*iam.UntagRoleOutput, error) {
	return &iam.UntagRoleOutput{}, s.roles.tag(ctx, *in.RoleName, nil, in.TagKeys)
}

// ListRoleTags lists the tags of a role.
func (s *Service) ListRoleTags(ctx context.Context, in *iam.ListRoleTagsInput) (*iam.ListRoleTagsOutput, error) {
	tags, next, err := tagPage(in.Marker, in.MaxItems, func() (map[string]string, error) { return s.roles.tags(ctx, *in.RoleName) })
	if err != nil {
		return nil, err
	}
	return &iam.ListRoleTagsOutput{Tags: tags, IsTruncated: next != nil, Marker: next}, nil
}

// TagPolicy adds tags to a managed policy.
func (s *Service) TagPolicy(ctx context.Context, in *iam.TagPolicyInput) (*iam.TagPolicyOutput, error) {
	return &iam.TagPolicyOutput{}, s.changePolicy(ctx, *in.PolicyArn, func(p *Policy) error {
		return setTags(&p.Tags, in.Tags)
	})
}

// UntagPolicy removes tags from a managed policy.
func (s *Service) UntagPolicy(ctx context.Context, in *iam.UntagPolicyInput) (*iam.UntagPolicyOutput, error) {
	return &iam.UntagPolicyOutput{}, s.changePolicy(ctx, *in.PolicyArn, func(p *Policy) error {
		removeTags(p.Tags, in.TagKeys)
		return nil
	})
}

// TagInstanceProfile adds tags to an instance profile.
func (s *Service) TagInstanceProfile(ctx context.Context, in *iam.TagInstanceProfileInput) (*iam.TagInstanceProfileOutput, error) {
	return &iam.TagInstanceProfileOutput{}, s.changeProfile(ctx, *in.InstanceProfileName, func(_ *store.Tx, p *InstanceProfile) error {
		return setTags(&p.Tags, in.Tags)
	})
}

// UntagInstanceProfile removes tags from an instance profile.
func (s *Service) UntagInstanceProfile(ctx context.Context, in *iam.UntagInstanceProfileInput) (*iam.UntagInstanceProfileOutput, error) {
	return &iam.UntagInstanceProfileOutput{}, s.changeProfile(ctx, *in.InstanceProfileName, func(_ *store.Tx, p *InstanceProfile) error {
		removeTags(p.Tags, in.TagKeys)
		return nil
	})
}

// ListInstanceProfileTags lists the tags of an instance profile.
func (s *Service) ListInstanceProfileTags(ctx context.Context, in *iam.ListInstanceProfileTagsInput) (*iam.ListInstanceProfileTagsOutput, error) {
	tags, next, err := tagPage(in.Marker, in.MaxItems, func() (map[string]string, error) {
		p, err := read(ctx, s, func(tx *store.Tx) (InstanceProfile, error) {
			return s.profile(tx, account(ctx), *in.InstanceProfileName)
		})
		return p.Tags, err
	})
	if err != nil {
		return nil, err
	}
	return &iam.ListInstanceProfileTagsOutput{Tags: tags, IsTruncated: next != nil, Marker: next}, nil
}

// ListPolicyTags lists the tags of a managed policy.
func (s *Service) ListPolicyTags(ctx context.Context, in *iam.ListPolicyTagsInput) (*iam.ListPolicyTagsOutput, error) {
	tags, next, err := tagPage(in.Marker, in.MaxItems, func() (map[string]string, error) {
		return read(ctx, s, func(tx *store.Tx) (map[string]string, error) {
			p, err := s.policy(tx, account(ctx), *in.PolicyArn)
			if err != nil {
				return nil, err
			}
			return p.Tags, nil
		})
	})
	if err != nil {
		return nil, err
	}
	return &iam.ListPolicyTagsOutput{Tags: tags, IsTruncated: next != nil, Marker: next}, nil
}
