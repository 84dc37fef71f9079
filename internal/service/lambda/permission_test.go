package lambda_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
)

func TestStatementsAreThoseOfAWS(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	arn := w.script("f")
	for i, c := range []struct {
		in   lambda.AddPermissionInput
		want string
	}{
		{lambda.AddPermissionInput{Principal: aws.String("s3.amazonaws.com"), SourceArn: aws.String("arn:aws:s3:::bucket"), SourceAccount: aws.String("111122223333")},
			`"Principal":{"Service":"s3.amazonaws.com"},"Action":"lambda:InvokeFunction","Resource":"<arn>","Condition":{"ArnLike":{"AWS:SourceArn":"arn:aws:s3:::bucket"},"StringEquals":{"AWS:SourceAccount":"111122223333"}}}`},
		{lambda.AddPermissionInput{Principal: aws.String("111122223333")},
			`"Principal":{"AWS":"arn:aws:iam::111122223333:root"},"Action":"lambda:InvokeFunction","Resource":"<arn>"}`},
		{lambda.AddPermissionInput{Principal: aws.String("*"), PrincipalOrgID: aws.String("o-0123456789")},
			`"Principal":"*","Action":"lambda:InvokeFunction","Resource":"<arn>","Condition":{"StringEquals":{"aws:PrincipalOrgID":"o-0123456789"}}}`},
		{lambda.AddPermissionInput{Principal: aws.String("alexa-appkit.amazon.com"), EventSourceToken: aws.String("token")},
			`"Principal":{"Service":"alexa-appkit.amazon.com"},"Action":"lambda:InvokeFunction","Resource":"<arn>","Condition":{"StringEquals":{"lambda:EventSourceToken":"token"}}}`},
		{lambda.AddPermissionInput{Principal: aws.String("*"), Action: aws.String("lambda:InvokeFunctionUrl"), FunctionUrlAuthType: types.FunctionUrlAuthTypeNone},
			`"Principal":"*","Action":"lambda:InvokeFunctionUrl","Resource":"<arn>","Condition":{"StringEquals":{"lambda:FunctionUrlAuthType":"NONE"}}}`},
	} {
		sid := fmt.Sprint("s", i)
		c.in.FunctionName, c.in.StatementId = aws.String("f"), &sid
		if c.in.Action == nil {
			c.in.Action = aws.String("lambda:InvokeFunction")
		}
		out, err := w.lambda.AddPermission(w.ctx, &c.in)
		w.must(err)
		if want := `{"Sid":"` + sid + `","Effect":"Allow",` + strings.ReplaceAll(c.want, "<arn>", arn); *out.Statement != want {
			t.Errorf("got  %s\nwant %s", *out.Statement, want)
		}
	}
}

// script makes a function that is never run, and returns its ARN.
func (w *world) script(name string) string {
	w.Helper()
	return *w.create(name, &lambda.CreateFunctionInput{
		Runtime: types.RuntimeProvidedal2023, Handler: aws.String("x"), Code: &types.FunctionCode{ZipFile: files{"bootstrap": "#!/bin/sh"}.zip()},
	}).FunctionArn
}

func TestPolicyComesAndGoes(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	arn := w.script("f")
	f := aws.String("f")
	_, err := w.lambda.GetPolicy(w.ctx, &lambda.GetPolicyInput{FunctionName: f})
	wantError(t, err, "ResourceNotFoundException", "The resource you requested does not exist.")
	add := func(sid, revision string) error {
		in := &lambda.AddPermissionInput{FunctionName: f, StatementId: &sid, Action: aws.String("lambda:InvokeFunction"), Principal: aws.String("sns.amazonaws.com")}
		if revision != "" {
			in.RevisionId = &revision
		}
		_, err := w.lambda.AddPermission(w.ctx, in)
		return err
	}
	w.must(add("one", ""))
	wantError(t, add("one", ""), "ResourceConflictException", "The statement id (one) provided already exists. Please provide a new statement id, or remove the existing statement.")
	wantError(t, add("two", "old"), "PreconditionFailedException", "The Revision Id provided does not match the latest Revision Id. Call the GetPolicy API to retrieve the latest Revision Id")
	got, err := w.lambda.GetPolicy(w.ctx, &lambda.GetPolicyInput{FunctionName: f})
	w.must(err)
	want := `{"Version":"2012-10-17","Id":"default","Statement":[{"Sid":"one","Effect":"Allow","Principal":{"Service":"sns.amazonaws.com"},"Action":"lambda:InvokeFunction","Resource":"` + arn + `"}]}`
	if *got.Policy != want {
		t.Errorf("got %s", *got.Policy)
	}
	w.must(add("two", *got.RevisionId))
	_, err = w.lambda.RemovePermission(w.ctx, &lambda.RemovePermissionInput{FunctionName: f, StatementId: aws.String("three")})
	wantError(t, err, "ResourceNotFoundException", "Statement three is not found in resource policy.")
	for _, sid := range []string{"one", "two"} {
		_, err = w.lambda.RemovePermission(w.ctx, &lambda.RemovePermissionInput{FunctionName: f, StatementId: &sid})
		w.must(err)
	}
	_, err = w.lambda.GetPolicy(w.ctx, &lambda.GetPolicyInput{FunctionName: f})
	wantError(t, err, "ResourceNotFoundException", "The resource you requested does not exist.")
}

