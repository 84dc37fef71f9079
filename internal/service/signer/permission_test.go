package signer_test

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/iam"
	sdk "github.com/aws/aws-sdk-go-v2/service/signer"

	"redoubt/redoubttest"
)

func (p *principal) permit(name, sid, action, who string, revision *string) (*sdk.AddProfilePermissionOutput, error) {
	return p.AddProfilePermission(ctx, &sdk.AddProfilePermissionInput{
		ProfileName: &name, StatementId: &sid, Action: &action, Principal: &who, RevisionId: revision,
	})
}

func (p *principal) getOf(owner, name string) error {
	_, err := p.GetSigningProfile(ctx, &sdk.GetSigningProfileInput{ProfileName: &name, ProfileOwner: &owner})
	return err
}

func TestAnotherAccountUsesAProfileByPermissionOnly(t *testing.T) {
	p, other := start(t), identify(t, redoubttest.Start(t))
	p.profile(t, "mine")
	refused(t, other.getOf(p.account, "mine"), "AccessDeniedException", "")
	_, err := p.permit("mine", "get", "signer:GetSigningProfile", other.account, nil)
	must(t, err)
	must(t, other.getOf(p.account, "mine"))
	// Both accounts must allow it.
	refused(t, other.user(t, "nobody", `{"Effect":"Allow","Action":"signer:ListSigningJobs","Resource":"*"}`).getOf(p.account, "mine"),
		"AccessDeniedException", "")
	list, err := p.ListProfilePermissions(ctx, &sdk.ListProfilePermissionsInput{ProfileName: ptr("mine")})
	must(t, err)
	if x := list.Permissions; len(x) != 1 || *x[0].Principal != other.account || *x[0].Action != "signer:GetSigningProfile" || *x[0].StatementId != "get" {
		t.Errorf("permissions are %+v", x)
	}
	_, err = p.RemoveProfilePermission(ctx, &sdk.RemoveProfilePermissionInput{ProfileName: ptr("mine"), StatementId: ptr("get"), RevisionId: list.RevisionId})
	must(t, err)
	refused(t, other.getOf(p.account, "mine"), "AccessDeniedException", "")
	_, err = p.ListProfilePermissions(ctx, &sdk.ListProfilePermissionsInput{ProfileName: ptr("mine")})
	refused(t, err, "ResourceNotFoundException", "")
}

func TestPermissionForAnotherVersionPermitsNothing(t *testing.T) {
	p, other := start(t), identify(t, redoubttest.Start(t))
	version := p.profile(t, "mine")
	add := func(sid, version string) error {
		_, err := p.AddProfilePermission(ctx, &sdk.AddProfilePermissionInput{
			ProfileName: ptr("mine"), StatementId: &sid, Action: ptr("signer:GetSigningProfile"), Principal: &other.account, ProfileVersion: &version,
		})
		return err
	}
	refused(t, add("a", "0123456789"), "ResourceNotFoundException", "")
	refused(t, other.getOf(p.account, "mine"), "AccessDeniedException", "")
	must(t, add("b", version))
	must(t, other.getOf(p.account, "mine"))
}

func TestPermissionIsForARoleNotForItsName(t *testing.T) {
	p, other := start(t), identify(t, redoubttest.Start(t))
	p.profile(t, "mine")
	c, name := iam.NewFromConfig(other.cfg), ptr("R")
	create := func() string {
		role, err := c.CreateRole(ctx, &iam.CreateRoleInput{RoleName: name, AssumeRolePolicyDocument: ptr(
			`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"` + other.account + `"},"Action":"sts:AssumeRole"}]}`)})
		must(t, err)
		return *role.Role.Arn
	}
	arn := create()
	_, err := p.permit("mine", "role", "signer:GetSigningProfile", arn, nil)
	must(t, err)
	_, err = c.DeleteRole(ctx, &iam.DeleteRoleInput{RoleName: name})
	must(t, err)
	create()
	list, err := p.ListProfilePermissions(ctx, &sdk.ListProfilePermissionsInput{ProfileName: ptr("mine")})
	must(t, err)
	if who := *list.Permissions[0].Principal; !strings.HasPrefix(who, "AROA") {
		t.Errorf("the permission of a role that is gone is shown as for %s", who)
	}
}

func TestPermissionsThatCannotBeGivenAreRefused(t *testing.T) {
	p := start(t)
	p.profile(t, "mine")
	_, err := p.permit("mine", "pay", "signer:SignPayload", "123456789012", nil)
	refused(t, err, "ValidationException", "Action signer:SignPayload not supported for platform AWSLambda-SHA384-ECDSA. "+
		"Action must be one of [signer:StartSigningJob, signer:GetSigningProfile, signer:RevokeSignature]")
	_, err = p.permit("mine", "who", "signer:StartSigningJob", "arn:aws:iam::"+p.account+":role/none", nil)
	refused(t, err, "ValidationException", "")
	_, err = p.permit("mine", "who", "signer:StartSigningJob", "*", nil)
	refused(t, err, "ValidationException", "")
	_, err = p.permit("none", "who", "signer:StartSigningJob", "123456789012", nil)
	refused(t, err, "ResourceNotFoundException", "profile with name none does not exist")
	first, err := p.permit("mine", "one", "signer:StartSigningJob", "123456789012", nil)
	must(t, err)
	_, err = p.permit("mine", "one", "signer:StartSigningJob", "123456789012", first.RevisionId)
	refused(t, err, "ConflictException", "")
	_, err = p.permit("mine", "two", "signer:StartSigningJob", "123456789012", ptr("stale"))
	refused(t, err, "ConflictException", "")
	_, err = p.RemoveProfilePermission(ctx, &sdk.RemoveProfilePermissionInput{ProfileName: ptr("mine"), StatementId: ptr("one"), RevisionId: ptr("stale")})
	refused(t, err, "ConflictException", "")
}
