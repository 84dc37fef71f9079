package sts_test

import (
	"context"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	sdk "github.com/aws/aws-sdk-go-v2/service/sts"

	"redoubt/internal/api"
	"redoubt/internal/app"
	"redoubt/redoubttest"
)

func TestTrustInAUserIsEnoughForThatUserOnly(t *testing.T) {
	t.Parallel()
	a := start(t)
	bob, eve := a.user("bob", ""), a.user("eve", "")
	role := a.role("r", trusting(a.arn("user/bob")), allow("iam:ListUsers"))
	must(t, mayList(t, mustAssume(t, bob, role)))
	_, err := assume(t, eve, role)
	refused(t, err, "AccessDenied", "User: "+a.arn("user/eve")+" is not authorized to perform: sts:AssumeRole on resource: "+role+
		" because no role trust policy allows the sts:AssumeRole action")
}

func TestTrustInTheAccountLeavesItToIdentityPolicies(t *testing.T) {
	t.Parallel()
	a := start(t)
	bob, eve := a.user("bob", allow("sts:AssumeRole")), a.user("eve", "")
	role := a.role("r", trusting(a.arn("root")), "")
	mustAssume(t, bob, role)
	_, err := assume(t, eve, role)
	refused(t, err, "AccessDenied", "User: "+a.arn("user/eve")+" is not authorized to perform: sts:AssumeRole on resource: "+role+
		" because no identity-based policy allows the sts:AssumeRole action")
}

func TestPermissionWithoutTrustIsNotEnough(t *testing.T) {
	t.Parallel()
	a := start(t)
	a.user("bob", "")
	role := a.role("r", trusting(a.arn("user/bob")), "")
	_, err := assume(t, a.cfg, role)
	refused(t, err, "AccessDenied")
}

func TestAMissingRoleIsDeniedLikeAStrangersRole(t *testing.T) {
	t.Parallel()
	a := start(t)
	_, err := assume(t, a.cfg, a.arn("role/missing"))
	refused(t, err, "AccessDenied")
	_, err = assume(t, a.cfg, a.arn("user/bob"))
	refused(t, err, "AccessDenied")
	_, err = assume(t, a.cfg, "this is no arn of a role")
	refused(t, err, "ValidationError")
}

func TestTrustInARoleOrInOneOfItsSessions(t *testing.T) {
	t.Parallel()
	a := start(t)
	bob := a.user("bob", "")
	first := a.role("first", trusting(a.arn("user/bob")), "")
	byRole := a.role("by-role", trusting(first), "")
	bySession := a.role("by-session", trusting("arn:aws:sts::"+a.id+":assumed-role/first/session"), "")
	session := mustAssume(t, bob, first)
	other := mustAssume(t, bob, first, func(in *sdk.AssumeRoleInput) { in.RoleSessionName = aws.String("other") })
	for _, cfg := range []aws.Config{session, other} {
		mustAssume(t, cfg, byRole)
	}
	mustAssume(t, session, bySession)
	_, err := assume(t, other, bySession)
	refused(t, err, "AccessDenied")
}

func TestExternalIDMustMatch(t *testing.T) {
	t.Parallel()
	a := start(t)
	bob := a.user("bob", "")
	role := a.role("r", trusting(a.arn("user/bob"), condition("StringEquals", "sts:ExternalId", "42")), "")
	with := func(id string) func(*sdk.AssumeRoleInput) {
		return func(in *sdk.AssumeRoleInput) { in.ExternalId = &id }
	}
	mustAssume(t, bob, role, with("42"))
	_, err := assume(t, bob, role, with("43"))
	refused(t, err, "AccessDenied")
	_, err = assume(t, bob, role)
	refused(t, err, "AccessDenied")
}

func TestAcrossAccountsBothSidesMustAllow(t *testing.T) {
	t.Parallel()
	a, b := start(t), start(t)
	bob, eve := a.user("bob", allow("sts:AssumeRole")), a.user("eve", "")
	open := b.role("open", document(
		`{"Effect":"Allow","Principal":{"AWS":["`+a.arn("user/bob")+`","`+a.arn("user/eve")+`"]},"Action":"sts:AssumeRole"}`), allow("iam:ListUsers"))
	closed := b.role("closed", trusting(b.arn("root")), allow("iam:ListUsers"))
	session := mustAssume(t, bob, open)
	if who := whoIs(t, session); *who.Account != b.id {
		t.Errorf("session is in account %s, want %s", *who.Account, b.id)
	}
	must(t, mayList(t, session))
	_, err := assume(t, bob, closed)
	refused(t, err, "AccessDenied")
	_, err = assume(t, eve, open)
	refused(t, err, "AccessDenied")
}