func TestRefusedPermissions(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.script("f")
	for name, c := range map[string]struct {
		principal, action, auth, message string
	}{
		"principal":      {"nobody", "lambda:InvokeFunction", "", "The provided principal was invalid. Please check the principal and try again."},
		"URL auth type":  {"*", "lambda:InvokeFunction", "NONE", "FunctionUrlAuthType is only supported for lambda:InvokeFunctionUrl action"},
		"ARN of no user": {"arn:aws:s3:::bucket", "lambda:InvokeFunction", "", "The provided principal was invalid."},
	} {
		_, err := w.lambda.AddPermission(w.ctx, &lambda.AddPermissionInput{
			FunctionName: aws.String("f"), StatementId: aws.String("s"), Action: &c.action, Principal: &c.principal, FunctionUrlAuthType: types.FunctionUrlAuthType(c.auth),
		})
		t.Run(name, func(t *testing.T) { wantError(t, err, "InvalidParameterValueException", c.message) })
	}
	var err error
	for i := 0; err == nil && i < 200; i++ {
		_, err = w.lambda.AddPermission(w.ctx, &lambda.AddPermissionInput{
			FunctionName: aws.String("f"), StatementId: aws.String(fmt.Sprint("s", i)), Action: aws.String("lambda:InvokeFunction"), Principal: aws.String("s3.amazonaws.com"),
			SourceArn: aws.String("arn:aws:s3:::" + strings.Repeat("b", 500)),
		})
	}
	wantError(t, err, "PolicyLengthExceededException", "is bigger than the limit (20480).")
}

func TestOnlyWhoMayInvokesAFunction(t *testing.T) {
	needs(t, "python3")
	t.Parallel()
	w := newWorld(t)
	arn := *w.create("f", python(echoPython)).FunctionArn
	nobody := lambda.NewFromConfig(w.user("nobody", ""))
	somebody := lambda.NewFromConfig(w.user("somebody", `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"lambda:InvokeFunction","Resource":"`+arn+`"}]}`))
	_, err := nobody.Invoke(w.ctx, &lambda.InvokeInput{FunctionName: &arn})
	wantError(t, err, "AccessDeniedException", "User: arn:aws:iam::"+w.account+":user/nobody is not authorized to perform: lambda:InvokeFunction on resource: "+arn)
	_, err = nobody.Invoke(w.ctx, &lambda.InvokeInput{FunctionName: aws.String("none")})
	wantError(t, err, "AccessDeniedException", "is not authorized to perform: lambda:InvokeFunction")
	_, err = somebody.Invoke(w.ctx, &lambda.InvokeInput{FunctionName: &arn})
	w.must(err)
	_, err = somebody.Invoke(w.ctx, &lambda.InvokeInput{FunctionName: &arn, Qualifier: aws.String("$LATEST")})
	wantError(t, err, "AccessDeniedException", arn+":$LATEST")
	_, err = somebody.GetFunction(w.ctx, &lambda.GetFunctionInput{FunctionName: &arn})
	wantError(t, err, "AccessDeniedException", "lambda:GetFunction")

	stranger := newWorld(t)
	_, err = stranger.lambda.Invoke(w.ctx, &lambda.InvokeInput{FunctionName: &arn})
	wantError(t, err, "AccessDeniedException", "lambda:InvokeFunction")
	_, err = w.lambda.AddPermission(w.ctx, &lambda.AddPermissionInput{
		FunctionName: &arn, StatementId: aws.String("s"), Action: aws.String("lambda:InvokeFunction"), Principal: &stranger.account,
	})
	w.must(err)
	out, err := stranger.lambda.Invoke(w.ctx, &lambda.InvokeInput{FunctionName: &arn, Payload: []byte(`1`)})
	w.must(err)
	if string(out.Payload) != "1" {
		t.Errorf("got %s", out.Payload)
	}
}

func TestPassingARoleNeedsPermission(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	role := w.role("role")
	create := func(name, policy string) error {
		in := &lambda.CreateFunctionInput{
			FunctionName: &name, Runtime: types.RuntimeProvidedal2023, Handler: aws.String("x"), Role: &role, Code: &types.FunctionCode{ZipFile: files{"bootstrap": "x"}.zip()},
		}
		_, err := lambda.NewFromConfig(w.user(name, policy)).CreateFunction(w.ctx, in)
		return err
	}
	wantError(t, create("a", `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"lambda:*","Resource":"*"}]}`),
		"AccessDeniedException", "is not authorized to perform: iam:PassRole on resource: "+role)
	wantError(t, create("b", `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"lambda:*","Resource":"*"},
		{"Effect":"Allow","Action":"iam:PassRole","Resource":"*","Condition":{"StringEquals":{"iam:PassedToService":"ec2.amazonaws.com"}}}]}`),
		"AccessDeniedException", "iam:PassRole")
	w.must(create("c", `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"lambda:*","Resource":"*"},
		{"Effect":"Allow","Action":"iam:PassRole","Resource":"`+role+`","Condition":{"StringEquals":{"iam:PassedToService":"lambda.amazonaws.com"}}}]}`))
}
