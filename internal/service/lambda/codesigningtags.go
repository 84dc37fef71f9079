package lambda

import (
	"context"
	"maps"

	"github.com/aws/aws-sdk-go-v2/aws"

	"redoubt/internal/store"
)

// tagsOf are the tags of a function, or of a code signing configuration.
func (s *Service) tagsOf(ctx context.Context, resource *string) (map[string]string, error) {
	if _, ok := signingPlaceOf(aws.ToString(resource)); !ok {
		f, _, err := s.find(ctx, resource, nil)
		return f.tags(), err
	}
	var c CodeSigningConfig
	err := s.deps.DB.View(ctx, func(tx *store.Tx) (err error) {
		c, err = s.getSigning(tx, *resource)
		return err
	})
	return c.Tags, err
}

func (f *Function) tags() map[string]string {
	if f == nil {
		return nil
	}
	return f.Tags
}

// retag applies fn to the tags of a function, or of a code signing configuration.
func (s *Service) retag(ctx context.Context, resource *string, fn func(tags map[string]string)) error {
	changed := func(tags map[string]string) (map[string]string, error) {
		tags = maps.Clone(tags)
		if tags == nil {
			tags = map[string]string{}
		}
		fn(tags)
		return tags, checkTags(tags)
	}
	if _, ok := signingPlaceOf(aws.ToString(resource)); ok {
		_, err := s.changeSigning(ctx, *resource, func(c *CodeSigningConfig) (err error) {
			c.Tags, err = changed(c.Tags)
			return err
		})
		return err
	}
	_, err := s.modify(ctx, resource, nil, func(_ *store.Tx, f *Function) (err error) {
		f.Tags, err = changed(f.Tags)
		return err
	})
	return err
}
