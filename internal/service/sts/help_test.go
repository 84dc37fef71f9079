package sts_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	sdk "github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/aws-sdk-go-v2/service/sts/types"
	"github.com/aws/smithy-go"

	"redoubt/redoubttest"
)

func TestMain(m *testing.M) { redoubttest.Main(m) }

// An account is one with its administrator, as whom it calls IAM.
type account struct {
	*iam.Client
	t   *testing.T
	cfg aws.Config
	id  string
}

// start makes a new account.
func start(t *testing.T) *account {
	t.Helper()
	return accountOf(t, redoubttest.Start(t))
}

func accountOf(t *testing.T, cfg aws.Config) *account {
	t.Helper()
	return &account{iam.NewFromConfig(cfg), t, cfg, *whoIs(t, cfg).Account}
}

func whoIs(t *testing.T, cfg aws.Config) *sdk.GetCallerIdentityOutput {
	t.Helper()
	out, err := sdk.NewFromConfig(cfg).GetCallerIdentity(t.Context(), &sdk.GetCallerIdentityInput{})
	must(t, err)
	return out
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// refused checks an error's code, and its message if one is given.
func refused(t *testing.T, err error, code string, message ...string) {
	t.Helper()
	var known smithy.APIError
	if !errors.As(err, &known) {
		t.Fatalf("got %v, want %s", err, code)
	}
	if known.ErrorCode() != code || len(message) > 0 && known.ErrorMessage() != message[0] {
		t.Fatalf("got  %s: %s\nwant %s: %s", known.ErrorCode(), known.ErrorMessage(), code, strings.Join(message, ""))
	}
}

func (a *account) arn(resource string) string { return "arn:aws:iam::" + a.id + ":" + resource }

// user makes a user with a key and, unless it is "", an inline policy.
func (a *account) user(name, policy string) aws.Config {
	a.t.Helper()
	ctx := a.t.Context()
	_, err := a.CreateUser(ctx, &iam.CreateUserInput{UserName: &name})
	must(a.t, err)
	if policy != "" {
		_, err = a.PutUserPolicy(ctx, &iam.PutUserPolicyInput{UserName: &name, PolicyName: aws.String("p"), PolicyDocument: &policy})
		must(a.t, err)
	}
	out, err := a.CreateAccessKey(ctx, &iam.CreateAccessKeyInput{UserName: &name})
	must(a.t, err)
	return redoubttest.With(a.cfg, *out.AccessKey.AccessKeyId, *out.AccessKey.SecretAccessKey, "")
}

// role makes a role with a trust policy and, unless it is "", an inline policy. It returns the role's ARN.
func (a *account) role(name, trust, policy string) string {
	a.t.Helper()
	out, err := a.CreateRole(a.t.Context(), &iam.CreateRoleInput{RoleName: &name, AssumeRolePolicyDocument: &trust})
	must(a.t, err)
	if policy != "" {
		a.allowRole(name, policy)
	}
	return *out.Role.Arn
}

func (a *account) allowRole(name, policy string) {
	a.t.Helper()
	_, err := a.PutRolePolicy(a.t.Context(), &iam.PutRolePolicyInput{RoleName: &name, PolicyName: aws.String("p"), PolicyDocument: &policy})
	must(a.t, err)
}

func document(statements ...string) string {
	return `{"Version":"2012-10-17","Statement":[` + strings.Join(statements, ",") + `]}`
}

// statement is about actions, parted by spaces, on everything; more is further elements.
func statement(effect, actions string, more ...string) string {
	list := `["` + strings.Join(strings.Fields(actions), `","`) + `"]`
	return fmt.Sprintf(`{"Effect":%q,"Action":%s,"Resource":"*"%s}`, effect, list, strings.Join(append([]string{""}, more...), ","))
}

func allow(actions string, more ...string) string {
	return document(statement("Allow", actions, more...))
}

func condition(operator, key, value string) string {
	return fmt.Sprintf(`"Condition":{%q:{%q:%q}}`, operator, key, value)
}

// trusting is a trust policy for an AWS principal that lets it assume the role, tag the session and set its source.
func trusting(principal string, more ...string) string {
	return trust(`{"AWS":"`+principal+`"}`, "sts:AssumeRole sts:TagSession sts:SetSourceIdentity", more...)
}

func trust(principal, actions string, more ...string) string {
	list := `["` + strings.Join(strings.Fields(actions), `","`) + `"]`
	return document(fmt.Sprintf(`{"Effect":"Allow","Principal":%s,"Action":%s%s}`, principal, list, strings.Join(append([]string{""}, more...), ",")))
}

// as is cfg with temporary credentials.
func as(cfg aws.Config, c *types.Credentials) aws.Config {
	return redoubttest.With(cfg, *c.AccessKeyId, *c.SecretAccessKey, *c.SessionToken)
}

// assume assumes a role; change, if given, changes the call.
func assume(t *testing.T, cfg aws.Config, role string, change ...func(*sdk.AssumeRoleInput)) (aws.Config, error) {
	t.Helper()
	in := &sdk.AssumeRoleInput{RoleArn: &role, RoleSessionName: aws.String("session")}
	for _, fn := range change {
		fn(in)
	}
	out, err := sdk.NewFromConfig(cfg).AssumeRole(t.Context(), in)
	if err != nil {
		return cfg, err
	}
	return as(cfg, out.Credentials), nil
}

func mustAssume(t *testing.T, cfg aws.Config, role string, change ...func(*sdk.AssumeRoleInput)) aws.Config {
	t.Helper()
	cfg, err := assume(t, cfg, role, change...)
	must(t, err)
	return cfg
}

// mayList tells whether somebody may list users, and lists them.
func mayList(t *testing.T, cfg aws.Config) error {
	t.Helper()
	_, err := iam.NewFromConfig(cfg).ListUsers(t.Context(), &iam.ListUsersInput{})
	return err
}

func mayListRoles(t *testing.T, cfg aws.Config) error {
	t.Helper()
	_, err := iam.NewFromConfig(cfg).ListRoles(t.Context(), &iam.ListRolesInput{})
	return err
}

func tag(key, value string) types.Tag { return types.Tag{Key: &key, Value: &value} }
