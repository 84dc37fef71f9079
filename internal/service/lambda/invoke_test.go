package lambda_test

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
)

func TestPythonAnswers(t *testing.T) {
	needs(t, "python3")
	t.Parallel()
	w := newWorld(t)
	w.create("f", python(`
def handler(event, context):
    return {"hello": event["name"], "function": context.function_name, "arn": context.invoked_function_arn, "ms": context.get_remaining_time_in_millis() > 0}
`))
	got := w.invoke("f", `{"name":"wörld"}`)
	m := fields(t, got.payload)
	if got.fault != "" || m["hello"] != "wörld" || m["function"] != "f" || m["arn"] != "arn:aws:lambda:us-east-1:"+w.account+":function:f" || m["ms"] != true {
		t.Errorf("got %+v", got)
	}
}

func TestNodeAnswers(t *testing.T) {
	needs(t, "node")
	t.Parallel()
	w := newWorld(t)
	for name, code := range map[string]string{
		"async":    `exports.handler = async (event, context) => ({hello: event.name, f: context.functionName})`,
		"stream":   `exports.handler = awslambda.streamifyResponse(async (event, out, context) => { out.write('{"hello":"'+event.name+'",'); out.end('"f":"'+context.functionName+'"}') })`,
		"sync":     `exports.handler = (event, context, done) => done(null, {hello: event.name, f: context.functionName})`,
		"succeed":  `exports.handler = (event, context) => context.succeed({hello: event.name, f: context.functionName})`,
		"callback": `exports.handler = (event, context, done) => { setTimeout(() => done(null, {hello: event.name, f: context.functionName}), 1) }`,
	} {
		w.create(name, node(code))
		if got := w.invoke(name, `{"name":"wörld"}`); got.payload != `{"hello":"wörld","f":"`+name+`"}` || got.fault != "" {
			t.Errorf("%s: got %+v", name, got)
		}
	}
	w.create("module", &lambda.CreateFunctionInput{
		Runtime: hostNode(), Handler: aws.String("index.handler"),
		Code: &types.FunctionCode{ZipFile: files{"index.mjs": `export const handler = async (e) => e.name`}.zip()},
	})
	if got := w.invoke("module", `{"name":"x"}`); got.payload != `"x"` {
		t.Errorf("module: got %+v", got)
	}
}

func TestGoAnswers(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.create("f", provided(t))
	if m := fields(t, w.invoke("f", `{"say":"hi"}`).payload); m["said"] != "hi" || m["name"] != "f" {
		t.Errorf("got %v", m)
	}
	got := w.invoke("f", `{"fail":"no"}`)
	if got.fault != "Unhandled" || got.payload != `{"errorMessage":"no","errorType":"errorString"}` {
		t.Errorf("got %+v", got)
	}
	got = w.invoke("f", `{"exit":3}`)
	if m := fields(t, got.payload); got.fault != "Unhandled" || m["errorType"] != "Runtime.ExitError" ||
		!regexp.MustCompile(`^RequestId: [0-9a-f-]{36} Error: Runtime exited with error: exit status 3$`).MatchString(fmt.Sprint(m["errorMessage"])) {
		t.Errorf("got %+v", got)
	}
	if m := fields(t, w.invoke("f", `{"say":"again"}`).payload); m["said"] != "again" {
		t.Errorf("after an exit: %v", m)
	}
}

