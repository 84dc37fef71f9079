package secretsmanager_test

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/iam"
	sdk "github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager/types"

	"redoubt/redoubttest"
)

func (p *principal) setPolicy(id, statements string, block bool) error {
	_, err := p.PutResourcePolicy(ctx, &sdk.PutResourcePolicyInput{SecretId: &id, ResourcePolicy: ptr(document(statements)), BlockPublicPolicy: &block})
	return err
}

func TestAnotherAccountReadsByThePolicyOfTheSecretAndOfItsKey(t *testing.T) {
	p := start(t)
	other := identify(t, redoubttest.Start(t))
	key := p.key(t, "")
	arn := p.createUnder(t, "x", key)
	_, err := other.get(arn)
	refused(t, err, "AccessDeniedException", "")
	must(t, p.setPolicy("x", `{"Effect":"Allow","Principal":{"AWS":"`+other.account+`"},"Action":"secretsmanager:GetSecretValue","Resource":"*"}`, true))
	_, err = other.get(arn)
	refused(t, err, "AccessDeniedException", noKMS) // both accounts' keys: https://docs.aws.amazon.com/secretsmanager/latest/userguide/auth-and-access_examples_cross.html
	p.shareKey(t, key, other.account)
	other.holds(t, arn, "1")
	_, err = other.DescribeSecret(ctx, &sdk.DescribeSecretInput{SecretId: &arn})
	refused(t, err, "AccessDeniedException", "")
	_, err = p.DeleteResourcePolicy(ctx, &sdk.DeleteResourcePolicyInput{SecretId: ptr("x")})
	must(t, err)
	_, err = other.get(arn)
	refused(t, err, "AccessDeniedException", "")
}

func TestPolicyMeansUsersAndNotTheirNames(t *testing.T) {
	p := start(t)
	p.create(t, "x", "1")
	u := p.user(t, "u", `{"Effect":"Allow","Action":"iam:GetUser","Resource":"*"}`)
	statement := `{"Effect":"Allow","Principal":{"AWS":"` + u.arn() + `"},"Action":"secretsmanager:GetSecretValue","Resource":"*"}`
	must(t, p.setPolicy("x", statement, true))
	u.holds(t, "x", "1")
	admin := iam.NewFromConfig(p.cfg)
	keys, err := admin.ListAccessKeys(ctx, &iam.ListAccessKeysInput{UserName: ptr("u")})
	must(t, err)
	_, err = admin.DeleteAccessKey(ctx, &iam.DeleteAccessKeyInput{UserName: ptr("u"), AccessKeyId: keys.AccessKeyMetadata[0].AccessKeyId})
	must(t, err)
	_, err = admin.DeleteUserPolicy(ctx, &iam.DeleteUserPolicyInput{UserName: ptr("u"), PolicyName: ptr("p")})
	must(t, err)
	_, err = admin.DeleteUser(ctx, &iam.DeleteUserInput{UserName: ptr("u")})
	must(t, err)
	u = p.user(t, "u", `{"Effect":"Allow","Action":"iam:GetUser","Resource":"*"}`)
	_, err = u.get("x")
	refused(t, err, "AccessDeniedException", "")
	out, err := p.GetResourcePolicy(ctx, &sdk.GetResourcePolicyInput{SecretId: ptr("x")})
	must(t, err)
	if !strings.Contains(*out.ResourcePolicy, `"AIDA`) {
		t.Errorf("the policy is shown as %s", *out.ResourcePolicy)
	}
}

