package runtimeapi_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"redoubt/internal/service/lambda/runtimeapi"
)

const extension = "/2020-01-01/extension/"

// register returns the identifier.
func (r runtime) register(name, events string) string {
	r.t.Helper()
	status, h, body := r.call("POST", extension+"register", `{"events":[`+events+`]}`, "Lambda-Extension-Name", name)
	if status != 200 || body != `{"functionName":"f","functionVersion":"7","handler":"h"}`+"\n" {
		r.t.Errorf("got %d %s", status, body)
	}
	return h.Get("Lambda-Extension-Identifier")
}

// wait asks for an event, and returns where it will be.
func (r runtime) wait(path string, headers ...string) <-chan string {
	c := make(chan string, 1)
	go func() {
		_, _, body := r.call("GET", path, "", headers...)
		c <- body
	}()
	return c
}

func (r runtime) notice(id string) <-chan string {
	return r.wait(extension+"event/next", "Lambda-Extension-Identifier", id)
}

func TestExtensionsGetTheEventsTheyWant(t *testing.T) {
	r := start(t, "both", "none")
	select {
	case <-r.api.Registered():
		t.Error("registered already")
	default:
	}
	both, none := r.register("both", `"INVOKE","SHUTDOWN"`), r.register("none", "")
	<-r.api.Registered()
	inner := r.register("inner", `"INVOKE"`)
	event := r.wait(base + "invocation/next")
	<-r.api.Started()
	r.want(403, "Extension.RegistrationClosed", "POST", extension+"register", `{"events":[]}`, "Lambda-Extension-Name", "late")
	forBoth, forNone, forInner := r.notice(both), r.notice(none), r.notice(inner)
	<-r.api.Ready()
	answer := r.invoke("id")
	want := `{"eventType":"INVOKE","deadlineMs":1234,"requestId":"id","invokedFunctionArn":"arn","tracing":{"type":"X-Amzn-Trace-Id","value":"trace"}}`
	if a, b := <-forBoth, <-forInner; a != want || b != want {
		t.Errorf("got %s and %s", a, b)
	}
	if got := <-event; got != `{"x":1}` {
		t.Errorf("got %s", got)
	}
	r.want(202, "OK", "POST", base+"invocation/id/response", "1")
	<-answer
	if got := r.idle.Load(); got != 1 {
		t.Errorf("idle %d times", got)
	}
	r.wait(base + "invocation/next")
	if err := r.api.Await(t.Context(), false); err != nil {
		t.Error(err)
	}
	forInner = r.notice(inner)
	forBoth = r.notice(both)
	if err := r.api.Await(t.Context(), true); err != nil || r.idle.Load() != 2 {
		t.Errorf("idle %d times, %v", r.idle.Load(), err)
	}
	if told := r.api.Shutdown("spindown", time.UnixMilli(99)); fmt.Sprint(told) != "[both]" {
		t.Errorf("told %v", told)
	}
	if got := <-forBoth; got != `{"eventType":"SHUTDOWN","deadlineMs":99,"shutdownReason":"spindown"}` {
		t.Errorf("got %s", got)
	}
	r.api.Close()
	<-forInner
	<-forNone
}

func TestExtensionThatIsLateGetsTheShutdown(t *testing.T) {
	r := start(t, "x")
	x := r.register("x", `"SHUTDOWN"`)
	r.api.Shutdown("timeout", time.UnixMilli(1))
	if got := <-r.notice(x); !strings.Contains(got, `"shutdownReason":"timeout"`) {
		t.Errorf("got %s", got)
	}
}

