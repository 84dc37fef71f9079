package ssm_test

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	sdk "github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/aws-sdk-go-v2/service/ssm/types"
)

func TestParameterIsReadAsItWasWritten(t *testing.T) {
	t.Parallel()
	p := start(t)
	made, err := p.put("/app/db/host", "db.local", func(in *sdk.PutParameterInput) { in.Description = ptr("where") })
	must(t, err)
	equal(t, "version", made.Version, 1)
	equal(t, "tier", made.Tier, types.ParameterTierStandard)
	got := p.wants(t, "/app/db/host", "db.local")
	equal(t, "ARN", *got.ARN, p.arn("app/db/host"))
	equal(t, "type", got.Type, types.ParameterTypeString)
	equal(t, "data type", *got.DataType, "text")
	equal(t, "version", got.Version, 1)
	p.wants(t, " /app/db/host ", "db.local")
	p.wants(t, *got.ARN, "db.local")
	p.mustPut(t, "list", "a,b", func(in *sdk.PutParameterInput) { in.Type = types.ParameterTypeStringList })
	equal(t, "type", p.wants(t, "list", "a,b").Type, types.ParameterTypeStringList)
}

func TestOverwritingMakesAVersionAndKeepsWhatIsNotSaid(t *testing.T) {
	t.Parallel()
	p := start(t)
	p.mustPut(t, "/v", "1", func(in *sdk.PutParameterInput) { in.Description, in.AllowedPattern = ptr("first"), ptr(`\d+`) })
	_, err := p.put("/v", "2")
	refused(t, err, "ParameterAlreadyExists", "The parameter already exists. To overwrite this value, set the overwrite option in the request to true.")
	out, err := p.put("/v", "2", overwrite, func(in *sdk.PutParameterInput) { in.Type = "" })
	must(t, err)
	equal(t, "version", out.Version, 2)
	_, err = p.put("/v", "two", overwrite)
	refused(t, err, "ParameterPatternMismatchException", `Parameter value, cannot be validated against allowedPattern: \d+`)
	p.wants(t, "/v", "2")
	equal(t, "selector", *p.wants(t, "/v:1", "1").Selector, ":1")
	_, err = p.get("/v:3")
	refused(t, err, "ParameterVersionNotFound", "Systems Manager could not find version 3 of /v. Verify the version and try again.")
	h, err := p.GetParameterHistory(ctx, &sdk.GetParameterHistoryInput{Name: ptr("/v")})
	must(t, err)
	equal(t, "versions", len(h.Parameters), 2)
	equal(t, "description", *h.Parameters[1].Description, "first")
	equal(t, "user", *h.Parameters[1].LastModifiedUser, p.who)
}

func TestNamesThatAWSDoesNotTakeAreRefused(t *testing.T) {
	t.Parallel()
	p := start(t)
	form := `Parameter name: can't be prefixed with "ssm" (case-insensitive). If formed as a path, it can consist of sub-paths divided by slash ` +
		`symbol; each sub-path can be formed as a mix of letters, numbers and the following 3 symbols .-_`
	deep := strings.Repeat("/a", 15)
	for _, c := range []struct{ name, code, message string }{
		{"a b", "ValidationException", form},
		{"/a@b/c", "ValidationException", form},
		{"/a//b", "ValidationException", form},
		{"/a/", "ValidationException", form},
		{"/", "ValidationException", form},
		{"/SSM/a", "ValidationException", form},
		{"/a:1", "ValidationException", form},
		{p.arn("a"), "ValidationException", form},
		{"a/b", "ValidationException", "Parameter name must be a fully qualified name."},
		{"ssm-a", "ValidationException", `Parameter name: can't be prefixed with "aws" or "ssm" (case-insensitive).`},
		{"/AwsA", "ValidationException", `Parameter name: can't be prefixed with "aws" or "ssm" (case-insensitive).`},
		{"/awssec/a", "AccessDeniedException", "No access to reserved parameter name: awssec/a."},
		{deep + "/a", "HierarchyLevelLimitExceededException", ""},
		{"/" + strings.Repeat("a", 967), "ValidationException", "Parameter name must not be longer than 1011 characters, those of its ARN included."},
	} {
		_, err := p.put(c.name, "x")
		refused(t, err, c.code, c.message)
	}
	p.mustPut(t, deep, "x")
	p.mustPut(t, "/"+strings.Repeat("a", 965), "x")
	p.mustPut(t, "/a/ssm/aws", "x")
}

func TestSlashAtTheBeginningMakesNoOtherParameter(t *testing.T) {
	t.Parallel()
	p := start(t)
	p.mustPut(t, "one", "x")
	_, err := p.put("/one", "y")
	refused(t, err, "ParameterAlreadyExists", "")
	equal(t, "name", *p.wants(t, "/one", "x").Name, "one")
}

