package sts_test

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	sdk "github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/aws-sdk-go-v2/service/sts/types"
)

func (a *account) managed(name, document string) string {
	a.t.Helper()
	out, err := a.CreatePolicy(a.t.Context(), &iam.CreatePolicyInput{PolicyName: &name, PolicyDocument: &document})
	must(a.t, err)
	return *out.Policy.Arn
}

func narrowedBy(text string, arns ...string) func(*sdk.AssumeRoleInput) {
	return func(in *sdk.AssumeRoleInput) {
		if text != "" {
			in.Policy = &text
		}
		for _, a := range arns {
			in.PolicyArns = append(in.PolicyArns, types.PolicyDescriptorType{Arn: &a})
		}
	}
}

func TestSessionPoliciesNarrowAndNeverWiden(t *testing.T) {
	t.Parallel()
	a := start(t)
	bob := a.user("bob", "")
	role := a.role("r", trusting(a.arn("user/bob")), allow("iam:ListUsers iam:ListRoles"))
	inline := mustAssume(t, bob, role, narrowedBy(allow("iam:ListUsers iam:ListGroups")))
	byName := mustAssume(t, bob, role, narrowedBy("", a.managed("p", allow("iam:ListUsers iam:ListGroups"))))
	for name, session := range map[string]aws.Config{"inline": inline, "by name": byName} {
		must(t, mayList(t, session))
		refused(t, mayListRoles(t, session), "AccessDenied", "User: arn:aws:sts::"+a.id+":assumed-role/r/session is not authorized to perform: iam:ListRoles on resource: arn:aws:iam::"+a.id+":role/ because no session policy allows the iam:ListRoles action")
		_, err := iam.NewFromConfig(session).ListGroups(t.Context(), &iam.ListGroupsInput{})
		if err == nil {
			t.Errorf("%s: a session policy widened the role", name)
		}
	}
}

func TestSessionPoliciesAddUpAndADenialCounts(t *testing.T) {
	t.Parallel()
	a := start(t)
	bob := a.user("bob", "")
	role := a.role("r", trusting(a.arn("user/bob")), allow("iam:*"))
	both := mustAssume(t, bob, role, narrowedBy(allow("iam:ListUsers"), a.managed("roles", allow("iam:ListRoles"))))
	must(t, mayList(t, both))
	must(t, mayListRoles(t, both))
	but := mustAssume(t, bob, role, narrowedBy(document(statement("Deny", "iam:ListRoles"), statement("Allow", "iam:*"))))
	must(t, mayList(t, but))
	refused(t, mayListRoles(t, but), "AccessDenied")
}

func TestAManagedSessionPolicyCountsAsItIsNow(t *testing.T) {
	t.Parallel()
	a := start(t)
	bob := a.user("bob", "")
	role := a.role("r", trusting(a.arn("user/bob")), allow("iam:*"))
	p := a.managed("p", allow("iam:ListUsers"))
	session := mustAssume(t, bob, role, narrowedBy("", p))
	must(t, mayList(t, session))
	_, err := a.CreatePolicyVersion(t.Context(), &iam.CreatePolicyVersionInput{PolicyArn: &p, PolicyDocument: aws.String(allow("iam:ListRoles")), SetAsDefault: true})
	must(t, err)
	refused(t, mayList(t, session), "AccessDenied")
	must(t, mayListRoles(t, session))
}

func TestSessionPoliciesMustBeGoodAndFit(t *testing.T) {
	t.Parallel()
	a, b := start(t), start(t)
	bob := a.user("bob", "")
	role := a.role("r", trusting(a.arn("user/bob")), "")
	_, err := assume(t, bob, role, narrowedBy(`{"Version":"2012-10-17"}`))
	refused(t, err, "MalformedPolicyDocument")
	_, err = assume(t, bob, role, narrowedBy("", a.arn("policy/missing")))
	refused(t, err, "NoSuchEntity")
	_, err = assume(t, bob, role, narrowedBy("", b.managed("p", allow("iam:*"))))
	refused(t, err, "NoSuchEntity")
	_, err = assume(t, bob, role, narrowedBy(allow("s3:"+strings.Repeat("x", 2048))))
	refused(t, err, "ValidationError")
	long := tag("k", strings.Repeat("v", 256))
	_, err = assume(t, bob, role, narrowedBy(allow("s3:"+strings.Repeat("x", 1900))), func(in *sdk.AssumeRoleInput) {
		for i := range 10 {
			in.Tags = append(in.Tags, tag(strings.Repeat("k", i+1), *long.Value))
		}
	})
	refused(t, err, "PackedPolicyTooLarge")
	out, err := sdk.NewFromConfig(bob).AssumeRole(t.Context(), &sdk.AssumeRoleInput{
		RoleArn: &role, RoleSessionName: aws.String("session"), Policy: aws.String(allow("iam:*")),
	})
	must(t, err)
	if p := aws.ToInt32(out.PackedPolicySize); p < 1 || p > 10 {
		t.Errorf("packed size is %d %%", p)
	}
}
