package lambda

import (
	"context"
	"fmt"
	"maps"
	"strings"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"redoubt/internal/api"
)

// Limits of tags (https://docs.aws.amazon.com/lambda/latest/dg/configuration-tags.html).
const (
	maxTags     = 50
	maxTagKey   = 128
	maxTagValue = 256
)

func checkTags(tags map[string]string) error {
	if len(tags) > maxTags {
		return invalid("Number of tags exceeds resource tag limit.")
	}
	for k, v := range tags {
		switch {
		case k == "" || utf8.RuneCountInString(k) > maxTagKey:
			return invalid("Tag keys must have between 1 and %d characters", maxTagKey)
		case utf8.RuneCountInString(v) > maxTagValue:
			return invalid("Tag values must have at most %d characters", maxTagValue)
		case strings.HasPrefix(strings.ToLower(k), "aws:"):
			return invalid("Tag keys starting with 'aws:' are reserved for system use.")
		}
	}
	return nil
}

// ListTags lists the tags of a function.
func (s *Service) ListTags(ctx context.Context, in *lambda.ListTagsInput) (*lambda.ListTagsOutput, error) {
	tags, err := s.tagsOf(ctx, in.Resource)
	if err != nil {
		return nil, err
	}
	out := &lambda.ListTagsOutput{Tags: tags}
	if out.Tags == nil {
		out.Tags = map[string]string{}
	}
	return out, nil
}

// showTags returns the tags to a caller who may list them, or why it may not see them: GetFunction "returns tag data only if
// you have explicit allow permissions for lambda:ListTags" (API_GetFunction).
func (s *Service) showTags(ctx context.Context, f *Function) (map[string]string, *types.TagsError, error) {
	res, err := s.resourceOf(f.reference(), f)
	if err != nil {
		return nil, nil, err
	}
	may, err := s.deps.API.May(ctx, "lambda:ListTags", res)
	if err != nil {
		return nil, nil, fmt.Errorf("asking who may list tags: %w", err)
	}
	if may {
		return f.Tags, nil, nil
	}
	return nil, &types.TagsError{
		ErrorCode: aws.String("AccessDeniedException"),
		Message:   aws.String("User: " + api.CallerOf(ctx).Principal.ARN + " is not authorized to perform: lambda:ListTags on resource: " + res.ARN),
	}, nil
}

// TagResource adds tags, or changes their values.
func (s *Service) TagResource(ctx context.Context, in *lambda.TagResourceInput) (*lambda.TagResourceOutput, error) {
	if err := s.onlyFunction(ctx, in.Resource); err != nil {
		return nil, err
	}
	return &lambda.TagResourceOutput{}, s.retag(ctx, in.Resource, func(tags map[string]string) { maps.Copy(tags, in.Tags) })
}

// UntagResource removes tags. Those that are not there are no error.
func (s *Service) UntagResource(ctx context.Context, in *lambda.UntagResourceInput) (*lambda.UntagResourceOutput, error) {
	if err := s.onlyFunction(ctx, in.Resource); err != nil {
		return nil, err
	}
	return &lambda.UntagResourceOutput{}, s.retag(ctx, in.Resource, func(tags map[string]string) {
		for _, k := range in.TagKeys {
			delete(tags, k)
		}
	})
}

// onlyFunction refuses to tag a version: tags belong to the function.
func (s *Service) onlyFunction(ctx context.Context, name *string) error {
	if _, ok := signingPlaceOf(aws.ToString(name)); ok {
		return nil
	}
	ref, err := refer(ctx, name, nil)
	if err != nil {
		return err
	}
	if ref.Qualifier != "" {
		return invalid("Tags on function aliases and versions are not supported. Please specify either a function ARN, an event source mapping ARN or a code signing config ARN. Resource: %s",
			aws.ToString(name))
	}
	return nil
}
