package kms_test

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	sdk "github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"redoubt/redoubttest"
)

// role makes a role that the account may assume, and returns one who has assumed it.
func (p *principal) role(t *testing.T, name string) (arn, id string, session *principal) {
	t.Helper()
	trust := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"` + p.account + `"},"Action":"sts:AssumeRole"}]}`
	role, err := iam.NewFromConfig(p.cfg).CreateRole(ctx, &iam.CreateRoleInput{RoleName: &name, AssumeRolePolicyDocument: &trust})
	must(t, err)
	out, err := sts.NewFromConfig(p.cfg).AssumeRole(ctx, &sts.AssumeRoleInput{RoleArn: role.Role.Arn, RoleSessionName: aws.String("session")})
	must(t, err)
	c := out.Credentials
	return *role.Role.Arn, *role.Role.RoleId, identify(t, redoubttest.With(p.cfg, *c.AccessKeyId, *c.SecretAccessKey, *c.SessionToken), p.server)
}

func (p *principal) dropRole(t *testing.T, name string) {
	t.Helper()
	_, err := iam.NewFromConfig(p.cfg).DeleteRole(ctx, &iam.DeleteRoleInput{RoleName: &name})
	must(t, err)
}

func (p *principal) policyOf(t *testing.T, key string) string {
	t.Helper()
	out, err := p.GetKeyPolicy(ctx, &sdk.GetKeyPolicyInput{KeyId: &key})
	must(t, err)
	return *out.Policy
}

func TestKeyPolicyIsBoundToTheRoleNotToItsName(t *testing.T) {
	t.Parallel()
	a := start(t)
	arn, id, session := a.role(t, "R")
	text := a.keyPolicy(`{"Effect":"Allow","Principal":{"AWS":"` + arn + `"},"Action":["kms:Encrypt","kms:DescribeKey"],"Resource":"*"}`)
	created, put := a.createKey(t, text), a.createKey(t, "")
	must(t, a.setPolicy(put, text, false))
	for _, key := range []string{created, put} {
		session.mustEncrypt(t, key)
		if shown := a.policyOf(t, key); shown != text {
			t.Errorf("policy is shown as %s", shown)
		}
	}
	a.dropRole(t, "R")
	_, _, another := a.role(t, "R")
	for _, key := range []string{created, put} {
		_, err := another.encrypt(key)
		refused(t, err, "AccessDeniedException", "...")
		shown := a.policyOf(t, key)
		if !strings.Contains(shown, id) || strings.Contains(shown, arn) {
			t.Errorf("policy does not show who is gone: %s", shown)
		}
		refused(t, a.setPolicy(key, shown, false), "MalformedPolicyDocumentException", "Policy contains a statement with one or more invalid principals.")
	}
	must(t, a.setPolicy(put, text, false))
	another.mustEncrypt(t, put)
}

func TestKeyPolicyNamesOnlyWhoExists(t *testing.T) {
	t.Parallel()
	a := start(t)
	key := a.createKey(t, "")
	for _, who := range []string{
		"arn:aws:iam::" + a.account + ":role/none", "arn:aws:iam::" + a.account + ":user/none", "arn:aws:iam::999999999999:root", "999999999999",
		"arn:aws:sts::" + a.account + ":assumed-role/none/s", "AROAAAAAAAAAAAAAAAAAA",
	} {
		text := a.keyPolicy(`{"Effect":"Allow","Principal":{"AWS":"` + who + `"},"Action":"kms:Encrypt","Resource":"*"}`)
		const message = "Policy contains a statement with one or more invalid principals."
		refused(t, a.setPolicy(key, text, true), "MalformedPolicyDocumentException", message)
		_, err := a.CreateKey(ctx, &sdk.CreateKeyInput{Policy: &text})
		refused(t, err, "MalformedPolicyDocumentException", message)
	}
}

func TestFederatedUserIsBehindItsUserInAKeyPolicy(t *testing.T) {
	t.Parallel()
	a := start(t)
	u := a.user(t, "u", allow("sts:GetFederationToken", "*"))
	key := a.createKey(t, a.keyPolicy(`{"Effect":"Allow","Principal":{"AWS":"`+u.arn+`"},"Action":"kms:Encrypt","Resource":"*"}`))
	u.mustEncrypt(t, key)
	out, err := sts.NewFromConfig(u.cfg).GetFederationToken(ctx, &sts.GetFederationTokenInput{Name: aws.String("guest"), Policy: aws.String(allow("kms:Encrypt", "*"))})
	must(t, err)
	c := out.Credentials
	identify(t, redoubttest.With(a.cfg, *c.AccessKeyId, *c.SecretAccessKey, *c.SessionToken), nil).mustEncrypt(t, key)
}

func TestGrantIsBoundToTheRoleNotToItsName(t *testing.T) {
	t.Parallel()
	a := start(t)
	key := a.createKey(t, "")
	arn, id, session := a.role(t, "R")
	make := func() *string {
		out, err := a.CreateGrant(ctx, &sdk.CreateGrantInput{
			KeyId: &key, GranteePrincipal: &arn, RetiringPrincipal: &arn, Operations: []types.GrantOperation{types.GrantOperationEncrypt}, Name: aws.String("g"),
		})
		must(t, err)
		return out.GrantId
	}
	one := make()
	session.mustEncrypt(t, key)
	grantees(t, a, key, nil, arn)
	grantees(t, a, key, &arn, arn)
	a.dropRole(t, "R")
	_, _, another := a.role(t, "R")
	_, err := another.encrypt(key)
	refused(t, err, "AccessDeniedException", "...")
	_, err = another.RetireGrant(ctx, &sdk.RetireGrantInput{KeyId: &key, GrantId: one})
	refused(t, err, "AccessDeniedException", "...")
	grantees(t, a, key, nil, id)
	grantees(t, a, key, &arn)
	grantees(t, a, key, &id, id)
	retirable(t, a, arn)
	two := make()
	if *two == *one {
		t.Error("the grant to another role is the one to the first")
	}
	another.mustEncrypt(t, key)
	grantees(t, a, key, &arn, arn)
	retirable(t, a, arn, *two)
	_, err = another.RetireGrant(ctx, &sdk.RetireGrantInput{KeyId: &key, GrantId: two})
	must(t, err)
}

func grantees(t *testing.T, a *principal, key string, of *string, want ...string) {
	t.Helper()
	out, err := a.ListGrants(ctx, &sdk.ListGrantsInput{KeyId: &key, GranteePrincipal: of})
	must(t, err)
	var got []string
	for _, g := range out.Grants {
		if *g.GranteePrincipal != *g.RetiringPrincipal {
			t.Errorf("grantee is %s, retiring is %s", *g.GranteePrincipal, *g.RetiringPrincipal)
		}
		got = append(got, *g.GranteePrincipal)
	}
	if strings.Join(got, " ") != strings.Join(want, " ") {
		t.Errorf("grantees are %v, want %v", got, want)
	}
}

func retirable(t *testing.T, a *principal, by string, want ...string) {
	t.Helper()
	out, err := a.ListRetirableGrants(ctx, &sdk.ListRetirableGrantsInput{RetiringPrincipal: &by})
	must(t, err)
	var got []string
	for _, g := range out.Grants {
		got = append(got, *g.GrantId)
	}
	if strings.Join(got, " ") != strings.Join(want, " ") {
		t.Errorf("grants are %v, want %v", got, want)
	}
}

func TestGrantNamesOnlyWhoExists(t *testing.T) {
	t.Parallel()
	a := start(t)
	key, none := a.createKey(t, ""), "arn:aws:iam::"+a.account+":user/none"
	_, err := a.grant(key, none, nil, "Encrypt")
	refused(t, err, "InvalidArnException", "ARN does not refer to a valid principal: "+none)
	_, err = a.CreateGrant(ctx, &sdk.CreateGrantInput{
		KeyId: &key, GranteePrincipal: &a.arn, RetiringPrincipal: &none, Operations: []types.GrantOperation{types.GrantOperationEncrypt},
	})
	refused(t, err, "InvalidArnException", "ARN does not refer to a valid principal: "+none)
}
