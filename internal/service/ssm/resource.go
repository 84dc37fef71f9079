package ssm

import (
	"context"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/aws-sdk-go-v2/service/ssm/types"

	"redoubt/internal/api"
	"redoubt/internal/policy"
	"redoubt/internal/store"
)

const parameterType = "AWS::SSM::Parameter"

// selected resolves a parameter by name or ARN, with or without a selector.
func (s *Service) selected(ctx context.Context, text string) (api.Resource, error) {
	r, _ := parse(ctx, text) // the operation says what is wrong with it
	return s.resource(ctx, r.place)
}

// named resolves a parameter by its name.
func (s *Service) named(ctx context.Context, text string) (api.Resource, error) {
	return s.resource(ctx, here(ctx, strings.TrimSpace(text)))
}

func (s *Service) resource(ctx context.Context, at place) (api.Resource, error) {
	res := api.Resource{ARN: at.arn(), Type: parameterType, Account: at.account}
	err := s.db.View(ctx, func(tx *store.Tx) error {
		p, _, err := s.parameters.Get(tx, at.key()...)
		res.Tags = p.Tags
		return err
	})
	return res, err
}

func (s *Service) tagging(ctx context.Context, in *sdk.AddTagsToResourceInput) (api.Resource, error) {
	return s.taggable(ctx, in.ResourceType, in.ResourceId)
}

func (s *Service) untagging(ctx context.Context, in *sdk.RemoveTagsFromResourceInput) (api.Resource, error) {
	return s.taggable(ctx, in.ResourceType, in.ResourceId)
}

func (s *Service) listing(ctx context.Context, in *sdk.ListTagsForResourceInput) (api.Resource, error) {
	return s.taggable(ctx, in.ResourceType, in.ResourceId)
}

// taggable resolves what tags are on. Only parameters are there.
func (s *Service) taggable(ctx context.Context, kind types.ResourceTypeForTagging, id *string) (api.Resource, error) {
	if kind != types.ResourceTypeForTaggingParameter {
		return api.Resource{ARN: "*"}, nil
	}
	return s.selected(ctx, aws.ToString(id))
}

// described is what DescribeParameters is about: all of an account's Systems Manager in a region.
func described(ctx context.Context, _ *sdk.DescribeParametersInput) (api.Resource, error) {
	c := api.CallerOf(ctx)
	return api.Resource{ARN: "arn:aws:ssm:" + c.Region + ":" + c.Account + ":*", Account: c.Account}, nil
}

// path is what GetParametersByPath is about: the path that is asked for, not the parameters under it
// (https://docs.aws.amazon.com/systems-manager/latest/userguide/ps-retrieval-authorization.html).
func path(ctx context.Context, in *sdk.GetParametersByPathInput) (api.Resource, error) {
	at := here(ctx, strings.TrimSpace(aws.ToString(in.Path)))
	return api.Resource{ARN: at.arn(), Type: parameterType, Account: at.account}, nil
}

func pathFacts(_ context.Context, in any) policy.MapKeys {
	return policy.MapKeys{"ssm:recursive": flag(aws.ToBool(in.(*sdk.GetParametersByPathInput).Recursive))}
}

func putFacts(_ context.Context, in any) policy.MapKeys {
	put := in.(*sdk.PutParameterInput)
	return policy.MapKeys{"ssm:overwrite": flag(aws.ToBool(put.Overwrite)), "ssm:policies": flag(put.Policies != nil)}
}

func flag(b bool) []string { return []string{strconv.FormatBool(b)} }

func bringsTags(in any) bool { return len(in.(*sdk.PutParameterInput).Tags) > 0 }
