package runtimeapi_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"redoubt/internal/service/lambda/runtimeapi"
)

// Whatever a program in a sandbox says, it gets an answer: one of the API's own, and in JSON.
func FuzzRequests(f *testing.F) {
	f.Add("POST", "/2020-01-01/extension/register", `{"events":["INVOKE"]}`, "Lambda-Extension-Name", "x")
	f.Add("GET", "/2020-01-01/extension/event/next", "", "Lambda-Extension-Identifier", "00000000-0000-4000-8000-000000000000")
	f.Add("POST", "/2018-06-01/runtime/invocation/id/response", "1", "Lambda-Runtime-Function-Response-Mode", "streaming")
	f.Add("POST", "/2018-06-01/runtime/init/error", "{}", "Lambda-Runtime-Function-Error-Type", "Runtime.Odd")
	f.Add("PUT", "/2022-07-01/telemetry", "{}", "Lambda-Extension-Identifier", "odd")
	f.Fuzz(func(t *testing.T, method, path, body, name, value string) {
		r, err := http.NewRequest(method, "http://api/", strings.NewReader(body))
		if err != nil {
			return
		}
		r.URL.Path = path
		r.Header.Set(name, value)
		api := runtimeapi.New(runtimeapi.Config{Idle: func() {}, Extensions: []string{"x"}})
		api.Close() // nobody waits for an event
		w := httptest.NewRecorder()
		api.ServeHTTP(w, r)
		if w.Header().Get("Content-Type") == "application/json" && w.Body.Len() > 0 && !json.Valid(w.Body.Bytes()) {
			t.Errorf("%s %s: got %q", method, path, w.Body)
		}
		for _, values := range w.Header() {
			for _, v := range values {
				if strings.ContainsAny(v, "\r\n") {
					t.Errorf("%s %s: header %q", method, path, v)
				}
			}
		}
	})
}
