package ssm_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	sdk "github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/aws-sdk-go-v2/service/ssm/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"

	"redoubt/redoubttest"
)

func TestMain(m *testing.M) { redoubttest.Main(m) }

var ctx = context.Background()

// A principal is a client of Parameter Store.
type principal struct {
	*sdk.Client
	cfg     aws.Config
	account string
	who     string
}

// start returns the administrator of a new account.
func start(t testing.TB) *principal {
	t.Helper()
	return identify(t, redoubttest.Start(t))
}

func identify(t testing.TB, cfg aws.Config) *principal {
	t.Helper()
	who, err := sts.NewFromConfig(cfg).GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
	must(t, err)
	return &principal{sdk.NewFromConfig(cfg), cfg, *who.Account, *who.Arn}
}

// user is an IAM user of the account with some statements' permissions.
func (p *principal) user(t testing.TB, name string, statements ...string) *principal {
	t.Helper()
	c := iam.NewFromConfig(p.cfg)
	_, err := c.CreateUser(ctx, &iam.CreateUserInput{UserName: &name})
	must(t, err)
	p.allow(t, name, statements...)
	key, err := c.CreateAccessKey(ctx, &iam.CreateAccessKeyInput{UserName: &name})
	must(t, err)
	return identify(t, redoubttest.With(p.cfg, *key.AccessKey.AccessKeyId, *key.AccessKey.SecretAccessKey, ""))
}

// allow gives a user permissions in place of those that it has.
func (p *principal) allow(t testing.TB, name string, statements ...string) {
	t.Helper()
	_, err := iam.NewFromConfig(p.cfg).PutUserPolicy(ctx, &iam.PutUserPolicyInput{
		UserName: &name, PolicyName: ptr("p"), PolicyDocument: ptr(`{"Version":"2012-10-17","Statement":[` + strings.Join(statements, ",") + `]}`),
	})
	must(t, err)
}

func statement(effect, action, resource string, condition ...string) string {
	s := `{"Effect":"` + effect + `","Action":"` + action + `","Resource":"` + resource + `"`
	if len(condition) > 0 {
		s += `,"Condition":` + condition[0]
	}
	return s + "}"
}

func (p *principal) arn(path string) string {
	return "arn:aws:ssm:" + p.cfg.Region + ":" + p.account + ":parameter/" + path
}

// put makes or changes a parameter; more changes the request.
func (p *principal) put(name, value string, more ...func(*sdk.PutParameterInput)) (*sdk.PutParameterOutput, error) {
	in := &sdk.PutParameterInput{Name: &name, Value: &value, Type: types.ParameterTypeString}
	for _, fn := range more {
		fn(in)
	}
	return p.PutParameter(ctx, in)
}

func (p *principal) mustPut(t testing.TB, name, value string, more ...func(*sdk.PutParameterInput)) {
	t.Helper()
	_, err := p.put(name, value, more...)
	must(t, err)
}

func overwrite(in *sdk.PutParameterInput) { in.Overwrite = ptr(true) }

func isAdvanced(in *sdk.PutParameterInput) { in.Tier = types.ParameterTierAdvanced }

func isSecure(in *sdk.PutParameterInput) { in.Type = types.ParameterTypeSecureString }

func under(key string) func(*sdk.PutParameterInput) {
	return func(in *sdk.PutParameterInput) { in.Type, in.KeyId = types.ParameterTypeSecureString, &key }
}

func policies(text string) func(*sdk.PutParameterInput) {
	return func(in *sdk.PutParameterInput) { in.Policies = &text }
}

// get reads a parameter decrypted.
func (p *principal) get(name string) (*types.Parameter, error) {
	out, err := p.GetParameter(ctx, &sdk.GetParameterInput{Name: &name, WithDecryption: ptr(true)})
	if err != nil {
		return nil, err
	}
	return out.Parameter, nil
}

// wants compares the value of a parameter.
func (p *principal) wants(t testing.TB, name, value string) *types.Parameter {
	t.Helper()
	got, err := p.get(name)
	must(t, err)
	if *got.Value != value {
		t.Errorf("%s is %q, want %q", name, *got.Value, value)
	}
	return got
}

func (p *principal) key(t testing.TB) string {
	t.Helper()
	out, err := kms.NewFromConfig(p.cfg).CreateKey(ctx, &kms.CreateKeyInput{})
	must(t, err)
	return *out.KeyMetadata.Arn
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// refused checks an error's code and, where it is given, its message. "..." at an end of it stands for anything.
func refused(t testing.TB, err error, code, message string) {
	t.Helper()
	var known smithy.APIError
	if !errors.As(err, &known) || known.ErrorCode() != code {
		t.Fatalf("got %v, want %s: %s", err, code, message)
	}
	got := known.ErrorMessage()
	if begin, ok := strings.CutSuffix(message, "..."); ok && strings.HasPrefix(got, begin) || message == "" || got == message {
		return
	}
	t.Errorf("got  %s\nwant %s", got, message)
}

func ptr[T any](v T) *T { return &v }

func equal[T comparable](t testing.TB, what string, got, want T) {
	t.Helper()
	if got != want {
		t.Errorf("%s is %v, want %v", what, got, want)
	}
}

func names(list []types.Parameter) string {
	var all []string
	for _, p := range list {
		all = append(all, *p.Name)
	}
	return strings.Join(all, " ")
}
