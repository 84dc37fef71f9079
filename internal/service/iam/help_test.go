package iam_test

import (
	"context"
	"errors"
	"net/url"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	ststypes "github.com/aws/aws-sdk-go-v2/service/sts/types"
	"github.com/aws/smithy-go"

	"redoubt/redoubttest"
)

// A world is an account with its administrator.
type world struct {
	*iam.Client
	t       *testing.T
	cfg     aws.Config
	account string
}

func start(t *testing.T) *world {
	t.Helper()
	t.Parallel()
	cfg := redoubttest.Start(t)
	id, err := sts.NewFromConfig(cfg).GetCallerIdentity(t.Context(), &sts.GetCallerIdentityInput{})
	must(t, err)
	return &world{iam.NewFromConfig(cfg), t, cfg, *id.Account}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// refused checks that an error has a code and, unless it is "", a message.
func refused(t *testing.T, err error, code, message string) {
	t.Helper()
	var known smithy.APIError
	if !errors.As(err, &known) {
		t.Fatalf("error is %v, want %s", err, code)
	}
	if known.ErrorCode() != code || message != "" && known.ErrorMessage() != message {
		t.Errorf("error is %s: %s\nwant     %s: %s", known.ErrorCode(), known.ErrorMessage(), code, message)
	}
}

func (w *world) arn(resource string) string { return "arn:aws:iam::" + w.account + ":" + resource }

// user makes a user with a key and returns its configuration.
func (w *world) user(name string) aws.Config {
	w.t.Helper()
	_, err := w.CreateUser(w.t.Context(), &iam.CreateUserInput{UserName: &name})
	must(w.t, err)
	out, err := w.CreateAccessKey(w.t.Context(), &iam.CreateAccessKeyInput{UserName: &name})
	must(w.t, err)
	return redoubttest.With(w.cfg, *out.AccessKey.AccessKeyId, *out.AccessKey.SecretAccessKey, "")
}

func (w *world) role(name, trust string) *iam.CreateRoleOutput {
	w.t.Helper()
	out, err := w.CreateRole(w.t.Context(), &iam.CreateRoleInput{RoleName: &name, AssumeRolePolicyDocument: &trust})
	must(w.t, err)
	return out
}

func (w *world) policy(name, document string) string {
	w.t.Helper()
	out, err := w.CreatePolicy(w.t.Context(), &iam.CreatePolicyInput{PolicyName: &name, PolicyDocument: &document})
	must(w.t, err)
	return *out.Policy.Arn
}

// allowUser gives a user an inline policy.
func (w *world) allowUser(name, document string) {
	w.t.Helper()
	_, err := w.PutUserPolicy(w.t.Context(), &iam.PutUserPolicyInput{UserName: &name, PolicyName: aws.String("p"), PolicyDocument: &document})
	must(w.t, err)
}

func session(cfg aws.Config, c *ststypes.Credentials) aws.Config {
	return redoubttest.With(cfg, *c.AccessKeyId, *c.SecretAccessKey, *c.SessionToken)
}

func assume(ctx context.Context, cfg aws.Config, role string) (aws.Config, error) {
	out, err := sts.NewFromConfig(cfg).AssumeRole(ctx, &sts.AssumeRoleInput{RoleArn: &role, RoleSessionName: aws.String("session")})
	if err != nil {
		return cfg, err
	}
	return session(cfg, out.Credentials), nil
}

// statement is a document of one statement about actions, parted by spaces, on everything.
func statement(effect, actions string) string {
	return `{"Version":"2012-10-17","Statement":[{"Effect":"` + effect + `","Action":["` + strings.Join(strings.Fields(actions), `","`) + `"],"Resource":"*"}]}`
}

func allow(actions string) string { return statement("Allow", actions) }

func trusting(principal string) string {
	return `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"` + principal + `"},"Action":"sts:AssumeRole"}]}`
}

func decoded(t *testing.T, document *string) string {
	t.Helper()
	s, err := url.QueryUnescape(*document)
	must(t, err)
	return s
}

func TestMain(m *testing.M) { redoubttest.Main(m) }
