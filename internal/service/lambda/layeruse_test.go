package lambda_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
)

// relayer gives a function other layers.
func (w *world) relayer(name string, layers ...string) (*lambda.UpdateFunctionConfigurationOutput, error) {
	return w.lambda.UpdateFunctionConfiguration(w.ctx, &lambda.UpdateFunctionConfigurationInput{FunctionName: &name, Layers: layers})
}

func arns(layers []types.Layer) (list []string) {
	for _, l := range layers {
		list = append(list, *l.Arn)
	}
	return list
}

func TestLayersOfAFunctionComeAndGo(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	content := files{"x": "x"}
	a, b := w.layer("a", content), w.layer("b", files{"y": "why"})
	in := provided(t)
	in.Layers = []string{b, a}
	made := w.create("f", in)
	if got := arns(made.Layers); fmt.Sprint(got) != fmt.Sprint(in.Layers) || made.Layers[1].CodeSize != int64(len(content.zip())) {
		t.Errorf("made with %v", got)
	}
	kept, err := w.lambda.UpdateFunctionConfiguration(w.ctx, &lambda.UpdateFunctionConfigurationInput{FunctionName: aws.String("f"), Timeout: aws.Int32(5)})
	w.must(err)
	if got := arns(kept.Layers); fmt.Sprint(got) != fmt.Sprint(in.Layers) {
		t.Errorf("kept %v", got)
	}
	fewer, err := w.relayer("f", a)
	w.must(err)
	if got := arns(fewer.Layers); fmt.Sprint(got) != fmt.Sprint([]string{a}) {
		t.Errorf("changed to %v", got)
	}
	_, err = w.lambda.UpdateFunctionConfiguration(w.ctx, &lambda.UpdateFunctionConfigurationInput{FunctionName: aws.String("f"), Layers: []string{}})
	w.must(err)
	got, err := w.lambda.GetFunction(w.ctx, &lambda.GetFunctionInput{FunctionName: aws.String("f")})
	w.must(err)
	if got.Configuration.Layers != nil {
		t.Errorf("left %v", arns(got.Configuration.Layers))
	}
}

func TestRefusedLayersOfAFunction(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var six []string
	for i := range 6 {
		six = append(six, w.layer(fmt.Sprint("l", i), files{"x": "x"}))
	}
	second := w.layer("l0", files{"x": "2"})
	w.script("f")
	role := w.role("role")
	base := "arn:aws:lambda:us-east-1:" + w.account + ":layer:"
	for name, c := range map[string]struct {
		layers        []string
		code, message string
	}{
		"six":          {six, "InvalidParameterValueException", "Cannot reference more than 5 layers."},
		"no layer":     {[]string{base + "none:1"}, "InvalidParameterValueException", "Layer version " + base + "none:1 does not exist."},
		"no version":   {[]string{base + "l0:3"}, "InvalidParameterValueException", "Layer version " + base + "l0:3 does not exist."},
		"two versions": {[]string{six[0], six[1], second}, "InvalidParameterValueException", "Two different versions of the same layer are not allowed to be referenced in the same function. " + six[0] + " and " + second + " are versions of the same layer."},
		"twice":        {[]string{six[1], six[1]}, "InvalidParameterValueException", six[1] + " and " + six[1] + " are versions of the same layer."},
		"elsewhere":    {[]string{strings.Replace(six[0], "us-east-1", "eu-west-1", 1)}, "InvalidParameterValueException", "Layers are not in the same region as the function. Layers are expected to be in region us-east-1."},
		"no number":    {[]string{base + "l0"}, "ValidationException", "'layers"},
		"a stranger's": {[]string{"arn:aws:lambda:us-east-1:111122223333:layer:l:1"}, "AccessDeniedException", "lambda:GetLayerVersion on resource: arn:aws:lambda:us-east-1:111122223333:layer:l:1 because no resource-based policy allows"},
	} {
		in := provided(t)
		in.FunctionName, in.Role, in.Layers = aws.String("new"), &role, c.layers
		_, err := w.lambda.CreateFunction(w.ctx, in)
		t.Run(name+" at creation", func(t *testing.T) { wantError(t, err, c.code, c.message) })
		_, err = w.relayer("f", c.layers...)
		t.Run(name+" at an update", func(t *testing.T) { wantError(t, err, c.code, c.message) })
	}
}

