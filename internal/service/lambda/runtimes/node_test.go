package runtimes_test

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"redoubt/internal/service/lambda/runtimeapi"
	"redoubt/internal/service/lambda/runtimes"
)

func node(code string) spec {
	return spec{handler: "index.handler", files: map[string]string{"index.js": code}}
}

// modern tells whether a handler's promise alone decides when an invocation is over.
func modern(r *runtimes.Runtime) bool { return r.Name == "nodejs24.x" }

func TestNodeAnswersInAllWays(t *testing.T) {
	each(t, runtimes.Node, func(t *testing.T, r *runtimes.Runtime) {
		for code, want := range map[string]string{
			`exports.handler = async (event) => event`:                                                                          `{"x":"ü"}`,
			`exports.handler = async () => {}`:                                                                                  `null`,
			`exports.handler = async () => ({a: undefined, b: NaN, c: new Date(0), d: [undefined]})`:                            `{"b":null,"c":"1970-01-01T00:00:00.000Z","d":[null]}`,
			`exports.handler = async () => () => 1`:                                                                             `null`,
			`exports.handler = () => new Promise(done => setTimeout(done, 5, "late"))`:                                          `"late"`,
			`exports.handler = () => ({then: (done) => done("thenable")})`:                                                      `"thenable"`,
			`exports.handler = async (e, c) => [c.getRemainingTimeInMillis() > 0, c.functionName, c.tenantId, c.clientContext]`: `[true,"f",null,null]`,
		} {
			wantText(t, code, body(run(t, r, node(code)).invoke(`{"x":"ü"}`)), "false "+want)
		}
	})
}

func TestNodeCallbacksAndTheEventLoop(t *testing.T) {
	each(t, runtimes.Node, func(t *testing.T, r *runtimes.Runtime) {
		if modern(r) {
			t.Skip("since Node.js 24 there are no callbacks")
		}
		const later = "setTimeout(() => console.log('later'), 20);"
		for _, c := range []struct{ name, code, want, log string }{
			{"callback waits", later + "done(null, 1)", "false 1", "later"},
			{"callback does not wait", "c.callbackWaitsForEmptyEventLoop = false;" + later + "done(null, 1)", "false 1", ""},
			{"succeed does not wait", later + "c.succeed(2)", "false 2", ""},
			{"done", "c.done(null, 3)", "false 3", ""},
			{"fail", "c.fail(new RangeError('far'))", `true {"errorType":"RangeError","errorMessage":"far","trace":["RangeError: far"`, "Invoke Error"},
			{"fail with nothing", "c.fail()", `true {"errorType":"string","errorMessage":"handled","trace":[]}`, "Invoke Error"},
			{"callback with a string", "done('no')", `true {"errorType":"string","errorMessage":"no","trace":[]}`, `Invoke Error 	{"errorType":"Error","errorMessage":"no"`},
			{"the first counts", "done(null, 1); done(null, 2); c.fail('x')", "false 1", ""},
			{"nothing is called", later, "false null", "later"},
			{"a promise that never settles", "return new Promise(() => {})", "false null", ""},
			{"an error is thrown", "throw new TypeError('t')", `true {"errorType":"TypeError"`, "Invoke Error"},
			{"undefined", "done()", "false null", ""},
		} {
			p := run(t, r, node("exports.handler = (e, c, done) => {"+c.code+"}"))
			if got := body(p.invoke(`{}`)); !strings.HasPrefix(got, c.want) {
				t.Errorf("%s: got %s", c.name, got)
			}
			if log := p.logged(); !strings.Contains(log, c.log) || c.log == "" && log != "" {
				t.Errorf("%s: log %q", c.name, log)
			}
			if got := body(p.invoke(`{}`)); !strings.HasPrefix(got, c.want) {
				t.Errorf("%s: got %s the second time", c.name, got)
			}
		}
	})
}

