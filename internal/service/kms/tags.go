package kms

import (
	"context"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"
)

// A key has at most 50 tags (KMS quotas).
const maxTags = 50

// tagText is what tag keys and values are made of (API_Tag).
var tagText = regexp.MustCompile(`^[\pL\pZ\pN_.:/=+\-@]*$`)

// addTags returns tags with more added, or KMS's error for what may not be a tag.
func addTags(tags map[string]string, more []types.Tag) (map[string]string, error) {
	added := map[string]string{}
	for _, t := range more {
		k, v := aws.ToString(t.TagKey), aws.ToString(t.TagValue)
		if _, twice := added[k]; twice {
			return nil, tagError("Duplicate tag keys")
		}
		if err := checkTag(k, v); err != nil {
			return nil, err
		}
		added[k] = v
	}
	all := maps.Clone(tags)
	if all == nil {
		all = map[string]string{}
	}
	maps.Copy(all, added)
	if len(all) > maxTags {
		return nil, tagError("Too many tags")
	}
	return all, nil
}

func checkTag(k, v string) error {
	switch {
	case strings.HasPrefix(strings.ToLower(k), "aws:"):
		return tagError("Tags beginning with aws: are reserved")
	case !tagText.MatchString(k):
		return tagError("Tag key %s contains invalid characters", k)
	case !tagText.MatchString(v):
		return tagError("Tag value %s contains invalid characters", v)
	}
	return nil
}

// TagResource implements the KMS operation.
func (s *Service) TagResource(ctx context.Context, in *kms.TagResourceInput) (*kms.TagResourceOutput, error) {
	return &kms.TagResourceOutput{}, s.change(ctx, *in.KeyId, func(k *Key) error {
		if err := k.present(); err != nil {
			return err
		}
		var err error
		k.Tags, err = addTags(k.Tags, in.Tags)
		return err
	})
}

// UntagResource implements the KMS operation.
func (s *Service) UntagResource(ctx context.Context, in *kms.UntagResourceInput) (*kms.UntagResourceOutput, error) {
	return &kms.UntagResourceOutput{}, s.change(ctx, *in.KeyId, func(k *Key) error {
		for _, t := range in.TagKeys {
			delete(k.Tags, t)
		}
		return k.present()
	})
}

// ListResourceTags implements the KMS operation.
func (s *Service) ListResourceTags(ctx context.Context, in *kms.ListResourceTagsInput) (*kms.ListResourceTagsOutput, error) {
	p, err := newPage(in.Marker, in.Limit, 50, 50)
	if err != nil {
		return nil, err
	}
	k, err := s.openByID(ctx, *in.KeyId)
	if err != nil {
		return nil, err
	}
	out := &kms.ListResourceTagsOutput{Tags: []types.Tag{}}
	keys, next, err := cut(p, slices.Sorted(maps.Keys(k.Tags)), func(t string) string { return t })
	for _, t := range keys {
		out.Tags = append(out.Tags, types.Tag{TagKey: aws.String(t), TagValue: aws.String(k.Tags[t])})
	}
	out.NextMarker, out.Truncated = next, next != nil
	return out, err
}
