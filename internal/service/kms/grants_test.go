package kms_test

import (
	"fmt"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/iam"
	sdk "github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"redoubt/redoubttest"
)

func (p *principal) grant(key, grantee string, constraints *types.GrantConstraints, operations ...types.GrantOperation) (*sdk.CreateGrantOutput, error) {
	return p.CreateGrant(ctx, &sdk.CreateGrantInput{
		KeyId: &key, GranteePrincipal: &grantee, Operations: operations, Constraints: constraints,
	})
}

func TestGrantHoldsAtOnceAndUntilRevoked(t *testing.T) {
	t.Parallel()
	a := start(t)
	key, n := a.createKey(t, ""), a.nobody(t, "n")
	_, err := n.encrypt(key)
	refused(t, err, "AccessDeniedException", "...")
	g, err := a.grant(key, n.arn, nil, "Encrypt", "DescribeKey")
	must(t, err)
	n.mustEncrypt(t, key)
	n.state(t, key)
	_, err = n.decrypt(a.mustEncrypt(t, key))
	refused(t, err, "AccessDeniedException", "...")
	_, err = n.Encrypt(ctx, &sdk.EncryptInput{KeyId: &key, Plaintext: []byte("x"), GrantTokens: []string{*g.GrantToken}})
	must(t, err)
	_, err = n.Encrypt(ctx, &sdk.EncryptInput{KeyId: &key, Plaintext: []byte("x"), GrantTokens: []string{"junk"}})
	refused(t, err, "InvalidGrantTokenException", "...")
	_, err = a.RevokeGrant(ctx, &sdk.RevokeGrantInput{KeyId: &key, GrantId: g.GrantId})
	must(t, err)
	_, err = n.encrypt(key)
	refused(t, err, "AccessDeniedException", "...")
	_, err = a.RevokeGrant(ctx, &sdk.RevokeGrantInput{KeyId: &key, GrantId: g.GrantId})
	refused(t, err, "NotFoundException", "Grant ID "+*g.GrantId+" not found")
}

