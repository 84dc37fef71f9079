package lambda_test

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
)

const showSecret = "import os\ndef handler(e, c): return os.environ['SECRET']"

// secretive makes a function with a variable under a key of its owner, or under aws/lambda.
func (w *world) secretive(name, key, role string) {
	w.Helper()
	in := python(showSecret)
	in.Environment = &types.Environment{Variables: map[string]string{"SECRET": "swordfish"}}
	in.Role = &role
	if key != "" {
		in.KMSKeyArn = &key
	}
	w.create(name, in)
}

func (w *world) key() string {
	w.Helper()
	out, err := kms.NewFromConfig(w.cfg).CreateKey(w.ctx, &kms.CreateKeyInput{})
	w.must(err)
	return *out.KeyMetadata.Arn
}

func TestVariablesUnderTheManagedKeyNeedNoPermission(t *testing.T) {
	needs(t, "python3")
	t.Parallel()
	w := newWorld(t)
	w.secretive("f", "", w.role("role"))
	if got := w.invoke("f", `{}`); got.payload != `"swordfish"` {
		t.Errorf("got %+v", got)
	}
}

func TestDeniedRoleCannotReadVariablesEvenUnderTheManagedKey(t *testing.T) {
	needs(t, "python3")
	t.Parallel()
	w := newWorld(t)
	w.secretive("f", "", w.role("role"))
	w.invoke("f", `{}`)
	w.policy("role", `{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"kms:*","Resource":"*"}]}`)
	_, err := w.lambda.Invoke(w.ctx, &lambda.InvokeInput{FunctionName: aws.String("f")})
	wantError(t, err, "KMSAccessDeniedException", "Lambda was unable to decrypt the environment variables because KMS access was denied.")
}

// policy gives a role an inline policy.
func (w *world) policy(role, text string) {
	w.Helper()
	_, err := w.iam.PutRolePolicy(w.ctx, &iam.PutRolePolicyInput{RoleName: &role, PolicyName: aws.String("p"), PolicyDocument: &text})
	w.must(err)
}

func TestRoleNeedsDecryptForTheOwnersKey(t *testing.T) {
	needs(t, "python3")
	t.Parallel()
	w := newWorld(t)
	key := w.key()
	w.secretive("f", key, w.role("role"))
	invoke := func() error {
		_, err := w.lambda.Invoke(w.ctx, &lambda.InvokeInput{FunctionName: aws.String("f")})
		return err
	}
	denied := func(when string) {
		t.Helper()
		err := invoke()
		t.Log(when, err)
		wantError(t, err, "KMSAccessDeniedException", "Lambda was unable to decrypt the environment variables because KMS access was denied. "+
			"Please check the function's KMS key settings. KMS Exception: AccessDeniedExceptionKMS Message: ")
		var response *awshttp.ResponseError
		if errors.As(err, &response) && response.HTTPStatusCode() != http.StatusBadGateway {
			t.Errorf("%s: status %d", when, response.HTTPStatusCode())
		}
	}
	denied("without permission")
	w.policy("role", `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"kms:Decrypt","Resource":"`+key+`","Condition":{"StringEquals":{
		"kms:EncryptionContext:aws:lambda:FunctionArn":"arn:aws:lambda:us-east-1:`+w.account+`:function:f","kms:ViaService":"lambda.us-east-1.amazonaws.com"}}}]}`)
	w.must(invoke())
	if got := w.invoke("f", `{}`); got.payload != `"swordfish"` {
		t.Errorf("with permission: %+v", got)
	}
	_, err := w.iam.DeleteRolePolicy(w.ctx, &iam.DeleteRolePolicyInput{RoleName: aws.String("role"), PolicyName: aws.String("p")})
	w.must(err)
	denied("a warm environment whose role lost its permission")
	w.policy("role", `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"kms:Decrypt","Resource":"*"}]}`)
	w.must(invoke())
	_, err = kms.NewFromConfig(w.cfg).DisableKey(w.ctx, &kms.DisableKeyInput{KeyId: &key})
	w.must(err)
	wantError(t, invoke(), "KMSDisabledException", "Lambda was unable to decrypt the environment variables because the KMS key used is disabled.")
}

