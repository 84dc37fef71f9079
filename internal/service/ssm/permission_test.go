package ssm_test

import (
	"testing"
	"time"

	sdk "github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/aws-sdk-go-v2/service/ssm/types"
)

func TestEachNameIsAuthorisedByItself(t *testing.T) {
	t.Parallel()
	p := tree(t)
	u := p.user(t, "u", statement("Allow", "ssm:GetParameter*", p.arn("a/b/*")), statement("Allow", "ssm:DeleteParameters", p.arn("a/b/*")))
	u.wants(t, "/a/b/c", "/a/b/c")
	_, err := u.get("/a/f")
	refused(t, err, "AccessDeniedException", "User: "+u.who+" is not authorized to perform: ssm:GetParameter on resource: "+p.arn("a/f")+"...")
	_, err = u.get("/none") // who may not read it does not learn that it is missing
	refused(t, err, "AccessDeniedException", "")
	_, err = u.GetParameters(ctx, &sdk.GetParametersInput{Names: []string{"/a/b/c", "/a/f"}})
	refused(t, err, "AccessDeniedException", "")
	_, err = u.GetParameters(ctx, &sdk.GetParametersInput{Names: []string{"/a/b/c:1"}})
	must(t, err)
	_, err = u.GetParameterHistory(ctx, &sdk.GetParameterHistoryInput{Name: ptr("/a/f")})
	refused(t, err, "AccessDeniedException", "")
	_, err = u.DeleteParameters(ctx, &sdk.DeleteParametersInput{Names: []string{"/a/b/c", "/a/f"}})
	refused(t, err, "AccessDeniedException", "")
	p.wants(t, "/a/b/c", "/a/b/c")
	_, err = u.DescribeParameters(ctx, &sdk.DescribeParametersInput{})
	refused(t, err, "AccessDeniedException", "User: "+u.who+" is not authorized to perform: ssm:DescribeParameters on resource: arn:aws:ssm:us-east-1:"+
		p.account+":* because...")
}

func TestPathIsAuthorisedNotWhatIsInIt(t *testing.T) {
	t.Parallel()
	p := tree(t)
	u := p.user(t, "u", statement("Allow", "ssm:GetParametersByPath", p.arn("a")), statement("Deny", "ssm:GetParametersByPath", p.arn("a/b/c")))
	got, err := u.byPath("/a", true)
	must(t, err)
	equal(t, "parameters", got, "/a/b/c /a/b/d/e /a/f")
	_, err = u.byPath("/a/b", true)
	refused(t, err, "AccessDeniedException", "")
}

func TestPoliciesKnowWhatARequestAsks(t *testing.T) {
	t.Parallel()
	p := tree(t)
	is := func(key string) string { return `{"StringEquals":{"` + key + `":"true"}}` }
	u := p.user(t, "u", statement("Allow", "ssm:*", "*"), statement("Deny", "ssm:PutParameter", "*", is("ssm:Overwrite")),
		statement("Deny", "ssm:PutParameter", "*", is("ssm:Policies")), statement("Deny", "ssm:GetParametersByPath", "*", is("ssm:Recursive")))
	u.mustPut(t, "/u", "x")
	_, err := u.put("/u", "y", overwrite)
	refused(t, err, "AccessDeniedException", "")
	_, err = u.put("/v", "y", isAdvanced, policies(expiration(time.Now().AddDate(1, 0, 0))))
	refused(t, err, "AccessDeniedException", "")
	_, err = u.byPath("/a", false)
	must(t, err)
	_, err = u.byPath("/a", true)
	refused(t, err, "AccessDeniedException", "")
}

func TestTagsDecideWhoMayRead(t *testing.T) {
	t.Parallel()
	p := tree(t)
	must(t, p.tag("/a/f", "team", "red"))
	must(t, p.tag("/ab/g", "team", "blue"))
	for i, key := range []string{"ssm:resourceTag/team", "aws:ResourceTag/team"} {
		u := p.user(t, string(rune('a'+i)), statement("Allow", "ssm:GetParameter", "*", `{"StringEquals":{"`+key+`":"red"}}`))
		u.wants(t, "/a/f", "/a/f")
		_, err := u.get("/ab/g")
		refused(t, err, "AccessDeniedException", "")
	}
}

func TestTagsOfANewParameterNeedAPermission(t *testing.T) {
	t.Parallel()
	p := start(t)
	red := func(in *sdk.PutParameterInput) { in.Tags = []types.Tag{{Key: ptr("team"), Value: ptr("red")}} }
	put := statement("Allow", "ssm:PutParameter", "*")
	u := p.user(t, "u", put)
	_, err := u.put("/x", "x", red)
	refused(t, err, "AccessDeniedException", "User: "+u.who+" is not authorized to perform: ssm:AddTagsToResource on resource: "+p.arn("x")+"...")
	p.allow(t, "u", put, statement("Allow", "ssm:AddTagsToResource", "*", `{"StringEquals":{"aws:RequestTag/team":"red"}}`))
	u.mustPut(t, "/x", "x", red)
}
