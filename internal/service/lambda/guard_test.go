package lambda_test

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"redoubt/redoubttest"
)

// page reads the policies that docs/deployment-guard.md shows, for an account.
func (w *world) page() map[string]string {
	w.Helper()
	text, err := os.ReadFile("../../../docs/deployment-guard.md")
	w.must(err)
	policies := map[string]string{}
	for _, m := range regexp.MustCompile("(?s)```json (\\S+)\n(.*?)```").FindAllStringSubmatch(string(text), -1) {
		policies[m[1]] = strings.ReplaceAll(m[2], "111122223333", w.account)
	}
	return policies
}

const everything = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}`

// assume returns a configuration that signs as a role that trusts the account.
func (w *world) assume(name string, policies ...string) aws.Config {
	w.Helper()
	trust := strings.Replace(trustLambda, `"Service":"lambda.amazonaws.com"`, `"AWS":"arn:aws:iam::`+w.account+`:root"`, 1)
	role, err := w.iam.CreateRole(w.ctx, &iam.CreateRoleInput{RoleName: &name, AssumeRolePolicyDocument: &trust})
	w.must(err)
	for i, p := range policies {
		_, err := w.iam.PutRolePolicy(w.ctx, &iam.PutRolePolicyInput{RoleName: &name, PolicyName: aws.String("p" + string(rune('0'+i))), PolicyDocument: &p})
		w.must(err)
	}
	out, err := sts.NewFromConfig(w.cfg).AssumeRole(w.ctx, &sts.AssumeRoleInput{RoleArn: role.Role.Arn, RoleSessionName: aws.String("run-1")})
	w.must(err)
	return redoubttest.With(w.cfg, *out.Credentials.AccessKeyId, *out.Credentials.SecretAccessKey, *out.Credentials.SessionToken)
}

// attempts are calls that change what runs.
func attempts(w *world, cfg aws.Config, name, layer, role string) map[string]error {
	c, f := lambda.NewFromConfig(cfg), &name
	all := map[string]error{}
	_, all["UpdateFunctionCode"] = c.UpdateFunctionCode(w.ctx, &lambda.UpdateFunctionCodeInput{FunctionName: f, ZipFile: files{"bootstrap": "x"}.zip()})
	_, all["UpdateFunctionConfiguration"] = c.UpdateFunctionConfiguration(w.ctx, &lambda.UpdateFunctionConfigurationInput{FunctionName: f, Layers: []string{layer}})
	_, all["PublishVersion"] = c.PublishVersion(w.ctx, &lambda.PublishVersionInput{FunctionName: f})
	_, all["CreateAlias"] = c.CreateAlias(w.ctx, &lambda.CreateAliasInput{FunctionName: f, Name: aws.String("live"), FunctionVersion: aws.String("1")})
	_, all["UpdateAlias"] = c.UpdateAlias(w.ctx, &lambda.UpdateAliasInput{FunctionName: f, Name: aws.String("live"), FunctionVersion: aws.String("$LATEST")})
	_, all["CreateFunction"] = c.CreateFunction(w.ctx, &lambda.CreateFunctionInput{
		FunctionName: aws.String(name + "-2"), Role: &role, Runtime: types.RuntimeProvidedal2023, Handler: aws.String("x"), Layers: []string{layer},
		Code: &types.FunctionCode{ZipFile: files{"bootstrap": "x"}.zip()}, Tags: map[string]string{"application": "shop"},
	})
	return all
}

func TestDeploymentGuard(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	policies := w.page()
	w.script("shop-cart")
	role, layer := w.role("shop-role", mayLog), w.layer("l", files{"x": "x"})
	person := w.user("person", everything)
	_, err := w.iam.PutUserPolicy(w.ctx, &iam.PutUserPolicyInput{UserName: aws.String("person"), PolicyName: aws.String("guard"), PolicyDocument: aws.String(policies["people.json"])})
	w.must(err)
	pipeline := w.assume("pipeline", policies["people.json"], policies["pipeline.json"])

	for call, err := range attempts(w, person, "shop-cart", layer, role) {
		t.Run("a person's "+call, func(t *testing.T) {
			wantError(t, err, "AccessDeniedException", "with an explicit deny in an identity-based policy")
		})
	}
	_, err = lambda.NewFromConfig(person).GetFunction(w.ctx, &lambda.GetFunctionInput{FunctionName: aws.String("shop-cart")})
	w.must(err)
	_, err = sts.NewFromConfig(person).AssumeRole(w.ctx, &sts.AssumeRoleInput{RoleArn: aws.String("arn:aws:iam::" + w.account + ":role/pipeline"), RoleSessionName: aws.String("run-2")})
	wantError(t, err, "AccessDenied", "sts:AssumeRole")
	_, err = iam.NewFromConfig(person).PutRolePolicy(w.ctx, &iam.PutRolePolicyInput{RoleName: aws.String("pipeline"), PolicyName: aws.String("more"), PolicyDocument: aws.String(everything)})
	wantError(t, err, "AccessDenied", "iam:PutRolePolicy")

	for call, err := range attempts(w, pipeline, "shop-cart", layer, role) {
		if err != nil {
			t.Errorf("the pipeline's %s: %v", call, err)
		}
	}
	w.script("payroll")
	for call, err := range attempts(w, pipeline, "payroll", layer, role) {
		t.Run("another application's "+call, func(t *testing.T) { wantError(t, err, "AccessDeniedException", "no identity-based policy allows") })
	}
}

func TestPipelineUsesNoLayersOfOthers(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.script("shop-cart")
	own, other := w.layer("l", files{"x": "x"}), w.neighbour()
	foreign := other.layer("theirs", files{"x": "x"})
	_, err := other.permit("theirs", "all", "*")
	w.must(err)
	pipeline := lambda.NewFromConfig(w.assume("pipeline", w.page()["pipeline.json"]))
	change := func(layers ...string) error {
		_, err := pipeline.UpdateFunctionConfiguration(w.ctx, &lambda.UpdateFunctionConfigurationInput{FunctionName: aws.String("shop-cart"), Layers: layers})
		return err
	}
	w.must(change(own))
	wantError(t, change(foreign), "AccessDeniedException", "lambda:UpdateFunctionConfiguration on resource: arn:aws:lambda:us-east-1:"+w.account+":function:shop-cart with an explicit deny")
	wantError(t, change(own, foreign), "AccessDeniedException", "with an explicit deny")
	_, err = w.relayer("shop-cart", foreign)
	w.must(err) // it was the pipeline's policy alone that kept it from that
	_, err = pipeline.UpdateFunctionConfiguration(w.ctx, &lambda.UpdateFunctionConfigurationInput{FunctionName: aws.String("shop-cart"), Timeout: aws.Int32(9)})
	w.must(err) // it names no layers, and keeps those that are there
}

func TestConditionsOfDeployments(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.script("f")
	role := w.role("r", mayLog)
	layer := w.layer("l", files{"x": "x"})
	create := func(c *lambda.Client, change func(*lambda.CreateFunctionInput)) error {
		in := &lambda.CreateFunctionInput{
			FunctionName: aws.String("new"), Role: &role, Runtime: types.RuntimeProvidedal2023, Handler: aws.String("x"), Code: &types.FunctionCode{ZipFile: files{"bootstrap": "x"}.zip()},
		}
		change(in)
		_, err := c.CreateFunction(w.ctx, in)
		return err
	}
	remove := func(c *lambda.Client, sid string) error {
		_, err := c.RemovePermission(w.ctx, &lambda.RemovePermissionInput{FunctionName: aws.String("f"), StatementId: &sid})
		return err
	}
	for i, principal := range []string{"sns.amazonaws.com", "s3.amazonaws.com"} {
		_, err := w.lambda.AddPermission(w.ctx, &lambda.AddPermissionInput{
			FunctionName: aws.String("f"), StatementId: aws.String("s" + string(rune('0'+i))), Action: aws.String("lambda:InvokeFunction"), Principal: &principal,
		})
		w.must(err)
	}
	for name, c := range map[string]struct {
		deny string
		call func(*lambda.Client) error
		ok   bool
	}{
		"the layer by another spelling": {`"StringEquals":{"lambda:Layer":"` + layer + `"}`, func(c *lambda.Client) error {
			return create(c, func(in *lambda.CreateFunctionInput) { in.Layers = []string{strings.Replace(layer, ":l:1", ":l:01", 1)} })
		}, false},
		"no layer, where one is demanded":       {`"Null":{"lambda:Layer":"true"}`, func(c *lambda.Client) error { return create(c, func(*lambda.CreateFunctionInput) {}) }, false},
		"no network, where one is demanded":     {`"Null":{"lambda:VpcIds":"true"}`, func(c *lambda.Client) error { return create(c, func(*lambda.CreateFunctionInput) {}) }, false},
		"no code signing, where it is demanded": {`"Null":{"lambda:CodeSigningConfigArn":"true"}`, func(c *lambda.Client) error { return create(c, func(*lambda.CreateFunctionInput) {}) }, false},
		"a tag that is not wanted": {`"ForAnyValue:StringEquals":{"aws:TagKeys":"cost"}`, func(c *lambda.Client) error {
			return create(c, func(in *lambda.CreateFunctionInput) { in.Tags = map[string]string{"cost": "0"} })
		}, false},
		"removing the permission of SNS":     {`"StringEquals":{"lambda:Principal":"sns.amazonaws.com"}`, func(c *lambda.Client) error { return remove(c, "s0") }, false},
		"removing the permission of another": {`"StringEquals":{"lambda:Principal":"sns.amazonaws.com"}`, func(c *lambda.Client) error { return remove(c, "s1") }, true},
	} {
		user := "u" + regexp.MustCompile(`\W`).ReplaceAllString(name, "")
		policy := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"},{"Effect":"Deny","Action":"lambda:*","Resource":"*","Condition":{` + c.deny + `}}]}`
		err := c.call(lambda.NewFromConfig(w.user(user, policy)))
		t.Run(name, func(t *testing.T) {
			if c.ok {
				if err != nil {
					t.Error(err)
				}
				return
			}
			wantError(t, err, "AccessDeniedException", "with an explicit deny in an identity-based policy")
		})
	}
}
