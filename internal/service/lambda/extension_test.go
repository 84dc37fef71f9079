package lambda_test

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
)

// extended makes a function with extensions, which do what their names say.
func (w *world) extended(function string, in *lambda.CreateFunctionInput, extensions ...string) {
	w.Helper()
	program, err := extensionProgram()
	w.must(err)
	content := files{}
	for _, name := range extensions {
		content["extensions/"+name] = program
	}
	in.Layers = []string{w.layer(function+"-layer", content)}
	w.create(function, in)
}

// retire ends the environments of a function.
func (w *world) retire(function string) {
	w.Helper()
	_, err := w.lambda.UpdateFunctionConfiguration(w.ctx, &lambda.UpdateFunctionConfigurationInput{FunctionName: &function, Description: aws.String("new")})
	w.must(err)
}

// inOrder checks that a text has all parts, one after the other.
func inOrder(t *testing.T, text string, parts ...string) {
	t.Helper()
	rest := text
	for _, p := range parts {
		at := regexp.MustCompile(p).FindStringIndex(rest)
		if at == nil {
			t.Errorf("no %q where it should be in %s", p, text)
			return
		}
		rest = rest[at[1]:]
	}
}

func TestExtensionSeesItsEnvironmentFromBeginningToEnd(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.extended("f", provided(t), "observes")
	for _, say := range []string{"a", "b"} {
		if m := fields(t, w.invoke("f", `{"say":"`+say+`"}`).payload); m["said"] != say {
			t.Errorf("got %v", m)
		}
	}
	w.retire("f")
	inOrder(t, w.logOf("f", "observes SHUTDOWN spindown\n"),
		`observes hides \[\] and knows f\n`, `EXTENSION\tName: observes\tState: Ready\tEvents: \[INVOKE, SHUTDOWN\]\n`,
		`START`, `observes INVOKE [0-9a-f-]{36}\n`, `REPORT .*Init Duration`, `START`, `observes INVOKE`, `REPORT`, `observes SHUTDOWN`)
}

func TestInvocationLastsUntilItsExtensionsHaveFinished(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.extended("f", provided(t), "dawdles", "observes")
	got := w.invoke("f", `{"say":"a"}`)
	if m := fields(t, got.payload); m["said"] != "a" {
		t.Errorf("got %v", m)
	}
	var took float64
	if _, err := fmt.Sscanf(got.log[strings.Index(got.log, "\tDuration: "):], "\tDuration: %f ms", &took); err != nil || took < 300 {
		t.Errorf("took %v ms, %v: %s", took, err, got.log)
	}
}

func TestExtensionsThatFailFailTheInvocation(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	role := aws.String(w.role("role", mayLog))
	for name, c := range map[string]struct {
		kind, message string
		log           []string
	}{
		"crashes": {"Extension.Crash", "exit status 7", []string{
			`EXTENSION\tName: crashes\tState: Started\tEvents: \[\]\n`, `INIT_REPORT Init Duration: [0-9.]+ ms\tPhase: init\tStatus: error\tError Type: Extension.Crash\n`,
			`INIT_REPORT Init Duration: [0-9.]+ ms\tPhase: invoke\tStatus: error\tError Type: Extension.Crash\n`, `START RequestId`,
			`RequestId: [0-9a-f-]{36} Error: exit status 7\nExtension.Crash\n`, `END`, `REPORT .*Status: error\tError Type: Extension.Crash\n`,
		}},
		"gives-up": {"Extension.InitError", "exit status 3", []string{
			`EXTENSION\tName: gives-up\tState: InitError\tEvents: \[INVOKE, SHUTDOWN\]\tError Type: Extension.Tired\n`, `INIT_REPORT .*Error Type: Extension.InitError\n`,
		}},
		"quits": {"Extension.Crash", "exit status 1", []string{`START`, `quits INVOKE`, `Error: exit status 1\nExtension.Crash\n`, `REPORT .*Status: error\tError Type: Extension.Crash\n`}},
	} {
		in := provided(t)
		in.Role = role
		w.extended(name, in, name)
		got := w.invoke(name, `{"sleep":2000}`)
		m := fields(t, got.payload)
		if got.fault != "Unhandled" || m["errorType"] != c.kind || !strings.HasSuffix(fmt.Sprint(m["errorMessage"]), " Error: "+c.message) {
			t.Errorf("%s: got %+v", name, got)
		}
		inOrder(t, w.logOf(name, "REPORT"), c.log...)
	}
}

func TestFileThatIsNoProgramIsNoExtension(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	in := provided(t)
	in.Layers = []string{w.layer("l", files{"extensions/x": "\x01\x02\x03"})}
	w.create("f", in)
	got := w.invoke("f", `{}`)
	if m := fields(t, got.payload); m["errorType"] != "Extension.LaunchError" || !strings.HasSuffix(fmt.Sprint(m["errorMessage"]), "fork/exec /opt/extensions/x: exec format error") {
		t.Errorf("got %+v", got)
	}
	inOrder(t, w.logOf("f", "REPORT"), `EXTENSION\tName: x\tState: LaunchError\tEvents: \[\]\tError Type: UnknownError\n`)
}

