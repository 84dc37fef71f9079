package lambda_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
)

// publish publishes a function, and returns what Lambda says of the version.
func (w *world) publish(name string) *lambda.PublishVersionOutput {
	w.Helper()
	out, err := w.lambda.PublishVersion(w.ctx, &lambda.PublishVersionInput{FunctionName: &name})
	w.must(err)
	return out
}

// rewrite gives a function other code.
func (w *world) rewrite(name, code string) *lambda.UpdateFunctionCodeOutput {
	w.Helper()
	out, err := w.lambda.UpdateFunctionCode(w.ctx, &lambda.UpdateFunctionCodeInput{FunctionName: &name, ZipFile: files{"app.py": code}.zip()})
	w.must(err)
	return out
}

// ask invokes a function by a qualifier, and returns its answer and the version that gave it.
func (w *world) ask(name, qualifier string) (payload, version string) {
	w.Helper()
	out, err := w.lambda.Invoke(w.ctx, &lambda.InvokeInput{FunctionName: &name, Qualifier: &qualifier})
	w.must(err)
	return string(out.Payload), aws.ToString(out.ExecutedVersion)
}

func TestVersionsKeepWhatWasPublished(t *testing.T) {
	needs(t, "python3")
	t.Parallel()
	w := newWorld(t)
	arn := *w.create("f", python("def handler(e, c): return ['one', c.function_version, c.invoked_function_arn]")).FunctionArn
	first := w.publish("f")
	if *first.Version != "1" || *first.FunctionArn != arn+":1" || first.State != types.StateActive {
		t.Errorf("got %s, %s, %s", *first.Version, *first.FunctionArn, first.State)
	}
	w.rewrite("f", "def handler(e, c): return ['two', c.function_version]")
	_, err := w.lambda.UpdateFunctionConfiguration(w.ctx, &lambda.UpdateFunctionConfigurationInput{FunctionName: aws.String("f"), MemorySize: aws.Int32(256)})
	w.must(err)
	w.publish("f")
	w.rewrite("f", "def handler(e, c): return ['three', c.function_version]")
	for qualifier, want := range map[string]string{
		"1": `["one", "1", "` + arn + `:1"]`, "2": `["two", "2"]`, "$LATEST": `["three", "$LATEST"]`,
	} {
		if got, version := w.ask("f", qualifier); got != want || version != qualifier {
			t.Errorf("%s answered %s as %s", qualifier, got, version)
		}
	}
	old, err := w.lambda.GetFunctionConfiguration(w.ctx, &lambda.GetFunctionConfigurationInput{FunctionName: aws.String("f"), Qualifier: aws.String("1")})
	w.must(err)
	if *old.MemorySize != 128 || *old.FunctionArn != arn+":1" || *old.CodeSha256 != *first.CodeSha256 || *old.RevisionId != *first.RevisionId {
		t.Errorf("got %+v", old)
	}
	log := w.invoke("f", "{}").log
	if !strings.Contains(log, "Version: $LATEST\n") {
		t.Errorf("log is %s", log)
	}
}

func TestNothingNewIsNotPublished(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.script("f")
	f := aws.String("f")
	was, err := w.lambda.GetFunctionConfiguration(w.ctx, &lambda.GetFunctionConfigurationInput{FunctionName: f})
	w.must(err)
	first, err := w.lambda.PublishVersion(w.ctx, &lambda.PublishVersionInput{FunctionName: f, Description: aws.String("mine"), RevisionId: was.RevisionId, CodeSha256: was.CodeSha256})
	w.must(err)
	again := w.publish("f")
	same, err := w.lambda.UpdateFunctionCode(w.ctx, &lambda.UpdateFunctionCodeInput{FunctionName: f, ZipFile: files{"bootstrap": "#!/bin/sh"}.zip(), Publish: true})
	w.must(err)
	if *first.Version != "1" || *first.Description != "mine" || *again.Version != "1" || *again.Description != "mine" || *same.Version != "1" || *same.FunctionArn != *first.FunctionArn {
		t.Errorf("got %s %q, %s %q, %s", *first.Version, *first.Description, *again.Version, *again.Description, *same.Version)
	}
	now, err := w.lambda.GetFunctionConfiguration(w.ctx, &lambda.GetFunctionConfigurationInput{FunctionName: f})
	w.must(err)
	if *now.RevisionId == *was.RevisionId || *now.Description != "" {
		t.Errorf("$LATEST has revision %s and %q", *now.RevisionId, *now.Description)
	}
	_, err = w.lambda.UpdateFunctionConfiguration(w.ctx, &lambda.UpdateFunctionConfigurationInput{FunctionName: f, Description: aws.String("other")})
	w.must(err)
	if next := w.publish("f"); *next.Version != "2" || *next.Description != "other" {
		t.Errorf("got %s %q", *next.Version, *next.Description)
	}
	_, err = w.lambda.PublishVersion(w.ctx, &lambda.PublishVersionInput{FunctionName: f, RevisionId: was.RevisionId})
	wantError(t, err, "PreconditionFailedException", "The Revision Id provided does not match the latest Revision Id. Call the GetFunction/GetAlias API to retrieve the latest Revision Id")
	_, err = w.lambda.PublishVersion(w.ctx, &lambda.PublishVersionInput{FunctionName: f, CodeSha256: aws.String("other")})
	wantError(t, err, "InvalidParameterValueException", "CodeSHA256 (other) is different from current CodeSHA256 in $LATEST ("+*now.CodeSha256+"). Please try again with the CodeSHA256 in $LATEST.")
}