func TestCodeAndLayersTogetherHaveALimit(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	half, third := w.layer("half", files{"a": strings.Repeat("\x00", 125<<20)}), w.layer("third", files{"b": strings.Repeat("\x00", 125<<20)})
	one := w.layer("one", files{"c": "x"})
	role := w.role("role")
	in := &lambda.CreateFunctionInput{
		FunctionName: aws.String("f"), Role: &role, Runtime: types.RuntimeProvidedal2023, Handler: aws.String("x"),
		Code: &types.FunctionCode{ZipFile: zeros(1)}, Layers: []string{half, third},
	}
	_, err := w.lambda.CreateFunction(w.ctx, in)
	wantError(t, err, "InvalidParameterValueException", "Unzipped size must be smaller than 0 bytes")
	in.Layers = []string{half, third, one}
	_, err = w.lambda.CreateFunction(w.ctx, in)
	wantError(t, err, "InvalidParameterValueException", "Layers consume more than the available size of 262144000 bytes")
	in.Layers = []string{half}
	_, err = w.lambda.CreateFunction(w.ctx, in)
	w.must(err)
	_, err = w.lambda.UpdateFunctionCode(w.ctx, &lambda.UpdateFunctionCodeInput{FunctionName: aws.String("f"), ZipFile: zeros(125<<20 + 1)})
	wantError(t, err, "InvalidParameterValueException", "Unzipped size must be smaller than 131072000 bytes")
	_, err = w.relayer("f", half, third)
	wantError(t, err, "InvalidParameterValueException", "Function code combined with layers exceeds the maximum allowed size of 262144000 bytes. The actual size is 262144001 bytes.")
}

func TestDeletedLayerStaysWithTheFunctionsThatHaveIt(t *testing.T) {
	needs(t, "python3")
	t.Parallel()
	w := newWorld(t)
	arn := w.layer("l", files{"python/greeting.py": "text = 'hello'"})
	in := python("def handler(e, c):\n  import greeting\n  return greeting.text")
	in.Layers = []string{arn}
	w.create("f", in)
	_, err := w.lambda.DeleteLayerVersion(w.ctx, &lambda.DeleteLayerVersionInput{LayerName: aws.String("l"), VersionNumber: aws.Int64(1)})
	w.must(err)
	_, err = w.lambda.UpdateFunctionConfiguration(w.ctx, &lambda.UpdateFunctionConfigurationInput{FunctionName: aws.String("f"), Timeout: aws.Int32(9)})
	w.must(err)
	if got := w.invoke("f", `{}`); got.payload != `"hello"` {
		t.Errorf("got %+v", got)
	}
	_, err = w.relayer("f", arn)
	wantError(t, err, "InvalidParameterValueException", "Layer version "+arn+" does not exist.")
	in = python(echoPython)
	in.FunctionName, in.Role, in.Layers = aws.String("new"), aws.String("arn:aws:iam::"+w.account+":role/f-role"), []string{arn}
	_, err = w.lambda.CreateFunction(w.ctx, in)
	wantError(t, err, "InvalidParameterValueException", "Layer version "+arn+" does not exist.")
}

