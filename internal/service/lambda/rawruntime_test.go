package lambda_test

import (
	"strings"
	"testing"
)

// rawRuntime is a function that speaks to the Runtime API itself: act answers the event e, whose request has the id.
func rawRuntime(act string) string {
	return `
import os, time, urllib.request
base = "http://" + os.environ["AWS_LAMBDA_RUNTIME_API"] + "/2018-06-01/runtime/"
def post(path, body, **headers):
    try:
        return urllib.request.urlopen(urllib.request.Request(base + path, body, {k.replace("_", "-"): v for k, v in headers.items()})).status
    except urllib.error.HTTPError as e:
        print(e.code, e.read().decode())
while True:
    e = urllib.request.urlopen(base + "invocation/next")
    id = e.headers["Lambda-Runtime-Aws-Request-Id"]
    e = e.read()
    ` + act + "\n"
}

func TestAnswersArePassedOnAsTheyAre(t *testing.T) {
	needs(t, "python3")
	t.Parallel()
	w := newWorld(t)
	for name, c := range map[string]struct{ act, payload, fault string }{
		"no-json": {`post("invocation/" + id + "/response", b"not JSON")`, "not JSON", ""},
		"empty":   {`post("invocation/" + id + "/response", b"")`, "", ""},
		"error":   {`post("invocation/" + id + "/error", b"nor this", Lambda_Runtime_Function_Error_Type="Odd: 1")`, "nor this", "Unhandled"},
	} {
		w.create(name, python(rawRuntime(c.act)))
		if got := w.invoke(name, `{}`); got.payload != c.payload || got.fault != c.fault {
			t.Errorf("%s: got %+v", name, got)
		}
	}
}

func TestAnswersOutOfTurnChangeNothing(t *testing.T) {
	needs(t, "python3")
	t.Parallel()
	w := newWorld(t)
	w.create("f", python(rawRuntime(`post("invocation/00000000-0000-4000-8000-000000000000/response", b"1")
    post("invocation/" + id + "/response", b"2", Lambda_Runtime_Invocation_Id="other")
    post("invocation/" + id + "/response", b"3", Lambda_Runtime_Function_Response_Mode="streaming")
    post("invocation/" + id + "/response", b"4")
    post("init/error", b"5")`)))
	for range 2 {
		if got := w.invoke("f", `{}`); got.payload != "3" || got.fault != "" {
			t.Errorf("got %+v", got)
		}
	}
	log := w.logOf("f", "InitError")
	for _, part := range []string{"400 ", "InvalidRequestID", "InvalidInvocationId", "403 ", "State transition from RuntimeResponseSentState to InvocationResponse failed for runtime", "to InitError failed"} {
		if !strings.Contains(log, part) {
			t.Errorf("no %q in %s", part, log)
		}
	}
}
