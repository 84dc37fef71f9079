package lambda

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"

	"redoubt/internal/api"
	"redoubt/internal/policy"
)

// Operations implements api.Service.
func (s *Service) Operations() []api.Operation {
	function, role := api.On(s.function), api.On(s.role)
	passed := role("Role").For("iam:PassRole").To(principal)
	return dated([]api.Operation{
		api.Op(s.AddPermission, api.Of(func(ctx context.Context, in *lambda.AddPermissionInput) (api.Resource, error) {
			return s.qualified(ctx, in.FunctionName, in.Qualifier)
		}).With(permissionKeys)),
		api.Op(s.CreateAlias, function("FunctionName")),
		api.Op(s.CreateFunction, function("FunctionName"), passed,
			function("FunctionName").For("lambda:TagResource").When(func(in any) bool { return len(in.(*lambda.CreateFunctionInput).Tags) > 0 })),
		api.Op(s.DeleteAlias, function("FunctionName")),
		api.Op(s.DeleteFunction, api.Of(func(ctx context.Context, in *lambda.DeleteFunctionInput) (api.Resource, error) {
			return s.qualified(ctx, in.FunctionName, in.Qualifier)
		})),
		api.Op(s.DeleteFunctionConcurrency, function("FunctionName")),
		api.Op(s.DeleteProvisionedConcurrencyConfig, api.Of(func(ctx context.Context, in *lambda.DeleteProvisionedConcurrencyConfigInput) (api.Resource, error) {
			return s.qualified(ctx, in.FunctionName, in.Qualifier)
		})),
		api.Op(s.GetAccountSettings, api.Anything),
		api.Op(s.GetAlias, function("FunctionName")),
		api.Op(s.GetFunction, api.Of(func(ctx context.Context, in *lambda.GetFunctionInput) (api.Resource, error) {
			return s.qualified(ctx, in.FunctionName, in.Qualifier)
		})),
		api.Op(s.GetFunctionCodeSigningConfig, function("FunctionName")),
		api.Op(s.GetFunctionConcurrency, function("FunctionName")),
		api.Op(s.GetFunctionConfiguration, api.Of(func(ctx context.Context, in *lambda.GetFunctionConfigurationInput) (api.Resource, error) {
			return s.qualified(ctx, in.FunctionName, in.Qualifier)
		})),
		api.Op(s.GetPolicy, api.Of(func(ctx context.Context, in *lambda.GetPolicyInput) (api.Resource, error) {
			return s.qualified(ctx, in.FunctionName, in.Qualifier)
		})),
		api.Op(s.GetProvisionedConcurrencyConfig, api.Of(func(ctx context.Context, in *lambda.GetProvisionedConcurrencyConfigInput) (api.Resource, error) {
			return s.qualified(ctx, in.FunctionName, in.Qualifier)
		})),
		api.Op(s.Invoke, api.Of(func(ctx context.Context, in *lambda.InvokeInput) (api.Resource, error) {
			return s.qualified(ctx, in.FunctionName, in.Qualifier)
		}).For("lambda:InvokeFunction")).Data(),
		api.Op(s.ListAliases, function("FunctionName")),
		api.Op(s.ListFunctions, api.Anything),
		api.Op(s.ListProvisionedConcurrencyConfigs, function("FunctionName")),
		api.Op(s.ListTags, function("Resource")),
		api.Op(s.ListVersionsByFunction, function("FunctionName")),
		api.Op(s.PublishVersion, function("FunctionName")),
		api.Op(s.PutFunctionConcurrency, function("FunctionName")),
		api.Op(s.PutProvisionedConcurrencyConfig, api.Of(func(ctx context.Context, in *lambda.PutProvisionedConcurrencyConfigInput) (api.Resource, error) {
			return s.qualified(ctx, in.FunctionName, in.Qualifier)
		})),
		api.Op(s.RemovePermission, api.Of(func(ctx context.Context, in *lambda.RemovePermissionInput) (api.Resource, error) {
			return s.qualified(ctx, in.FunctionName, in.Qualifier)
		})),
		api.Op(s.TagResource, function("Resource")),
		api.Op(s.UntagResource, function("Resource")),
		api.Op(s.UpdateAlias, function("FunctionName")),
		api.Op(s.UpdateFunctionCode, function("FunctionName")),
		api.Op(s.UpdateFunctionConfiguration, function("FunctionName"), passed),
	})
}

// permissionKeys are lambda:Principal and lambda:FunctionUrlAuthType of AddPermission.
// https://docs.aws.amazon.com/service-authorization/latest/reference/list_awslambda.html#awslambda-policy-keys
func permissionKeys(_ context.Context, in any) policy.MapKeys {
	p := in.(*lambda.AddPermissionInput)
	keys := policy.MapKeys{"lambda:principal": {aws.ToString(p.Principal)}}
	if p.FunctionUrlAuthType != "" {
		keys["lambda:functionurlauthtype"] = []string{string(p.FunctionUrlAuthType)}
	}
	return keys
}
