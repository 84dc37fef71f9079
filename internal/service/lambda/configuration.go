package lambda

import (
	"context"
	"encoding/base64"
	"runtime"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
)

// modifiedForm is how Lambda writes LastModified.
const modifiedForm = "2006-01-02T15:04:05.000-0700"

// describe returns the configuration as the caller may see it: environment variables only with kms:Decrypt.
func (s *Service) describe(ctx context.Context, f *Function, ref reference) (*types.FunctionConfiguration, error) {
	env, err := s.showEnvironment(ctx, f)
	if err != nil {
		return nil, err
	}
	c := f.configuration(ref)
	c.Environment, c.RuntimeVersionConfig = env, s.runtimeVersion(f)
	return c, nil
}

func (f *Function) configuration(ref reference) *types.FunctionConfiguration {
	c := &types.FunctionConfiguration{
		FunctionName: aws.String(f.Name), FunctionArn: aws.String(ref.String()), Version: aws.String(f.Version),
		Description: aws.String(f.Description), Role: aws.String(f.Role), Runtime: f.Runtime, Handler: optional(f.Handler),
		MemorySize: aws.Int32(f.Memory), Timeout: aws.Int32(f.Timeout), KMSKeyArn: optional(f.KMSKey),
		CodeSha256: aws.String(base64.StdEncoding.EncodeToString(f.Code.SHA256)), CodeSize: f.Code.Size,
		LastModified: aws.String(f.Modified.Format(modifiedForm)), RevisionId: aws.String(f.Revision),
		State: types.StateActive, LastUpdateStatus: types.LastUpdateStatusSuccessful,
		PackageType: types.PackageTypeZip, Architectures: []types.Architecture{hostArchitecture()},
		EphemeralStorage: &types.EphemeralStorage{Size: aws.Int32(f.Storage)},
		TracingConfig:    &types.TracingConfigResponse{Mode: types.TracingModePassThrough},
		SnapStart: &types.SnapStartResponse{
			ApplyOn: types.SnapStartApplyOnNone, OptimizationStatus: types.SnapStartOptimizationStatusOff,
		},
		Layers:        f.layerList(),
		TenancyConfig: f.tenancy(),
		LoggingConfig: f.loggingConfig(),

		SigningProfileVersionArn: f.Code.Signature.profile(), SigningJobArn: f.Code.Signature.job(),
	}
	return c
}

// hostArchitecture is the one that functions can have here: they run on the processor itself.
func hostArchitecture() types.Architecture {
	if runtime.GOARCH == "arm64" {
		return types.ArchitectureArm64
	}
	return types.ArchitectureX8664
}

func optional(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

// configurationFields gives a configuration the form in which CreateFunction, the updates, and GetFunctionConfiguration
// return it: the same fields, outside of a structure.
func configurationFields(c *types.FunctionConfiguration) lambda.GetFunctionConfigurationOutput {
	return lambda.GetFunctionConfigurationOutput{
		Architectures: c.Architectures, CodeSha256: c.CodeSha256, CodeSize: c.CodeSize, Description: c.Description,
		Environment: c.Environment, EphemeralStorage: c.EphemeralStorage, FunctionArn: c.FunctionArn, FunctionName: c.FunctionName,
		Handler: c.Handler, KMSKeyArn: c.KMSKeyArn, LastModified: c.LastModified, LastUpdateStatus: c.LastUpdateStatus, Layers: c.Layers,
		LoggingConfig: c.LoggingConfig, MemorySize: c.MemorySize, PackageType: c.PackageType, RevisionId: c.RevisionId, Role: c.Role,
		Runtime: c.Runtime, RuntimeVersionConfig: c.RuntimeVersionConfig, SnapStart: c.SnapStart, State: c.State, TenancyConfig: c.TenancyConfig,
		Timeout: c.Timeout, TracingConfig: c.TracingConfig, Version: c.Version,
		SigningProfileVersionArn: c.SigningProfileVersionArn, SigningJobArn: c.SigningJobArn,
	}
}
