package sts_test

import (
	"testing"

	sdk "github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/aws-sdk-go-v2/service/sts/types"
)

func tagged(transitive []string, tags ...types.Tag) func(*sdk.AssumeRoleInput) {
	return func(in *sdk.AssumeRoleInput) { in.Tags, in.TransitiveTagKeys = tags, transitive }
}

func TestTaggingASessionNeedsPermission(t *testing.T) {
	t.Parallel()
	a := start(t)
	bob := a.user("bob", "")
	plain := a.role("plain", trust(`{"AWS":"`+a.arn("user/bob")+`"}`, "sts:AssumeRole"), "")
	mustAssume(t, bob, plain)
	_, err := assume(t, bob, plain, tagged(nil, tag("team", "red")))
	refused(t, err, "AccessDenied", "User: "+a.arn("user/bob")+" is not authorized to perform: sts:TagSession on resource: "+plain+
		" because no role trust policy allows the sts:TagSession action")
}

func TestSessionTagsArePrincipalTags(t *testing.T) {
	t.Parallel()
	a := start(t)
	bob := a.user("bob", "")
	role := a.role("r", trusting(a.arn("user/bob")), allow("iam:ListUsers", condition("StringEquals", "aws:PrincipalTag/team", "red")))
	must(t, mayList(t, mustAssume(t, bob, role, tagged(nil, tag("Team", "red")))))
	refused(t, mayList(t, mustAssume(t, bob, role, tagged(nil, tag("team", "blue")))), "AccessDenied")
	refused(t, mayList(t, mustAssume(t, bob, role)), "AccessDenied")
}

func TestTrustPoliciesSeeTheTagsThatAreAskedFor(t *testing.T) {
	t.Parallel()
	a := start(t)
	bob := a.user("bob", "")
	role := a.role("r", trusting(a.arn("user/bob"), condition("StringEquals", "aws:RequestTag/team", "red")), "")
	mustAssume(t, bob, role, tagged(nil, tag("team", "red")))
	_, err := assume(t, bob, role, tagged(nil, tag("team", "blue")))
	refused(t, err, "AccessDenied")
	limited := a.role("limited", trusting(a.arn("user/bob"), condition("ForAllValues:StringEquals", "sts:TransitiveTagKeys", "team")), "")
	mustAssume(t, bob, limited, tagged([]string{"team"}, tag("team", "red"), tag("cost", "1")))
	_, err = assume(t, bob, limited, tagged([]string{"cost"}, tag("team", "red"), tag("cost", "1")))
	refused(t, err, "AccessDenied")
}

func TestTransitiveTagsPassThroughChainedRoles(t *testing.T) {
	t.Parallel()
	a := start(t)
	bob := a.user("bob", "")
	first := a.role("first", trusting(a.arn("user/bob")), "")
	team := condition("StringEquals", "aws:PrincipalTag/team", "red")
	second := a.role("second", trusting(first), allow("iam:ListUsers", team))
	third := a.role("third", trusting(second), allow("iam:ListUsers", team))
	passed := mustAssume(t, bob, first, tagged([]string{"team"}, tag("team", "red")))
	kept := mustAssume(t, bob, first, tagged(nil, tag("team", "red")))

	chained := mustAssume(t, passed, second)
	must(t, mayList(t, chained))
	must(t, mayList(t, mustAssume(t, chained, third)))
	refused(t, mayList(t, mustAssume(t, kept, second)), "AccessDenied")

	_, err := assume(t, passed, second, tagged(nil, tag("TEAM", "blue")))
	refused(t, err, "InvalidParameterValue")
	untagging := a.role("untagging", trust(`{"AWS":"`+first+`"}`, "sts:AssumeRole"), "")
	mustAssume(t, kept, untagging)
	_, err = assume(t, passed, untagging) // the tag that it passes on needs permission, too
	refused(t, err, "AccessDenied")
}

func TestSessionTagsMustBeGood(t *testing.T) {
	t.Parallel()
	a := start(t)
	bob := a.user("bob", "")
	role := a.role("r", trusting(a.arn("user/bob")), "")
	_, err := assume(t, bob, role, tagged(nil, tag("team", "red"), tag("Team", "blue")))
	refused(t, err, "InvalidParameterValue", "Duplicate tag keys found. Please note that Tag keys are case insensitive.")
	_, err = assume(t, bob, role, tagged(nil, tag("aws:team", "red")))
	refused(t, err, "ValidationError")
	_, err = assume(t, bob, role, tagged([]string{"team"}))
	refused(t, err, "ValidationError")
	_, err = assume(t, bob, role, tagged(nil, tag("te*m", "red")))
	refused(t, err, "ValidationError")
}
