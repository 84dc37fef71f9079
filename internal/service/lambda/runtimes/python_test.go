package runtimes_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"redoubt/internal/service/lambda/runtimeapi"
	"redoubt/internal/service/lambda/runtimes"
)

func python(code string) spec {
	return spec{handler: "app.handler", files: map[string]string{"app.py": code}}
}

// escapes tells whether AWS's runtime writes all but ASCII as escapes.
func escapes(r *runtimes.Runtime) bool {
	return r.Name == "python3.9" || r.Name == "python3.10" || r.Name == "python3.11"
}

// evaluate is a function that answers with what an expression in the event is.
const evaluate = "def handler(event, context):\n    return eval(event['eval'])\n"

func (p *process) evaluate(expression string) runtimeapi.Answer {
	p.t.Helper()
	payload, err := json.Marshal(map[string]any{"eval": expression, "in": json.RawMessage(`[1, 2.5, true, null, "ü", 123456789012345678901234567890]`)})
	if err != nil {
		p.t.Fatal(err)
	}
	return p.invoke(string(payload))
}

func TestPythonAnswersInTheJSONOfAWS(t *testing.T) {
	const imports = "import collections, decimal, enum, math\nP = collections.namedtuple('P', 'x y')\nclass E(enum.IntEnum):\n    A = 3\nclass R:\n    def _asdict(self): return {'r': 1}\n"
	each(t, runtimes.Python, func(t *testing.T, r *runtimes.Runtime) {
		p := run(t, r, python(imports+evaluate))
		for expression, want := range map[string]string{
			`None`:                     `null`,
			`"text"`:                   `"text"`,
			`{"in": event["in"]}`:      `{"in": [1, 2.5, true, null, "\u00fc", 123456789012345678901234567890]}`,
			`{"é": "\u2713", 1: True}`: `{"\u00e9": "\u2713", "1": true}`,
			`(1, [2, (3,)])`:           `[1, [2, [3]]]`,
			`{"d": decimal.Decimal("1.10"), "e": [decimal.Decimal("1E+5"), decimal.Decimal(3)]}`: `{"d": 1.10, "e": [1E+5, 3]}`,
			`[decimal.Decimal("-nan"), math.nan, math.inf]`:                                      `[NaN, NaN, Infinity]`,
			`{"b": b"bytes", "c": P(1, P(2, "z"))}`:                                              `{"b": "bytes", "c": {"x": 1, "y": {"x": 2, "y": "z"}}}`,
			`[E.A, R()]`:                                                                         `[3, {"r": 1}]`,
			`{b"k": 1.0, None: 1e22}`:                                                            `{"k": 1.0, "null": 1e+22}`,
			`b"\x00raw"`:                                                                         "\x00raw",
			`"\ud800"`:                                                                           `"\ud800"`,
		} {
			if !escapes(r) {
				want = strings.NewReplacer(`\u00fc`, "ü", `\u00e9`, "é", `\u2713`, "✓").Replace(want)
			}
			wantText(t, expression, body(p.evaluate(expression)), "false "+want)
		}
	})
}

func TestPythonTellsWhatItCannotAnswer(t *testing.T) {
	p := run(t, newest(t, runtimes.Python), python("import collections\nP = collections.namedtuple('P', 'x')\nloop = []\nloop += [loop, loop]\n"+evaluate))
	for expression, want := range map[string]string{
		`{1, 2}`:             "Object of type set is not JSON serializable",
		`{"x": object()}`:    "Object of type object is not JSON serializable",
		`{(1, 2): 3}`:        "keys must be str, int, float, bool or None, not tuple",
		`loop`:               "Circular reference detected",
		`[P(1), loop, loop]`: "Circular reference detected",
		`{"x": b"\xff"}`:     "'utf-8' codec can't decode byte 0xff in position 0: invalid start byte",
		`(x for x in [1,2])`: "Object of type generator is not JSON serializable",
	} {
		a := p.evaluate(expression)
		text := "Unable to marshal response: " + want
		wantText(t, expression, body(a), fmt.Sprintf(`true {"errorMessage": %q, "errorType": "Runtime.MarshalError", "requestId": "%s", "stackTrace": []}`, text, id))
		wantText(t, "the log of "+expression, p.logged(), "[ERROR] Runtime.MarshalError: "+text+"\rTraceback (most recent call last):\n")
	}
}