func TestExtensionThatTakesTooLongEndsTheEnvironment(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	in := provided(t)
	in.Timeout = aws.Int32(1)
	w.extended("f", in, "overstays")
	if m := fields(t, w.invoke("f", `{"say":"a"}`).payload); m["said"] != "a" {
		t.Errorf("got %v", m)
	}
	inOrder(t, w.logOf("f", "REPORT"), `START`, `overstays INVOKE`, `overstays SHUTDOWN timeout\n`, `Task timed out after 1.00 seconds\n`, `REPORT .*\tDuration: 1000.00 ms.*Status: timeout\n`)
	if m := fields(t, w.invoke("f", `{"say":"b"}`).payload); m["said"] != "b" {
		t.Errorf("afterwards: %v", m)
	}
}

func TestExtensionsHearWhatHappens(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.extended("f", provided(t), "listens")
	w.invoke("f", `{"print":"hello"}`)
	w.invoke("f", `{"exit":3}`)
	inOrder(t, w.logOf("f", "heard platform.runtimeDone"),
		`TELEMETRY\tName: listens\tState: Subscribed\tTypes: \[Platform, Function\]\n`)
	w.retire("f")
	log := w.logOf("f", "listens SHUTDOWN")
	for _, part := range []string{
		`heard platform.initStart {"initializationType":"on-demand","phase":"init","runtimeVersion":"provided:al2023","runtimeVersionArn":"arn:[^"]+","functionName":"f","functionVersion":"\$LATEST","instanceMaxMemory":128}`,
		`heard platform.telemetrySubscription {"name":"listens","state":"Subscribed","types":\["platform","function"\]}`,
		`heard platform.initRuntimeDone {"initializationType":"on-demand","phase":"init","status":"success"}`,
		`heard platform.extension {"name":"listens","state":"Ready","events":\["INVOKE","SHUTDOWN"\]}`,
		`heard platform.initReport {"initializationType":"on-demand","phase":"init","status":"success","metrics":{"durationMs":[0-9.]+}}`,
		`heard platform.start {"requestId":"[0-9a-f-]{36}","functionArn":"arn:aws:lambda:us-east-1:[0-9]{12}:function:f","version":"\$LATEST","tracing":{"type":"X-Amzn-Trace-Id","value":"Root=1-`,
		`heard function "hello\\n"`,
		`heard platform.runtimeDone {"requestId":"[0-9a-f-]{36}","status":"success","metrics":{"durationMs":[0-9.]+,"producedBytes":[0-9]+},"spans":\[{"name":"responseLatency"`,
		`heard platform.report {"requestId":"[0-9a-f-]{36}","metrics":{"durationMs":[0-9.]+,"billedDurationMs":[0-9]+,"memorySizeMB":128,"maxMemoryUsedMB":[0-9]+,"initDurationMs":[0-9.]+},"status":"success","spans":\[{"name":"extensionOverhead"`,
		`heard platform.runtimeDone {"requestId":"[0-9a-f-]{36}","status":"error","errorType":"Runtime.ExitError"`,
	} {
		if !regexp.MustCompile(part).MatchString(log) {
			t.Errorf("no %s in %s", part, log)
		}
	}
}

func TestRuntimeIsAnExtensionOfItsOwn(t *testing.T) {
	needs(t, "python3")
	t.Parallel()
	w := newWorld(t)
	w.create("f", python(`
import json, os, threading, urllib.request
api = "http://" + os.environ["AWS_LAMBDA_RUNTIME_API"] + "/2020-01-01/extension/"
seen = []
def register(events):
    r = urllib.request.Request(api + "register", json.dumps({"events": events}).encode(), {"Lambda-Extension-Name": "inner"})
    return urllib.request.urlopen(r).headers["Lambda-Extension-Identifier"]
def poll(id):
    while True:
        e = json.load(urllib.request.urlopen(urllib.request.Request(api + "event/next", headers={"Lambda-Extension-Identifier": id})))
        seen.append(e["requestId"])
try:
    register(["SHUTDOWN"])
except urllib.error.HTTPError as e:
    print(e.read().decode())
threading.Thread(target=poll, args=[register(["INVOKE"])], daemon=True).start()
def handler(event, context):
    while context.aws_request_id not in seen: pass
    return len(seen)
`))
	for i := 1; i < 3; i++ {
		if got := w.invoke("f", `{}`); got.payload != fmt.Sprint(i) {
			t.Errorf("got %+v", got)
		}
	}
	inOrder(t, w.logOf("f", "REPORT"), `ShutdownEventNotSupportedForInternalExtension`, `EXTENSION\tName: inner\tState: Ready\tEvents: \[INVOKE\]\n`, `START`, `REPORT`)
}

func TestPanicIsReportedAsTheEndOfItsRuntime(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.create("f", provided(t))
	got := w.invoke("f", `{"panic":"oh"}`)
	if m := fields(t, got.payload); got.fault != "Unhandled" || m["errorMessage"] != "oh" || m["errorType"] != "string" {
		t.Errorf("got %+v", got)
	}
	inOrder(t, got.log, `START`, `Error: Runtime exited with error: exit status 1\nRuntime.ExitError\n`, `END`, `REPORT .*Status: error\tError Type: Runtime.ExitError\n`)
}