func TestPublicPoliciesAreBlockedOnRequest(t *testing.T) {
	p := start(t)
	p.create(t, "x", "1")
	everybody := `"Action":"secretsmanager:GetSecretValue","Resource":"*"`
	for _, c := range []struct {
		who, condition string
		public         bool
	}{
		{`"Principal":"*"`, "", true},
		{`"Principal":{"AWS":["*"]}`, "", true},
		{`"Principal":"*"`, `"StringEquals":{"aws:PrincipalAccount":"` + p.account + `"}`, false},
		{`"Principal":"*"`, `"StringLike":{"aws:PrincipalAccount":"*"}`, true},
		{`"Principal":"*"`, `"StringNotEquals":{"aws:PrincipalAccount":"` + p.account + `"}`, true},
		{`"Principal":"*"`, `"StringEqualsIfExists":{"aws:PrincipalOrgID":"o-1234567890"}`, true},
		{`"Principal":"*"`, `"IpAddress":{"aws:SourceIp":"0.0.0.0/0"}`, true},
		{`"Principal":"*"`, `"IpAddress":{"aws:SourceIp":"10.0.0.0/8"}`, false},
		{`"Principal":"*"`, `"ArnLike":{"aws:PrincipalArn":"arn:aws:iam::*:role/admin"}`, true},
		{`"Principal":"*"`, `"ArnLike":{"aws:PrincipalArn":"arn:aws:iam::` + p.account + `:role/*"}`, false},
		{`"Principal":"*"`, `"StringEquals":{"secretsmanager:VersionStage":"AWSCURRENT"}`, true},
		{`"Principal":{"Service":"lambda.amazonaws.com"}`, "", false},
	} {
		s := `{"Effect":"Allow",` + c.who + `,` + everybody
		if c.condition != "" {
			s += `,"Condition":{` + c.condition + `}`
		}
		s += `}`
		err := p.setPolicy("x", s, true)
		if c.public {
			refused(t, err, "PublicPolicyException", "")
		} else if err != nil {
			t.Errorf("%s: %v", s, err)
		}
		out, err := p.ValidateResourcePolicy(ctx, &sdk.ValidateResourcePolicyInput{ResourcePolicy: ptr(document(s))})
		must(t, err)
		if out.PolicyValidationPassed == c.public {
			t.Errorf("%s: validated as %+v", s, out)
		}
	}
	must(t, p.setPolicy("x", `{"Effect":"Allow","Principal":"*",`+everybody+`}`, false))
	refused(t, p.setPolicy("x", `{"Effect":"Allow"}`, false), "MalformedPolicyDocumentException", "")
	refused(t, p.setPolicy("x", `{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::`+p.account+`:user/none"},`+everybody+`}`, false), "MalformedPolicyDocumentException", "")
}

func TestValidationTellsOfALockout(t *testing.T) {
	p := start(t)
	p.create(t, "x", "1")
	out, err := p.ValidateResourcePolicy(ctx, &sdk.ValidateResourcePolicyInput{SecretId: ptr("x"), ResourcePolicy: ptr(document(
		`{"Effect":"Deny","Principal":"*","Action":"secretsmanager:*","Resource":"*"}`))})
	must(t, err)
	if out.PolicyValidationPassed || len(out.ValidationErrors) != 1 {
		t.Errorf("validated as %+v", out)
	}
}

func TestConditionsOfSecretsManagerCount(t *testing.T) {
	p := start(t)
	arn := p.create(t, "x", "1")
	key := p.key(t, "")
	_, err := p.TagResource(ctx, &sdk.TagResourceInput{SecretId: ptr("x"), Tags: []types.Tag{{Key: ptr("team"), Value: ptr("red")}}})
	must(t, err)
	u := p.user(t, "u", reading)
	get := func() error { _, err := u.get("x"); return err }
	create := func(name string) func() error {
		return func() error {
			_, err := u.CreateSecret(ctx, &sdk.CreateSecretInput{Name: &name, Description: ptr("d"), KmsKeyId: &key})
			return err
		}
	}
	remove := func() error {
		_, err := u.DeleteSecret(ctx, &sdk.DeleteSecretInput{SecretId: ptr("none"), RecoveryWindowInDays: ptr[int64](7)})
		return err
	}
	force := func() error {
		_, err := u.DeleteSecret(ctx, &sdk.DeleteSecretInput{SecretId: ptr("none"), ForceDeleteWithoutRecovery: ptr(true)})
		return err
	}
	block := func() error {
		return u.setPolicy("x", `{"Effect":"Allow","Principal":{"AWS":"`+p.account+`"},"Action":"secretsmanager:GetSecretValue","Resource":"*"}`, true)
	}
	for _, c := range []struct {
		condition string
		call      func() error
		allowed   bool
	}{
		{`"StringEquals":{"secretsmanager:SecretId":"x"}`, get, true},
		{`"StringEquals":{"secretsmanager:SecretId":"` + arn + `"}`, get, false},
		{`"StringEquals":{"secretsmanager:VersionStage":"AWSCURRENT"}`, get, true},
		{`"StringEquals":{"secretsmanager:VersionStage":"AWSPREVIOUS"}`, get, false},
		{`"StringEquals":{"secretsmanager:ResourceTag/team":"red"}`, get, true},
		{`"StringEquals":{"aws:ResourceTag/team":"blue"}`, get, false},
		{`"StringEquals":{"secretsmanager:SecretPrimaryRegion":"us-east-1"}`, get, true},
		{`"StringEquals":{"secretsmanager:resource/AllowRotationLambdaArn":"arn:aws:lambda:us-east-1:1:function:f"}`, get, false},
		{`"StringEquals":{"secretsmanager:Name":"a"}`, create("a"), true},
		{`"StringEquals":{"secretsmanager:Name":"a"}`, create("b"), false},
		{`"StringEquals":{"secretsmanager:Description":"d","secretsmanager:KmsKeyArn":"` + key + `","secretsmanager:KmsKeyId":"` + key + `"}`, create("c"), true},
		{`"NumericGreaterThan":{"secretsmanager:RecoveryWindowInDays":7}`, remove, false},
		{`"Bool":{"secretsmanager:ForceDeleteWithoutRecovery":"false"}`, force, false},
		{`"Bool":{"secretsmanager:ForceDeleteWithoutRecovery":"true"}`, force, true},
		{`"Bool":{"secretsmanager:BlockPublicPolicy":"true"}`, block, true},
		{`"Bool":{"secretsmanager:BlockPublicPolicy":"false"}`, block, false},
	} {
		p.allow(t, "u", `{"Effect":"Allow","Action":"secretsmanager:*","Resource":"*","Condition":{`+c.condition+`}}`)
		if err := c.call(); c.allowed != (err == nil) {
			t.Errorf("%s: %v", c.condition, err)
		} else if err != nil {
			refused(t, err, "AccessDeniedException", "")
		}
	}
}

