package runtimes_test

import (
	"strings"
	"testing"

	"redoubt/internal/service/lambda/runtimeapi"
	"redoubt/internal/service/lambda/runtimes"
)

func TestNodeFindsHandlers(t *testing.T) {
	each(t, runtimes.Node, func(t *testing.T, r *runtimes.Runtime) {
		for name, c := range map[string]struct {
			handler string
			files   map[string]string
			fails   bool
		}{
			"a module":                   {"index.handler", map[string]string{"index.mjs": "export const handler = async () => 'found'"}, false},
			"a module by its package":    {"index.handler", map[string]string{"index.js": "export const handler = async () => 'found'", "package.json": `{"type":"module"}`}, false},
			"a module that awaits":       {"index.handler", map[string]string{"index.mjs": "const x = await Promise.resolve('found'); export const handler = async () => x"}, false},
			"a module with an import":    {"index.handler", map[string]string{"index.mjs": "import {x} from './x.cjs'; export const handler = async () => x", "x.cjs": "exports.x = 'found'"}, false},
			"a CommonJS file":            {"index.handler", map[string]string{"index.cjs": "exports.handler = async () => 'found'"}, false},
			"js before mjs":              {"index.handler", map[string]string{"index.js": "exports.handler = async () => 'found'", "index.mjs": "export const handler = 1"}, false},
			"a folder":                   {"a/b/index.handler", map[string]string{"a/b/index.js": "exports.handler = async () => 'found'"}, false},
			"a folder of a module":       {"a/index.handler", map[string]string{"a/index.js": "export const handler = async () => 'found'", "package.json": `{"type":"module"}`}, false},
			"an export of an export":     {"index.a.b", map[string]string{"index.js": "exports.a = {b: async () => 'found'}"}, false},
			"a dependency":               {"index.handler", map[string]string{"index.js": "exports.handler = async () => require('dep')", "node_modules/dep/index.js": "module.exports = 'found'"}, false},
			"a package as the handler":   {"dep.handler", map[string]string{"node_modules/dep/index.js": "exports.handler = async () => 'found'"}, false},
			"a module that is not there": {"index.handler", map[string]string{"index.mjs": "import 'nothing'"}, true},
		} {
			p := run(t, r, spec{handler: c.handler, files: c.files})
			if c.fails {
				if text := string(p.failed().Payload); !strings.HasPrefix(text, `{"errorType":"Error","errorMessage":"Cannot find package 'nothing' imported from `) {
					t.Errorf("%s: got %s", name, text)
				}
				continue
			}
			wantText(t, name, body(p.invoke(`{}`)), `false "found"`)
		}
	})
}

func TestNodeDisablesWhatAWSDoes(t *testing.T) {
	each(t, runtimes.Node, func(t *testing.T, r *runtimes.Runtime) {
		if r.Name != "nodejs20.x" && r.Name != "nodejs22.x" {
			t.Skip("AWS disables nothing in this version")
		}
		p := run(t, r, spec{handler: "index.handler", files: map[string]string{"index.js": "require('./x.mjs')", "x.mjs": "export default 1"}})
		if text := string(p.failed().Payload); !strings.Contains(text, "require() of ES Module") {
			t.Errorf("got %s", text)
		}
		argv := strings.Join(r.Argv(128, map[string]string{"NODE_OPTIONS": "--experimental-require-module"}), " ")
		if strings.Contains(argv, "--no-experimental-require-module") || !strings.Contains(argv, "--max-semi-space-size=6 --max-old-space-size=116") {
			t.Errorf("the command is %s", argv)
		}
	})
}

func TestNodeContext(t *testing.T) {
	each(t, runtimes.Node, func(t *testing.T, r *runtimes.Runtime) {
		p := run(t, r, node("exports.handler = async (e, c) => { const {callbackWaitsForEmptyEventLoop, xRayTraceId, ...rest} = c; return [rest, process.env._X_AMZN_TRACE_ID, typeof gc] }"))
		a := p.event(&runtimeapi.Event{
			Payload: []byte("{}"), TraceID: "Root=1", TenantID: "t", CognitoIdentity: `{"cognitoIdentityId":"i"}`, ClientContext: `{"client":{"a":1}}`,
		})
		wantText(t, "the answer", body(a), `false [{"functionVersion":"7","functionName":"f","memoryLimitInMB":"128","logGroupName":"/aws/lambda/f","logStreamName":"s",`+
			`"clientContext":{"client":{"a":1}},"identity":{"cognitoIdentityId":"i"},"invokedFunctionArn":"arn:aws:lambda:us-east-1:123456789012:function:f",`+
			`"awsRequestId":"`+id+`","tenantId":"t"},"Root=1","function"]`)
		a = p.event(&runtimeapi.Event{Payload: []byte("{}"), ClientContext: "{"})
		if got := body(a); !strings.Contains(got, `"errorMessage":"Cannot parse ClientContext as json: SyntaxError: `) {
			t.Errorf("got %s", got)
		}
	})
}

