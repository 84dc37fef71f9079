package signer

import (
	"context"
	"maps"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/signer"
	"github.com/aws/aws-sdk-go-v2/service/signer/types"

	"redoubt/internal/store"
)

// A profile has at most 50 tags (developer guide, "Create a Signer signing profile").
const maxTags = 50

// retag applies fn to the tags of the profile that an ARN names.
func (s *Service) retag(ctx context.Context, resource string, fn func(tags map[string]string)) error {
	at, version, ok := parse(resource, profileKind)
	if !ok || version != "" {
		return badRequest("Invalid resource ARN: %s", resource)
	}
	return s.db.Update(ctx, func(tx *store.Tx) error {
		p, err := s.tagging(tx, at)
		if err != nil {
			return err
		}
		if p.Status == types.SigningProfileStatusCanceled {
			return badRequest("Signing profile %s is canceled", at.Name)
		}
		p.Tags = maps.Clone(p.Tags)
		if p.Tags == nil {
			p.Tags = map[string]string{}
		}
		if fn(p.Tags); len(p.Tags) > maxTags {
			return badRequest("A signing profile can have at most %d tags", maxTags)
		}
		return s.profiles.Put(tx, p, at.key()...)
	})
}

// tagging reads a profile, and misses it in the words of the operations on tags.
func (s *Service) tagging(tx *store.Tx, at place) (Profile, error) {
	p, ok, err := s.profiles.Get(tx, at.key()...)
	if err == nil && !ok {
		err = &types.NotFoundException{Message: aws.String("profile with name " + at.Name + " does not exist")}
	}
	return p, err
}

// TagResource implements the operation.
func (s *Service) TagResource(ctx context.Context, in *signer.TagResourceInput) (*signer.TagResourceOutput, error) {
	return &signer.TagResourceOutput{}, s.retag(ctx, *in.ResourceArn, func(tags map[string]string) { maps.Copy(tags, in.Tags) })
}

// UntagResource implements the operation.
func (s *Service) UntagResource(ctx context.Context, in *signer.UntagResourceInput) (*signer.UntagResourceOutput, error) {
	return &signer.UntagResourceOutput{}, s.retag(ctx, *in.ResourceArn, func(tags map[string]string) {
		for _, k := range in.TagKeys {
			delete(tags, k)
		}
	})
}

// ListTagsForResource implements the operation.
func (s *Service) ListTagsForResource(ctx context.Context, in *signer.ListTagsForResourceInput) (*signer.ListTagsForResourceOutput, error) {
	at, version, ok := parse(*in.ResourceArn, profileKind)
	if !ok || version != "" {
		return nil, badRequest("Invalid resource ARN: %s", *in.ResourceArn)
	}
	out := &signer.ListTagsForResourceOutput{}
	return out, s.db.View(ctx, func(tx *store.Tx) error {
		p, err := s.tagging(tx, at)
		if out.Tags = p.Tags; out.Tags == nil {
			out.Tags = map[string]string{}
		}
		return err
	})
}
