package sts_test

import (
	"encoding/base64"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	sdk "github.com/aws/aws-sdk-go-v2/service/sts"

	"redoubt/internal/api"
	"redoubt/internal/app"
	"redoubt/redoubttest"
)

const (
	invalid = "The security token included in the request is invalid."
	expired = "The security token included in the request is expired"
)

// sessionOf makes a role that may list users, and a session of it.
func sessionOf(t *testing.T, a *account) aws.Config {
	t.Helper()
	bob := a.user("bob", "")
	role := a.role("r", trusting(a.arn("user/bob")), allow("iam:ListUsers"))
	session := mustAssume(t, bob, role)
	must(t, mayList(t, session))
	return session
}

func TestPermissionTakenFromTheRoleIsGoneAtTheNextCall(t *testing.T) {
	t.Parallel()
	a := start(t)
	session := sessionOf(t, a)
	_, err := a.DeleteRolePolicy(t.Context(), &iam.DeleteRolePolicyInput{RoleName: aws.String("r"), PolicyName: aws.String("p")})
	must(t, err)
	refused(t, mayList(t, session), "AccessDenied")
}

func TestSessionOfADeletedRoleIsRefusedThoughTheRoleIsMadeAgain(t *testing.T) {
	t.Parallel()
	a := start(t)
	session := sessionOf(t, a)
	_, err := a.DeleteRolePolicy(t.Context(), &iam.DeleteRolePolicyInput{RoleName: aws.String("r"), PolicyName: aws.String("p")})
	must(t, err)
	_, err = a.DeleteRole(t.Context(), &iam.DeleteRoleInput{RoleName: aws.String("r")})
	must(t, err)
	refused(t, mayList(t, session), "InvalidClientTokenId", invalid)
	a.role("r", trusting(a.arn("user/bob")), allow("iam:ListUsers"))
	refused(t, mayList(t, session), "InvalidClientTokenId", invalid)
}

// The policy is the one that the console attaches to revoke a role's sessions.
func TestSessionsAreRevokedByTheTimeOfTheirIssue(t *testing.T) {
	t.Parallel()
	a := start(t)
	session := sessionOf(t, a)
	revoke := func(before time.Time) {
		a.allowRole("r", document(statement("Allow", "iam:ListUsers"), statement("Deny", "*", condition("DateLessThan", "aws:TokenIssueTime", before.UTC().Format(time.RFC3339)))))
	}
	revoke(time.Now().Add(time.Minute))
	refused(t, mayList(t, session), "AccessDenied")
	revoke(time.Now().Add(-time.Minute))
	must(t, mayList(t, session))
}

func TestForgedTokensAreRefused(t *testing.T) {
	t.Parallel()
	a := start(t)
	session := sessionOf(t, a)
	creds, err := session.Credentials.Retrieve(t.Context())
	must(t, err)
	other, err := mustAssume(t, redoubttest.With(a.cfg, creds.AccessKeyID, creds.SecretAccessKey, creds.SessionToken), a.role("self", trusting(a.arn("role/r")), "")).Credentials.Retrieve(t.Context())
	must(t, err)
	long, err := a.cfg.Credentials.Retrieve(t.Context())
	must(t, err)
	bent, err := base64.StdEncoding.DecodeString(creds.SessionToken)
	must(t, err)
	bent[len(bent)/2] ^= 1
	for name, test := range map[string]struct{ id, secret, token, code string }{
		"bent":                       {creds.AccessKeyID, creds.SecretAccessKey, base64.StdEncoding.EncodeToString(bent), "InvalidClientTokenId"},
		"cut":                        {creds.AccessKeyID, creds.SecretAccessKey, creds.SessionToken[:len(creds.SessionToken)-4], "InvalidClientTokenId"},
		"garbage":                    {creds.AccessKeyID, creds.SecretAccessKey, "garbage", "InvalidClientTokenId"},
		"none":                       {creds.AccessKeyID, creds.SecretAccessKey, "", "InvalidClientTokenId"},
		"another key":                {other.AccessKeyID, other.SecretAccessKey, creds.SessionToken, "InvalidClientTokenId"},
		"a long-term key":            {long.AccessKeyID, long.SecretAccessKey, creds.SessionToken, "InvalidClientTokenId"},
		"another key's secret":       {creds.AccessKeyID, other.SecretAccessKey, creds.SessionToken, "SignatureDoesNotMatch"},
		"the long-term key's secret": {creds.AccessKeyID, long.SecretAccessKey, creds.SessionToken, "SignatureDoesNotMatch"},
	} {
		t.Run(name, func(t *testing.T) {
			refused(t, mayList(t, redoubttest.With(a.cfg, test.id, test.secret, test.token)), test.code)
		})
	}
}

// issued is the configuration of a session that ends at a time, made as the service makes it.
func issued(t *testing.T, s *redoubttest.Server, cfg aws.Config, session api.Session, expires time.Time) aws.Config {
	t.Helper()
	session.Expires = expires
	token, err := s.App.Registry().Sessions().Issue(&session)
	must(t, err)
	return redoubttest.With(cfg, session.AccessKey, session.SecretKey, token)
}

func TestExpiredSessionIsRefused(t *testing.T) {
	t.Parallel()
	s := redoubttest.Run(t, app.Config{})
	a := accountOf(t, s.Account(t))
	bob := whoIs(t, a.user("bob", allow("iam:ListUsers")))
	session := api.Session{Kind: api.IAMUser, ARN: *bob.Arn, ID: *bob.UserId, Name: "bob", Issuer: *bob.Arn, MFA: time.Now()}
	must(t, mayList(t, issued(t, s, a.cfg, session, time.Now().Add(time.Minute))))
	refused(t, mayList(t, issued(t, s, a.cfg, session, time.Now().Add(-time.Second))), "ExpiredToken", expired)
	_, err := sdk.NewFromConfig(issued(t, s, a.cfg, session, time.Now().Add(-time.Hour))).GetCallerIdentity(t.Context(), &sdk.GetCallerIdentityInput{})
	refused(t, err, "ExpiredToken", expired)
}

func TestTokensOfAnotherServerAreRefused(t *testing.T) {
	t.Parallel()
	s, stranger := redoubttest.Run(t, app.Config{}), redoubttest.Run(t, app.Config{})
	a := accountOf(t, s.Account(t))
	bob := whoIs(t, a.user("bob", allow("iam:ListUsers")))
	session := api.Session{Kind: api.IAMUser, ARN: *bob.Arn, ID: *bob.UserId, Name: "bob", Issuer: *bob.Arn}
	refused(t, mayList(t, issued(t, stranger, a.cfg, session, time.Now().Add(time.Minute))), "InvalidClientTokenId", invalid)
}
