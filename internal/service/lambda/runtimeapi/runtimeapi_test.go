package runtimeapi_test

import (
	"context"
	"encoding/base64"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"redoubt/internal/service/lambda/runtimeapi"
	"redoubt/internal/service/lambda/telemetry"
)

const base = "/2018-06-01/runtime/"

// A runtime calls a server as the programs in a sandbox do.
type runtime struct {
	t    *testing.T
	api  *runtimeapi.Server
	url  string
	idle *atomic.Int32 // how often all waited for an event
}

func start(t *testing.T, extensions ...string) runtime {
	r := runtime{t: t, idle: new(atomic.Int32)}
	r.api = runtimeapi.New(runtimeapi.Config{
		Idle: func() { r.idle.Add(1) }, Extensions: extensions, Function: "f", Version: "7", Handler: "h", Account: "123456789012",
		Subscribe: func(extension string, api telemetry.API, body []byte) (string, error) {
			if string(body) == "bad" {
				return "", &telemetry.Problem{Status: 400, Type: "ValidationError", Message: extension}
			}
			return `"` + string(api) + `"`, nil
		},
	})
	srv := httptest.NewServer(r.api)
	t.Cleanup(srv.Close)
	t.Cleanup(r.api.Close)
	r.url = srv.URL
	return r
}

func (r runtime) call(method, path, body string, headers ...string) (int, http.Header, string) {
	r.t.Helper()
	req, err := http.NewRequest(method, r.url+path, strings.NewReader(body))
	if err != nil {
		r.t.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		r.t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		r.t.Fatal(err)
	}
	return res.StatusCode, res.Header, string(text)
}

func (r runtime) want(status int, text, method, path, body string, headers ...string) {
	r.t.Helper()
	got, _, answer := r.call(method, path, body, headers...)
	if got != status || !strings.Contains(answer, text) {
		r.t.Errorf("%s %s: got %d %s, want %d %s", method, path, got, answer, status, text)
	}
}

// invoke gives the runtime an event, and returns where its answer will be.
func (r runtime) invoke(id string) <-chan runtimeapi.Answer {
	return r.give(&runtimeapi.Event{
		RequestID: id, FunctionARN: "arn", TraceID: "trace", ClientContext: `{"a":1}`, Deadline: time.UnixMilli(1234), Payload: []byte(`{"x":1}`),
	})
}

func (r runtime) give(e *runtimeapi.Event) <-chan runtimeapi.Answer {
	c := make(chan runtimeapi.Answer, 1)
	go func() {
		a, err := r.api.Invoke(context.Background(), e)
		if err != nil {
			r.t.Error(err)
		}
		c <- a
	}()
	return c
}

func TestEventReachesTheRuntimeAndItsAnswerTheCaller(t *testing.T) {
	r := start(t)
	answer := r.give(&runtimeapi.Event{
		RequestID: "id-1", FunctionARN: "arn", TraceID: "trace", ClientContext: "{}\r\nX-Evil: 1", CognitoIdentity: `{"i":1}`, TenantID: "t",
		Deadline: time.UnixMilli(1234), Payload: []byte(`{"x":1}`),
	})
	status, h, body := r.call("GET", base+"invocation/next", "")
	if status != 200 || body != `{"x":1}` {
		t.Errorf("got %d %s", status, body)
	}
	for name, want := range map[string]string{
		"Lambda-Runtime-Aws-Request-Id": "id-1", "Lambda-Runtime-Deadline-Ms": "1234", "Lambda-Runtime-Invoked-Function-Arn": "arn",
		"Lambda-Runtime-Trace-Id": "trace", "Lambda-Runtime-Client-Context": "{}  X-Evil: 1", "Content-Type": "application/json",
		"Lambda-Runtime-Cognito-Identity": `{"i":1}`, "Lambda-Runtime-Aws-Tenant-Id": "t", "X-Evil": "",
	} {
		if h.Get(name) != want {
			t.Errorf("%s is %q, want %q", name, h.Get(name), want)
		}
	}
	r.want(400, "InvalidInvocationId", "POST", base+"invocation/id-1/response", "42", "Lambda-Runtime-Invocation-Id", "other")
	r.want(202, `{"status":"OK"}`, "POST", base+"invocation/id-1/response", "42", "Lambda-Runtime-Invocation-Id", h.Get("Lambda-Runtime-Invocation-Id"))
	if a := <-answer; string(a.Payload) != "42" || a.Failed || a.Size != 2 {
		t.Errorf("got %+v", a)
	}
}