func TestPublishingWithANewFunction(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	in := func() *lambda.CreateFunctionInput {
		return &lambda.CreateFunctionInput{
			Runtime: types.RuntimeProvidedal2023, Handler: aws.String("x"), Publish: true, Role: aws.String("arn:aws:iam::" + w.account + ":role/r"),
			Code: &types.FunctionCode{ZipFile: files{"bootstrap": "#!/bin/sh"}.zip()},
		}
	}
	w.role("r")
	out := w.create("f", in())
	if *out.Version != "1" || strings.HasSuffix(*out.FunctionArn, ":1") {
		t.Errorf("got %s, %s", *out.Version, *out.FunctionArn)
	}
	code, err := w.lambda.UpdateFunctionCode(w.ctx, &lambda.UpdateFunctionCodeInput{FunctionName: aws.String("f"), ZipFile: files{"bootstrap": "#!/bin/bash"}.zip(), Publish: true})
	w.must(err)
	if *code.Version != "2" || *code.FunctionArn != *out.FunctionArn+":2" {
		t.Errorf("got %s, %s", *code.Version, *code.FunctionArn)
	}
	_, err = w.lambda.DeleteFunction(w.ctx, &lambda.DeleteFunctionInput{FunctionName: aws.String("f")})
	w.must(err)
	if again := w.create("f", in()); *again.Version != "3" {
		t.Errorf("a number was given again: %s", *again.Version)
	}
	other := in()
	other.FunctionName, other.PublishTo = aws.String("g"), types.FunctionVersionLatestPublishedLatestPublished
	_, err = w.lambda.CreateFunction(w.ctx, other)
	wantError(t, err, "InvalidParameterValueException", "(PublishTo) is not supported by Redoubt yet")
}

func TestVersionsAreListedInTheirOrder(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	arn := w.script("f")
	var size int64
	for i := range 11 {
		out, err := w.lambda.UpdateFunctionCode(w.ctx, &lambda.UpdateFunctionCodeInput{
			FunctionName: aws.String("f"), ZipFile: files{"bootstrap": fmt.Sprint("#!/bin/sh ", i)}.zip(), Publish: true,
		})
		w.must(err)
		size += out.CodeSize
	}
	var got strings.Builder
	pages := lambda.NewListVersionsByFunctionPaginator(w.lambda, &lambda.ListVersionsByFunctionInput{FunctionName: aws.String("f"), MaxItems: aws.Int32(5)})
	var last types.FunctionConfiguration
	for pages.HasMorePages() {
		page, err := pages.NextPage(w.ctx)
		w.must(err)
		for _, v := range page.Versions {
			got.WriteString(strings.TrimPrefix(*v.FunctionArn, arn))
			last = v
		}
		got.WriteByte('|')
	}
	if want := ":$LATEST:1:2:3:4|:5:6:7:8:9|:10:11|"; got.String() != want {
		t.Errorf("got %s, want %s", &got, want)
	}
	if last.State != "" || last.LastUpdateStatus != "" {
		t.Errorf("a list tells the state %s", last.State)
	}
	a, err := w.lambda.GetAccountSettings(w.ctx, &lambda.GetAccountSettingsInput{})
	w.must(err)
	if want := size + last.CodeSize; a.AccountUsage.TotalCodeSize != want || a.AccountUsage.FunctionCount != 1 {
		t.Errorf("got %+v, want %d bytes", a.AccountUsage, want)
	}
	_, err = w.lambda.DeleteFunction(w.ctx, &lambda.DeleteFunctionInput{FunctionName: aws.String("f")})
	w.must(err)
	if a, _ = w.lambda.GetAccountSettings(w.ctx, &lambda.GetAccountSettingsInput{}); a.AccountUsage.TotalCodeSize != 0 {
		t.Errorf("%d bytes are left", a.AccountUsage.TotalCodeSize)
	}
}

