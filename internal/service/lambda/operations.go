package lambda

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/service/lambda"

	"redoubt/internal/api"
)

// Operations implements api.Service.
func (s *Service) Operations() []api.Operation {
	function, role := api.On(s.function), api.On(s.role)
	signing, tagged := api.On(s.signingConfig), api.On(s.tagged)
	passed := role("Role").For("iam:PassRole").To(principal)
	used := api.On(s.layerVersion)("Layers").For("lambda:GetLayerVersion").Used()
	return dated([]api.Operation{
		api.Op(s.AddLayerVersionPermission, api.Of(func(ctx context.Context, in *lambda.AddLayerVersionPermissionInput) (api.Resource, error) {
			return s.numbered(ctx, in.LayerName, in.VersionNumber)
		})),
		api.Op(s.AddPermission, api.Of(func(ctx context.Context, in *lambda.AddPermissionInput) (api.Resource, error) {
			return s.qualified(ctx, in.FunctionName, in.Qualifier)
		}).With(permissionKeys)),
		api.Op(s.CreateAlias, function("FunctionName")),
		api.Op(s.CreateCodeSigningConfig, signing(""),
			signing("").For("lambda:TagResource").When(func(in any) bool { return len(in.(*lambda.CreateCodeSigningConfigInput).Tags) > 0 })),
		api.Op(s.CreateFunction, function("FunctionName").With(deployKeys), passed, used,
			function("FunctionName").For("lambda:TagResource").When(func(in any) bool { return len(in.(*lambda.CreateFunctionInput).Tags) > 0 })),
		api.Op(s.DeleteAlias, function("FunctionName")),
		api.Op(s.DeleteCodeSigningConfig, signing("CodeSigningConfigArn")),
		api.Op(s.DeleteFunction, api.Of(func(ctx context.Context, in *lambda.DeleteFunctionInput) (api.Resource, error) {
			return s.qualified(ctx, in.FunctionName, in.Qualifier)
		})),
		api.Op(s.DeleteFunctionCodeSigningConfig, function("FunctionName")),
		api.Op(s.DeleteFunctionConcurrency, function("FunctionName")),
		api.Op(s.DeleteLayerVersion, api.Of(func(ctx context.Context, in *lambda.DeleteLayerVersionInput) (api.Resource, error) {
			return s.numbered(ctx, in.LayerName, in.VersionNumber)
		})),
		api.Op(s.DeleteProvisionedConcurrencyConfig, api.Of(func(ctx context.Context, in *lambda.DeleteProvisionedConcurrencyConfigInput) (api.Resource, error) {
			return s.qualified(ctx, in.FunctionName, in.Qualifier)
		})),
		api.Op(s.GetAccountSettings, api.Anything),
		api.Op(s.GetAlias, function("FunctionName")),
		api.Op(s.GetCodeSigningConfig, signing("CodeSigningConfigArn")),
		api.Op(s.GetFunction, api.Of(func(ctx context.Context, in *lambda.GetFunctionInput) (api.Resource, error) {
			return s.qualified(ctx, in.FunctionName, in.Qualifier)
		})),
		api.Op(s.GetFunctionCodeSigningConfig, function("FunctionName")),
		api.Op(s.GetFunctionConcurrency, function("FunctionName")),
		api.Op(s.GetFunctionConfiguration, api.Of(func(ctx context.Context, in *lambda.GetFunctionConfigurationInput) (api.Resource, error) {
			return s.qualified(ctx, in.FunctionName, in.Qualifier)
		})),
		api.Op(s.GetFunctionRecursionConfig, function("FunctionName")),
		api.Op(s.GetLayerVersion, api.Of(func(ctx context.Context, in *lambda.GetLayerVersionInput) (api.Resource, error) {
			return s.numbered(ctx, in.LayerName, in.VersionNumber)
		})),
		api.Op(s.GetLayerVersionByArn, api.On(s.layerVersion)("Arn").For("lambda:GetLayerVersion")),
		api.Op(s.GetLayerVersionPolicy, api.Of(func(ctx context.Context, in *lambda.GetLayerVersionPolicyInput) (api.Resource, error) {
			return s.numbered(ctx, in.LayerName, in.VersionNumber)
		})),
		api.Op(s.GetPolicy, api.Of(func(ctx context.Context, in *lambda.GetPolicyInput) (api.Resource, error) {
			return s.qualified(ctx, in.FunctionName, in.Qualifier)
		})),
		api.Op(s.GetProvisionedConcurrencyConfig, api.Of(func(ctx context.Context, in *lambda.GetProvisionedConcurrencyConfigInput) (api.Resource, error) {
			return s.qualified(ctx, in.FunctionName, in.Qualifier)
		})),
		api.Op(s.GetRuntimeManagementConfig, api.Of(func(ctx context.Context, in *lambda.GetRuntimeManagementConfigInput) (api.Resource, error) {
			return s.qualified(ctx, in.FunctionName, in.Qualifier)
		})),
		api.Op(s.Invoke, api.Of(func(ctx context.Context, in *lambda.InvokeInput) (api.Resource, error) {
			return s.qualified(ctx, in.FunctionName, in.Qualifier)
		}).For("lambda:InvokeFunction")).Data(),
		api.Op(s.InvokeWithResponseStream, api.Of(func(ctx context.Context, in *lambda.InvokeWithResponseStreamInput) (api.Resource, error) {
			return s.qualified(ctx, in.FunctionName, in.Qualifier)
		}).For("lambda:InvokeFunction")).Data(),
		api.Op(s.ListAliases, function("FunctionName")),
		api.Op(s.ListCodeSigningConfigs, api.Anything),
		api.Op(s.ListFunctions, api.Anything),
		api.Op(s.ListFunctionsByCodeSigningConfig, signing("CodeSigningConfigArn")),
		api.Op(s.ListLayerVersions, api.Of(func(ctx context.Context, in *lambda.ListLayerVersionsInput) (api.Resource, error) {
			return s.ownLayers(ctx, in.LayerName)
		})),
		api.Op(s.ListLayers, api.Anything),
		api.Op(s.ListProvisionedConcurrencyConfigs, function("FunctionName")),
		api.Op(s.ListTags, tagged("Resource")),
		api.Op(s.ListVersionsByFunction, function("FunctionName")),
		api.Op(s.PublishLayerVersion, api.On(s.layer)("LayerName")),
		api.Op(s.PublishVersion, function("FunctionName")),
		api.Op(s.PutFunctionCodeSigningConfig, function("FunctionName").With(signingKeys), signing("CodeSigningConfigArn").With(signingKeys)),
		api.Op(s.PutFunctionConcurrency, function("FunctionName")),
		api.Op(s.PutFunctionRecursionConfig, function("FunctionName")),
		api.Op(s.PutProvisionedConcurrencyConfig, api.Of(func(ctx context.Context, in *lambda.PutProvisionedConcurrencyConfigInput) (api.Resource, error) {
			return s.qualified(ctx, in.FunctionName, in.Qualifier)
		})),
		api.Op(s.PutRuntimeManagementConfig, api.Of(func(ctx context.Context, in *lambda.PutRuntimeManagementConfigInput) (api.Resource, error) {
			return s.qualified(ctx, in.FunctionName, in.Qualifier)
		})),
		api.Op(s.RemoveLayerVersionPermission, api.Of(func(ctx context.Context, in *lambda.RemoveLayerVersionPermissionInput) (api.Resource, error) {
			return s.numbered(ctx, in.LayerName, in.VersionNumber)
		})),
		api.Op(s.RemovePermission, api.Of(func(ctx context.Context, in *lambda.RemovePermissionInput) (api.Resource, error) {
			return s.qualified(ctx, in.FunctionName, in.Qualifier)
		}).With(s.removedKeys)),
		api.Op(s.TagResource, tagged("Resource")),
		api.Op(s.UntagResource, tagged("Resource")),
		api.Op(s.UpdateAlias, function("FunctionName")),
		api.Op(s.UpdateCodeSigningConfig, signing("CodeSigningConfigArn")),
		api.Op(s.UpdateFunctionCode, function("FunctionName")),
		api.Op(s.UpdateFunctionConfiguration, function("FunctionName").With(deployKeys), passed, used),
	})
}

// The condition keys of the operations are in guard.go.
