package ssm

import (
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/aws-sdk-go-v2/service/ssm/types"

	"redoubt/internal/store"
)

// A parameter has at most 50 tags (API_AddTagsToResource).
const maxTags = 50

// addTags returns tags with more added, or the error for what may not be a tag. Characters and lengths are the model's.
func addTags(tags map[string]string, more []types.Tag) (map[string]string, error) {
	all, seen := maps.Clone(tags), map[string]bool{}
	if all == nil {
		all = map[string]string{}
	}
	for _, t := range more {
		k := aws.ToString(t.Key)
		switch {
		case seen[k]:
			return nil, invalid("Duplicate tag key %s is not allowed.", k)
		case strings.HasPrefix(strings.ToLower(k), "aws:"):
			return nil, invalid("aws: prefixed tag key names are not allowed for external use.")
		}
		seen[k], all[k] = true, aws.ToString(t.Value)
	}
	if len(all) > maxTags {
		return nil, &types.TooManyTagsError{}
	}
	return all, nil
}

// taggedPlace is the parameter that tags are on.
func taggedPlace(ctx context.Context, kind types.ResourceTypeForTagging, id *string) (place, error) {
	if kind != types.ResourceTypeForTaggingParameter {
		return place{}, &types.InvalidResourceType{}
	}
	r, err := parse(ctx, aws.ToString(id))
	if err == nil && r.selector != "" {
		err = badName()
	}
	return r.place, err
}

// retag applies fn to the tags of a parameter.
func (s *Service) retag(ctx context.Context, kind types.ResourceTypeForTagging, id *string, fn func(*Parameter) error) error {
	at, err := taggedPlace(ctx, kind, id)
	if err != nil {
		return err
	}
	return unidentified(s.change(ctx, at, func(_ *store.Tx, p *Parameter) error { return fn(p) }))
}

// unidentified is how the operations on tags miss a parameter. It has no message, as on AWS.
func unidentified(err error) error {
	if isMissing(err) {
		return &types.InvalidResourceId{}
	}
	return err
}

// AddTagsToResource adds tags, or changes them.
func (s *Service) AddTagsToResource(ctx context.Context, in *sdk.AddTagsToResourceInput) (*sdk.AddTagsToResourceOutput, error) {
	return &sdk.AddTagsToResourceOutput{}, s.retag(ctx, in.ResourceType, in.ResourceId, func(p *Parameter) (err error) {
		p.Tags, err = addTags(p.Tags, in.Tags)
		return err
	})
}

// RemoveTagsFromResource removes tags.
func (s *Service) RemoveTagsFromResource(ctx context.Context, in *sdk.RemoveTagsFromResourceInput) (*sdk.RemoveTagsFromResourceOutput, error) {
	return &sdk.RemoveTagsFromResourceOutput{}, s.retag(ctx, in.ResourceType, in.ResourceId, func(p *Parameter) error {
		for _, k := range in.TagKeys {
			delete(p.Tags, k)
		}
		return nil
	})
}

// ListTagsForResource lists a parameter's tags.
func (s *Service) ListTagsForResource(ctx context.Context, in *sdk.ListTagsForResourceInput) (*sdk.ListTagsForResourceOutput, error) {
	at, err := taggedPlace(ctx, in.ResourceType, in.ResourceId)
	if err != nil {
		return nil, err
	}
	out := &sdk.ListTagsForResourceOutput{TagList: []types.Tag{}}
	err = s.db.View(ctx, func(tx *store.Tx) error {
		p, err := s.lookup(ctx, tx, at)
		if err != nil {
			return err
		}
		for _, k := range slices.Sorted(maps.Keys(p.Tags)) {
			out.TagList = append(out.TagList, types.Tag{Key: &k, Value: aws.String(p.Tags[k])})
		}
		return nil
	})
	return out, unidentified(err)
}
