package front

import (
	"net/http"
	"strings"
	"time"

	"redoubt/internal/api"
)

// account begins the account of a request for whoever wants to know of it, and returns what ends it.
func (x *exchange) account() func() {
	by, ok := x.entry.Service.(api.AccessLogger)
	if !ok {
		return func() {}
	}
	r, err := x.addressed()
	if err != nil {
		return func() {}
	}
	bucket, key, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	if !by.LogsAccess(r.Context(), bucket) {
		return func() {}
	}
	w := &countingWriter{ResponseWriter: x.w}
	x.w = w
	return func() {
		a := &api.Access{
			Bucket: bucket, Key: key, Request: x.r, Caller: x.caller, Status: w.status, ErrorCode: w.Header().Get(errorHeader), Sent: w.sent,
			Took: time.Since(x.caller.Request.Time),
		}
		if x.sig != nil {
			a.Signed = "AuthHeader"
			if x.sig.Presigned {
				a.Signed = "QueryString"
			}
		}
		by.Accessed(x.r.Context(), a)
	}
}

// errorHeader names the error of an answer, where the body cannot, as in answers to HEAD.
const errorHeader = "X-Amz-Error-Code"

// A countingWriter remembers what became of an answer.
type countingWriter struct {
	http.ResponseWriter
	status int
	sent   int64
}

func (w *countingWriter) WriteHeader(status int) {
	w.status = status
	w.ResponseWriter.WriteHeader(status)
}

func (w *countingWriter) Write(p []byte) (int, error) {
	if w.status == 0 {
		w.status = http.StatusOK
	}
	n, err := w.ResponseWriter.Write(p)
	w.sent += int64(n)
	return n, err
}

// Unwrap lets http.ResponseController through.
func (w *countingWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }
