package logs

import (
	"context"
	"maps"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"

	"redoubt/internal/api"
	"redoubt/internal/store"
)

// A group has at most 50 tags (API_TagResource).
const maxTags = 50

// addTags returns tags with more added, or the error for what may not be a tag. Characters and lengths are the model's.
func addTags(tags, more map[string]string) (map[string]string, error) {
	all := maps.Clone(tags)
	if all == nil {
		all = map[string]string{}
	}
	for k, v := range more {
		if strings.HasPrefix(strings.ToLower(k), "aws:") {
			return nil, invalid("User-defined tag keys can't start with aws:")
		}
		all[k] = v
	}
	return all, nil
}

// TagResource implements the operation of CloudWatch Logs.
func (s *Service) TagResource(ctx context.Context, in *cloudwatchlogs.TagResourceInput) (*cloudwatchlogs.TagResourceOutput, error) {
	r, err := taggable(ctx, *in.ResourceArn)
	if err != nil {
		return nil, err
	}
	return &cloudwatchlogs.TagResourceOutput{}, s.change(ctx, r, func(_ *store.Tx, g *found) (err error) {
		if g.Tags, err = addTags(g.Tags, in.Tags); err == nil && len(g.Tags) > maxTags {
			err = &types.TooManyTagsException{
				Message: aws.String("The maximum number of tags per resource is 50."), ResourceName: in.ResourceArn,
			}
		}
		return err
	})
}

// UntagResource implements the operation of CloudWatch Logs.
func (s *Service) UntagResource(ctx context.Context, in *cloudwatchlogs.UntagResourceInput) (*cloudwatchlogs.UntagResourceOutput, error) {
	r, err := taggable(ctx, *in.ResourceArn)
	if err != nil {
		return nil, err
	}
	return &cloudwatchlogs.UntagResourceOutput{}, s.untag(ctx, r, in.TagKeys)
}

// ListTagsForResource implements the operation of CloudWatch Logs.
func (s *Service) ListTagsForResource(ctx context.Context, in *cloudwatchlogs.ListTagsForResourceInput) (*cloudwatchlogs.ListTagsForResourceOutput, error) {
	r, err := taggable(ctx, *in.ResourceArn)
	if err != nil {
		return nil, err
	}
	tags, err := s.tags(ctx, r)
	return &cloudwatchlogs.ListTagsForResourceOutput{Tags: tags}, err
}

// TagLogGroup implements the operation of CloudWatch Logs, which TagResource has replaced.
func (s *Service) TagLogGroup(ctx context.Context, in *cloudwatchlogs.TagLogGroupInput) (*cloudwatchlogs.TagLogGroupOutput, error) {
	return &cloudwatchlogs.TagLogGroupOutput{}, s.change(ctx, own(ctx, *in.LogGroupName), func(_ *store.Tx, g *found) (err error) {
		if g.Tags, err = addTags(g.Tags, in.Tags); err == nil && len(g.Tags) > maxTags {
			err = invalid("The maximum number of tags per resource is 50.")
		}
		return err
	})
}

// UntagLogGroup implements the operation of CloudWatch Logs, which UntagResource has replaced.
func (s *Service) UntagLogGroup(ctx context.Context, in *cloudwatchlogs.UntagLogGroupInput) (*cloudwatchlogs.UntagLogGroupOutput, error) {
	return &cloudwatchlogs.UntagLogGroupOutput{}, s.untag(ctx, own(ctx, *in.LogGroupName), in.Tags)
}

// ListTagsLogGroup implements the operation of CloudWatch Logs, which ListTagsForResource has replaced.
func (s *Service) ListTagsLogGroup(ctx context.Context, in *cloudwatchlogs.ListTagsLogGroupInput) (*cloudwatchlogs.ListTagsLogGroupOutput, error) {
	tags, err := s.tags(ctx, own(ctx, *in.LogGroupName))
	return &cloudwatchlogs.ListTagsLogGroupOutput{Tags: tags}, err
}

func (s *Service) untag(ctx context.Context, r reference, keys []string) error {
	return s.change(ctx, r, func(_ *store.Tx, g *found) error {
		for _, k := range keys {
			delete(g.Tags, k)
		}
		return nil
	})
}

func (s *Service) tags(ctx context.Context, r reference) (tags map[string]string, err error) {
	err = s.db.View(ctx, func(tx *store.Tx) error {
		g, err := s.group(tx, r)
		if tags = g.Tags; tags == nil {
			tags = map[string]string{}
		}
		return err
	})
	return tags, err
}

// taggable reads the ARN of a group.
func taggable(ctx context.Context, arn string) (reference, error) {
	r := identified(ctx, arn)
	if !strings.HasPrefix(arn, "arn:") || r.name == "" {
		return r, invalid("The specified resourceArn is not valid: %s", arn)
	}
	if r.region != api.CallerOf(ctx).Region {
		return r, &types.ResourceNotFoundException{Message: aws.String("The specified log group does not exist.")}
	}
	return r, nil
}
