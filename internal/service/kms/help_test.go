package kms_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	sdk "github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"

	"redoubt/internal/api"
	"redoubt/internal/app"
	"redoubt/internal/policy"
	"redoubt/internal/service/kms"
	"redoubt/redoubttest"
)

func TestMain(m *testing.M) { redoubttest.Main(m) }

const region = "us-east-1"

// A principal is a client with what a test needs to know of who it is.
type principal struct {
	*sdk.Client
	cfg     aws.Config
	account string
	arn     string
	id      string
	server  *redoubttest.Server // for tests that have one of their own
}

// start returns the administrator of a new account.
func start(t testing.TB) *principal {
	t.Helper()
	return identify(t, redoubttest.Start(t), nil)
}

// serve is start with a server of the test's own, to which services can make calls.
func serve(t testing.TB) *principal {
	t.Helper()
	s := redoubttest.Run(t, app.Config{Region: region})
	return identify(t, s.Account(t), s)
}

// service is the service itself, of a server of the test's own.
func (p *principal) service() *kms.Service {
	for _, e := range p.server.App.Registry().Services() {
		if s, ok := e.Service.(*kms.Service); ok {
			return s
		}
	}
	return nil
}

// neighbour returns the administrator of another account of the same server.
func (p *principal) neighbour(t testing.TB) *principal {
	t.Helper()
	if p.server != nil {
		return identify(t, p.server.Account(t), p.server)
	}
	return start(t)
}

func identify(t testing.TB, cfg aws.Config, s *redoubttest.Server) *principal {
	t.Helper()
	who, err := sts.NewFromConfig(cfg).GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
	must(t, err)
	return &principal{sdk.NewFromConfig(cfg), cfg, *who.Account, *who.Arn, *who.UserId, s}
}

// user makes a user in the account, with one inline policy.
func (p *principal) user(t testing.TB, name, policy string) *principal {
	t.Helper()
	c := iam.NewFromConfig(p.cfg)
	_, err := c.CreateUser(ctx, &iam.CreateUserInput{UserName: &name})
	must(t, err)
	p.permit(t, name, policy)
	k, err := c.CreateAccessKey(ctx, &iam.CreateAccessKeyInput{UserName: &name})
	must(t, err)
	return identify(t, redoubttest.With(p.cfg, *k.AccessKey.AccessKeyId, *k.AccessKey.SecretAccessKey, ""), p.server)
}

// permit gives a user an inline policy, in place of the one before.
func (p *principal) permit(t testing.TB, name, policy string) {
	t.Helper()
	_, err := iam.NewFromConfig(p.cfg).PutUserPolicy(ctx, &iam.PutUserPolicyInput{
		UserName: &name, PolicyName: aws.String("test"), PolicyDocument: &policy,
	})
	must(t, err)
}

// caller is the user as services see it.
func (p *principal) caller(t testing.TB) *api.Caller {
	t.Helper()
	keys, err := p.cfg.Credentials.Retrieve(ctx)
	must(t, err)
	return &api.Caller{
		Kind: api.IAMUser, Principal: policy.Principal{ARN: p.arn, Account: p.account, ID: p.id}, Account: p.account,
		ID: p.id, Name: idOf(p.arn), AccessKey: keys.AccessKeyID, Region: region, Request: api.Request{Time: time.Now()},
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// nobody makes a user without any permission.
func (p *principal) nobody(t testing.TB, name string) *principal {
	t.Helper()
	return p.user(t, name, allow("redoubt:Nothing", "*"))
}

// allow is an identity policy for one action.
func allow(action, resource string) string {
	return fmt.Sprintf(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":%q,"Resource":%q}]}`, action, resource)
}

// keyPolicy is a key policy: the account's administrators may do all, and what is added.
func (p *principal) keyPolicy(statements ...string) string {
	root := `{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::` + p.account + `:root"},"Action":"kms:*","Resource":"*"}`
	return `{"Version":"2012-10-17","Statement":[` + strings.Join(append(statements, root), ",") + `]}`
}

func (p *principal) createKey(t testing.TB, policy string) string {
	t.Helper()
	in := &sdk.CreateKeyInput{}
	if policy != "" {
		in.Policy = &policy
	}
	out, err := p.CreateKey(context.Background(), in)
	must(t, err)
	return *out.KeyMetadata.Arn
}

func (p *principal) encrypt(key string, pairs ...string) ([]byte, error) {
	out, err := p.Encrypt(context.Background(), &sdk.EncryptInput{
		KeyId: &key, Plaintext: []byte("attack at dawn"), EncryptionContext: contextOf(pairs),
	})
	if err != nil {
		return nil, err
	}
	return out.CiphertextBlob, nil
}

func (p *principal) mustEncrypt(t testing.TB, key string, pairs ...string) []byte {
	t.Helper()
	b, err := p.encrypt(key, pairs...)
	must(t, err)
	return b
}

func (p *principal) decrypt(b []byte, pairs ...string) (string, error) {
	out, err := p.Decrypt(context.Background(), &sdk.DecryptInput{CiphertextBlob: b, EncryptionContext: contextOf(pairs)})
	if err != nil {
		return "", err
	}
	return string(out.Plaintext), nil
}

func contextOf(pairs []string) map[string]string {
	if len(pairs) == 0 {
		return nil
	}
	m := map[string]string{}
	for i := 0; i < len(pairs); i += 2 {
		m[pairs[i]] = pairs[i+1]
	}
	return m
}

// refused checks an error's code and message. "..." at the end of a message stands for anything.
func refused(t testing.TB, err error, code, message string) {
	t.Helper()
	var known smithy.APIError
	if !errors.As(err, &known) {
		t.Fatalf("got %v, want %s: %s", err, code, message)
	}
	prefix, open := strings.CutSuffix(message, "...")
	got := known.ErrorMessage()
	if known.ErrorCode() != code || got != message && !(open && strings.HasPrefix(got, prefix)) {
		t.Fatalf("got  %s: %s\nwant %s: %s", known.ErrorCode(), got, code, message)
	}
}

// codeOf is the code of an error, "" of none.
func codeOf(err error) string {
	var known smithy.APIError
	switch {
	case err == nil:
		return ""
	case errors.As(err, &known):
		return known.ErrorCode()
	}
	return err.Error()
}

func idOf(arn string) string { return arn[strings.LastIndexByte(arn, '/')+1:] }

var ctx = context.Background()

func ptr[T any](v T) *T { return &v }

func (p *principal) state(t testing.TB, key string) types.KeyState {
	t.Helper()
	out, err := p.DescribeKey(ctx, &sdk.DescribeKeyInput{KeyId: &key})
	must(t, err)
	return out.KeyMetadata.KeyState
}

func (p *principal) arnOf(resource string) string {
	return "arn:aws:kms:" + region + ":" + p.account + ":" + resource
}
