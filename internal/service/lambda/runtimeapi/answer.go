package runtimeapi

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strconv"
)

// Headers of the Runtime API, as net/http spells them.
const (
	headerRequestID     = "Lambda-Runtime-Aws-Request-Id"
	headerDeadline      = "Lambda-Runtime-Deadline-Ms"
	headerFunction      = "Lambda-Runtime-Invoked-Function-Arn"
	headerTrace         = "Lambda-Runtime-Trace-Id"
	headerTenant        = "Lambda-Runtime-Aws-Tenant-Id"
	headerClientContext = "Lambda-Runtime-Client-Context"
	headerErrorType     = "Lambda-Runtime-Function-Error-Type"
	headerErrorBody     = "Lambda-Runtime-Function-Error-Body"
)

func writeEvent(w http.ResponseWriter, e *Event) {
	h := w.Header()
	h["Content-Type"] = []string{"application/json"}
	h["Content-Length"] = []string{strconv.Itoa(len(e.Payload))}
	h[headerRequestID] = []string{e.RequestID}
	h[headerDeadline] = []string{strconv.FormatInt(e.Deadline.UnixMilli(), 10)}
	h[headerFunction] = []string{e.FunctionARN}
	if e.TraceID != "" {
		h[headerTrace] = []string{e.TraceID}
	}
	if e.TenantID != "" {
		h[headerTenant] = []string{e.TenantID}
	}
	if e.ClientContext != "" {
		h[headerClientContext] = []string{e.ClientContext}
	}
	w.Write(e.Payload)
}

// finish takes the response to an invocation, or its error.
func (s *Server) finish(w http.ResponseWriter, r *http.Request, id, what string) {
	if what != "response" && what != "error" {
		refuse(w, http.StatusNotFound, "NotFound", "Unknown path "+r.URL.Path)
		return
	}
	if !s.isCurrent(id) {
		refuse(w, http.StatusBadRequest, "InvalidRequestID", "Invalid request ID")
		return
	}
	body, err := s.readBody(r)
	if errors.Is(err, errTooLarge) {
		s.settle(id, oversized())
		refuse(w, http.StatusRequestEntityTooLarge, "RequestEntityTooLarge", tooLargeText)
		return
	}
	if err != nil {
		refuse(w, http.StatusBadRequest, "InvalidRequest", "The body could not be read")
		return
	}
	a := Answer{Payload: body}
	if what == "error" {
		a.Failed, a.ErrorType = true, errorType(r.Header.Get(headerErrorType), "Function.Unknown")
	} else if kind := r.Trailer.Get(headerErrorType); kind != "" { // a streamed response that failed midway
		a.Failed, a.ErrorType = true, errorType(kind, "Function.Unknown")
		if text, err := base64.StdEncoding.DecodeString(r.Trailer.Get(headerErrorBody)); err == nil && len(text) > 0 {
			a.Payload = text
		}
	}
	if !s.settle(id, a) { // another response was faster
		refuse(w, http.StatusForbidden, "InvalidStateTransition", "Transition to InvocationResponse is not allowed")
		return
	}
	accept(w)
}

// initError takes the report of a runtime that could not initialise. It is taken once, and only before the first event.
func (s *Server) initError(w http.ResponseWriter, r *http.Request) {
	body, err := s.readBody(r)
	if err != nil {
		refuse(w, http.StatusRequestEntityTooLarge, "RequestEntityTooLarge", tooLargeText)
		return
	}
	s.mu.Lock()
	late := s.started
	s.started = true
	s.mu.Unlock()
	if late {
		refuse(w, http.StatusForbidden, "InvalidStateTransition", "Transition to InitError is not allowed")
		return
	}
	s.initFailed <- Answer{Payload: body, Failed: true, ErrorType: errorType(r.Header.Get(headerErrorType), "Runtime.Unknown")}
	accept(w)
}

var (
	tooLargeText = fmt.Sprintf("Exceeded maximum allowed payload size (%d bytes).", MaxResponse)
	knownType    = regexp.MustCompile(`^(Runtime|Function)\.[A-Z][a-zA-Z]+$`)
)

// errorType keeps the type that a runtime gives if it has AWS's form.
func errorType(given, otherwise string) string {
	if knownType.MatchString(given) {
		return given
	}
	return otherwise
}

func oversized() Answer {
	text := fmt.Sprintf("Response payload size exceeded maximum allowed payload size (%d bytes).", MaxResponse)
	return Answer{Payload: ErrorBody("Function.ResponseSizeTooLarge", text), Failed: true, ErrorType: "Function.ResponseSizeTooLarge"}
}

// ErrorBody is an error in the form in which Lambda itself reports one of a function.
func ErrorBody(kind, message string) []byte {
	b, _ := json.Marshal(struct {
		ErrorType    string `json:"errorType"`
		ErrorMessage string `json:"errorMessage"`
	}{kind, message})
	return b
}

func (s *Server) readBody(r *http.Request) ([]byte, error) {
	select {
	case s.reading <- struct{}{}:
		defer func() { <-s.reading }()
	case <-r.Context().Done():
		return nil, r.Context().Err()
	}
	if r.ContentLength > MaxResponse {
		return nil, errTooLarge
	}
	if n := r.ContentLength; n >= 0 {
		b := make([]byte, n)
		_, err := io.ReadFull(r.Body, b)
		return b, err
	}
	b, err := io.ReadAll(io.LimitReader(r.Body, MaxResponse+1))
	if err == nil && len(b) > MaxResponse {
		return nil, errTooLarge
	}
	return b, err
}

func accept(w http.ResponseWriter) {
	h := w.Header()
	h["Content-Type"] = []string{"application/json"}
	w.WriteHeader(http.StatusAccepted)
	io.WriteString(w, `{"status":"OK"}`+"\n")
}

func refuse(w http.ResponseWriter, status int, kind, message string) {
	h := w.Header()
	h["Content-Type"] = []string{"application/json"}
	w.WriteHeader(status)
	w.Write(ErrorBody(kind, message))
}