func TestPythonErrorsHaveTheShapeOfAWS(t *testing.T) {
	each(t, runtimes.Python, func(t *testing.T, r *runtimes.Runtime) {
		p := run(t, r, python("class Odd(Exception):\n    pass\ndef inner():\n    raise Odd('one\\ntwo ü')\ndef handler(event, context):\n    print('before')\n    inner()\n"))
		a := p.invoke(`{}`)
		umlaut := "ü"
		if escapes(r) {
			umlaut = `\u00fc`
		}
		got := strings.ReplaceAll(body(a), p.task, "/var/task")
		wantText(t, "the answer", got, `true {"errorMessage": "one\ntwo `+umlaut+`", "errorType": "Odd", "requestId": "`+id+
			`", "stackTrace": ["  File \"/var/task/app.py\", line 7, in handler\n    inner()\n", "  File \"/var/task/app.py\", line 4, in inner\n    raise Odd('one\\ntwo `+umlaut+`')\n"]}`)
		wantText(t, "the log", p.logged(), "before\n[ERROR] Odd: one\rtwo ü\rTraceback (most recent call last):\r"+
			"\u00a0\u00a0File \"/var/task/app.py\", line 7, in handler\r\u00a0\u00a0\u00a0\u00a0inner()\r"+
			"\u00a0\u00a0File \"/var/task/app.py\", line 4, in inner\r\u00a0\u00a0\u00a0\u00a0raise Odd('one\\ntwo ü')\n")
	})
}

func TestPythonReportsWhyItCannotInitialise(t *testing.T) {
	each(t, runtimes.Python, func(t *testing.T, r *runtimes.Runtime) {
		for _, c := range []struct{ name, handler, code, kind, message, trace string }{
			{"module", "other.handler", "", "Runtime.ImportModuleError", "Unable to import module 'other': No module named 'other'", ""},
			{"import", "app.handler", "import nothing", "Runtime.ImportModuleError", "Unable to import module 'app': No module named 'nothing'", ""},
			{"folder", "no/app.handler", "", "Runtime.ImportModuleError", "Unable to import module 'no/app': No module named 'no'", ""},
			{"function", "app.handler", "x = 1", "Runtime.HandlerNotFound", "Handler 'handler' missing on module 'app'", ""},
			{"name", "handler", "", "Runtime.MalformedHandlerName", "Bad handler 'handler': not enough values to unpack (expected 2, got 1)", ""},
			{"builtin", "sys.handler", "", "Runtime.BuiltInModuleConflict", "Cannot use built-in module sys as a handler module", ""},
			{"error", "app.handler", "raise KeyError('k')", "KeyError", "'k'", `  File \"/var/task/app.py\", line 1, in <module>\n    raise KeyError('k')\n`},
			{"syntax", "app.handler", "x = 1\ny = = 2", "Runtime.UserCodeSyntaxError", "Syntax error in module 'app': invalid syntax (app.py, line 2)", `  File \"/var/task/app.py\" Line 2\n    y = = 2`},
		} {
			p := run(t, r, spec{handler: c.handler, files: map[string]string{"app.py": c.code}})
			a := p.failed()
			text := strings.ReplaceAll(string(a.Payload), p.task, "/var/task")
			start := fmt.Sprintf(`{"errorMessage": "%s", "errorType": "%s", "requestId": "", "stackTrace": [`, c.message, c.kind)
			if !strings.HasPrefix(text, start) || !strings.Contains(text, c.trace) || c.trace == "" && text != start+"]}" {
				t.Errorf("%s: got %s\nwant %s%s", c.name, text, start, c.trace)
			}
			if code := p.ended(); code != 1 {
				t.Errorf("%s: exit code %d", c.name, code)
			}
			if log := p.log(); !strings.HasPrefix(log, "[ERROR] "+c.kind+": "+c.message+"\rTraceback (most recent call last):") {
				t.Errorf("%s: log %q", c.name, log)
			}
		}
	})
}

