package lambda_test

import (
	"fmt"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
)

// A version in the name of a function must not turn a change of the function into something that other statements are about.
func TestVersionInTheNameDoesNotEvadeAPolicy(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	arn := w.script("f")
	clerk := lambda.NewFromConfig(w.user("clerk", `{"Version":"2012-10-17","Statement":[
		{"Effect":"Allow","Action":"lambda:*","Resource":"*"},
		{"Effect":"Deny","Action":["lambda:UpdateFunction*","lambda:PutFunctionConcurrency","lambda:TagResource"],"Resource":"`+arn+`"}]}`))
	for _, name := range []string{"f", "f:$LATEST", arn + ":$LATEST"} {
		_, err := clerk.UpdateFunctionConfiguration(w.ctx, &lambda.UpdateFunctionConfigurationInput{FunctionName: &name, Timeout: aws.Int32(5)})
		wantError(t, err, "AccessDeniedException", "")
		_, err = clerk.UpdateFunctionCode(w.ctx, &lambda.UpdateFunctionCodeInput{FunctionName: &name, ZipFile: files{"x.py": "x"}.zip()})
		wantError(t, err, "AccessDeniedException", "")
	}
	_, err := clerk.TagResource(w.ctx, &lambda.TagResourceInput{Resource: aws.String(arn + ":$LATEST"), Tags: map[string]string{"a": "b"}})
	wantError(t, err, "AccessDeniedException", "")
}

func TestTagsAreShownToThoseWhoMayListThem(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	in := provided(t)
	in.Tags = map[string]string{"team": "red"}
	arn := *w.create("f", in).FunctionArn
	get := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"lambda:GetFunction","Resource":"*"}`
	list := `,{"Effect":"Allow","Action":"lambda:ListTags","Resource":"` + arn + `"}`
	for name, c := range map[string]struct{ policy, tags, fault string }{
		"reader": {get + `]}`, "map[]", "AccessDeniedException"},
		"lister": {get + list + `]}`, "map[team:red]", ""},
	} {
		out, err := lambda.NewFromConfig(w.user(name, c.policy)).GetFunction(w.ctx, &lambda.GetFunctionInput{FunctionName: &arn, Qualifier: aws.String("$LATEST")})
		w.must(err)
		fault := ""
		if out.TagsError != nil {
			fault = *out.TagsError.ErrorCode
		}
		if got := fmt.Sprint(out.Tags); got != c.tags || fault != c.fault {
			t.Errorf("%s: got %s %q", name, got, fault)
		}
	}
}

func TestFunctionIsBornWithTagsOnlyByPermissionToTag(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	role := w.role("r", mayLog)
	maker := lambda.NewFromConfig(w.user("maker", `{"Version":"2012-10-17","Statement":[
		{"Effect":"Allow","Action":["lambda:CreateFunction","iam:PassRole"],"Resource":"*"}]}`))
	_, err := maker.CreateFunction(w.ctx, &lambda.CreateFunctionInput{
		FunctionName: aws.String("f"), Role: &role, Runtime: types.RuntimeProvidedal2023, Handler: aws.String("x"),
		Code: &types.FunctionCode{ZipFile: files{"bootstrap": "x"}.zip()}, Tags: map[string]string{"team": "red"},
	})
	wantError(t, err, "AccessDeniedException", "")
}