// The types and texts are those of AWS's emulator.
func TestExtensionsThatDoWrongAreRefused(t *testing.T) {
	r := start(t, "x")
	register := func(kind, name, body string) {
		t.Helper()
		r.want(403, kind, "POST", extension+"register", body, "Lambda-Extension-Name", name)
	}
	register(`{"errorMessage":"Empty extension name","errorType":"Extension.InvalidExtensionName"}`, "", `{}`)
	register("InvalidRequestFormat", "x", `{`)
	register("configurationKeys are deprecated; use environment variables instead", "x", `{"configurationKeys":["a"]}`)
	register(`"ODD: ErrorInvalidEventType","errorType":"Extension.InvalidEventType"`, "x", `{"events":["ODD"]}`)
	register(`"SHUTDOWN: ShutdownEventNotSupportedForInternalExtension"`, "inner", `{"events":["SHUTDOWN"]}`)
	x := r.register("x", "")
	register(`State transition from Registered to Registered failed for extension x. Error: State transition is not allowed`, "x", `{}`)
	r.register("inner", "")
	register("Extension with this name already registered", "inner", `{}`)
	for i := range runtimeapi.MaxExtensions - 2 {
		r.register(fmt.Sprint(i), "")
	}
	register(`"Extension limit (10) reached","errorType":"Extension.TooManyExtensions"`, "one more", `{}`)

	r.want(403, "Extension.MissingExtensionIdentifier", "GET", extension+"event/next", "")
	r.want(403, "Extension.InvalidExtensionIdentifier", "GET", extension+"event/next", "", "Lambda-Extension-Identifier", "odd")
	const nobody = "00000000-0000-4000-8000-000000000000"
	r.want(403, `"Unknown extension `+nobody+`","errorType":"Extension.UnknownExtensionIdentifier"`, "GET", extension+"event/next", "", "Lambda-Extension-Identifier", nobody)
	r.want(403, "Unknown Lambda-Extension-Identifier", "POST", extension+"exit/error", "", "Lambda-Extension-Identifier", nobody)
	r.want(403, `"Lambda-Extension-Function-Error-Type not found","errorType":"Extension.MissingHeader"`, "POST", extension+"init/error", "", "Lambda-Extension-Identifier", x)
	r.want(404, "404 page not found", "GET", extension+"other", "")
}

func TestExtensionsReportTheirErrors(t *testing.T) {
	for path, kind := range map[string]string{"init/error": "Extension.InitError", "exit/error": "Extension.ExitError"} {
		r := start(t, "x")
		x := r.register("x", `"INVOKE"`)
		if r.api.Fault() != "" {
			t.Errorf("fault %s", r.api.Fault())
		}
		r.want(202, `{"status":"OK"}`, "POST", extension+path, "{}", "Lambda-Extension-Identifier", x, "Lambda-Extension-Function-Error-Type", "Extension.Odd")
		r.want(202, `{"status":"OK"}`, "POST", extension+path, "{}", "Lambda-Extension-Identifier", x, "Lambda-Extension-Function-Error-Type", "Other")
		r.want(403, "Error to Ready failed for extension "+x, "GET", extension+"event/next", "", "Lambda-Extension-Identifier", x)
		got := r.api.Extensions()[0]
		if r.api.Fault() != kind || got.State != strings.TrimPrefix(kind, "Extension.") || got.ErrorType != "Extension.Odd" {
			t.Errorf("got %s, %+v", r.api.Fault(), got)
		}
	}
}

func TestExtensionLearnsTheAccountIfItWants(t *testing.T) {
	r := start(t, "x")
	r.want(200, `"accountId":"123456789012"`, "POST", extension+"register", `{}`, "Lambda-Extension-Name", "x", "Lambda-Extension-Accept-Feature", "odd, accountId")
}

func TestExtensionsSubscribe(t *testing.T) {
	r := start(t, "x")
	r.want(403, "Extension.MissingExtensionIdentifier", "PUT", "/2022-07-01/telemetry", "{}")
	x := r.register("x", "")
	r.want(200, `"Telemetry"`, "PUT", "/2022-07-01/telemetry", "{}", "Lambda-Extension-Identifier", x)
	r.want(200, `"Logs"`, "PUT", "/2020-08-15/logs", "{}", "Lambda-Extension-Identifier", x)
	r.want(400, `{"errorMessage":"x","errorType":"ValidationError"}`, "PUT", "/2022-07-01/telemetry", "bad", "Lambda-Extension-Identifier", x)
}
