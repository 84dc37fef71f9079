package lambda_test

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
)

func (w *world) alias(function, name, version string) *lambda.CreateAliasOutput {
	w.Helper()
	out, err := w.lambda.CreateAlias(w.ctx, &lambda.CreateAliasInput{FunctionName: &function, Name: &name, FunctionVersion: &version})
	w.must(err)
	return out
}

func weights(version string, weight float64) *types.AliasRoutingConfiguration {
	return &types.AliasRoutingConfiguration{AdditionalVersionWeights: map[string]float64{version: weight}}
}

// twoVersions makes a function whose versions 1 and 2 answer with their number.
func (w *world) twoVersions(name string) (arn string) {
	w.Helper()
	arn = *w.create(name, python("def handler(e, c): return 1")).FunctionArn
	w.publish(name)
	w.rewrite(name, "def handler(e, c): return 2")
	w.publish(name)
	return arn
}

func TestAliasesComeAndGo(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	arn := w.script("f")
	f := aws.String("f")
	w.publish("f")
	made, err := w.lambda.CreateAlias(w.ctx, &lambda.CreateAliasInput{FunctionName: f, Name: aws.String("live"), FunctionVersion: aws.String("1"), Description: aws.String("d")})
	w.must(err)
	got, err := w.lambda.GetAlias(w.ctx, &lambda.GetAliasInput{FunctionName: &arn, Name: aws.String("live")})
	w.must(err)
	if *made.AliasArn != arn+":live" || *got.AliasArn != arn+":live" || *got.FunctionVersion != "1" || *got.Description != "d" || *got.RevisionId != *made.RevisionId || got.RoutingConfig != nil {
		t.Errorf("made %+v, got %+v", made, got)
	}
	update := func(in lambda.UpdateAliasInput) (*lambda.UpdateAliasOutput, error) {
		in.FunctionName, in.Name = f, aws.String("live")
		return w.lambda.UpdateAlias(w.ctx, &in)
	}
	now, err := update(lambda.UpdateAliasInput{FunctionVersion: aws.String("$LATEST"), RevisionId: made.RevisionId})
	w.must(err)
	if *now.FunctionVersion != "$LATEST" || *now.Description != "d" || *now.RevisionId == *made.RevisionId {
		t.Errorf("got %+v", now)
	}
	_, err = update(lambda.UpdateAliasInput{Description: aws.String("e"), RevisionId: made.RevisionId})
	wantError(t, err, "PreconditionFailedException", "The Revision Id provided does not match the latest Revision Id. Call the GetFunction/GetAlias API to retrieve the latest Revision Id")
	for range 2 {
		_, err = w.lambda.DeleteAlias(w.ctx, &lambda.DeleteAliasInput{FunctionName: f, Name: aws.String("live")})
		w.must(err)
	}
	_, err = w.lambda.GetAlias(w.ctx, &lambda.GetAliasInput{FunctionName: f, Name: aws.String("live")})
	wantError(t, err, "ResourceNotFoundException", "Cannot find alias arn: "+arn+":live")
	_, err = update(lambda.UpdateAliasInput{Description: aws.String("e")})
	wantError(t, err, "ResourceNotFoundException", "Cannot find alias arn: "+arn+":live")
	_, err = w.lambda.GetFunction(w.ctx, &lambda.GetFunctionInput{FunctionName: f, Qualifier: aws.String("live")})
	wantError(t, err, "ResourceNotFoundException", "Function not found: "+arn+":live")
}

func TestAliasesAreListedForAVersion(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.script("f")
	w.publish("f")
	for name, version := range map[string]string{"a": "1", "b": "$LATEST", "c": "1", "d": "1"} {
		w.alias("f", name, version)
	}
	for version, want := range map[string]string{"": "ab|cd|", "1": "ac|d|", "$LATEST": "b|"} {
		var got strings.Builder
		in := &lambda.ListAliasesInput{FunctionName: aws.String("f"), MaxItems: aws.Int32(2)}
		if version != "" {
			in.FunctionVersion = &version
		}
		for pages := lambda.NewListAliasesPaginator(w.lambda, in); pages.HasMorePages(); {
			page, err := pages.NextPage(w.ctx)
			w.must(err)
			for _, a := range page.Aliases {
				got.WriteString(*a.Name)
			}
			got.WriteByte('|')
		}
		if got.String() != want {
			t.Errorf("of version %q: got %s, want %s", version, &got, want)
		}
	}
}

