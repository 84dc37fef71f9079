package lambda_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
)

const echoPython = "def handler(e, c): return e"

func TestConfigurationOfANewFunction(t *testing.T) {
	needs(t, "python3")
	t.Parallel()
	w := newWorld(t)
	in := python(echoPython)
	in.Description, in.Tags = aws.String("what it is for"), map[string]string{"team": "a"}
	made := w.create("f", in)
	sum := sha256.Sum256(in.Code.ZipFile)
	got, err := w.lambda.GetFunction(w.ctx, &lambda.GetFunctionInput{FunctionName: aws.String("f")})
	w.must(err)
	c := got.Configuration
	for _, x := range []struct{ name, got, want string }{
		{"arn", *c.FunctionArn, "arn:aws:lambda:us-east-1:" + w.account + ":function:f"},
		{"name", *c.FunctionName, "f"},
		{"sha", *c.CodeSha256, base64.StdEncoding.EncodeToString(sum[:])},
		{"size", fmt.Sprint(c.CodeSize), fmt.Sprint(len(in.Code.ZipFile))},
		{"state", string(c.State), "Active"},
		{"update", string(c.LastUpdateStatus), "Successful"},
		{"version", *c.Version, "$LATEST"},
		{"package", string(c.PackageType), "Zip"},
		{"defaults", fmt.Sprint(*c.MemorySize, *c.Timeout, *c.EphemeralStorage.Size), "128 3 512"},
		{"role", *c.Role, *in.Role},
		{"revision", *c.RevisionId, *made.RevisionId},
		{"tags", fmt.Sprint(got.Tags), "map[team:a]"},
		{"tracing", string(c.TracingConfig.Mode), "PassThrough"},
		{"logs", *c.LoggingConfig.LogGroup, "/aws/lambda/f"},
		{"repository", *got.Code.RepositoryType, "S3"},
	} {
		if x.got != x.want {
			t.Errorf("%s is %q, want %q", x.name, x.got, x.want)
		}
	}
	if !regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+0000$`).MatchString(*c.LastModified) {
		t.Errorf("LastModified is %q", *c.LastModified)
	}
	if c.Environment != nil {
		t.Errorf("Environment is %v", c.Environment)
	}
}

func TestRefusedCreations(t *testing.T) {
	needs(t, "python3")
	t.Parallel()
	w := newWorld(t)
	role := w.role("role")
	w.create("taken", python(echoPython))
	_, err := w.iam.CreateRole(w.ctx, &iam.CreateRoleInput{RoleName: aws.String("other"), AssumeRolePolicyDocument: aws.String(strings.ReplaceAll(trustLambda, "lambda.", "ec2."))})
	w.must(err)
	const yet = "is not supported by Redoubt yet"
	for _, c := range []struct {
		name          string
		change        func(in *lambda.CreateFunctionInput)
		code, message string
	}{
		{"name taken", func(in *lambda.CreateFunctionInput) { in.FunctionName = aws.String("taken") }, "ResourceConflictException", "Function already exist: taken"},
		{"role missing", func(in *lambda.CreateFunctionInput) { in.Role = aws.String("arn:aws:iam::" + w.account + ":role/none") }, "InvalidParameterValueException", "The role defined for the function cannot be assumed by Lambda."},
		{"role of another service", func(in *lambda.CreateFunctionInput) {
			in.Role = aws.String("arn:aws:iam::" + w.account + ":role/other")
		}, "InvalidParameterValueException", "The role defined for the function cannot be assumed by Lambda."},
		{"no zip", func(in *lambda.CreateFunctionInput) { in.Code.ZipFile = []byte("PK") }, "InvalidParameterValueException", "Could not unzip uploaded file. Please check your file, then try to upload again."},
		{"empty zip", func(in *lambda.CreateFunctionInput) { in.Code.ZipFile = files{}.zip() }, "InvalidParameterValueException", "Uploaded file must be a non-empty zip"},
		{"large code", func(in *lambda.CreateFunctionInput) {
			in.Code.ZipFile = files{"zeros": strings.Repeat("\x00", 250<<20+1)}.zip()
		}, "InvalidParameterValueException", "Unzipped size must be smaller than 262144000 bytes"},
		{"no code", func(in *lambda.CreateFunctionInput) { in.Code = &types.FunctionCode{} }, "InvalidParameterValueException", "Please provide a source for function code."},
		{"no handler", func(in *lambda.CreateFunctionInput) { in.Handler = nil }, "InvalidParameterValueException", "Runtime and Handler are mandatory parameters for functions created with deployment packages."},
		{"runtime of the past", func(in *lambda.CreateFunctionInput) { in.Runtime = types.RuntimePython37 }, "InvalidParameterValueException", "The runtime parameter of python3.7 is no longer supported for creating or updating AWS Lambda functions. We recommend you use the new runtime (python3.14) while creating or updating functions."},
		{"runtime", func(in *lambda.CreateFunctionInput) { in.Runtime = types.RuntimeJava21 }, "InvalidParameterValueException", "The runtime java21 " + yet},
		{"runtime of no interpreter", func(in *lambda.CreateFunctionInput) { in.Runtime = otherPython() }, "InvalidParameterValueException", "--runtime " + string(otherPython()) + "=PATH"},
		{"timeout", func(in *lambda.CreateFunctionInput) { in.Timeout = aws.Int32(901) }, "InvalidParameterValueException", "less than or equal to 900"},
		{"long name", func(in *lambda.CreateFunctionInput) { in.FunctionName = aws.String(strings.Repeat("f", 65)) }, "ValidationException", "Member must have length less than or equal to 64"},
		{"reserved variables", func(in *lambda.CreateFunctionInput) {
			in.Environment = &types.Environment{Variables: map[string]string{"AWS_REGION": "x", "AWS_DEFAULT_REGION": "x", "YZ": "y"}}
		}, "InvalidParameterValueException", "Lambda was unable to configure your environment variables because the environment variables you have provided contains reserved keys that are currently not supported for modification. Reserved keys used in this request: AWS_DEFAULT_REGION, AWS_REGION"},
		{"many variables", func(in *lambda.CreateFunctionInput) {
			in.Environment = &types.Environment{Variables: map[string]string{"AB": strings.Repeat("a", 4096)}}
		}, "InvalidParameterValueException", "exceeded the 4KB limit. Bytes measured: "},
		{"tag", func(in *lambda.CreateFunctionInput) { in.Tags = map[string]string{"aws:x": "y"} }, "InvalidParameterValueException", "reserved for system use"},
		{"S3", func(in *lambda.CreateFunctionInput) {
			in.Code = &types.FunctionCode{S3Bucket: aws.String("no-such-bucket-there-is"), S3Key: aws.String("k")}
		}, "InvalidParameterValueException", "Error occurred while GetObject. S3 Error Code: NoSuchBucket. S3 Error Message: The specified bucket does not exist"},
		{"image", func(in *lambda.CreateFunctionInput) { in.PackageType = types.PackageTypeImage }, "InvalidParameterValueException", "PackageType Image, Code.ImageUri) " + yet},
		{"VPC", func(in *lambda.CreateFunctionInput) { in.VpcConfig = &types.VpcConfig{SubnetIds: []string{"subnet-1"}} }, "InvalidParameterValueException", "(VpcConfig) " + yet},
		{"layers", func(in *lambda.CreateFunctionInput) {
			in.Layers = []string{"arn:aws:lambda:us-east-1:" + w.account + ":layer:l:1"}
		}, "InvalidParameterValueException", "Layer version arn:aws:lambda:us-east-1:" + w.account + ":layer:l:1 does not exist."},
		{"dead letters", func(in *lambda.CreateFunctionInput) {
			in.DeadLetterConfig = &types.DeadLetterConfig{TargetArn: aws.String("arn:aws:sqs:us-east-1:123456789012:q")}
		}, "InvalidParameterValueException", "(DeadLetterConfig) " + yet},
		{"tracing", func(in *lambda.CreateFunctionInput) {
			in.TracingConfig = &types.TracingConfig{Mode: types.TracingModeActive}
		}, "InvalidParameterValueException", "(TracingConfig) " + yet},
		{"snapshots", func(in *lambda.CreateFunctionInput) {
			in.SnapStart = &types.SnapStart{ApplyOn: types.SnapStartApplyOnPublishedVersions}
		}, "InvalidParameterValueException", "(SnapStart) " + yet},
		{"architecture", func(in *lambda.CreateFunctionInput) { in.Architectures = []types.Architecture{otherArchitecture(w)} }, "InvalidParameterValueException", yet},
	} {
		in := python(echoPython)
		in.FunctionName, in.Role = aws.String("new"), &role
		c.change(in)
		_, err := w.lambda.CreateFunction(w.ctx, in)
		t.Run(c.name, func(t *testing.T) { wantError(t, err, c.code, c.message) })
	}
}

// otherPython is a runtime that the host's python3 is not.
func otherPython() types.Runtime {
	if hostPython() == types.RuntimePython312 {
		return types.RuntimePython313
	}
	return types.RuntimePython312
}

func otherArchitecture(w *world) types.Architecture {
	c, err := w.lambda.GetFunctionConfiguration(w.ctx, &lambda.GetFunctionConfigurationInput{FunctionName: aws.String("taken")})
	w.must(err)
	if c.Architectures[0] == types.ArchitectureArm64 {
		return types.ArchitectureX8664
	}
	return types.ArchitectureArm64
}

func TestNewCodeTakesEffectAtOnce(t *testing.T) {
	needs(t, "python3")
	t.Parallel()
	w := newWorld(t)
	made := w.create("f", python("def handler(e, c): return 1"))
	if got := w.invoke("f", `{}`); got.payload != "1" {
		t.Fatalf("got %+v", got)
	}
	code := files{"app.py": "def handler(e, c): return 2"}.zip()
	dry, err := w.lambda.UpdateFunctionCode(w.ctx, &lambda.UpdateFunctionCodeInput{FunctionName: aws.String("f"), ZipFile: code, DryRun: true})
	w.must(err)
	if got := w.invoke("f", `{}`); got.payload != "1" {
		t.Errorf("after a dry run: %+v", got)
	}
	out, err := w.lambda.UpdateFunctionCode(w.ctx, &lambda.UpdateFunctionCodeInput{FunctionName: aws.String("f"), ZipFile: code, RevisionId: made.RevisionId})
	w.must(err)
	if *out.CodeSha256 != *dry.CodeSha256 || *out.RevisionId == *made.RevisionId {
		t.Errorf("code %s, revision %s", *out.CodeSha256, *out.RevisionId)
	}
	if got := w.invoke("f", `{}`); got.payload != "2" {
		t.Errorf("after the update: %+v", got)
	}
	_, err = w.lambda.UpdateFunctionCode(w.ctx, &lambda.UpdateFunctionCodeInput{FunctionName: aws.String("f"), ZipFile: code, RevisionId: made.RevisionId})
	wantError(t, err, "PreconditionFailedException", "The Revision Id provided does not match the latest Revision Id. Call the GetFunction/GetAlias API to retrieve the latest Revision Id")
}

func TestNewConfigurationTakesEffectAtOnce(t *testing.T) {
	needs(t, "python3")
	t.Parallel()
	w := newWorld(t)
	in := python("import os\ndef handler(e, c): return [c.memory_limit_in_mb, os.environ.get('AB')]\ndef other(e, c): return 'other'")
	in.Environment = &types.Environment{Variables: map[string]string{"AB": "1"}}
	w.create("f", in)
	for _, c := range []struct {
		in   lambda.UpdateFunctionConfigurationInput
		want string
	}{
		{lambda.UpdateFunctionConfigurationInput{Description: aws.String("d")}, `["128", "1"]`},
		{lambda.UpdateFunctionConfigurationInput{MemorySize: aws.Int32(256)}, `["256", "1"]`},
		{lambda.UpdateFunctionConfigurationInput{Environment: &types.Environment{Variables: map[string]string{"AB": "2"}}}, `["256", "2"]`},
		{lambda.UpdateFunctionConfigurationInput{Environment: &types.Environment{}}, `["256", null]`},
		{lambda.UpdateFunctionConfigurationInput{Handler: aws.String("app.other")}, `"other"`},
	} {
		c.in.FunctionName = aws.String("f")
		_, err := w.lambda.UpdateFunctionConfiguration(w.ctx, &c.in)
		w.must(err)
		if got := w.invoke("f", `{}`); got.payload != c.want {
			t.Errorf("got %+v, want %s", got, c.want)
		}
	}
}

func TestDeletedFunctionIsGone(t *testing.T) {
	needs(t, "python3")
	t.Parallel()
	w := newWorld(t)
	w.create("f", python(echoPython))
	w.invoke("f", `{}`)
	_, err := w.lambda.DeleteFunction(w.ctx, &lambda.DeleteFunctionInput{FunctionName: aws.String("f")})
	w.must(err)
	missing := "Function not found: arn:aws:lambda:us-east-1:" + w.account + ":function:f"
	_, err = w.lambda.GetFunction(w.ctx, &lambda.GetFunctionInput{FunctionName: aws.String("f")})
	wantError(t, err, "ResourceNotFoundException", missing)
	_, err = w.lambda.Invoke(w.ctx, &lambda.InvokeInput{FunctionName: aws.String("f")})
	wantError(t, err, "ResourceNotFoundException", missing)
	_, err = w.lambda.DeleteFunction(w.ctx, &lambda.DeleteFunctionInput{FunctionName: aws.String("f")})
	wantError(t, err, "ResourceNotFoundException", missing)
}

func TestListIsPaged(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	role := aws.String(w.role("role"))
	var size int64
	for i := range 5 {
		in := &lambda.CreateFunctionInput{
			Runtime: types.RuntimeProvidedal2023, Handler: aws.String("x"), Role: role,
			Code: &types.FunctionCode{ZipFile: files{"bootstrap": "#!/bin/sh"}.zip()},
		}
		size += w.create(fmt.Sprintf("f%d", i), in).CodeSize
	}
	var names bytes.Buffer
	pages := lambda.NewListFunctionsPaginator(w.lambda, &lambda.ListFunctionsInput{MaxItems: aws.Int32(2)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(w.ctx)
		w.must(err)
		for _, f := range page.Functions {
			names.WriteString(*f.FunctionName)
		}
		names.WriteByte('|')
	}
	if names.String() != "f0f1|f2f3|f4|" {
		t.Errorf("got %s", &names)
	}
	_, err := w.lambda.ListFunctions(w.ctx, &lambda.ListFunctionsInput{Marker: aws.String("???")})
	wantError(t, err, "InvalidParameterValueException", "Invalid marker")
	a, err := w.lambda.GetAccountSettings(w.ctx, &lambda.GetAccountSettingsInput{})
	w.must(err)
	if a.AccountUsage.FunctionCount != 5 || a.AccountUsage.TotalCodeSize != size || a.AccountLimit.ConcurrentExecutions != 1000 {
		t.Errorf("got %+v %+v", a.AccountUsage, a.AccountLimit)
	}
}

func TestTagsOfAFunction(t *testing.T) {
	needs(t, "python3")
	t.Parallel()
	w := newWorld(t)
	arn := w.create("f", python(echoPython)).FunctionArn
	_, err := w.lambda.TagResource(w.ctx, &lambda.TagResourceInput{Resource: arn, Tags: map[string]string{"a": "1", "b": "2"}})
	w.must(err)
	_, err = w.lambda.UntagResource(w.ctx, &lambda.UntagResourceInput{Resource: arn, TagKeys: []string{"a", "z"}})
	w.must(err)
	got, err := w.lambda.ListTags(w.ctx, &lambda.ListTagsInput{Resource: arn})
	w.must(err)
	if fmt.Sprint(got.Tags) != "map[b:2]" {
		t.Errorf("got %v", got.Tags)
	}
	many := map[string]string{}
	for i := range 50 {
		many[fmt.Sprint(i)] = ""
	}
	_, err = w.lambda.TagResource(w.ctx, &lambda.TagResourceInput{Resource: arn, Tags: many})
	wantError(t, err, "InvalidParameterValueException", "Number of tags exceeds resource tag limit.")
}

func TestOnlyTheLatestVersionIsThere(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	arn := w.script("f")
	versions, err := w.lambda.ListVersionsByFunction(w.ctx, &lambda.ListVersionsByFunctionInput{FunctionName: aws.String("f")})
	w.must(err)
	if len(versions.Versions) != 1 || *versions.Versions[0].FunctionArn != arn+":$LATEST" {
		t.Errorf("got %+v", versions.Versions)
	}
	aliases, err := w.lambda.ListAliases(w.ctx, &lambda.ListAliasesInput{FunctionName: aws.String("f")})
	w.must(err)
	signing, err := w.lambda.GetFunctionCodeSigningConfig(w.ctx, &lambda.GetFunctionCodeSigningConfigInput{FunctionName: aws.String("f")})
	w.must(err)
	if len(aliases.Aliases) != 0 || signing.CodeSigningConfigArn != nil {
		t.Errorf("got %+v, %+v", aliases.Aliases, signing)
	}
}
