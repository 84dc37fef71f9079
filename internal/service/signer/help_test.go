package signer_test

import (
	"context"
	"errors"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	sdk "github.com/aws/aws-sdk-go-v2/service/signer"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"

	"redoubt/redoubttest"
)

func TestMain(m *testing.M) { redoubttest.Main(m) }

var ctx = context.Background()

// A principal is a client of Signer.
type principal struct {
	*sdk.Client
	cfg     aws.Config
	account string
}

func start(t *testing.T) *principal {
	t.Helper()
	t.Parallel()
	return identify(t, redoubttest.Start(t))
}

func identify(t *testing.T, cfg aws.Config) *principal {
	t.Helper()
	who, err := sts.NewFromConfig(cfg).GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
	must(t, err)
	return &principal{sdk.NewFromConfig(cfg), cfg, *who.Account}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func refused(t *testing.T, err error, code, message string) {
	t.Helper()
	var known smithy.APIError
	if !errors.As(err, &known) || known.ErrorCode() != code || message != "" && known.ErrorMessage() != message {
		t.Errorf("got  %v\nwant %s: %s", err, code, message)
	}
}

func ptr[T any](v T) *T { return &v }

const lambdaPlatform = "AWSLambda-SHA384-ECDSA"

// profile makes one, and returns its version.
func (p *principal) profile(t *testing.T, name string) string {
	t.Helper()
	out, err := p.PutSigningProfile(ctx, &sdk.PutSigningProfileInput{ProfileName: &name, PlatformId: ptr(lambdaPlatform)})
	must(t, err)
	return *out.ProfileVersion
}

func (p *principal) arn(rest string) string {
	return "arn:aws:signer:" + p.cfg.Region + ":" + p.account + ":" + rest
}

// user is an IAM user of the account with one statement's permissions.
func (p *principal) user(t *testing.T, name, statement string) *principal {
	t.Helper()
	c := iam.NewFromConfig(p.cfg)
	_, err := c.CreateUser(ctx, &iam.CreateUserInput{UserName: &name})
	must(t, err)
	_, err = c.PutUserPolicy(ctx, &iam.PutUserPolicyInput{
		UserName: &name, PolicyName: ptr("p"), PolicyDocument: ptr(`{"Version":"2012-10-17","Statement":[` + statement + `]}`),
	})
	must(t, err)
	key, err := c.CreateAccessKey(ctx, &iam.CreateAccessKeyInput{UserName: &name})
	must(t, err)
	return identify(t, redoubttest.With(p.cfg, *key.AccessKey.AccessKeyId, *key.AccessKey.SecretAccessKey, ""))
}
