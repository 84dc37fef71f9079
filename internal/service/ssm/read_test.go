package ssm_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/aws-sdk-go-v2/service/ssm/types"

	"redoubt/redoubttest"
)

// tree makes a small hierarchy.
func tree(t *testing.T) *principal {
	t.Helper()
	p := start(t)
	for _, name := range []string{"/a/b/c", "/a/b/d/e", "/a/f", "/ab/g", "top"} {
		p.mustPut(t, name, name)
	}
	return p
}

func filter(key, option string, values ...string) types.ParameterStringFilter {
	f := types.ParameterStringFilter{Key: &key, Values: values}
	if option != "" {
		f.Option = &option
	}
	return f
}

func (p *principal) byPath(path string, deep bool, filters ...types.ParameterStringFilter) (string, error) {
	out, err := p.GetParametersByPath(ctx, &sdk.GetParametersByPathInput{Path: &path, Recursive: &deep, ParameterFilters: filters})
	if err != nil {
		return "", err
	}
	return names(out.Parameters), nil
}

func TestPathHasItsParameters(t *testing.T) {
	t.Parallel()
	p := tree(t)
	for _, c := range []struct {
		path string
		deep bool
		want string
	}{
		{"/a", false, "/a/f"},
		{"/a/", true, "/a/b/c /a/b/d/e /a/f"},
		{"/a/b", false, "/a/b/c"},
		{"/", false, "top"},
		{"/", true, "/a/b/c /a/b/d/e /a/f /ab/g top"},
		{"/none", true, ""},
	} {
		got, err := p.byPath(c.path, c.deep)
		must(t, err)
		equal(t, c.path, got, c.want)
	}
	for _, path := range []string{"a", "/a//b", "/a b"} {
		_, err := p.byPath(path, false)
		refused(t, err, "ValidationException", `The parameter doesn't meet the parameter name requirements...`)
	}
}

func TestPathIsReadInPages(t *testing.T) {
	t.Parallel()
	p := start(t)
	for i := range 13 {
		p.mustPut(t, fmt.Sprintf("/p/%02d", i), "x")
	}
	var all []string
	pages := 0
	for in := (&sdk.GetParametersByPathInput{Path: ptr("/p")}); ; pages++ {
		out, err := p.GetParametersByPath(ctx, in)
		must(t, err)
		for _, x := range out.Parameters {
			all = append(all, *x.Name)
		}
		if in.NextToken = out.NextToken; in.NextToken == nil {
			break
		}
	}
	equal(t, "pages", pages+1, 2)
	equal(t, "parameters", len(all), 13)
	_, err := p.GetParametersByPath(ctx, &sdk.GetParametersByPathInput{Path: ptr("/p"), NextToken: ptr("?")})
	refused(t, err, "InvalidNextToken", "")
}

func TestFiltersOfAPath(t *testing.T) {
	t.Parallel()
	p := tree(t)
	p.mustPut(t, "/a/b/s", "x", isSecure)
	p.mustPut(t, "/a/f", "second", overwrite)
	_, err := p.LabelParameterVersion(ctx, &sdk.LabelParameterVersionInput{Name: ptr("/a/f"), ParameterVersion: ptr(int64(1)), Labels: []string{"live"}})
	must(t, err)
	got, err := p.byPath("/a", true, filter("Type", "", "SecureString"))
	must(t, err)
	equal(t, "by type", got, "/a/b/s")
	got, err = p.byPath("/a", true, filter("KeyId", "BeginsWith", "alias/"))
	must(t, err)
	equal(t, "by key", got, "/a/b/s")
	out, err := p.GetParametersByPath(ctx, &sdk.GetParametersByPathInput{
		Path: ptr("/a"), Recursive: ptr(true), ParameterFilters: []types.ParameterStringFilter{filter("Label", "", "live")}})
	must(t, err)
	equal(t, "by label", names(out.Parameters), "/a/f")
	equal(t, "value", *out.Parameters[0].Value, "/a/f")
	_, err = p.byPath("/a", true, filter("Name", "", "x"))
	refused(t, err, "InvalidFilterKey", "")
	_, err = p.byPath("/a", true, filter("Type", "Contains", "x"))
	refused(t, err, "InvalidFilterOption", "The following filter option is not valid: Contains. Valid options include: [BeginsWith, Equals].")
	_, err = p.byPath("/a", true, filter("Type", ""))
	refused(t, err, "InvalidFilterValue", "")
}

