package secretsmanager

import (
	"context"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager/types"

	"redoubt/internal/store"
)

// A secret has at most 50 tags (Secrets Manager quotas).
const maxTags = 50

// tagText is what tag keys and values are made of (API_TagResource).
var tagText = regexp.MustCompile(`^[\pL\pZ\pN_.:/=+\-@]*$`)

func addTags(tags map[string]string, more []types.Tag) (map[string]string, error) {
	all, seen := maps.Clone(tags), map[string]bool{}
	if all == nil {
		all = map[string]string{}
	}
	for _, t := range more {
		k, v := aws.ToString(t.Key), aws.ToString(t.Value)
		switch {
		case k == "":
			return nil, badParameter("Tag keys can't be empty.")
		case seen[k]:
			return nil, badParameter("Tag key %s is specified more than once.", k)
		case strings.HasPrefix(strings.ToLower(k), "aws:"):
			return nil, badParameter("Tag keys can't begin with aws:, which is reserved.")
		case !tagText.MatchString(k) || !tagText.MatchString(v):
			return nil, badParameter("Tag keys and values can contain only letters, digits, spaces and _.:/=+-@")
		}
		seen[k], all[k] = true, v
	}
	if len(all) > maxTags {
		return nil, badParameter("You can't have more than %d tags.", maxTags)
	}
	return all, nil
}

// tags are the secret's, in the order of their keys.
func (x *Secret) tags() []types.Tag {
	var list []types.Tag
	for _, k := range slices.Sorted(maps.Keys(x.Tags)) {
		list = append(list, types.Tag{Key: aws.String(k), Value: aws.String(x.Tags[k])})
	}
	return list
}

// TagResource adds tags.
func (s *Service) TagResource(ctx context.Context, in *sdk.TagResourceInput) (*sdk.TagResourceOutput, error) {
	_, err := s.change(ctx, *in.SecretId, func(_ *store.Tx, x *Secret) (err error) {
		x.Tags, err = addTags(x.Tags, in.Tags)
		return err
	})
	return &sdk.TagResourceOutput{}, err
}

// UntagResource removes tags.
func (s *Service) UntagResource(ctx context.Context, in *sdk.UntagResourceInput) (*sdk.UntagResourceOutput, error) {
	_, err := s.change(ctx, *in.SecretId, func(_ *store.Tx, x *Secret) error {
		for _, k := range in.TagKeys {
			delete(x.Tags, k)
		}
		return nil
	})
	return &sdk.UntagResourceOutput{}, err
}
