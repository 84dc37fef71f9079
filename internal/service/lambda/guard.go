package lambda

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"

	"redoubt/internal/policy"
	"redoubt/internal/store"
)

// The condition keys of Lambda's operations. Those of networks (lambda:VpcIds, lambda:SubnetIds, lambda:SecurityGroupIds) have
// no value, as functions have no network of their own yet; lambda:SourceFunctionArn comes with who calls (package api).
// https://docs.aws.amazon.com/service-authorization/latest/reference/list_awslambda.html#awslambda-policy-keys

// deployKeys are lambda:Layer and lambda:CodeSigningConfigArn of CreateFunction and UpdateFunctionConfiguration.
func deployKeys(ctx context.Context, in any) policy.MapKeys {
	keys := policy.MapKeys{}
	var layers []string
	switch in := in.(type) {
	case *lambda.CreateFunctionInput:
		layers = in.Layers
		if c := aws.ToString(in.CodeSigningConfigArn); c != "" {
			keys["lambda:codesigningconfigarn"] = []string{c}
		}
	case *lambda.UpdateFunctionConfigurationInput:
		layers = in.Layers
	}
	for _, name := range layers { // by the one name that a policy can speak of
		keys["lambda:layer"] = append(keys["lambda:layer"], referLayer(ctx, &name, 0).String())
	}
	return keys
}

// permissionKeys are lambda:Principal and lambda:FunctionUrlAuthType of AddPermission.
func permissionKeys(_ context.Context, in any) policy.MapKeys {
	p := in.(*lambda.AddPermissionInput)
	return whomKeys(aws.ToString(p.Principal), string(p.FunctionUrlAuthType))
}

// removedKeys are the same of RemovePermission: those of the statement that goes.
func (s *Service) removedKeys(ctx context.Context, in any) policy.MapKeys {
	p := in.(*lambda.RemovePermissionInput)
	ref, err := refer(ctx, p.FunctionName, p.Qualifier)
	if err != nil {
		return nil
	}
	var f Function
	err = s.deps.DB.View(ctx, func(tx *store.Tx) error {
		f, _, err = s.functions.Get(tx, ref.Account, ref.Region, ref.Name)
		return err
	})
	if err != nil {
		return nil
	}
	for _, st := range f.Statements[ref.Qualifier] {
		if st.Sid == aws.ToString(p.StatementId) {
			return whomKeys(st.principal(), st.value("lambda:FunctionUrlAuthType"))
		}
	}
	return nil
}

func whomKeys(principal, authType string) policy.MapKeys {
	keys := policy.MapKeys{"lambda:principal": {principal}}
	if authType != "" {
		keys["lambda:functionurlauthtype"] = []string{authType}
	}
	return keys
}

// principal is whom the statement is for, as AddPermission was told, but that an account may have been given as its ARN.
func (s *Statement) principal() string {
	switch {
	case s.Service != "":
		return s.Service
	case s.AWS != "":
		return s.AWS
	}
	return "*"
}

// value is what a condition of the statement compares a key with.
func (s *Statement) value(key string) string {
	for _, c := range s.Conditions {
		if c.Key == key {
			return c.Value
		}
	}
	return ""
}
