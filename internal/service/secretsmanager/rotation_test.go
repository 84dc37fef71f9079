package secretsmanager_test

import (
	"archive/zip"
	"bytes"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	lambdatypes "github.com/aws/aws-sdk-go-v2/service/lambda/types"
	sdk "github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager/types"
)

// rotator makes a function that takes the four steps, as a role that may use the secrets that it rotates and no others.
func (p *principal) rotator(t *testing.T, name string, env map[string]string) string {
	t.Helper()
	out, err := exec.Command("python3", "-c", "import sys; print('python%d.%d' % sys.version_info[:2])").Output()
	if err != nil {
		t.Skip("there is no python3 on PATH")
	}
	arn := "arn:aws:lambda:us-east-1:" + p.account + ":function:" + name
	c := iam.NewFromConfig(p.cfg)
	role, err := c.CreateRole(ctx, &iam.CreateRoleInput{RoleName: &name, AssumeRolePolicyDocument: ptr(document(
		`{"Effect":"Allow","Principal":{"Service":"lambda.amazonaws.com"},"Action":"sts:AssumeRole"}`))})
	must(t, err)
	_, err = c.PutRolePolicy(ctx, &iam.PutRolePolicyInput{RoleName: &name, PolicyName: ptr("p"), PolicyDocument: ptr(document(
		`{"Effect":"Allow","Action":["secretsmanager:DescribeSecret","secretsmanager:GetSecretValue","secretsmanager:PutSecretValue",` +
			`"secretsmanager:UpdateSecretVersionStage"],"Resource":"*","Condition":{"StringEquals":{"secretsmanager:resource/AllowRotationLambdaArn":"` + arn + `"}}},` +
			`{"Effect":"Allow","Action":["secretsmanager:GetRandomPassword","logs:*"],"Resource":"*"}`))})
	must(t, err)
	_, err = lambda.NewFromConfig(p.cfg).CreateFunction(ctx, &lambda.CreateFunctionInput{
		FunctionName: &name, Role: role.Role.Arn, Handler: ptr("app.handler"), Runtime: lambdatypes.Runtime(strings.TrimSpace(string(out))),
		Timeout: ptr[int32](60), Code: &lambdatypes.FunctionCode{ZipFile: rotatorZip(t)}, Environment: &lambdatypes.Environment{Variables: env},
	})
	must(t, err)
	return arn
}

func rotatorZip(t *testing.T) []byte {
	t.Helper()
	code, err := os.ReadFile("testdata/rotator/app.py")
	must(t, err)
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	f, err := w.Create("app.py")
	must(t, err)
	f.Write(code)
	must(t, w.Close())
	return b.Bytes()
}

// let gives Secrets Manager the permission to invoke a function for the secrets of this account.
func (p *principal) let(t *testing.T, function string) {
	t.Helper()
	_, err := lambda.NewFromConfig(p.cfg).AddPermission(ctx, &lambda.AddPermissionInput{
		FunctionName: &function, StatementId: ptr("rotation"), Action: ptr("lambda:InvokeFunction"),
		Principal: ptr("secretsmanager.amazonaws.com"), SourceAccount: &p.account,
	})
	must(t, err)
}

func (p *principal) rotate(id, function string, rules *types.RotationRulesType, now bool) error {
	_, err := p.RotateSecret(ctx, &sdk.RotateSecretInput{SecretId: &id, RotationLambdaARN: &function, RotationRules: rules, RotateImmediately: &now})
	return err
}

// until waits for what happens in the background.
func until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.After(2 * time.Minute); !ok(); {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("it has not happened that %s", what)
		}
	}
}

func (p *principal) describe(t *testing.T, id string) *sdk.DescribeSecretOutput {
	t.Helper()
	out, err := p.DescribeSecret(ctx, &sdk.DescribeSecretInput{SecretId: &id})
	must(t, err)
	return out
}

func TestFunctionRotatesASecret(t *testing.T) {
	p := start(t)
	p.create(t, "x", "first")
	f := p.rotator(t, "rotator", nil)
	rules := &types.RotationRulesType{ScheduleExpression: ptr("cron(0 8/8 * * ? *)"), Duration: ptr("2h")}
	refused(t, p.rotate("x", f, rules, true), "AccessDeniedException", "Secrets Manager cannot invoke the specified Lambda function. "+
		"Ensure that the function policy grants access to the principal secretsmanager.amazonaws.com.")
	if p.describe(t, "x").RotationEnabled != nil {
		t.Error("a refused request has set up rotation")
	}
	p.let(t, f)
	must(t, p.rotate("x", f, rules, true))
	until(t, "the secret has a new value", func() bool { return p.describe(t, "x").LastRotatedDate != nil })
	if value, err := p.get("x"); err != nil || len(value) != 40 {
		t.Errorf("the secret is %q, %v", value, err)
	}
	out, err := p.GetSecretValue(ctx, &sdk.GetSecretValueInput{SecretId: ptr("x"), VersionStage: ptr("AWSPREVIOUS")})
	must(t, err)
	if *out.SecretString != "first" {
		t.Errorf("it was %q", *out.SecretString)
	}
	x := p.describe(t, "x")
	if !*x.RotationEnabled || *x.RotationLambdaARN != f || len(x.VersionIdsToStages) != 2 {
		t.Errorf("described as %+v", x)
	}
	if next := x.NextRotationDate.UTC(); next.Minute() != 59 || next.Second() != 59 || next.Hour() != 9 && next.Hour() != 17 || next.Before(time.Now()) {
		t.Errorf("it is rotated next until %s", next)
	}
	// A second rotation does all again, with the same configuration.
	first := *x.LastRotatedDate
	_, err = p.RotateSecret(ctx, &sdk.RotateSecretInput{SecretId: ptr("x")})
	must(t, err)
	until(t, "the secret is rotated again", func() bool { return p.describe(t, "x").LastRotatedDate.After(first) })
	_, err = p.CancelRotateSecret(ctx, &sdk.CancelRotateSecretInput{SecretId: ptr("x")})
	must(t, err)
	if x := p.describe(t, "x"); *x.RotationEnabled || x.NextRotationDate != nil || x.RotationRules == nil {
		t.Errorf("after it is cancelled: %+v", x)
	}
}