func TestFunctionsAreListedWithAllTheirVersions(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, name := range []string{"a", "b", "c"} {
		w.script(name)
	}
	w.publish("a")
	w.publish("c")
	var got strings.Builder
	pages := lambda.NewListFunctionsPaginator(w.lambda, &lambda.ListFunctionsInput{FunctionVersion: types.FunctionVersionAll, MaxItems: aws.Int32(2)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(w.ctx)
		w.must(err)
		for _, f := range page.Functions {
			got.WriteString((*f.FunctionArn)[strings.LastIndex(*f.FunctionArn, "function:")+len("function:"):] + " ")
		}
		got.WriteByte('|')
	}
	if want := "a:$LATEST a:1 |b:$LATEST c:$LATEST |c:1 |"; got.String() != want {
		t.Errorf("got %s, want %s", &got, want)
	}
}

func TestVersionsCannotBeChanged(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	arn := w.script("f")
	w.publish("f")
	w.alias("f", "live", "1")
	const only = "Current operation does not support versions other than $LATEST"
	for _, name := range []string{"f:1", arn + ":1", "f:live", w.account + ":function:f:1", arn + ":live"} {
		_, err := w.lambda.UpdateFunctionCode(w.ctx, &lambda.UpdateFunctionCodeInput{FunctionName: &name, ZipFile: files{"bootstrap": "#!/bin/bash"}.zip()})
		wantError(t, err, "InvalidParameterValueException", only)
		_, err = w.lambda.UpdateFunctionConfiguration(w.ctx, &lambda.UpdateFunctionConfigurationInput{FunctionName: &name, MemorySize: aws.Int32(512)})
		wantError(t, err, "InvalidParameterValueException", only)
		_, err = w.lambda.PublishVersion(w.ctx, &lambda.PublishVersionInput{FunctionName: &name})
		wantError(t, err, "InvalidParameterValueException", only)
		_, err = w.lambda.PutFunctionConcurrency(w.ctx, &lambda.PutFunctionConcurrencyInput{FunctionName: &name, ReservedConcurrentExecutions: aws.Int32(1)})
		wantError(t, err, "InvalidParameterValueException", "This operation is permitted on Lambda functions only. Aliases and versions do not support this operation.")
		_, err = w.lambda.GetFunction(w.ctx, &lambda.GetFunctionInput{FunctionName: &name, Qualifier: aws.String("2")})
		wantError(t, err, "InvalidParameterValueException", "The derived qualifier from the function name does not match the specified qualifier.")
	}
	for name, tagged := range map[string]string{"version": arn + ":1", "alias": arn + ":live"} {
		_, err := w.lambda.TagResource(w.ctx, &lambda.TagResourceInput{Resource: &tagged, Tags: map[string]string{"a": "b"}})
		t.Run(name, func(t *testing.T) {
			wantError(t, err, "InvalidParameterValueException", "Tags on function aliases and versions are not supported.")
		})
	}
}

func TestVersionsAreDeleted(t *testing.T) {
	needs(t, "python3")
	t.Parallel()
	w := newWorld(t)
	arn := *w.create("f", python("def handler(e, c): return 1")).FunctionArn
	w.publish("f")
	w.ask("f", "1")
	w.rewrite("f", "def handler(e, c): return 2")
	w.publish("f")
	w.alias("f", "live", "1")
	remove := func(qualifier string) error {
		_, err := w.lambda.DeleteFunction(w.ctx, &lambda.DeleteFunctionInput{FunctionName: aws.String("f"), Qualifier: &qualifier})
		return err
	}
	wantError(t, remove("1"), "ResourceConflictException", "Unable to delete version because the following aliases reference it: [live]")
	wantError(t, remove("$LATEST"), "InvalidParameterValueException", "$LATEST version cannot be deleted without deleting the function.")
	wantError(t, remove("live"), "InvalidParameterValueException", "Deletion of aliases is not currently supported.")
	wantError(t, remove("3"), "ResourceNotFoundException", "Function not found: "+arn+":3")
	_, err := w.lambda.DeleteAlias(w.ctx, &lambda.DeleteAliasInput{FunctionName: aws.String("f"), Name: aws.String("live")})
	w.must(err)
	w.must(remove("1"))
	_, err = w.lambda.Invoke(w.ctx, &lambda.InvokeInput{FunctionName: aws.String("f:1")})
	wantError(t, err, "ResourceNotFoundException", "Function not found: "+arn+":1")
	if got, _ := w.ask("f", "2"); got != "2" {
		t.Errorf("got %s", got)
	}
	w.must(remove("2"))
	if got, _ := w.ask("f", "$LATEST"); got != "2" {
		t.Errorf("got %s", got)
	}
	if next := w.publish("f"); *next.Version != "3" {
		t.Errorf("got version %s", *next.Version)
	}
}