func TestGrantToARoleIsForItsSessions(t *testing.T) {
	t.Parallel()
	a := start(t)
	key := a.createKey(t, "")
	trust := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"` + a.account + `"},"Action":"sts:AssumeRole"}]}`
	role, err := iam.NewFromConfig(a.cfg).CreateRole(ctx, &iam.CreateRoleInput{RoleName: ptr("R"), AssumeRolePolicyDocument: &trust})
	must(t, err)
	session, err := sts.NewFromConfig(a.cfg).AssumeRole(ctx, &sts.AssumeRoleInput{RoleArn: role.Role.Arn, RoleSessionName: ptr("session")})
	must(t, err)
	c := session.Credentials
	s := identify(t, redoubttest.With(a.cfg, *c.AccessKeyId, *c.SecretAccessKey, *c.SessionToken), nil)
	_, err = s.encrypt(key)
	refused(t, err, "AccessDeniedException", "...")
	_, err = a.grant(key, *role.Role.Arn, nil, "Encrypt")
	must(t, err)
	s.mustEncrypt(t, key)
}

func TestGrantConstraintsAreExact(t *testing.T) {
	t.Parallel()
	a := start(t)
	key := a.createKey(t, "")
	equal, some := a.nobody(t, "equal"), a.nobody(t, "some")
	_, err := a.grant(key, equal.arn, &types.GrantConstraints{EncryptionContextEquals: contextOf([]string{"Dept", "${aws:username}"})}, "Encrypt", "DescribeKey")
	must(t, err)
	_, err = a.grant(key, some.arn, &types.GrantConstraints{EncryptionContextSubset: contextOf([]string{"Dept", "IT"})}, "Encrypt")
	must(t, err)
	equal.mustEncrypt(t, key, "Dept", "${aws:username}")
	equal.state(t, key)
	some.mustEncrypt(t, key, "Dept", "IT")
	some.mustEncrypt(t, key, "Dept", "IT", "x", "y")
	for _, c := range []struct {
		who   *principal
		pairs []string
	}{
		{equal, nil}, {equal, []string{"Dept", "equal"}}, {equal, []string{"dept", "${aws:username}"}},
		{equal, []string{"Dept", "${aws:username}", "x", "y"}},
		{some, nil}, {some, []string{"dept", "IT"}}, {some, []string{"Dept", "it"}}, {some, []string{"x", "y"}},
	} {
		_, err := c.who.encrypt(key, c.pairs...)
		refused(t, err, "AccessDeniedException", "...")
	}
}

func TestGrantThatMayBePassedOnGivesNoMoreThanItHas(t *testing.T) {
	t.Parallel()
	a := start(t)
	key := a.createKey(t, "")
	middle, end := a.nobody(t, "middle"), a.nobody(t, "end")
	_, err := a.grant(key, middle.arn, &types.GrantConstraints{EncryptionContextSubset: contextOf([]string{"a", "1"})}, "Encrypt", "CreateGrant")
	must(t, err)
	for _, c := range []struct {
		constraints *types.GrantConstraints
		operations  []types.GrantOperation
		allowed     bool
	}{
		{nil, []types.GrantOperation{"Encrypt"}, false},
		{&types.GrantConstraints{EncryptionContextSubset: contextOf([]string{"b", "1"})}, []types.GrantOperation{"Encrypt"}, false},
		{&types.GrantConstraints{EncryptionContextSubset: contextOf([]string{"a", "1"})}, []types.GrantOperation{"Encrypt", "Decrypt"}, false},
		{&types.GrantConstraints{EncryptionContextSubset: contextOf([]string{"a", "1"})}, []types.GrantOperation{"Encrypt"}, true},
		{&types.GrantConstraints{EncryptionContextEquals: contextOf([]string{"a", "1", "b", "2"})}, []types.GrantOperation{"Encrypt", "CreateGrant"}, true},
	} {
		_, err := middle.grant(key, end.arn, c.constraints, c.operations...)
		if c.allowed {
			must(t, err)
		} else {
			refused(t, err, "AccessDeniedException", "...")
		}
	}
	end.mustEncrypt(t, key, "a", "1")
}

func TestNamedGrantIsMadeOnce(t *testing.T) {
	t.Parallel()
	a := start(t)
	key := a.createKey(t, "")
	in := &sdk.CreateGrantInput{KeyId: &key, GranteePrincipal: &a.arn, Operations: []types.GrantOperation{"Encrypt"}, Name: ptr("mine")}
	one, err := a.CreateGrant(ctx, in)
	must(t, err)
	two, err := a.CreateGrant(ctx, in)
	must(t, err)
	if *one.GrantId != *two.GrantId || *one.GrantToken == *two.GrantToken {
		t.Error("want the same grant and another token")
	}
	in.Operations = append(in.Operations, "Decrypt")
	three, err := a.CreateGrant(ctx, in)
	must(t, err)
	if *one.GrantId == *three.GrantId {
		t.Error("another grant has the id of the first")
	}
}

func TestRetirementIsToldByTheGrant(t *testing.T) {
	t.Parallel()
	a := start(t)
	b := a.neighbour(t)
	key := a.createKey(t, "")
	n, retiring, self := a.nobody(t, "n"), b.nobody(t, "retiring"), a.nobody(t, "self")
	grant := func() *sdk.CreateGrantOutput {
		g, err := a.CreateGrant(ctx, &sdk.CreateGrantInput{
			KeyId: &key, GranteePrincipal: &self.arn, RetiringPrincipal: &b.arn, Operations: []types.GrantOperation{"Encrypt", "RetireGrant"},
		})
		must(t, err)
		return g
	}
	g := grant()
	retire := func(who *principal, g *sdk.CreateGrantOutput) error {
		_, err := who.RetireGrant(ctx, &sdk.RetireGrantInput{GrantToken: g.GrantToken})
		return err
	}
	refused(t, retire(n, g), "AccessDeniedException", "...")
	refused(t, retire(retiring, g), "AccessDeniedException", "...")
	must(t, retire(self, g))
	must(t, retire(b, grant()))
	must(t, retire(a, grant()))
	g = grant()
	_, err := self.RetireGrant(ctx, &sdk.RetireGrantInput{KeyId: &key, GrantId: g.GrantId})
	must(t, err)
	_, err = a.RetireGrant(ctx, &sdk.RetireGrantInput{})
	refused(t, err, "ValidationException", "Grant token OR (grant ID, key ID) must be specified")
	_, err = a.RetireGrant(ctx, &sdk.RetireGrantInput{GrantToken: ptr("junk")})
	refused(t, err, "InvalidGrantTokenException", "...")
}

func TestListGrants(t *testing.T) {
	t.Parallel()
	a := start(t)
	key := a.createKey(t, "")
	var last *sdk.CreateGrantOutput
	grantees := []*principal{a.nobody(t, "n0"), a.nobody(t, "n1")}
	for i := range 5 {
		n := grantees[i%2]
		out, err := a.CreateGrant(ctx, &sdk.CreateGrantInput{
			KeyId: &key, GranteePrincipal: &n.arn, RetiringPrincipal: &a.arn, Operations: []types.GrantOperation{"Encrypt", "Encrypt", "Decrypt"},
			Constraints: &types.GrantConstraints{EncryptionContextSubset: contextOf([]string{"a", "b"})},
		})
		must(t, err)
		last = out
	}
	count := func(in *sdk.ListGrantsInput) (n int) {
		in.KeyId, in.Limit = &key, ptr(int32(2))
		for p := sdk.NewListGrantsPaginator(a, in); p.HasMorePages(); {
			out, err := p.NextPage(ctx)
			must(t, err)
			n += len(out.Grants)
		}
		return n
	}
	if n := count(&sdk.ListGrantsInput{}); n != 5 {
		t.Errorf("got %d grants", n)
	}
	if n := count(&sdk.ListGrantsInput{GranteePrincipal: ptr("arn:aws:iam::" + a.account + ":user/n1")}); n != 2 {
		t.Errorf("got %d grants of n1", n)
	}
	out, err := a.ListGrants(ctx, &sdk.ListGrantsInput{KeyId: &key, GrantId: last.GrantId})
	must(t, err)
	g := out.Grants[0]
	if *g.KeyId != key || *g.IssuingAccount != "arn:aws:iam::"+a.account+":root" || fmt.Sprint(g.Operations) != "[Encrypt Decrypt]" ||
		g.Constraints.EncryptionContextSubset["a"] != "b" {
		t.Errorf("got %+v", g)
	}
	retirable, err := a.ListRetirableGrants(ctx, &sdk.ListRetirableGrantsInput{RetiringPrincipal: &a.arn})
	must(t, err)
	if len(retirable.Grants) != 5 {
		t.Errorf("got %d retirable grants", len(retirable.Grants))
	}
}

func TestGrantsFollowAWSRules(t *testing.T) {
	t.Parallel()
	a := start(t)
	key := a.createKey(t, "")
	try := func(in sdk.CreateGrantInput) error {
		in.KeyId = &key
		if in.Operations == nil {
			in.Operations = []types.GrantOperation{"Encrypt"}
		}
		_, err := a.CreateGrant(ctx, &in)
		return err
	}
	role := "arn:aws:iam::" + a.account + ":role/gone"
	refused(t, try(sdk.CreateGrantInput{GranteePrincipal: &role}), "InvalidArnException", "ARN does not refer to a valid principal: "+role)
	refused(t, try(sdk.CreateGrantInput{GranteePrincipal: ptr("arn:aws:s3:::bucket")}), "InvalidArnException", "ARN does not refer to a valid principal: arn:aws:s3:::bucket")
	refused(t, try(sdk.CreateGrantInput{}), "ValidationException", "...")
	refused(t, try(sdk.CreateGrantInput{GranteePrincipal: &a.arn, Operations: []types.GrantOperation{"Sign"}}), "ValidationException", "...")
	refused(t, try(sdk.CreateGrantInput{GranteePrincipal: &a.arn, Constraints: &types.GrantConstraints{
		EncryptionContextEquals: contextOf([]string{"a", "b"}), EncryptionContextSubset: contextOf([]string{"a", "b"}),
	}}), "ValidationException", "...")
	refused(t, try(sdk.CreateGrantInput{GranteePrincipal: &a.arn, DryRun: ptr(true)}), "DryRunOperationException", "...")
	_, err := a.DisableKey(ctx, &sdk.DisableKeyInput{KeyId: &key})
	must(t, err)
	refused(t, try(sdk.CreateGrantInput{GranteePrincipal: &a.arn}), "DisabledException", key+" is disabled.")
}