func TestPythonFindsHandlersInFolders(t *testing.T) {
	each(t, runtimes.Python, func(t *testing.T, r *runtimes.Runtime) {
		for _, handler := range []string{"a/b/app.handler", "a.b.app.handler", "a/b.app.handler"} {
			files := map[string]string{"a/b/app.py": "def handler(event, context):\n    return __name__\n"}
			wantText(t, handler, body(run(t, r, spec{handler: handler, files: files}).invoke(`{}`)), `false "a.b.app"`)
		}
	})
}

func TestPythonContext(t *testing.T) {
	each(t, runtimes.Python, func(t *testing.T, r *runtimes.Runtime) {
		p := run(t, r, python(`
import os
from awslambdaric.lambda_context import LambdaContext
def handler(event, context):
    context.log("a\nb")
    c = context.client_context
    return [repr(context), 0 < context.get_remaining_time_in_millis() <= 60000, c and c.custom, c and c.env,
            c and c.client.app_title, isinstance(context, LambdaContext), os.environ.get("_X_AMZN_TRACE_ID")]
`))
		a := p.event(&runtimeapi.Event{
			Payload: []byte("{}"), TraceID: "Root=1", TenantID: "t", CognitoIdentity: `{"cognitoIdentityId":"i","cognitoIdentityPoolId":"p"}`,
			ClientContext: `{"custom":{"k":"v"},"env":{"e":"f"},"client":{"app_title":"title"}}`,
		})
		wantText(t, "the answer", body(a), `false ["LambdaContext([aws_request_id=`+id+`,log_group_name=/aws/lambda/f,log_stream_name=s,function_name=f,`+
			`memory_limit_in_mb=128,function_version=7,invoked_function_arn=arn:aws:lambda:us-east-1:123456789012:function:f,`+
			`client_context=ClientContext([custom={'k': 'v'},env={'e': 'f'},client=Client([installation_id=None,app_title=title,`+
			`app_version_name=None,app_version_code=None,app_package_name=None])]),identity=CognitoIdentity([cognito_identity_id=i,`+
			`cognito_identity_pool_id=p]),tenant_id=t])", true, {"k": "v"}, {"e": "f"}, "title", true, "Root=1"]`)
		wantText(t, "the log", p.logged(), "a\rb\n")
		a = p.event(&runtimeapi.Event{Payload: []byte("{}"), Deadline: time.UnixMilli(1)})
		if got := body(a); !strings.HasSuffix(got, `client_context=None,identity=CognitoIdentity([cognito_identity_id=None,cognito_identity_pool_id=None]),tenant_id=None])", false, null, null, null, true, null]`) {
			t.Errorf("got %s", got)
		}
		a = p.event(&runtimeapi.Event{Payload: []byte("{}"), ClientContext: "{"})
		if got := body(a); !strings.Contains(got, `"errorType": "Runtime.LambdaContextUnmarshalError"`) || !strings.Contains(got, "Unable to parse Client Context JSON: ") {
			t.Errorf("got %s", got)
		}
	})
}

// Tools that watch functions replace what has the names of AWS's client.
func TestPythonClientCanBeWatched(t *testing.T) {
	p := run(t, newest(t, runtimes.Python), python(`
import sys
main = sys.modules["__main__"]
seen = []
def watch(name, owner):
    inner = getattr(owner, name)
    def watched(*args, **kwargs):
        seen.append(name)
        return inner(*args, **kwargs)
    setattr(owner, name, watched)
watch("handle_event_request", main)
watch("post_invocation_result", main.LambdaRuntimeClient)
watch("post_invocation_error", main.LambdaRuntimeClient)
def handler(event, context):
    if event: raise ValueError()
    return seen
`))
	p.invoke(`0`)
	p.invoke(`1`)
	wantText(t, "what was seen", body(p.invoke(`0`)), `false ["handle_event_request", "post_invocation_result", "handle_event_request", "post_invocation_error", "handle_event_request"]`)
}

func TestPythonHooksOfSnapshotsCanBeRegistered(t *testing.T) {
	p := run(t, newest(t, runtimes.Python), python(`
from snapshot_restore_py import register_before_snapshot, register_after_restore
@register_before_snapshot
def before(): raise ValueError()
register_after_restore(print, "x")
def handler(event, context): return before.__name__
`))
	wantText(t, "the answer", body(p.invoke(`{}`)), `false "before"`)
}
