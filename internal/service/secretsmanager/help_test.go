package secretsmanager_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	sdk "github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"

	"redoubt/redoubttest"
)

func TestMain(m *testing.M) { redoubttest.Main(m) }

var ctx = context.Background()

// A principal is a client of Secrets Manager.
type principal struct {
	*sdk.Client
	cfg     aws.Config
	account string
}

func start(t testing.TB) *principal {
	t.Helper()
	if t, ok := t.(*testing.T); ok {
		t.Parallel()
	}
	return identify(t, redoubttest.Start(t))
}

func identify(t testing.TB, cfg aws.Config) *principal {
	t.Helper()
	who, err := sts.NewFromConfig(cfg).GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
	must(t, err)
	return &principal{sdk.NewFromConfig(cfg), cfg, *who.Account}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func refused(t testing.TB, err error, code, message string) {
	t.Helper()
	var known smithy.APIError
	if !errors.As(err, &known) || known.ErrorCode() != code || message != "" && known.ErrorMessage() != message {
		t.Errorf("got  %v\nwant %s: %s", err, code, message)
	}
}

func ptr[T any](v T) *T { return &v }

// token is a request token that is easy to tell from others.
func token(c string) *string { return ptr(strings.Repeat(c, 32)) }

// create makes a secret with a value, and returns its ARN.
func (p *principal) create(t testing.TB, name, value string) string {
	t.Helper()
	out, err := p.CreateSecret(ctx, &sdk.CreateSecretInput{Name: &name, SecretString: &value})
	must(t, err)
	return *out.ARN
}

func (p *principal) put(t testing.TB, id, token, value string, stages ...string) {
	t.Helper()
	_, err := p.PutSecretValue(ctx, &sdk.PutSecretValueInput{
		SecretId: &id, ClientRequestToken: ptr(strings.Repeat(token, 32)), SecretString: &value, VersionStages: stages,
	})
	must(t, err)
}

func (p *principal) get(id string) (string, error) {
	out, err := p.GetSecretValue(ctx, &sdk.GetSecretValueInput{SecretId: &id})
	if err != nil {
		return "", err
	}
	return aws.ToString(out.SecretString), nil
}

func (p *principal) holds(t testing.TB, id, want string) {
	t.Helper()
	if got, err := p.get(id); err != nil || got != want {
		t.Errorf("the secret is %q, %v, want %q", got, err, want)
	}
}

// stages lists the labels of each version, by the first letter of its id.
func (p *principal) stages(t testing.TB, id string) map[string]string {
	t.Helper()
	out, err := p.DescribeSecret(ctx, &sdk.DescribeSecretInput{SecretId: &id})
	must(t, err)
	all := map[string]string{}
	for version, stages := range out.VersionIdsToStages {
		all[version[:1]] = strings.Join(stages, " ")
	}
	return all
}

// user is an IAM user of the account with some statements.
func (p *principal) user(t testing.TB, name, statements string) *principal {
	t.Helper()
	c := iam.NewFromConfig(p.cfg)
	_, err := c.CreateUser(ctx, &iam.CreateUserInput{UserName: &name})
	must(t, err)
	p.allow(t, name, statements)
	key, err := c.CreateAccessKey(ctx, &iam.CreateAccessKeyInput{UserName: &name})
	must(t, err)
	return identify(t, redoubttest.With(p.cfg, *key.AccessKey.AccessKeyId, *key.AccessKey.SecretAccessKey, ""))
}

func (p *principal) allow(t testing.TB, user, statements string) {
	t.Helper()
	_, err := iam.NewFromConfig(p.cfg).PutUserPolicy(ctx, &iam.PutUserPolicyInput{
		UserName: &user, PolicyName: ptr("p"), PolicyDocument: ptr(document(statements)),
	})
	must(t, err)
}

func document(statements string) string {
	return `{"Version":"2012-10-17","Statement":[` + statements + `]}`
}

const (
	anything = `{"Effect":"Allow","Action":"secretsmanager:*","Resource":"*"}`
	reading  = `{"Effect":"Allow","Action":"secretsmanager:GetSecretValue","Resource":"*"}`
)

const (
	missing = "Secrets Manager can't find the specified secret."
	marked  = "You can't perform this operation on the secret because it was marked for deletion."
)