// The texts are those of AWS's emulator.
func TestAnswersOutOfTurnAreRefused(t *testing.T) {
	r := start(t)
	r.want(400, `{"errorMessage":"Invalid request ID","errorType":"InvalidRequestID"}`+"\n", "POST", base+"invocation/id-1/response", "1")
	answer := r.invoke("id-1")
	r.call("GET", base+"invocation/next", "")
	r.want(200, `{"x":1}`, "GET", base+"invocation/next", "") // once more
	r.want(400, "InvalidRequestID", "POST", base+"invocation/id-2/response", "1")
	r.want(404, "404 page not found", "POST", base+"invocation/id-1/other", "1")
	r.want(202, "OK", "POST", base+"invocation/id-1/response", "1")
	r.want(403, `{"errorMessage":"State transition from RuntimeResponseSentState to InvocationResponse failed for runtime. Error: State transition is not allowed","errorType":"InvalidStateTransition"}`,
		"POST", base+"invocation/id-1/response", "2")
	r.want(403, "State transition from RuntimeResponseSentState to InvocationErrorResponse failed", "POST", base+"invocation/id-1/error", "2")
	r.want(403, "State transition from RuntimeResponseSentState to InitError failed", "POST", base+"init/error", "{}")
	if a := <-answer; string(a.Payload) != "1" {
		t.Errorf("got %+v", a)
	}
}

func TestErrorTypesKeepTheFormOfAWS(t *testing.T) {
	r := start(t)
	for given, want := range map[string]string{
		"Function.Bad": "Function.Bad", "Runtime.Odd": "Runtime.Odd", "ValueError": "Runtime.Unknown", "": "Runtime.Unknown",
		"Function.bad": "Function.Unknown", "Runtime.Odd X-Evil": "Runtime.Unknown",
	} {
		answer := r.invoke("id")
		r.call("GET", base+"invocation/next", "")
		r.want(202, "OK", "POST", base+"invocation/id/error", `{"errorMessage":"m"}`, "Lambda-Runtime-Function-Error-Type", given)
		if a := <-answer; !a.Failed || a.ErrorType != want || string(a.Payload) != `{"errorMessage":"m"}` {
			t.Errorf("%q: got %+v", given, a)
		}
	}
}

func TestCauseForXRayStaysInside(t *testing.T) {
	r := start(t)
	for body, want := range map[string]string{
		`{"errorMessage":"m","errorType":"E","stackTrace":["s"],"errorCause":{"exceptions":[]}}`: `{"errorMessage":"m","errorType":"E","stackTrace":["s"]}`,
		`not JSON`: `"Invalid error body"`,
	} {
		answer := r.invoke("id")
		r.call("GET", base+"invocation/next", "")
		r.want(202, "OK", "POST", base+"invocation/id/error", body, "Content-Type", "application/vnd.aws.lambda.error.cause+json")
		if a := <-answer; string(a.Payload) != want {
			t.Errorf("got %s", a.Payload)
		}
	}
}

func TestFailedInitialisationIsReportedOnce(t *testing.T) {
	r := start(t)
	r.want(202, "OK", "POST", base+"init/error", `{"errorType":"E"}`, "Lambda-Runtime-Function-Error-Type", "Runtime.Bad")
	r.want(403, "State transition from InitError to InitError failed", "POST", base+"init/error", `{}`)
	r.want(403, "State transition from InitError to Ready failed", "GET", base+"invocation/next", "")
	if a := <-r.api.InitFailed(); a.ErrorType != "Runtime.Bad" || string(a.Payload) != `{"errorType":"E"}` {
		t.Errorf("got %+v", a)
	}
}