func TestAliasesThatAWSRefuses(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	arn := w.script("f")
	w.publish("f")
	_, err := w.lambda.UpdateFunctionConfiguration(w.ctx, &lambda.UpdateFunctionConfigurationInput{FunctionName: aws.String("f"), MemorySize: aws.Int32(256)})
	w.must(err)
	w.publish("f")
	_, err = w.lambda.UpdateFunctionConfiguration(w.ctx, &lambda.UpdateFunctionConfigurationInput{FunctionName: aws.String("f"), Role: aws.String(w.role("other"))})
	w.must(err)
	w.publish("f")
	w.alias("f", "taken", "1")
	for _, c := range []struct {
		name, version string
		routing       *types.AliasRoutingConfiguration
		code, message string
	}{
		{"taken", "1", nil, "ResourceConflictException", "Alias already exists: " + arn + ":taken"},
		{"123", "1", nil, "ValidationException", "Member must satisfy regular expression pattern: (?!^[0-9]+$)([a-zA-Z0-9-_]+)"},
		{"a", "10", nil, "ResourceNotFoundException", "Function not found: " + arn + ":10"},
		{"a", "1", weights("10", 0.5), "ResourceNotFoundException", "Function not found: " + arn + ":10"},
		{"a", "1", weights("1", 0.5), "InvalidParameterValueException", "Invalid function version 1. Function version 1 is already included in routing configuration."},
		{"a", "$LATEST", weights("1", 0.5), "InvalidParameterValueException", "$LATEST is not supported for an alias pointing to more than 1 version"},
		{"a", "1", weights("$LATEST", 0.5), "ValidationException", "Value '{$LATEST=0.5}' at 'routingConfig.additionalVersionWeights' failed to satisfy constraint: Map keys must satisfy constraint: "},
		{"a", "1", weights("2", 2), "ValidationException", "at 'routingConfig.additionalVersionWeights' failed to satisfy constraint: Map value must satisfy constraint: "},
		{"a", "1", weights("2", -1), "ValidationException", "Map value must satisfy constraint: "},
		{"a", "1", &types.AliasRoutingConfiguration{AdditionalVersionWeights: map[string]float64{"2": 0.1, "3": 0.1}},
			"InvalidParameterValueException", "Number of items in AdditionalVersionWeights cannot be greater than 1"},
		{"a", "1", weights("3", 0.5), "InvalidParameterValueException", "Specified versions must be associated with the same execution role"},
	} {
		_, err := w.lambda.CreateAlias(w.ctx, &lambda.CreateAliasInput{FunctionName: aws.String("f"), Name: &c.name, FunctionVersion: &c.version, RoutingConfig: c.routing})
		wantError(t, err, c.code, c.message)
	}
	_, err = w.lambda.CreateAlias(w.ctx, &lambda.CreateAliasInput{FunctionName: aws.String("g"), Name: aws.String("a"), FunctionVersion: aws.String("1")})
	wantError(t, err, "ResourceNotFoundException", "Function not found: arn:aws:lambda:us-east-1:"+w.account+":function:g:1")
}

func TestAliasRunsTheVersionItPointsTo(t *testing.T) {
	needs(t, "python3")
	t.Parallel()
	w := newWorld(t)
	arn := *w.create("f", python("def handler(e, c): return [c.invoked_function_arn, c.function_version]")).FunctionArn
	w.publish("f")
	w.alias("f", "live", "1")
	want := `["` + arn + `:live", "1"]`
	for name, qualifier := range map[string]string{"f": "live", "f:live": "", arn + ":live": "live", w.account + ":function:f": "live", "function:f:live": ""} {
		in := &lambda.InvokeInput{FunctionName: &name, LogType: types.LogTypeTail}
		if qualifier != "" {
			in.Qualifier = &qualifier
		}
		out, err := w.lambda.Invoke(w.ctx, in)
		w.must(err)
		if string(out.Payload) != want || *out.ExecutedVersion != "1" {
			t.Errorf("%s: got %s by version %s", name, out.Payload, *out.ExecutedVersion)
		}
	}
	c, err := w.lambda.GetFunction(w.ctx, &lambda.GetFunctionInput{FunctionName: aws.String("f:live")})
	w.must(err)
	if *c.Configuration.FunctionArn != arn+":live" || *c.Configuration.Version != "1" {
		t.Errorf("got %s, version %s", *c.Configuration.FunctionArn, *c.Configuration.Version)
	}
}