func TestNodeRefusesCallbacksSince24(t *testing.T) {
	s := node("exports.handler = (event, context, callback) => callback(null, 1)")
	s.env = []string{"AWS_EXECUTION_ENV=AWS_Lambda_nodejs24.x"}
	p := run(t, newest(t, runtimes.Node), s)
	if text := string(p.failed().Payload); !strings.HasPrefix(text, `{"errorType":"Runtime.CallbackHandlerDeprecated","errorMessage":"ERROR: AWS Lambda has removed support`) {
		t.Errorf("got %s", text)
	}
	if code := p.ended(); code != 1 {
		t.Errorf("exit code %d", code)
	}
}

func TestNodeSince24(t *testing.T) {
	r := newest(t, runtimes.Node)
	for code, want := range map[string]string{
		`exports.handler = () => "sync"`:                                                `false "sync"`,
		`exports.handler = (e, c) => Object.keys(c).includes("done")`:                   `false false`,
		`exports.handler = async (e, c) => c.xRayTraceId`:                               `false "Root=1"`,
		`exports.handler = async () => awslambda.InvokeStore.getRequestId()`:            `false "` + id + `"`,
		`module.exports = {default: {inner: {handler: 1}}, handler: async () => 'cjs'}`: `false "cjs"`,
		`exports.handler = async () => { throw new RangeError("far") }`:                 `true {"errorType":"RangeError","errorMessage":"far","trace":["RangeError: far"`,
		`const o = {}; o.o = o; exports.handler = async () => o`:                        `true {"errorType":"Error","errorMessage":"Unable to stringify response body"`,
	} {
		s := node(code)
		s.env = []string{"AWS_EXECUTION_ENV=AWS_Lambda_nodejs24.x"}
		a := run(t, r, s).event(&runtimeapi.Event{Payload: []byte("{}"), TraceID: "Root=1"})
		if got := body(a); !strings.HasPrefix(got, want) {
			t.Errorf("%s: got %s, want %s", code, got, want)
		}
	}
}

func TestNodeErrors(t *testing.T) {
	each(t, runtimes.Node, func(t *testing.T, r *runtimes.Runtime) {
		for code, want := range map[string]string{
			`throw Object.assign(new TypeError("boom\nbang"), {code: "E", extra: 1})`: `{"errorType":"TypeError","errorMessage":"boom\nbang","trace":["TypeError: boom","bang","    at `,
			`throw "text"`: `{"errorType":"string","errorMessage":"text","trace":[]}`,
			`throw 7`:      `{"errorType":"number","errorMessage":"7","trace":[]}`,
			`throw null`:   `{"errorType":"`,
			`class Odd extends Error {}; Odd.prototype.name = "Odd"; throw new Odd("o")`: `{"errorType":"Odd","errorMessage":"o","trace":["Odd: o"`,
			`return 10n`:                      `{"errorType":"Error","errorMessage":"Unable to stringify response body","trace":["Error: Unable to stringify response body"`,
			`const o = {}; o.o = o; return o`: `{"errorType":"Error","errorMessage":"Unable to stringify response body"`,
		} {
			p := run(t, r, node("exports.handler = async () => {"+code+"}"))
			if got := body(p.invoke(`{}`)); !strings.HasPrefix(got, "true "+want) {
				t.Errorf("%s: got %s", code, got)
			}
			log := p.logged()
			if !strings.HasPrefix(log, "TIME\tID\tERROR\tInvoke Error \t{\"errorType\":\"") || strings.Contains(code, "extra") &&
				!strings.HasPrefix(log, "TIME\tID\tERROR\tInvoke Error \t{\"errorType\":\"TypeError\",\"errorMessage\":\"boom\\nbang\",\"code\":\"E\",\"extra\":1,\"stack\":[\"TypeError: boom\",\"bang\",\"    at ") {
				t.Errorf("%s: log %q", code, log)
			}
		}
	})
}

