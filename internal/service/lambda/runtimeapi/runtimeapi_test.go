package runtimeapi_test

import (
	"context"
	"encoding/base64"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"redoubt/internal/service/lambda/runtimeapi"
)

const base = "/2018-06-01/runtime/"

// A runtime calls a server as the program in a sandbox does.
type runtime struct {
	t   *testing.T
	api *runtimeapi.Server
	url string
}

func start(t *testing.T) runtime {
	api := runtimeapi.New(func() {})
	srv := httptest.NewServer(api)
	t.Cleanup(srv.Close)
	t.Cleanup(api.Close)
	return runtime{t, api, srv.URL}
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
	c := make(chan runtimeapi.Answer, 1)
	go func() {
		a, err := r.api.Invoke(context.Background(), &runtimeapi.Event{
			RequestID: id, FunctionARN: "arn", TraceID: "trace", ClientContext: `{"a":1}`, Deadline: time.UnixMilli(1234), Payload: []byte(`{"x":1}`),
		})
		if err != nil {
			r.t.Error(err)
		}
		c <- a
	}()
	return c
}

func TestEventReachesTheRuntimeAndItsAnswerTheCaller(t *testing.T) {
	r := start(t)
	answer := r.invoke("id-1")
	status, h, body := r.call("GET", base+"invocation/next", "")
	if status != 200 || body != `{"x":1}` {
		t.Errorf("got %d %s", status, body)
	}
	for name, want := range map[string]string{
		"Lambda-Runtime-Aws-Request-Id": "id-1", "Lambda-Runtime-Deadline-Ms": "1234", "Lambda-Runtime-Invoked-Function-Arn": "arn",
		"Lambda-Runtime-Trace-Id": "trace", "Lambda-Runtime-Client-Context": `{"a":1}`, "Content-Type": "application/json",
	} {
		if h.Get(name) != want {
			t.Errorf("%s is %q, want %q", name, h.Get(name), want)
		}
	}
	r.want(202, `{"status":"OK"}`, "POST", base+"invocation/id-1/response", "42")
	if a := <-answer; string(a.Payload) != "42" || a.Failed {
		t.Errorf("got %+v", a)
	}
}

func TestAnswersOutOfTurnAreRefused(t *testing.T) {
	r := start(t)
	r.want(400, "InvalidRequestID", "POST", base+"invocation/id-1/response", "1")
	answer := r.invoke("id-1")
	r.call("GET", base+"invocation/next", "")
	r.want(403, "InvalidStateTransition", "GET", base+"invocation/next", "")
	r.want(400, "InvalidRequestID", "POST", base+"invocation/id-2/response", "1")
	r.want(404, "NotFound", "POST", base+"invocation/id-1/other", "1")
	r.want(202, "OK", "POST", base+"invocation/id-1/response", "1")
	r.want(400, "InvalidRequestID", "POST", base+"invocation/id-1/response", "2")
	r.want(403, "InvalidStateTransition", "POST", base+"init/error", "{}")
	if a := <-answer; string(a.Payload) != "1" {
		t.Errorf("got %+v", a)
	}
}

func TestErrorTypesKeepTheFormOfAWS(t *testing.T) {
	r := start(t)
	for given, want := range map[string]string{"Function.Bad": "Function.Bad", "Runtime.Odd": "Runtime.Odd", "ValueError": "Function.Unknown", "": "Function.Unknown"} {
		answer := r.invoke("id")
		r.call("GET", base+"invocation/next", "")
		r.want(202, "OK", "POST", base+"invocation/id/error", `{"errorMessage":"m"}`, "Lambda-Runtime-Function-Error-Type", given)
		if a := <-answer; !a.Failed || a.ErrorType != want || string(a.Payload) != `{"errorMessage":"m"}` {
			t.Errorf("%q: got %+v", given, a)
		}
	}
}

func TestFailedInitialisationIsReportedOnce(t *testing.T) {
	r := start(t)
	r.want(202, "OK", "POST", base+"init/error", `{"errorType":"E"}`, "Lambda-Runtime-Function-Error-Type", "Runtime.Bad")
	r.want(403, "InvalidStateTransition", "POST", base+"init/error", `{}`)
	if a := <-r.api.InitFailed(); a.ErrorType != "Runtime.Bad" || string(a.Payload) != `{"errorType":"E"}` {
		t.Errorf("got %+v", a)
	}
}

func TestTooLargeAnswersFailTheInvocation(t *testing.T) {
	r := start(t)
	for _, size := range []int{runtimeapi.MaxResponse, runtimeapi.MaxResponse + 1} {
		answer := r.invoke("id")
		r.call("GET", base+"invocation/next", "")
		body := io.LimitReader(zeros{}, int64(size)) // of unknown length, as a streamed answer is
		res, err := http.Post(r.url+base+"invocation/id/response", "", body)
		a := <-answer
		if err == nil {
			res.Body.Close()
		}
		if fits := size <= runtimeapi.MaxResponse; a.Failed == fits || fits && len(a.Payload) != size || !fits && a.ErrorType != "Function.ResponseSizeTooLarge" {
			t.Errorf("%d bytes: %v, %s, %d", size, a.Failed, a.ErrorType, len(a.Payload))
		}
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { return len(p), nil }

func TestStreamThatFailsMidwayIsAnError(t *testing.T) {
	r := start(t)
	answer := r.invoke("id")
	r.call("GET", base+"invocation/next", "")
	req, _ := http.NewRequest("POST", r.url+base+"invocation/id/response", io.MultiReader(strings.NewReader("half")))
	req.ContentLength = -1
	req.Header.Set("Lambda-Runtime-Function-Response-Mode", "streaming")
	req.Trailer = http.Header{
		"Lambda-Runtime-Function-Error-Type": {"Runtime.Streaming"},
		"Lambda-Runtime-Function-Error-Body": {base64.StdEncoding.EncodeToString([]byte(`{"errorType":"E"}`))},
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	if a := <-answer; !a.Failed || a.ErrorType != "Runtime.Streaming" || string(a.Payload) != `{"errorType":"E"}` {
		t.Errorf("got %+v", a)
	}
}

func TestOtherPathsAndMethods(t *testing.T) {
	r := start(t)
	r.want(200, "pong", "GET", "/2018-06-01/ping", "")
	r.want(404, "NotFound", "GET", "/", "")
	r.want(404, "NotFound", "GET", base+"restore/next", "")
	r.want(405, "MethodNotAllowed", "POST", base+"invocation/next", "")
	r.want(405, "MethodNotAllowed", "GET", base+"init/error", "")
}