func TestTooLargeAnswersFailTheInvocation(t *testing.T) {
	r := start(t)
	for _, what := range []string{"response", "error"} {
		for _, size := range []int{runtimeapi.MaxResponse, runtimeapi.MaxResponse + 1} {
			answer := r.invoke("id")
			r.call("GET", base+"invocation/next", "")
			body := io.LimitReader(zeros{}, int64(size)) // of unknown length, as a streamed answer is
			res, err := http.Post(r.url+base+"invocation/id/"+what, "", body)
			a := <-answer
			if err == nil {
				res.Body.Close()
			}
			large := a.ErrorType == "Function.ResponseSizeTooLarge"
			if fits := size <= runtimeapi.MaxResponse; large == fits || fits && len(a.Payload) != size {
				t.Errorf("%s of %d bytes: %v, %s, %d", what, size, a.Failed, a.ErrorType, len(a.Payload))
			}
		}
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { return len(p), nil }

func TestUnknownModeFailsTheInvocation(t *testing.T) {
	r := start(t)
	answer := r.invoke("id")
	r.call("GET", base+"invocation/next", "")
	r.want(400, "InvalidFunctionResponseMode", "POST", base+"invocation/id/response", "1", "Lambda-Runtime-Function-Response-Mode", "odd")
	if a := <-answer; !a.Failed || a.ErrorType != "Runtime.InvalidResponseModeHeader" {
		t.Errorf("got %+v", a)
	}
}

func TestResponseThatBreaksOffFailsTheInvocation(t *testing.T) {
	r := start(t)
	answer := r.invoke("id")
	r.call("GET", base+"invocation/next", "")
	req, _ := http.NewRequest("POST", r.url+base+"invocation/id/response", io.MultiReader(strings.NewReader("half"), broken{}))
	req.ContentLength = 100
	if _, err := http.DefaultClient.Do(req); err == nil {
		t.Error("the request ended well")
	}
	if a := <-answer; !a.Failed || a.ErrorType != runtimeapi.Truncated {
		t.Errorf("got %+v", a)
	}
}

type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

// stream is a request that is a stream, with an error at its end.
func (r runtime) stream(body io.Reader, kind, details string) {
	r.t.Helper()
	req, _ := http.NewRequest("POST", r.url+base+"invocation/id/response", body)
	req.ContentLength = -1
	req.Header.Set("Lambda-Runtime-Function-Response-Mode", "streaming")
	req.Header.Set("Content-Type", "text/odd")
	req.Trailer = http.Header{}
	if kind != "" {
		req.Trailer = http.Header{
			"Lambda-Runtime-Function-Error-Type": {kind}, "Lambda-Runtime-Function-Error-Body": {base64.StdEncoding.EncodeToString([]byte(details))},
		}
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		r.t.Fatal(err)
	}
	res.Body.Close()
}

func TestStreamThatNobodyWantsAsSuchIsGathered(t *testing.T) {
	r := start(t)
	for kind, want := range map[string]string{"": "half", "Runtime.Streaming": `{"errorType":"E"}`} {
		answer := r.invoke("id")
		r.call("GET", base+"invocation/next", "")
		r.stream(strings.NewReader("half"), kind, `{"errorType":"E"}`)
		if a := <-answer; a.Failed != (kind != "") || a.ErrorType != kind || string(a.Payload) != want {
			t.Errorf("got %+v", a)
		}
	}
}

func TestOtherPathsAndMethods(t *testing.T) {
	r := start(t)
	r.want(200, "pong", "GET", "/2018-06-01/ping", "")
	r.want(404, "404 page not found", "GET", "/", "")
	r.want(404, "404 page not found", "GET", base+"restore/next", "")
	r.want(405, "", "POST", base+"invocation/next", "")
	r.want(405, "", "GET", base+"init/error", "")
	r.want(405, "", "GET", "/2022-07-01/telemetry", "")
}