// Each needs the layer for something else.
func TestFunctionsFindWhatLayersBring(t *testing.T) {
	needs(t, "python3")
	needs(t, "node")
	t.Parallel()
	w := newWorld(t)
	version := strings.TrimPrefix(string(hostPython()), "python")
	major := strings.TrimSuffix(strings.TrimPrefix(string(hostNode()), "nodejs"), ".x")
	lower := w.layer("lower", files{
		"python/both.py": "text = 'lower'", "python/low.py": "text = 'low'", "bin/tool": "#!/bin/sh\necho tool of lower", "lib/data": "lower",
		"python/lib/python" + version + "/site-packages/site_module.py": "text = 'site'",
		"nodejs/node_modules/both/index.js":                             "module.exports = 'lower';",
		"nodejs/node" + major + "/node_modules/own/index.js":            "module.exports = 'own';",
	})
	upper := w.layer("upper", files{"python/both.py": "text = 'upper'", "nodejs/node_modules/both/index.js": "module.exports = 'upper';"})
	for name, c := range map[string]struct {
		in   *lambda.CreateFunctionInput
		want string
	}{
		"python": {python(`
import both, low, os, site_module, subprocess
def handler(e, c):
    return [both.text, low.text, site_module.text, subprocess.check_output(["tool"], text=True).strip(),
        open("/opt/lib/data").read(), "/opt/lib" in os.environ["LD_LIBRARY_PATH"].split(":")]
`), `["upper","low","site","tool of lower","lower",true]`},
		"node": {node(`
const both = require('both'), own = require('own');
exports.handler = async () => [both, own, require('child_process').execSync('tool').toString().trim()];
`), `["upper","own","tool of lower"]`},
	} {
		c.in.Layers = []string{lower, upper}
		w.create(name, c.in)
		got := w.invoke(name, `{}`)
		var compact any
		w.must(json.Unmarshal([]byte(got.payload), &compact))
		text, err := json.Marshal(compact)
		w.must(err)
		if string(text) != c.want {
			t.Errorf("%s: got %s\n%s", name, got.payload, got.log)
		}
	}
}

func TestOrderOfLayersDecidesWhichOneWins(t *testing.T) {
	needs(t, "python3")
	t.Parallel()
	w := newWorld(t)
	a, b := w.layer("a", files{"name": "a"}), w.layer("b", files{"name": "b"})
	w.create("f", python("def handler(e, c): return open('/opt/name').read()"))
	for _, c := range []struct {
		layers []string
		want   string
	}{{[]string{a, b}, `"b"`}, {[]string{b, a}, `"a"`}, {[]string{a}, `"a"`}, {[]string{b}, `"b"`}} {
		_, err := w.relayer("f", c.layers...)
		w.must(err)
		if got := w.invoke("f", `{}`); got.payload != c.want {
			t.Errorf("%v: got %+v", c.layers, got)
		}
	}
}

func TestLayerBringsTheRuntimeOfAProvidedFunction(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	program, err := echoProgram()
	w.must(err)
	runtime := w.layer("runtime", files{"bootstrap": program})
	in := provided(t)
	in.Code, in.Layers = &types.FunctionCode{ZipFile: files{"data": "x"}.zip()}, []string{runtime}
	w.create("f", in)
	if got := w.invoke("f", `{"a":1}`); !strings.Contains(got.payload, `"name":"f"`) {
		t.Errorf("got %+v", got)
	}
	_, err = w.lambda.UpdateFunctionCode(w.ctx, &lambda.UpdateFunctionCodeInput{FunctionName: aws.String("f"), ZipFile: files{"bootstrap": "#!/bin/sh\nexit 7"}.zip()})
	w.must(err)
	if got := w.invoke("f", `{}`); !strings.Contains(got.payload, "exit status 7") {
		t.Errorf("the package's own bootstrap goes first: got %+v", got)
	}
	_, err = w.relayer("f", w.layer("other", files{"x": "x"}))
	w.must(err)
	_, err = w.lambda.UpdateFunctionCode(w.ctx, &lambda.UpdateFunctionCodeInput{FunctionName: aws.String("f"), ZipFile: files{"data": "x"}.zip()})
	w.must(err)
	if got := w.invoke("f", `{}`); !strings.Contains(got.payload, "Couldn't find valid bootstrap(s): [/var/task/bootstrap /opt/bootstrap]") {
		t.Errorf("got %+v", got)
	}
}