func TestTrustInAServiceIsForTheServiceAlone(t *testing.T) {
	t.Parallel()
	s := redoubttest.Run(t, app.Config{})
	a := accountOf(t, s.Account(t))
	role := a.role("r", trust(`{"Service":"lambda.amazonaws.com"}`, "sts:AssumeRole"), "")
	_, err := assume(t, a.cfg, role)
	refused(t, err, "AccessDenied")
	as := func(service string) error {
		ctx := api.As(context.Background(), service, "arn:aws:lambda:us-east-1:"+a.id+":function:f")
		_, err := api.Call[sdk.AssumeRoleOutput](ctx, s.App.Registry(), &sdk.AssumeRoleInput{RoleArn: &role, RoleSessionName: aws.String("function")})
		return err
	}
	must(t, as("lambda.amazonaws.com"))
	refused(t, as("s3.amazonaws.com"), "AccessDenied")
}

func TestSessionsLastAsLongAsAllowed(t *testing.T) {
	t.Parallel()
	a := start(t)
	bob := a.user("bob", "")
	role := a.role("r", trusting(a.arn("user/bob")), "")
	lasting := func(seconds int32) func(*sdk.AssumeRoleInput) {
		return func(in *sdk.AssumeRoleInput) { in.DurationSeconds = &seconds }
	}
	_, err := assume(t, bob, role, lasting(3601))
	refused(t, err, "ValidationError", "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.")
	_, err = assume(t, bob, role, lasting(899))
	refused(t, err, "ValidationError")
	_, err = a.UpdateRole(t.Context(), &iam.UpdateRoleInput{RoleName: aws.String("r"), MaxSessionDuration: aws.Int32(7200)})
	must(t, err)
	before := time.Now()
	out, err := sdk.NewFromConfig(bob).AssumeRole(t.Context(), &sdk.AssumeRoleInput{RoleArn: &role, RoleSessionName: aws.String("session"), DurationSeconds: aws.Int32(7200)})
	must(t, err)
	if lasts := out.Credentials.Expiration.Sub(before); lasts < 7198*time.Second || lasts > 7260*time.Second {
		t.Errorf("session lasts %s", lasts)
	}
}

func TestAChainedRoleIsGoodForAnHourAtMost(t *testing.T) {
	t.Parallel()
	a := start(t)
	bob := a.user("bob", "")
	first := a.role("first", trusting(a.arn("user/bob")), "")
	second := a.role("second", trusting(first), "")
	_, err := a.UpdateRole(t.Context(), &iam.UpdateRoleInput{RoleName: aws.String("second"), MaxSessionDuration: aws.Int32(7200)})
	must(t, err)
	session := mustAssume(t, bob, first)
	mustAssume(t, session, second)
	_, err = assume(t, session, second, func(in *sdk.AssumeRoleInput) { in.DurationSeconds = aws.Int32(7200) })
	refused(t, err, "ValidationError", "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining")
}

func TestSourceIdentityNeedsPermissionPersistsAndCannotChange(t *testing.T) {
	t.Parallel()
	a := start(t)
	bob := a.user("bob", "")
	plain := a.role("plain", trust(`{"AWS":"`+a.arn("user/bob")+`"}`, "sts:AssumeRole"), "")
	first := a.role("first", trusting(a.arn("user/bob"), condition("StringLike", "sts:SourceIdentity", "*")), allow("iam:ListUsers", condition("StringEquals", "aws:SourceIdentity", "Bob")))
	second := a.role("second", trusting(first, condition("StringEquals", "aws:SourceIdentity", "Bob")), "")
	third := a.role("third", trust(`{"AWS":"`+first+`"}`, "sts:AssumeRole"), "")
	with := func(id string) func(*sdk.AssumeRoleInput) {
		return func(in *sdk.AssumeRoleInput) { in.SourceIdentity = &id }
	}
	_, err := assume(t, bob, plain, with("Bob"))
	refused(t, err, "AccessDenied")
	_, err = assume(t, bob, first)
	refused(t, err, "AccessDenied")
	refused(t, mayList(t, mustAssume(t, bob, first, with("Eve"))), "AccessDenied")
	session := mustAssume(t, bob, first, with("Bob"))
	must(t, mayList(t, session))
	out, err := sdk.NewFromConfig(session).AssumeRole(t.Context(), &sdk.AssumeRoleInput{RoleArn: &second, RoleSessionName: aws.String("session")})
	must(t, err)
	if aws.ToString(out.SourceIdentity) != "Bob" {
		t.Errorf("source identity is %v after chaining", out.SourceIdentity)
	}
	_, err = assume(t, session, second, with("Eve"))
	refused(t, err, "AccessDenied")
	_, err = assume(t, session, third) // the source identity it passes on needs permission, too
	refused(t, err, "AccessDenied")
}