// The shapes are AWS's, as its runtimes report them.
func TestErrorsHaveTheShapesOfAWS(t *testing.T) {
	needs(t, "python3")
	needs(t, "node")
	t.Parallel()
	w := newWorld(t)
	role := aws.String(w.role("role", mayLog))
	for _, c := range []struct {
		name    string
		in      *lambda.CreateFunctionInput
		handler string
		kind    string
		message string
		trace   string // in the stack trace
	}{
		{"py-raise", python("def handler(e, c):\n    raise ValueError('boom')\n"), "", "ValueError", "boom", `File "/var/task/app.py", line 2, in handler`},
		{"py-missing", python("x = 1"), "", "Runtime.HandlerNotFound", "Handler 'handler' missing on module 'app'", ""},
		{"py-import", python("import nothing_like_this"), "", "Runtime.ImportModuleError", "Unable to import module 'app': No module named 'nothing_like_this'", ""},
		{"py-syntax", python("def handler(:"), "", "Runtime.UserCodeSyntaxError", "Syntax error in module 'app': invalid syntax (app.py, line 1)", `File "/var/task/app.py" Line 1`},
		{"py-init", python("raise KeyError('k')"), "", "KeyError", "'k'", `File "/var/task/app.py", line 1, in <module>`},
		{"py-marshal", python("def handler(e, c):\n    return {1, 2}\n"), "", "Runtime.MarshalError", "Unable to marshal response: Object of type set is not JSON serializable", ""},
		{"py-name", python(""), "nodots", "Runtime.MalformedHandlerName", "Bad handler 'nodots': not enough values to unpack (expected 2, got 1)", ""},
		{"py-exit", python("import sys\ndef handler(e, c):\n    sys.exit(1)\n"), "", "Runtime.ExitError", "Error: Runtime exited with error: exit status 1", ""},
		{"py-leave", python("import os\ndef handler(e, c):\n    os._exit(0)\n"), "", "Runtime.ExitError", "Error: Runtime exited without providing a reason", ""},
		{"js-throw", node("exports.handler = async () => { throw new TypeError('boom') }"), "", "TypeError", "boom", "at exports.handler (/var/task/index.js:1:"},
		{"js-callback", node("exports.handler = (e, c, done) => done(new RangeError('far'))"), "", "RangeError", "far", "RangeError: far"},
		{"js-string", node("exports.handler = (e, c, done) => done('plain')"), "", "string", "plain", ""},
		{"js-missing", node("exports.other = 1"), "", "Runtime.HandlerNotFound", "index.handler is undefined or not exported", "Runtime.HandlerNotFound: index.handler is undefined or not exported"},
		{"js-number", node("exports.handler = 1"), "", "Runtime.HandlerNotFound", "index.handler is not a function", ""},
		{"js-import", node("require('nothing')"), "", "Runtime.ImportModuleError", "Error: Cannot find module 'nothing'\nRequire stack:\n- /var/task/index.js\n- /var/runtime/index.mjs", ""},
		{"js-module", node(""), "other.handler", "Runtime.ImportModuleError", "Error: Cannot find module 'other'\nRequire stack:\n- /var/runtime/index.mjs", ""},
		{"js-syntax", node("exports.handler = ("), "", "Runtime.UserCodeSyntaxError", "SyntaxError: Unexpected end of input", ""},
		{"js-reject", node("exports.handler = (e, c, done) => { Promise.reject(new Error('lost')) }"), "", "Runtime.UnhandledPromiseRejection", "Error: lost", ""},
		{"js-exit", node("exports.handler = async () => process.exit(2)"), "", "Runtime.ExitError", "Error: Runtime exited with error: exit status 2", ""},
	} {
		c.in.Role = role
		if c.handler != "" {
			c.in.Handler = &c.handler
		}
		t.Run(c.name, func(t *testing.T) {
			w.create(c.name, c.in)
			got := w.invoke(c.name, `{}`)
			m := fields(t, got.payload)
			if got.fault != "Unhandled" || m["errorType"] != c.kind || !strings.HasSuffix(fmt.Sprint(m["errorMessage"]), c.message) {
				t.Errorf("got %+v\nwant %s: %s", got, c.kind, c.message)
			}
			if trace := fmt.Sprint(m["stackTrace"], m["trace"]); !strings.Contains(trace, c.trace) {
				t.Errorf("trace is %s\nwant %s", trace, c.trace)
			}
		})
	}
}

