package lambda

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
)

// ListVersionsByFunction lists $LATEST: nothing can be published yet.
func (s *Service) ListVersionsByFunction(ctx context.Context, in *lambda.ListVersionsByFunctionInput) (*lambda.ListVersionsByFunctionOutput, error) {
	out := &lambda.ListVersionsByFunctionOutput{Versions: []types.FunctionConfiguration{}}
	f, ref, err := s.find(ctx, in.FunctionName, nil)
	if err != nil {
		return nil, err
	}
	after, err := readMarker(in.Marker)
	if err != nil || after != "" {
		return out, err
	}
	ref.Qualifier = latest
	c, err := s.describe(ctx, f, ref)
	if err != nil {
		return nil, err
	}
	out.Versions = append(out.Versions, *c)
	return out, nil
}

// ListAliases lists none: aliases point at published versions.
func (s *Service) ListAliases(ctx context.Context, in *lambda.ListAliasesInput) (*lambda.ListAliasesOutput, error) {
	if _, _, err := s.find(ctx, in.FunctionName, nil); err != nil {
		return nil, err
	}
	return &lambda.ListAliasesOutput{Aliases: []types.AliasConfiguration{}}, nil
}

// GetFunctionCodeSigningConfig tells that no code signing is configured, which is so for every function yet.
func (s *Service) GetFunctionCodeSigningConfig(ctx context.Context, in *lambda.GetFunctionCodeSigningConfigInput) (*lambda.GetFunctionCodeSigningConfigOutput, error) {
	f, _, err := s.find(ctx, in.FunctionName, nil)
	if err != nil {
		return nil, err
	}
	return &lambda.GetFunctionCodeSigningConfigOutput{FunctionName: aws.String(f.Name)}, nil
}