const nodeLogs = `
console.log("at init")
exports.handler = async () => {
  console.trace("trace"); console.debug("debug"); console.info("info %s\ntwo", 1, {a: [1]}); console.warn({w: 1}); console.fatal("fatal")
  console.error(Object.assign(new TypeError("boom"), {stack: "the stack\n here", more: 1})); console.error("with", Object.assign(new RangeError("far"), {stack: "s\nt"}))
  process.stdout.write("raw\nlines\n"); console.log()
}`

func TestNodeLogsAsOnAWS(t *testing.T) {
	each(t, runtimes.Node, func(t *testing.T, r *runtimes.Runtime) {
		none := "undefined"
		if modern(r) {
			none = "-"
		}
		for level, least := range map[string]int{"": 0, "debug": 1, "WARN": 3, "FATAL": 5} {
			s := node(nodeLogs)
			s.env = []string{"AWS_LAMBDA_LOG_LEVEL=" + level}
			p := run(t, r, s)
			p.invoke(`{}`)
			want := ""
			for _, line := range []struct {
				level int
				text  string
			}{
				{2, "TIME\t" + none + "\tINFO\tat init\n"},
				{0, "TIME\tID\tTRACE\ttrace\n"}, {1, "TIME\tID\tDEBUG\tdebug\n"}, {2, "TIME\tID\tINFO\tinfo 1\rtwo { a: [ 1 ] }\n"},
				{3, "TIME\tID\tWARN\t{ w: 1 }\n"}, {5, "TIME\tID\tFATAL\tfatal\n"}, {4, "TIME\tID\tERROR\t[the stack\r here] {\r  more: 1\r}\n"},
				{4, "TIME\tID\tERROR\twith [s\rt]\n"}, {9, "raw\nlines\n"}, {2, "TIME\tID\tINFO\tundefined\n"},
			} {
				if line.level >= least {
					want += line.text
				}
			}
			wantText(t, "the log at level "+level, p.logged(), want)
		}
	})
}

func TestNodeLogsJSON(t *testing.T) {
	each(t, runtimes.Node, func(t *testing.T, r *runtimes.Runtime) {
		s := node(nodeLogs + "\nconst inner = exports.handler; exports.handler = async () => { await inner(); throw Object.assign(new Error('e'), {stack: 'x'}) }")
		s.env = []string{"AWS_LAMBDA_LOG_FORMAT=JSON", "AWS_LAMBDA_LOG_LEVEL=INFO"}
		p := run(t, r, s)
		p.event(&runtimeapi.Event{Payload: []byte("{}"), TenantID: "t"})
		init := ""
		if modern(r) {
			init = `,"requestId":"-"`
		}
		const head = `{"timestamp":"TIME","level":"`
		const ids = `","requestId":"ID","tenantId":"t",`
		wantText(t, "the log", p.logged(), head+`INFO"`+init+`,"message":"at init"}`+"\n"+
			head+"INFO"+ids+`"message":"info 1\ntwo { a: [ 1 ] }"}`+"\n"+
			head+"WARN"+ids+`"message":{"w":1}}`+"\n"+
			head+"FATAL"+ids+`"message":"fatal"}`+"\n"+
			head+"ERROR"+ids+`"message":{"errorType":"TypeError","errorMessage":"boom","stackTrace":["the stack"," here"],"more":1}}`+"\n"+
			head+"ERROR"+ids+`"message":"with [s\nt]","errorType":"RangeError","errorMessage":"far","stackTrace":["s","t"]}`+"\n"+
			"raw\nlines\n"+head+"INFO"+ids[:len(ids)-1]+"}\n"+
			head+"ERROR"+ids+`"message":{"errorType":"Error","errorMessage":"e","stackTrace":["x"]}}`+"\n")
	})
}