func TestTimeoutEndsAnInvocation(t *testing.T) {
	needs(t, "python3")
	t.Parallel()
	w := newWorld(t)
	in := python("import time\ndef handler(e, c):\n    print('before', flush=True)\n    time.sleep(e)\n    return 'done'\n")
	in.Timeout = aws.Int32(1)
	w.create("f", in)
	got := w.invoke("f", `30`)
	m := fields(t, got.payload)
	if got.fault != "Unhandled" || m["errorType"] != "Sandbox.Timedout" ||
		!regexp.MustCompile(`^RequestId: [0-9a-f-]{36} Error: Task timed out after 1.00 seconds$`).MatchString(fmt.Sprint(m["errorMessage"])) {
		t.Errorf("got %+v", got)
	}
	want := `(?s)^INIT_START [^\n]*\nSTART RequestId: (\S+) Version: \$LATEST\nbefore\n` +
		`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z \S+ Task timed out after 1.00 seconds\n\n` +
		`END RequestId: \S+\nREPORT RequestId: \S+\tDuration: 1000.00 ms\tBilled Duration: \d+ ms\tMemory Size: 128 MB\tMax Memory Used: \d+ MB\tInit Duration: [\d.]+ ms\tStatus: timeout\n$`
	if !regexp.MustCompile(want).MatchString(got.log) {
		t.Errorf("log is %q", got.log)
	}
	if got := w.invoke("f", `0`); got.payload != `"done"` {
		t.Errorf("after a timeout: %+v", got)
	}
}

func TestMemoryLimitEndsAnInvocation(t *testing.T) {
	needs(t, "python3")
	t.Parallel()
	w := newWorld(t)
	in := python("def handler(e, c):\n    x = bytearray(b'x') * (1 << 29)\n    return len(x)\n")
	in.Timeout = aws.Int32(20)
	w.create("f", in)
	got := w.invoke("f", `{}`)
	if m := fields(t, got.payload); m["errorType"] != "Runtime.OutOfMemory" ||
		!strings.HasSuffix(fmt.Sprint(m["errorMessage"]), "Error: Runtime exited with error: signal: killed") {
		t.Errorf("got %+v", got)
	}
	if !strings.Contains(got.log, "\tStatus: error\tError Type: Runtime.OutOfMemory\n") {
		t.Errorf("log is %q", got.log)
	}
}

func TestTailIsTheInvocationsOwnLog(t *testing.T) {
	needs(t, "python3")
	t.Parallel()
	w := newWorld(t)
	w.create("f", python(`
import logging
logging.getLogger().setLevel("INFO")
print("loading")
def handler(event, context):
    print("one", event)
    logging.info("two\nlines")
    print("no end", end="")
`))
	report := `REPORT RequestId: \S+\tDuration: [\d.]+ ms\tBilled Duration: \d+ ms\tMemory Size: 128 MB\tMax Memory Used: \d+ MB\t`
	own := `START RequestId: \S+ Version: \$LATEST\none %d\n\[INFO\]\t\S+Z\t\S+\ttwo\nlines\nno end\nEND RequestId: \S+\n` + report
	if got := w.invoke("f", `1`); !regexp.MustCompile(`^INIT_START Runtime Version: python:\S+\tRuntime Version ARN: arn:aws:lambda:us-east-1::runtime:[0-9a-f]{64}\nloading\n` + fmt.Sprintf(own, 1) + `Init Duration: [\d.]+ ms\t\n$`).MatchString(got.log) {
		t.Errorf("first: %q", got.log)
	}
	for i := 2; i < 10; i++ {
		if got := w.invoke("f", fmt.Sprint(i)); !regexp.MustCompile(`^` + fmt.Sprintf(own, i) + `\n$`).MatchString(got.log) {
			t.Errorf("invocation %d: %q", i, got.log)
		}
	}
}