func TestRotationIsTestedWithoutRotating(t *testing.T) {
	p := start(t)
	p.create(t, "x", "first")
	f := p.rotator(t, "rotator", nil)
	p.let(t, f)
	must(t, p.rotate("x", f, &types.RotationRulesType{AutomaticallyAfterDays: ptr[int64](30)}, false))
	until(t, "the test has ended", func() bool { return len(p.describe(t, "x").VersionIdsToStages) == 1 })
	p.holds(t, "x", "first")
	x := p.describe(t, "x")
	if x.LastRotatedDate != nil || *x.RotationRules.AutomaticallyAfterDays != 30 {
		t.Errorf("described as %+v", x)
	}
	if days := time.Until(*x.NextRotationDate).Hours() / 24; days < 29 || days > 31 {
		t.Errorf("it is rotated next in %.1f days", days)
	}
}

func TestFailedRotationChangesNothingAndBlocksTheNext(t *testing.T) {
	p := start(t)
	p.create(t, "x", "first")
	f := p.rotator(t, "rotator", map[string]string{"FAILS": "1"})
	p.let(t, f)
	must(t, p.rotate("x", f, nil, true))
	pending := func() bool {
		_, err := p.GetSecretValue(ctx, &sdk.GetSecretValueInput{SecretId: ptr("x"), VersionStage: ptr("AWSPENDING")})
		return err == nil
	}
	until(t, "the pending version has a value", pending)
	p.holds(t, "x", "first")
	refused(t, p.rotate("x", f, nil, true), "InvalidRequestException", "A previous rotation isn't complete. That rotation will be reattempted.")
	stuck, err := p.GetSecretValue(ctx, &sdk.GetSecretValueInput{SecretId: ptr("x"), VersionStage: ptr("AWSPENDING")})
	must(t, err)
	must(t, p.move("x", "AWSPENDING", stuck.VersionId, nil)) // ends it
	must(t, p.rotate("x", f, nil, true))
	until(t, "the next pending version has a value", pending) // the function has done what it can
	p.put(t, "x", "z", "mine")                                // so does this
	if got := p.stages(t, "x"); len(got) != 2 || got["z"] != "AWSCURRENT" {
		t.Errorf("the labels are %v", got)
	}
	_, err = lambda.NewFromConfig(p.cfg).UpdateFunctionConfiguration(ctx, &lambda.UpdateFunctionConfigurationInput{
		FunctionName: &f, Environment: &lambdatypes.Environment{Variables: map[string]string{}},
	})
	must(t, err)
	must(t, p.rotate("x", f, nil, true))
	until(t, "the secret is rotated", func() bool { return p.describe(t, "x").LastRotatedDate != nil })
}

func TestRotationThatCannotBeIsRefused(t *testing.T) {
	p := start(t)
	p.create(t, "x", "first")
	_, err := p.RotateSecret(ctx, &sdk.RotateSecretInput{SecretId: ptr("x")})
	refused(t, err, "InvalidRequestException", "No Lambda rotation function ARN is associated with this secret.")
	f := "arn:aws:lambda:us-east-1:" + p.account + ":function:none"
	for _, rules := range []types.RotationRulesType{
		{AutomaticallyAfterDays: ptr[int64](1), ScheduleExpression: ptr("rate(1 day)")}, {Duration: ptr("2h")}, {ScheduleExpression: ptr("rate(3 hours)")},
		{ScheduleExpression: ptr("rate(4 hours)"), Duration: ptr("5h")}, {ScheduleExpression: ptr("cron(0 20 * * ? *)"), Duration: ptr("5h")},
	} {
		refused(t, p.rotate("x", f, &rules, true), "InvalidParameterException", "")
	}
	refused(t, p.rotate("x", f, nil, true), "AccessDeniedException", "")
	u := p.user(t, "u", anything)
	refused(t, u.rotate("x", f, nil, true), "AccessDeniedException", "User: "+u.arn()+" is not authorized to perform: lambda:InvokeFunction on resource: "+f+
		" because no identity-based policy allows the lambda:InvokeFunction action")
}

func (p *principal) arn() string {
	who, err := iam.NewFromConfig(p.cfg).GetUser(ctx, &iam.GetUserInput{})
	if err != nil {
		return "arn:aws:iam::" + p.account + ":user/u"
	}
	return aws.ToString(who.User.Arn)
}
