package lambda_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"redoubt/redoubttest"
)

// thief is a function that gives its credentials away.
const thief = `
import os
def handler(event, context):
    return [os.environ[k] for k in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")]
`

// steal returns a configuration that signs with the credentials of a function.
func (w *world) steal(name string) aws.Config {
	w.Helper()
	var c []string
	w.must(json.Unmarshal([]byte(w.invoke(name, `{}`).payload), &c))
	return redoubttest.With(w.cfg, c[0], c[1], c[2])
}

const mayListUsers = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"iam:ListUsers","Resource":"*"}]}`

func TestCredentialsOfAFunctionMayWhatItsRoleMayNow(t *testing.T) {
	needs(t, "python3")
	t.Parallel()
	w := newWorld(t)
	in := python(thief)
	in.Role = aws.String(w.role("lister", mayListUsers))
	w.create("f", in)
	stolen := iam.NewFromConfig(w.steal("f"))
	_, err := stolen.ListUsers(w.ctx, &iam.ListUsersInput{})
	w.must(err)
	_, err = stolen.ListRoles(w.ctx, &iam.ListRolesInput{})
	wantError(t, err, "AccessDenied", "iam:ListRoles")
	_, err = w.iam.DeleteRolePolicy(w.ctx, &iam.DeleteRolePolicyInput{RoleName: aws.String("lister"), PolicyName: aws.String("p0")})
	w.must(err)
	_, err = stolen.ListUsers(w.ctx, &iam.ListUsersInput{})
	wantError(t, err, "AccessDenied", "iam:ListUsers")
}

func TestCredentialsOfAFunctionEndWithItsRole(t *testing.T) {
	needs(t, "python3")
	t.Parallel()
	w := newWorld(t)
	in := python(thief)
	in.Role = aws.String(w.role("brief", mayListUsers))
	w.create("f", in)
	stolen := w.steal("f")
	_, err := w.iam.DeleteRolePolicy(w.ctx, &iam.DeleteRolePolicyInput{RoleName: aws.String("brief"), PolicyName: aws.String("p0")})
	w.must(err)
	_, err = w.iam.DeleteRole(w.ctx, &iam.DeleteRoleInput{RoleName: aws.String("brief")})
	w.must(err)
	w.role("brief", mayListUsers) // another one of the same name
	if _, err = iam.NewFromConfig(stolen).ListUsers(w.ctx, &iam.ListUsersInput{}); err == nil {
		t.Error("the credentials of a role that is gone became those of its successor")
	}
	if _, err = sts.NewFromConfig(stolen).GetCallerIdentity(w.ctx, &sts.GetCallerIdentityInput{}); err == nil {
		t.Error("the credentials of a role that is gone are still known")
	}
}

func TestFunctionOfAnotherRoleGetsThatRole(t *testing.T) {
	needs(t, "python3")
	t.Parallel()
	w := newWorld(t)
	in := python(thief)
	in.Role = aws.String(w.role("first"))
	w.create("f", in)
	w.invoke("f", `{}`)
	_, err := w.lambda.UpdateFunctionConfiguration(w.ctx, &lambda.UpdateFunctionConfigurationInput{
		FunctionName: aws.String("f"), Role: aws.String(w.role("second")),
	})
	w.must(err)
	me, err := sts.NewFromConfig(w.steal("f")).GetCallerIdentity(w.ctx, &sts.GetCallerIdentityInput{})
	w.must(err)
	if !strings.Contains(*me.Arn, ":assumed-role/second/") {
		t.Errorf("a warm environment kept the credentials of %s", *me.Arn)
	}
}