func TestEnvironmentOfAFunction(t *testing.T) {
	needs(t, "python3")
	t.Parallel()
	w := newWorld(t)
	in := python("import os\ndef handler(e, c):\n    return dict(os.environ)\n")
	in.Environment = &types.Environment{Variables: map[string]string{"MINE": "x y", "PYTHONPATH": "/var/task/lib"}}
	w.create("f", in)
	m := fields(t, w.invoke("f", `{}`).payload)
	for name, want := range map[string]string{
		"MINE": "x y", "PYTHONPATH": "/var/task/lib", "AWS_LAMBDA_FUNCTION_NAME": "f", "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
		"AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "128", "AWS_LAMBDA_LOG_GROUP_NAME": "/aws/lambda/f", "AWS_REGION": "us-east-1",
		"AWS_DEFAULT_REGION": "us-east-1", "AWS_LAMBDA_RUNTIME_API": "127.0.0.1:9001", "_HANDLER": "app.handler",
		"LAMBDA_TASK_ROOT": "/var/task", "LAMBDA_RUNTIME_DIR": "/var/runtime", "TZ": ":UTC", "LANG": "en_US.UTF-8",
		"AWS_EXECUTION_ENV": "AWS_Lambda_" + string(hostPython()), "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
		"AWS_ENDPOINT_URL": "http://127.0.0.1:4566",
	} {
		if m[name] != want {
			t.Errorf("%s is %q, want %q", name, m[name], want)
		}
	}
	for name, form := range map[string]string{
		"AWS_ACCESS_KEY_ID": `^ASIA[A-Z2-7]{16}$`, "AWS_SECRET_ACCESS_KEY": `^.{40}$`, "AWS_SESSION_TOKEN": `^.{100,}$`,
		"AWS_LAMBDA_LOG_STREAM_NAME": `^\d{4}/\d\d/\d\d/\[\$LATEST\][0-9a-f]{32}$`, "_X_AMZN_TRACE_ID": `^Root=1-[0-9a-f]{8}-[0-9a-f]{24};Parent=[0-9a-f]{16};Sampled=0`,
	} {
		if !regexp.MustCompile(form).MatchString(fmt.Sprint(m[name])) {
			t.Errorf("%s is %q", name, m[name])
		}
	}
}

func TestRefusedInvocations(t *testing.T) {
	needs(t, "python3")
	t.Parallel()
	w := newWorld(t)
	w.create("f", python("def handler(e, c): return e"))
	name := aws.String("f")
	for _, c := range []struct {
		name          string
		in            lambda.InvokeInput
		code, message string
	}{
		{"not JSON", lambda.InvokeInput{FunctionName: name, Payload: []byte("{x")}, "InvalidRequestContentException", "Could not parse request body into json"},
		{"too large", lambda.InvokeInput{FunctionName: name, Payload: []byte(`"` + strings.Repeat("x", 6<<20) + `"`)}, "RequestTooLargeException", "Request must be smaller than 6291456 bytes for the InvokeFunction operation"},
		{"event", lambda.InvokeInput{FunctionName: name, InvocationType: types.InvocationTypeEvent}, "InvalidParameterValueException", "not supported by Redoubt yet"},
		{"missing", lambda.InvokeInput{FunctionName: aws.String("nope")}, "ResourceNotFoundException", "Function not found: arn:aws:lambda:us-east-1:" + w.account + ":function:nope"},
		{"version", lambda.InvokeInput{FunctionName: name, Qualifier: aws.String("7")}, "ResourceNotFoundException", "Function not found: arn:aws:lambda:us-east-1:" + w.account + ":function:f:7"},
		{"two qualifiers", lambda.InvokeInput{FunctionName: aws.String("f:a"), Qualifier: aws.String("b")}, "InvalidParameterValueException", "The derived qualifier from the function name does not match the specified qualifier."},
		{"client context", lambda.InvokeInput{FunctionName: name, ClientContext: aws.String("e30")}, "InvalidRequestContentException", "Client context must be a valid Base64-encoded JSON object."},
		{"region", lambda.InvokeInput{FunctionName: aws.String("arn:aws:lambda:eu-west-1:" + w.account + ":function:f")}, "ResourceNotFoundException", "Functions from 'eu-west-1' are not reachable in this region ('us-east-1')"},
	} {
		_, err := w.lambda.Invoke(w.ctx, &c.in)
		t.Run(c.name, func(t *testing.T) { wantError(t, err, c.code, c.message) })
	}
	dry, err := w.lambda.Invoke(w.ctx, &lambda.InvokeInput{FunctionName: name, InvocationType: types.InvocationTypeDryRun})
	if w.must(err); dry.StatusCode != 204 || len(dry.Payload) != 0 {
		t.Errorf("dry run: %d %q", dry.StatusCode, dry.Payload)
	}
}