func TestRequestsThatContradictThemselvesAreRefused(t *testing.T) {
	t.Parallel()
	p := start(t)
	put := func(value string, fn func(*sdk.PutParameterInput)) error {
		_, err := p.put("/x", value, fn)
		return err
	}
	refused(t, put("", func(*sdk.PutParameterInput) {}), "ValidationException",
		"1 validation error detected: Value '' at 'value' failed to satisfy constraint: Member must have length greater than or equal to 1.")
	refused(t, put("v", func(in *sdk.PutParameterInput) { in.Type = "" }), "ValidationException", "A parameter type is required when you create a parameter.")
	refused(t, put("v", func(in *sdk.PutParameterInput) { in.KeyId = ptr("alias/k") }), "ValidationException",
		"KeyId is required for SecureString type parameter only.")
	refused(t, put("a {{ssm:b}}", func(*sdk.PutParameterInput) {}), "ValidationException",
		`Parameter value can't nest another parameter. Do not use "{{}}" in the value.`)
	refused(t, put("v", func(in *sdk.PutParameterInput) {
		in.Overwrite, in.Tags = ptr(true), []types.Tag{{Key: ptr("a"), Value: ptr("b")}}
	}), "ValidationException", "Invalid request: tags and overwrite can't be used together...")
	refused(t, put("v", func(in *sdk.PutParameterInput) { in.AllowedPattern = ptr("(") }), "InvalidAllowedPatternException", "")
	refused(t, put("v", func(in *sdk.PutParameterInput) { in.DataType = ptr("Text") }), "ValidationException",
		"The following data type is not supported: Text (Data type names are all lowercase.)")
	refused(t, put("ami-0123456789abcdef0", func(in *sdk.PutParameterInput) { in.DataType = ptr("aws:ec2:image") }), "ValidationException",
		"The data type aws:ec2:image is not supported by Redoubt.")
	_, err := p.get("/x")
	refused(t, err, "ParameterNotFound", "")
}

func TestPatternIsForEveryItemOfAList(t *testing.T) {
	t.Parallel()
	p := start(t)
	list := func(in *sdk.PutParameterInput) {
		in.Type, in.AllowedPattern, in.Overwrite = types.ParameterTypeStringList, ptr("[a-z]+"), ptr(true)
	}
	p.mustPut(t, "/l", "a,b", list)
	_, err := p.put("/l", "a,1", list)
	refused(t, err, "ParameterPatternMismatchException", "")
}

func TestTiersHaveTheirLimits(t *testing.T) {
	t.Parallel()
	p := start(t)
	big := strings.Repeat("x", 4097)
	intelligent := func(in *sdk.PutParameterInput) {
		in.Tier, in.Overwrite = types.ParameterTierIntelligentTiering, ptr(true)
	}
	_, err := p.put("/t", big)
	refused(t, err, "ValidationException", "Standard tier parameters support a maximum parameter value of 4096 characters...")
	out, err := p.put("/t", big[1:], intelligent)
	must(t, err)
	equal(t, "tier", out.Tier, types.ParameterTierStandard)
	out, err = p.put("/t", big, intelligent)
	must(t, err)
	equal(t, "tier", out.Tier, types.ParameterTierAdvanced)
	out, err = p.put("/t", "small", overwrite)
	must(t, err)
	equal(t, "tier", out.Tier, types.ParameterTierAdvanced)
	_, err = p.put("/t", "small", overwrite, func(in *sdk.PutParameterInput) { in.Tier = types.ParameterTierStandard })
	refused(t, err, "ValidationException", "This parameter uses the advanced-parameter tier. You can't downgrade...")
	_, err = p.put("/t", strings.Repeat("x", 8193), overwrite, isAdvanced)
	refused(t, err, "ValidationException", "Advanced tier parameters support a maximum parameter value of 8192 characters.")
	p.mustPut(t, "/t", strings.Repeat("x", 8192), overwrite, isAdvanced)
}

func TestOldestVersionIsDroppedUnlessItHasALabel(t *testing.T) {
	t.Parallel()
	p := start(t)
	p.mustPut(t, "/many", "1")
	for i := 2; i <= 101; i++ {
		p.mustPut(t, "/many", fmt.Sprint(i), overwrite)
	}
	_, err := p.get("/many:1")
	refused(t, err, "ParameterVersionNotFound", "")
	p.wants(t, "/many:2", "2")
	_, err = p.LabelParameterVersion(ctx, &sdk.LabelParameterVersionInput{Name: ptr("/many"), ParameterVersion: ptr(int64(2)), Labels: []string{"old"}})
	must(t, err)
	_, err = p.put("/many", "102", overwrite)
	refused(t, err, "ParameterMaxVersionLimitExceeded", "You attempted to create a new version of /many by calling the PutParameter API with the "+
		"overwrite flag. Version 2, the oldest version, can't be deleted because it has a label associated with it. Move the label to another "+
		"version of the parameter, and try again.")
	h, err := p.GetParameterHistory(ctx, &sdk.GetParameterHistoryInput{Name: ptr("/many")})
	must(t, err)
	equal(t, "page", len(h.Parameters), 50)
	h, err = p.GetParameterHistory(ctx, &sdk.GetParameterHistoryInput{Name: ptr("/many"), NextToken: h.NextToken})
	must(t, err)
	equal(t, "last version", h.Parameters[49].Version, 101)
	equal(t, "another page", h.NextToken, nil)
}

func TestEveryWriterGetsAVersionOfItsOwn(t *testing.T) {
	t.Parallel()
	p := start(t)
	p.mustPut(t, "/c", "first", isSecure)
	var wg sync.WaitGroup
	got := make([]int64, 8)
	for i := range got {
		wg.Go(func() {
			out, err := p.put("/c", fmt.Sprint("writer ", i), isSecure, overwrite)
			if err != nil {
				t.Error(err)
				return
			}
			got[i] = out.Version
		})
	}
	wg.Wait()
	for i, version := range got {
		p.wants(t, fmt.Sprint("/c:", version), fmt.Sprint("writer ", i))
	}
	slices.Sort(got)
	equal(t, "versions", fmt.Sprint(got), "[2 3 4 5 6 7 8 9]")
}
