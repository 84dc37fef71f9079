package iam_test

import (
	"archive/zip"
	"bytes"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
)

func emptyPackage(t *testing.T) []byte {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	_, err := w.Create("bootstrap")
	must(t, err)
	must(t, w.Close())
	return b.Bytes()
}

func TestAFunctionPolicyIsBoundToTheRoleNotToItsName(t *testing.T) {
	w := start(t)
	ctx, f := t.Context(), aws.String("f")
	execution := *w.role("execution", strings.Replace(trusting("x"), `"AWS":"x"`, `"Service":"lambda.amazonaws.com"`, 1)).Role.Arn
	admin := lambda.NewFromConfig(w.cfg)
	_, err := admin.CreateFunction(ctx, &lambda.CreateFunctionInput{
		FunctionName: f, Runtime: types.RuntimeProvidedal2023, Handler: aws.String("x"), Role: &execution, Code: &types.FunctionCode{ZipFile: emptyPackage(t)},
	})
	must(t, err)
	permit := func(sid, principal string) (*lambda.AddPermissionOutput, error) {
		return admin.AddPermission(ctx, &lambda.AddPermissionInput{FunctionName: f, StatementId: &sid, Action: aws.String("lambda:GetPolicy"), Principal: &principal})
	}
	shown := func() string {
		out, err := admin.GetPolicy(ctx, &lambda.GetPolicyInput{FunctionName: f})
		must(t, err)
		return *out.Policy
	}
	asRole := func(arn string) error {
		cfg, err := assume(ctx, w.cfg, arn)
		must(t, err)
		_, err = lambda.NewFromConfig(cfg).GetPolicy(ctx, &lambda.GetPolicyInput{FunctionName: f})
		return err
	}

	const invalid = "The provided principal was invalid. Please check the principal and try again."
	for _, none := range []string{w.arn("role/none"), w.arn("user/none"), w.arn("role/path/execution")} {
		_, err = permit("none", none)
		refused(t, err, "InvalidParameterValueException", invalid)
	}
	role := w.role("r", trusting(w.arn("root"))).Role
	added, err := permit("one", *role.Arn)
	must(t, err)
	if !strings.Contains(*added.Statement, `{"AWS":"`+*role.Arn+`"}`) || !strings.Contains(shown(), *role.Arn) {
		t.Errorf("statement is %s, shown as %s", *added.Statement, shown())
	}
	must(t, asRole(*role.Arn))

	_, err = w.DeleteRole(ctx, &iam.DeleteRoleInput{RoleName: aws.String("r")})
	must(t, err)
	w.role("r", trusting(w.arn("root")))
	refused(t, asRole(*role.Arn), "AccessDeniedException", "")
	if text := shown(); !strings.Contains(text, *role.RoleId) || strings.Contains(text, *role.Arn) {
		t.Errorf("policy does not show who is gone: %s", text)
	}
	_, err = permit("two", *role.Arn)
	refused(t, err, "InvalidParameterValueException", invalid)
	_, err = admin.RemovePermission(ctx, &lambda.RemovePermissionInput{FunctionName: f, StatementId: aws.String("one")})
	must(t, err)
	_, err = permit("two", *role.Arn)
	must(t, err)
	must(t, asRole(*role.Arn))
}
