package sts_test

import (
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	sdk "github.com/aws/aws-sdk-go-v2/service/sts"

	"redoubt/internal/api"
	"redoubt/internal/app"
	"redoubt/redoubttest"
)

func isIdentity(t *testing.T, cfg aws.Config, account, arn, id string) {
	t.Helper()
	if who := whoIs(t, cfg); *who.Account != account || *who.Arn != arn || *who.UserId != id {
		t.Errorf("got %s %s %s, want %s %s %s", *who.Account, *who.Arn, *who.UserId, account, arn, id)
	}
}

func TestCallersLearnWhoTheyAre(t *testing.T) {
	t.Parallel()
	a := start(t)
	ctx := t.Context()
	bob := a.user("bob", allow("sts:*"))
	u, err := a.GetUser(ctx, &iam.GetUserInput{UserName: aws.String("bob")})
	must(t, err)
	isIdentity(t, bob, a.id, a.arn("user/bob"), *u.User.UserId)

	role := a.role("r", trusting(a.arn("user/bob")), "")
	r, err := a.GetRole(ctx, &iam.GetRoleInput{RoleName: aws.String("r")})
	must(t, err)
	isIdentity(t, mustAssume(t, bob, role), a.id, "arn:aws:sts::"+a.id+":assumed-role/r/session", *r.Role.RoleId+":session")

	fed, err := sdk.NewFromConfig(bob).GetFederationToken(ctx, &sdk.GetFederationTokenInput{Name: aws.String("alice")})
	must(t, err)
	isIdentity(t, as(bob, fed.Credentials), a.id, "arn:aws:sts::"+a.id+":federated-user/alice", a.id+":alice")
	if *fed.FederatedUser.FederatedUserId != a.id+":alice" {
		t.Errorf("federated user is %s", *fed.FederatedUser.FederatedUserId)
	}

	token, err := sdk.NewFromConfig(bob).GetSessionToken(ctx, &sdk.GetSessionTokenInput{})
	must(t, err)
	isIdentity(t, as(bob, token.Credentials), a.id, a.arn("user/bob"), *u.User.UserId)
}

// rootOf returns a server of its own with the keys of its first account's root user.
func rootOf(t *testing.T) (*redoubttest.Server, aws.Config) {
	t.Helper()
	s := redoubttest.Run(t, app.Config{})
	c, err := app.ReadClient(t.Context(), s.App.Config.Data, s.App.Config.Seal)
	must(t, err)
	return s, s.Config(t, c.Root.AccessKey, c.Root.SecretKey, "")
}

func TestRootIsTheAccountAndAssumesNoRole(t *testing.T) {
	t.Parallel()
	s, root := rootOf(t)
	id := s.Client.Account
	isIdentity(t, root, id, "arn:aws:iam::"+id+":root", id)
	a := accountOf(t, root)
	role := a.role("r", trusting(a.arn("root")), allow("iam:*"))
	_, err := assume(t, root, role)
	refused(t, err, "AccessDenied", "Roles may not be assumed by root accounts.")

	token, err := sdk.NewFromConfig(root).GetSessionToken(t.Context(), &sdk.GetSessionTokenInput{DurationSeconds: aws.Int32(129600)})
	must(t, err)
	if hours := time.Until(*token.Credentials.Expiration).Hours(); hours > 1 {
		t.Errorf("root's session lasts %.1f hours", hours)
	}
	_, err = assume(t, as(root, token.Credentials), role)
	refused(t, err, "AccessDenied", "Roles may not be assumed by root accounts.")
}

func TestNoPolicyForbidsToAskWhoOneIs(t *testing.T) {
	t.Parallel()
	a := start(t)
	nobody := a.user("nobody", document(statement("Deny", "*")))
	if who := whoIs(t, nobody); *who.Arn != a.arn("user/nobody") {
		t.Errorf("got %s", *who.Arn)
	}
}

func TestAccessKeyTellsItsAccount(t *testing.T) {
	t.Parallel()
	a, b := start(t), start(t)
	creds, err := b.cfg.Credentials.Retrieve(t.Context())
	must(t, err)
	client := sdk.NewFromConfig(a.cfg)
	out, err := client.GetAccessKeyInfo(t.Context(), &sdk.GetAccessKeyInfoInput{AccessKeyId: &creds.AccessKeyID})
	must(t, err)
	if *out.Account != b.id {
		t.Errorf("account is %s, want %s", *out.Account, b.id)
	}
	_, err = client.GetAccessKeyInfo(t.Context(), &sdk.GetAccessKeyInfoInput{AccessKeyId: aws.String("notanaccesskeyatall")})
	refused(t, err, "ValidationError")
	_, err = sdk.NewFromConfig(a.user("nobody", "")).GetAccessKeyInfo(t.Context(), &sdk.GetAccessKeyInfoInput{AccessKeyId: &creds.AccessKeyID})
	refused(t, err, "AccessDenied")
}

func TestAuthorizationMessageIsDecodedForWhoMay(t *testing.T) {
	t.Parallel()
	s := redoubttest.Run(t, app.Config{})
	a := accountOf(t, s.Account(t))
	sealed, err := s.App.Registry().Sessions().SealMessage(`{"allowed":false}`)
	must(t, err)
	decode := func(cfg aws.Config, message string) (*sdk.DecodeAuthorizationMessageOutput, error) {
		return sdk.NewFromConfig(cfg).DecodeAuthorizationMessage(t.Context(), &sdk.DecodeAuthorizationMessageInput{EncodedMessage: &message})
	}
	out, err := decode(a.cfg, sealed)
	must(t, err)
	if *out.DecodedMessage != `{"allowed":false}` {
		t.Errorf("got %s", *out.DecodedMessage)
	}
	for _, garbage := range []string{"garbage", sealed[:len(sealed)-2], sealed + "AA"} {
		_, err = decode(a.cfg, garbage)
		refused(t, err, "InvalidAuthorizationMessageException")
	}
	token, err := s.App.Registry().Sessions().Issue(&api.Session{Kind: api.Root, ARN: a.arn("root"), ID: a.id})
	must(t, err)
	_, err = decode(a.cfg, token)
	refused(t, err, "InvalidAuthorizationMessageException")
	_, err = decode(a.user("nobody", ""), sealed)
	refused(t, err, "AccessDenied")
}