func TestLargestResponse(t *testing.T) {
	needs(t, "python3")
	t.Parallel()
	w := newWorld(t)
	in := python("def handler(e, c): return 'x' * e")
	in.Timeout, in.MemorySize = aws.Int32(30), aws.Int32(512)
	w.create("f", in)
	const most = 6<<20 + 100
	if got := w.invoke("f", fmt.Sprint(most-2)); got.fault != "" || len(got.payload) != most {
		t.Errorf("%d bytes, fault %q", len(got.payload), got.fault)
	}
	got := w.invoke("f", fmt.Sprint(most-1))
	if m := fields(t, got.payload); got.fault != "Unhandled" || m["errorType"] != "Function.ResponseSizeTooLarge" ||
		m["errorMessage"] != "Response payload size exceeded maximum allowed payload size (6291556 bytes)." {
		t.Errorf("got %+v", got)
	}
	if got := w.invoke("f", `3`); got.payload != `"xxx"` {
		t.Errorf("afterwards: %+v", got)
	}
}

func TestNamesOfAFunction(t *testing.T) {
	needs(t, "python3")
	t.Parallel()
	w := newWorld(t)
	w.create("f", python("def handler(e, c): return c.invoked_function_arn"))
	arn := "arn:aws:lambda:us-east-1:" + w.account + ":function:f"
	for name, want := range map[string]string{
		"f": arn, "f:$LATEST": arn + ":$LATEST", w.account + ":function:f": arn, "function:f": arn,
		w.account + ":f": arn, arn: arn, arn + ":$LATEST": arn + ":$LATEST",
	} {
		if got := w.invoke(name, `{}`); got.payload != `"`+want+`"` {
			t.Errorf("%s: got %+v", name, got)
		}
	}
}

func TestCredentialsOfTheRoleWorkInside(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.create("f", provided(t))
	if m := fields(t, w.invoke("f", `{"who":true}`).payload); m["arn"] != "arn:aws:sts::"+w.account+":assumed-role/f-role/f" {
		t.Errorf("got %v", m)
	}
}

func TestBootstrapsThatCannotRun(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	role := aws.String(w.role("role", mayLog))
	for name, c := range map[string]struct {
		code       files
		kind, text string
	}{
		"none":    {files{"other": "x"}, "Runtime.InvalidEntrypoint", "Couldn't find valid bootstrap(s): [/var/task/bootstrap /opt/bootstrap]"},
		"exits":   {files{"bootstrap": "#!/bin/sh\nexit 7\n"}, "Runtime.ExitError", "Runtime exited with error: exit status 7"},
		"quits":   {files{"bootstrap": "#!/bin/sh\nexit 0\n"}, "Runtime.ExitError", "Runtime exited without providing a reason"},
		"garbage": {files{"bootstrap": "\x01\x02\x03"}, "Runtime.InvalidEntrypoint", "fork/exec /var/task/bootstrap: exec format error"},
	} {
		w.create(name, &lambda.CreateFunctionInput{Runtime: types.RuntimeProvidedal2023, Handler: aws.String("x"), Role: role, Code: &types.FunctionCode{ZipFile: c.code.zip()}})
		got := w.invoke(name, `{}`)
		if m := fields(t, got.payload); got.fault != "Unhandled" || m["errorType"] != c.kind || !strings.HasSuffix(fmt.Sprint(m["errorMessage"]), " Error: "+c.text) {
			t.Errorf("%s: got %+v", name, got)
		}
	}
}