func TestNodeReportsWhyItCannotInitialise(t *testing.T) {
	each(t, runtimes.Node, func(t *testing.T, r *runtimes.Runtime) {
		what, exit := "Uncaught Exception", 129
		if modern(r) {
			what, exit = "Init Error", 1
		}
		for _, c := range []struct{ name, handler, code, kind, message string }{
			{"file", "other.handler", "", "Runtime.ImportModuleError", `Error: Cannot find module 'other'\nRequire stack:\n- /var/runtime/index.mjs`},
			{"import", "index.handler", "require('nothing')", "Runtime.ImportModuleError", `Error: Cannot find module 'nothing'\nRequire stack:\n- /var/task/index.js`},
			{"export", "index.handler", "exports.other = 1", "Runtime.HandlerNotFound", "index.handler is undefined or not exported"},
			{"number", "index.handler", "exports.handler = 1", "Runtime.HandlerNotFound", "index.handler is not a function"},
			{"name", "handler", "", "Runtime.MalformedHandlerName", "Bad handler"},
			{"climbing", "../index.handler", "", "Runtime.MalformedHandlerName", "'../index.handler' is not a valid handler name. Use absolute paths when specifying root directories in handler names."},
			{"syntax", "index.handler", "exports.handler = (", "Runtime.UserCodeSyntaxError", "SyntaxError: Unexpected end of input"},
			{"error", "index.handler", "throw new RangeError('far')", "RangeError", "far"},
			{"streaming", "index.handler", "exports.handler = async () => {}; exports.handler[Symbol.for('aws.lambda.runtime.handler.streaming')] = 'request'",
				"Runtime.MalformedStreamingHandler", "Only response streaming is supported."},
		} {
			s := node(c.code)
			s.handler = c.handler
			p := run(t, r, s)
			text := strings.NewReplacer(p.task, "/var/task", p.runtime, "/var/runtime").Replace(string(p.failed().Payload))
			if want := fmt.Sprintf(`{"errorType":"%s","errorMessage":"%s`, c.kind, c.message); !strings.HasPrefix(text, want) {
				t.Errorf("%s: got %s\nwant %s", c.name, text, want)
			}
			if code := p.ended(); code != exit {
				t.Errorf("%s: exit code %d", c.name, code)
			}
			if log := p.log(); !regexp.MustCompile(`^TIME\t(undefined|-)\tERROR\t` + what + ` \t\{"errorType":"`).MatchString(log) {
				t.Errorf("%s: log %q", c.name, log)
			}
		}
	})
}

func TestNodeErrorsThatNobodyCaught(t *testing.T) {
	each(t, runtimes.Node, func(t *testing.T, r *runtimes.Runtime) {
		if modern(r) {
			t.Skip("since Node.js 24 they end the process without a report")
		}
		for _, c := range []struct {
			code, want, log string
			exit            int
		}{
			{"Promise.reject(new Error('lost'))", `true {"errorType":"Runtime.UnhandledPromiseRejection","errorMessage":"Error: lost","trace":["Runtime.UnhandledPromiseRejection: Error: lost"`,
				"TIME\tID\tERROR\tUnhandled Promise Rejection \t{\"errorType\":\"Runtime.UnhandledPromiseRejection\",\"errorMessage\":\"Error: lost\",\"reason\":{\"errorType\":\"Error\",\"errorMessage\":\"lost\",\"stack\":[", 128},
			{"setTimeout(() => { throw new RangeError('far') })", `true {"errorType":"RangeError","errorMessage":"far"`, "TIME\tID\tERROR\tUncaught Exception \t{\"errorType\":\"RangeError\"", 129},
		} {
			p := run(t, r, node("exports.handler = (e, c, done) => {"+c.code+"; setTimeout(done, 1000)}"))
			if got := body(p.invoke(`{}`)); !strings.HasPrefix(got, c.want) {
				t.Errorf("%s: got %s", c.code, got)
			}
			if code := p.ended(); code != c.exit {
				t.Errorf("%s: exit code %d", c.code, code)
			}
			if log := p.log(); !strings.HasPrefix(log, c.log) {
				t.Errorf("%s: log %q", c.code, log)
			}
		}
	})
}