func TestVariablesAreShownToThoseWhoMayDecrypt(t *testing.T) {
	needs(t, "python3")
	t.Parallel()
	w := newWorld(t)
	w.secretive("f", w.key(), w.role("role"))
	see := func(client *lambda.Client) *types.EnvironmentResponse {
		t.Helper()
		out, err := client.GetFunctionConfiguration(w.ctx, &lambda.GetFunctionConfigurationInput{FunctionName: aws.String("f")})
		w.must(err)
		list, err := client.ListFunctions(w.ctx, &lambda.ListFunctionsInput{})
		w.must(err)
		if fmt.Sprint(list.Functions[0].Environment.Variables) != fmt.Sprint(out.Environment.Variables) {
			t.Errorf("the list shows %v", list.Functions[0].Environment.Variables)
		}
		return out.Environment
	}
	if e := see(w.lambda); e.Variables["SECRET"] != "swordfish" || e.Error != nil {
		t.Errorf("the administrator sees %+v", e)
	}
	reader := lambda.NewFromConfig(w.user("reader", `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"lambda:*","Resource":"*"}]}`))
	e := see(reader)
	if len(e.Variables) != 0 || e.Error == nil || *e.Error.ErrorCode != "AccessDeniedException" ||
		!strings.HasPrefix(*e.Error.Message, "Lambda was unable to decrypt your environment variables because the KMS access was denied. "+
			"Please check your KMS permissions. KMS Exception: AccessDeniedException KMS Message: ") {
		t.Errorf("a reader sees %+v", e)
	}
}

func TestVariablesMoveToANewKey(t *testing.T) {
	needs(t, "python3")
	t.Parallel()
	w := newWorld(t)
	before, after := w.key(), w.key()
	w.secretive("f", before, w.role("role", `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"kms:Decrypt","Resource":"`+after+`"}]}`))
	_, err := w.lambda.Invoke(w.ctx, &lambda.InvokeInput{FunctionName: aws.String("f")})
	wantError(t, err, "KMSAccessDeniedException", "")
	out, err := w.lambda.UpdateFunctionConfiguration(w.ctx, &lambda.UpdateFunctionConfigurationInput{FunctionName: aws.String("f"), KMSKeyArn: &after})
	w.must(err)
	if *out.KMSKeyArn != after {
		t.Errorf("the key is %s", *out.KMSKeyArn)
	}
	if got := w.invoke("f", `{}`); got.payload != `"swordfish"` {
		t.Errorf("got %+v", got)
	}
}

func TestUnknownKeyIsRefusedEvenWithoutVariables(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	_, err := w.lambda.CreateFunction(w.ctx, &lambda.CreateFunctionInput{
		FunctionName: aws.String("f"), Runtime: types.RuntimeProvidedal2023, Handler: aws.String("x"), Role: aws.String(w.role("role")),
		Code: &types.FunctionCode{ZipFile: files{"bootstrap": "x"}.zip()}, KMSKeyArn: aws.String("arn:aws:kms:us-east-1:" + w.account + ":key/11111111-2222-3333-4444-555555555555"),
	})
	wantError(t, err, "InvalidParameterValueException", "KMS Exception: NotFoundException")
}

func TestWhoMayNotUseTheKeyCannotEncryptWithIt(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	key, role := w.key(), w.role("role")
	author := lambda.NewFromConfig(w.user("author", `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["lambda:*","iam:PassRole"],"Resource":"*"}]}`))
	_, err := author.CreateFunction(w.ctx, &lambda.CreateFunctionInput{
		FunctionName: aws.String("f"), Runtime: types.RuntimeProvidedal2023, Handler: aws.String("x"), Role: &role, KMSKeyArn: &key,
		Code: &types.FunctionCode{ZipFile: files{"bootstrap": "x"}.zip()}, Environment: &types.Environment{Variables: map[string]string{"AB": "c"}},
	})
	wantError(t, err, "InvalidParameterValueException", "KMS Exception: AccessDeniedException")
}