func TestPermissionIsForARNsWithTheirRandomEnds(t *testing.T) {
	p := start(t)
	p.create(t, "app", "1")
	p.create(t, "apple", "2")
	u := p.user(t, "u", `{"Effect":"Allow","Action":"secretsmanager:*","Resource":"arn:aws:secretsmanager:*:*:secret:app-??????"}`)
	u.holds(t, "app", "1")
	_, err := u.get("apple")
	refused(t, err, "AccessDeniedException", "")
	_, err = u.CreateSecret(ctx, &sdk.CreateSecretInput{Name: ptr("orange")})
	refused(t, err, "AccessDeniedException", "")
	_, err = u.CreateSecret(ctx, &sdk.CreateSecretInput{Name: ptr("app")})
	refused(t, err, "ResourceExistsException", "")
	_, err = u.get("nothing") // is not told that there is none
	refused(t, err, "AccessDeniedException", "")
}

func TestTagsNeedTheirPermissionAtCreation(t *testing.T) {
	p := start(t)
	u := p.user(t, "u", `{"Effect":"Allow","Action":"secretsmanager:CreateSecret","Resource":"*"}`)
	_, err := u.CreateSecret(ctx, &sdk.CreateSecretInput{Name: ptr("x"), Tags: []types.Tag{{Key: ptr("a"), Value: ptr("b")}}})
	refused(t, err, "AccessDeniedException", "")
	_, err = u.CreateSecret(ctx, &sdk.CreateSecretInput{Name: ptr("x")})
	must(t, err)
}

func TestBatchOpensWhatEachAllows(t *testing.T) {
	p := start(t)
	for _, name := range []string{"a", "b", "c"} {
		p.create(t, name, "of "+name)
	}
	u := p.user(t, "u", `{"Effect":"Allow","Action":"secretsmanager:BatchGetSecretValue","Resource":"*"},`+
		`{"Effect":"Allow","Action":"secretsmanager:GetSecretValue","Resource":["arn:aws:secretsmanager:*:*:secret:a-*","arn:aws:secretsmanager:*:*:secret:none"]}`)
	out, err := u.BatchGetSecretValue(ctx, &sdk.BatchGetSecretValueInput{SecretIdList: []string{"a", "b", "none"}})
	must(t, err)
	if len(out.SecretValues) != 1 || *out.SecretValues[0].SecretString != "of a" || len(out.Errors) != 2 ||
		*out.Errors[0].ErrorCode != "AccessDeniedException" || *out.Errors[1].ErrorCode != "ResourceNotFoundException" {
		t.Errorf("got %+v and %+v", out.SecretValues, out.Errors)
	}
	filter := []types.Filter{{Key: types.FilterNameStringTypeName, Values: []string{"b", "c"}}}
	_, err = u.BatchGetSecretValue(ctx, &sdk.BatchGetSecretValueInput{Filters: filter})
	refused(t, err, "AccessDeniedException", "")
	out, err = p.BatchGetSecretValue(ctx, &sdk.BatchGetSecretValueInput{Filters: filter})
	must(t, err)
	if len(out.SecretValues) != 2 || len(out.Errors) != 0 {
		t.Errorf("got %+v and %+v", out.SecretValues, out.Errors)
	}
	_, err = p.BatchGetSecretValue(ctx, &sdk.BatchGetSecretValueInput{})
	refused(t, err, "InvalidParameterException", "")
}