func TestSeveralParametersAreReadAndDeletedAtOnce(t *testing.T) {
	t.Parallel()
	p := tree(t)
	got, err := p.GetParameters(ctx, &sdk.GetParametersInput{Names: []string{"top", "/a/f:1", "/a/f:7", "/none", p.arn("a/b/c")}})
	must(t, err)
	equal(t, "found", names(got.Parameters), "top /a/f /a/b/c")
	equal(t, "not found", strings.Join(got.InvalidParameters, " "), "/a/f:7 /none")
	gone, err := p.DeleteParameters(ctx, &sdk.DeleteParametersInput{Names: []string{"top", "/none"}})
	must(t, err)
	equal(t, "deleted", strings.Join(gone.DeletedParameters, " "), "top")
	equal(t, "not deleted", strings.Join(gone.InvalidParameters, " "), "/none")
	_, err = p.get("top")
	refused(t, err, "ParameterNotFound", "")
	_, err = p.DeleteParameter(ctx, &sdk.DeleteParameterInput{Name: ptr("top")})
	refused(t, err, "ParameterNotFound", "")
	p.mustPut(t, "top", "again")
	equal(t, "version", p.wants(t, "top", "again").Version, 1)
}

func TestDescriptionsAreFiltered(t *testing.T) {
	t.Parallel()
	p := tree(t)
	key := p.key(t)
	p.mustPut(t, "/s/big", "x", under(key), isAdvanced, func(in *sdk.PutParameterInput) { in.Tags = []types.Tag{{Key: ptr("Team"), Value: ptr("red")}} })
	describe := func(in *sdk.DescribeParametersInput) (string, error) {
		out, err := p.DescribeParameters(ctx, in)
		if err != nil {
			return "", err
		}
		var all []string
		for _, x := range out.Parameters {
			all = append(all, *x.Name)
		}
		return strings.Join(all, " "), nil
	}
	for _, c := range []struct {
		filter types.ParameterStringFilter
		want   string
	}{
		{filter("Name", "", "/a/f", "/top"), "/a/f top"},
		{filter("Name", "BeginsWith", "/a/"), "/a/b/c /a/b/d/e /a/f"},
		{filter("Name", "Contains", "b/"), "/a/b/c /a/b/d/e /ab/g"},
		{filter("Path", "", "/a"), "/a/f"},
		{filter("Path", "Recursive", "/a"), "/a/b/c /a/b/d/e /a/f"},
		{filter("Type", "", "SecureString"), "/s/big"},
		{filter("KeyId", "", key), "/s/big"},
		{filter("Tier", "", "Advanced"), "/s/big"},
		{filter("DataType", "", "text", "aws:ec2:image"), "/a/b/c /a/b/d/e /a/f /ab/g /s/big top"},
		{filter("tag:Team", "", "red"), "/s/big"},
		{filter("tag:Team", "", "blue"), ""},
	} {
		got, err := describe(&sdk.DescribeParametersInput{ParameterFilters: []types.ParameterStringFilter{c.filter}})
		must(t, err)
		equal(t, *c.filter.Key+" "+aws.ToString(c.filter.Option), got, c.want)
	}
	got, err := describe(&sdk.DescribeParametersInput{Filters: []types.ParametersFilter{{Key: types.ParametersFilterKeyName, Values: []string{"/a"}}}})
	must(t, err)
	equal(t, "older filter", got, "/a/b/c /a/b/d/e /a/f /ab/g")
	_, err = describe(&sdk.DescribeParametersInput{Shared: ptr(true)})
	refused(t, err, "ValidationException", "Sharing of parameters between accounts is not supported by Redoubt.")
	_, err = describe(&sdk.DescribeParametersInput{ParameterFilters: []types.ParameterStringFilter{filter("Label", "", "x")}})
	refused(t, err, "InvalidFilterKey", "")
	_, err = describe(&sdk.DescribeParametersInput{ParameterFilters: []types.ParameterStringFilter{filter("Path", "", "/aws/x")}})
	refused(t, err, "ValidationException", `Filters for common parameters can't be prefixed with "aws" or "ssm"...`)
	first, err := p.DescribeParameters(ctx, &sdk.DescribeParametersInput{MaxResults: ptr(int32(4))})
	must(t, err)
	second, err := p.DescribeParameters(ctx, &sdk.DescribeParametersInput{NextToken: first.NextToken})
	must(t, err)
	equal(t, "pages", len(first.Parameters)+len(second.Parameters), 6)
}

func TestParameterOfAnotherAccountIsDenied(t *testing.T) {
	t.Parallel()
	p, other := tree(t), identify(t, redoubttest.Start(t))
	_, err := other.get(p.arn("a/f"))
	refused(t, err, "AccessDeniedException", "")
	_, err = other.get("/a/f")
	refused(t, err, "ParameterNotFound", "")
}
