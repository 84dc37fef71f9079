package lambda_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
)

// with adds files to the package of a function and variables to its environment.
func with(in *lambda.CreateFunctionInput, content files, variables map[string]string) *lambda.CreateFunctionInput {
	in.Code = &types.FunctionCode{ZipFile: content.zip()}
	in.Environment = &types.Environment{Variables: variables}
	return in
}

func TestWrapperStartsTheRuntime(t *testing.T) {
	needs(t, "python3")
	needs(t, "node")
	t.Parallel()
	w := newWorld(t)
	const wrapper = "#!/bin/sh\nexport WRAPPED=\"yes\"\nexec \"$@\"\n"
	py := files{"app.py": "import os\ndef handler(e, c): return os.environ['WRAPPED']", "wrapper": wrapper}
	js := files{"index.js": "exports.handler = async () => process.env.WRAPPED", "wrapper": wrapper}
	path := map[string]string{"AWS_LAMBDA_EXEC_WRAPPER": "/var/task/wrapper"}
	w.create("py", with(python(""), py, path))
	w.create("js", with(node(""), js, path))
	w.create("none", with(python(""), py, map[string]string{"AWS_LAMBDA_EXEC_WRAPPER": "/var/task/nothing"}))
	for _, name := range []string{"py", "js"} {
		if got := w.invoke(name, `{}`); got.payload != `"yes"` {
			t.Errorf("%s: got %+v", name, got)
		}
	}
	got := w.invoke("none", `{}`)
	if m := fields(t, got.payload); m["errorType"] != "Runtime.ExitError" || !strings.HasSuffix(fmt.Sprint(m["errorMessage"]), "Runtime exited with error: exit status 127") ||
		!strings.Contains(got.log, "/var/task/nothing: does not exist\n") {
		t.Errorf("got %+v", got)
	}
}

func TestModulesOfLayersAreFound(t *testing.T) {
	needs(t, "python3")
	needs(t, "node")
	t.Parallel()
	w := newWorld(t)
	version := strings.TrimPrefix(string(hostPython()), "python")
	major := strings.TrimSuffix(strings.TrimPrefix(string(hostNode()), "nodejs"), ".x")
	layer := w.layer("l", files{
		"python/both.py": "where = 'plain'", "python/lib/python" + version + "/site-packages/both.py": "where = 'versioned'", "python/plain.py": "where = 'plain'",
		"nodejs/node_modules/both/index.js": "module.exports = 'plain'", "nodejs/node" + major + "/node_modules/both/index.js": "module.exports = 'versioned'",
		"nodejs/node_modules/plain/index.js": "module.exports = 'plain'",
	})
	py, js := python("import both, plain\ndef handler(e, c): return both.where + plain.where"), node("exports.handler = async () => require('both') + require('plain')")
	py.Layers, js.Layers = []string{layer}, []string{layer}
	w.create("py", py)
	w.create("js", js)
	for _, name := range []string{"py", "js"} {
		if got := w.invoke(name, `{}`); got.payload != `"versionedplain"` {
			t.Errorf("%s: got %+v", name, got)
		}
	}
}

// A heap that is as large as the host's would take more memory than there is before it is cleaned up.
func TestNodeKeepsToTheMemoryOfTheFunction(t *testing.T) {
	needs(t, "node")
	t.Parallel()
	w := newWorld(t)
	w.create("f", node("exports.handler = async () => require('v8').getHeapStatistics().heap_size_limit < 160 << 20"))
	if got := w.invoke("f", `{}`); got.payload != "true" {
		t.Errorf("got %+v", got)
	}
}

func TestRecordOfSeveralLinesIsOneEvent(t *testing.T) {
	needs(t, "python3")
	needs(t, "node")
	t.Parallel()
	w := newWorld(t)
	w.create("py", python("import logging\ndef handler(e, c): logging.getLogger().error('one\\ntwo')"))
	w.create("js", node("exports.handler = async () => console.error('one\\ntwo')"))
	logs := cloudwatchlogs.NewFromConfig(w.cfg)
	for _, name := range []string{"py", "js"} {
		w.invoke(name, `{}`)
		w.logOf(name, "REPORT")
		out, err := logs.FilterLogEvents(w.ctx, &cloudwatchlogs.FilterLogEventsInput{LogGroupName: aws.String("/aws/lambda/" + name), FilterPattern: aws.String("ERROR")})
		w.must(err)
		if len(out.Events) != 1 || !strings.HasSuffix(strings.TrimSpace(*out.Events[0].Message), "\tone\ntwo") {
			t.Errorf("%s: got %+v", name, out.Events)
		}
	}
}