func TestWeightsShareOutInvocations(t *testing.T) {
	needs(t, "python3")
	t.Parallel()
	w := newWorld(t)
	w.twoVersions("f")
	w.alias("f", "live", "1")
	update := func(routing *types.AliasRoutingConfiguration) {
		t.Helper()
		out, err := w.lambda.UpdateAlias(w.ctx, &lambda.UpdateAliasInput{FunctionName: aws.String("f"), Name: aws.String("live"), RoutingConfig: routing})
		w.must(err)
		if given := routing.AdditionalVersionWeights; len(given) > 0 && out.RoutingConfig.AdditionalVersionWeights["2"] != given["2"] || len(given) == 0 && out.RoutingConfig != nil {
			t.Errorf("got %+v", out.RoutingConfig)
		}
	}
	for _, c := range []struct {
		routing   *types.AliasRoutingConfiguration
		low, high int // of 200 answers by version 2
	}{
		{weights("2", 0.3), 20, 110}, // five standard deviations around 60, and more
		{weights("2", 1), 200, 200},
		{weights("2", 0), 0, 0},
		{&types.AliasRoutingConfiguration{}, 0, 0},
	} {
		update(c.routing)
		second := 0
		for range 200 {
			payload, version := w.ask("f", "live")
			if payload != version {
				t.Fatalf("version %s answered %s", version, payload)
			}
			if version == "2" {
				second++
			}
		}
		if second < c.low || second > c.high {
			t.Errorf("with %v, version 2 has %d of 200", c.routing.AdditionalVersionWeights, second)
		}
	}
}

func TestPolicyOfAnAliasIsItsOwn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	arn := w.script("f")
	w.publish("f")
	live := w.alias("f", "live", "1")
	stranger := worldOf(t, newWorld(t).cfg)
	add := func(qualifier, sid, revision string) error {
		in := &lambda.AddPermissionInput{FunctionName: aws.String("f"), StatementId: &sid, Action: aws.String("lambda:GetFunction"), Principal: &stranger.account}
		if qualifier != "" {
			in.Qualifier = &qualifier
		}
		if revision != "" {
			in.RevisionId = &revision
		}
		_, err := w.lambda.AddPermission(w.ctx, in)
		return err
	}
	wantError(t, add("$LATEST", "s", ""), "InvalidParameterValueException", "We currently do not support adding policies for $LATEST.")
	wantError(t, add("none", "s", ""), "ResourceNotFoundException", "Cannot find alias arn: "+arn+":none")
	wantError(t, add("live", "s", "other"), "PreconditionFailedException", "The Revision Id provided does not match the latest Revision Id.")
	w.must(add("live", "s", *live.RevisionId))
	w.must(add("1", "s", ""))
	a, err := w.lambda.GetAlias(w.ctx, &lambda.GetAliasInput{FunctionName: aws.String("f"), Name: aws.String("live")})
	w.must(err)
	p, err := w.lambda.GetPolicy(w.ctx, &lambda.GetPolicyInput{FunctionName: aws.String("f"), Qualifier: aws.String("live")})
	w.must(err)
	if *a.RevisionId == *live.RevisionId || *p.RevisionId != *a.RevisionId || !strings.Contains(*p.Policy, `"Resource":"`+arn+`:live"`) {
		t.Errorf("revisions %s, %s and %s of %s", *live.RevisionId, *a.RevisionId, *p.RevisionId, *p.Policy)
	}
	for qualifier, code := range map[string]string{":live": "", ":1": "", "": "AccessDeniedException", ":$LATEST": "AccessDeniedException"} {
		_, err := stranger.lambda.GetFunction(w.ctx, &lambda.GetFunctionInput{FunctionName: aws.String(arn + qualifier)})
		if code == "" {
			w.must(err)
		} else {
			wantError(t, err, code, "")
		}
	}
	_, err = w.lambda.DeleteAlias(w.ctx, &lambda.DeleteAliasInput{FunctionName: aws.String("f"), Name: aws.String("live")})
	w.must(err)
	w.alias("f", "live", "1")
	_, err = stranger.lambda.GetFunction(w.ctx, &lambda.GetFunctionInput{FunctionName: aws.String(arn + ":live")})
	wantError(t, err, "AccessDeniedException", "")
}
