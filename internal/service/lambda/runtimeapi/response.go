package runtimeapi

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strings"
	"time"
)

// MaxResponse is the most that a function may answer in one piece: 6 MiB and 100 bytes.
const MaxResponse = 6<<20 + 100

const (
	headerErrorType = "Lambda-Runtime-Function-Error-Type"
	headerErrorBody = "Lambda-Runtime-Function-Error-Body"
	headerMode      = "Lambda-Runtime-Function-Response-Mode"
	modeStreaming   = "streaming"
)

// begin finds the delivery that the runtime is about to answer, or refuses.
func (s *Server) begin(w http.ResponseWriter, r *http.Request, id string, to state) *delivery {
	s.mu.Lock()
	d, from := s.current, s.runtime
	known := d != nil && d.event.RequestID == id
	given := r.Header.Get(headerInvocationID)
	current := known && (given == "" || given == d.id)
	if current && from == running {
		s.runtime = to
		s.mu.Unlock()
		return d
	}
	s.mu.Unlock()
	switch {
	case !known:
		refuse(w, http.StatusBadRequest, "InvalidRequestID", "Invalid request ID")
	case !current:
		refuse(w, http.StatusBadRequest, "InvalidInvocationId", "Invalid invocation ID")
	default:
		refuseState(w, from, to)
	}
	return nil
}

// settle gives the answer to whoever waits for it.
func (s *Server) settle(d *delivery, a Answer) {
	s.mu.Lock()
	s.runtime = sent
	s.mu.Unlock()
	a.Last = time.Now()
	d.answer <- a
}

// response takes the response to an invocation.
func (s *Server) response(w http.ResponseWriter, r *http.Request, id string) {
	d := s.begin(w, r, id, responding)
	if d == nil {
		return
	}
	mode := r.Header.Get(headerMode)
	if mode != "" && mode != modeStreaming {
		s.settle(d, Answer{Payload: []byte{}, Failed: true, ErrorType: "Runtime.InvalidResponseModeHeader"})
		refuse(w, http.StatusBadRequest, "InvalidFunctionResponseMode", "Invalid function response mode")
		return
	}
	a, err := Answer{First: time.Now()}, error(nil)
	if mode == modeStreaming && d.event.Stream != nil {
		err = d.stream(r, &a)
	} else {
		err = s.gather(r, &a)
	}
	switch {
	case errors.Is(err, errTooLarge):
		a.fail("Function.ResponseSizeTooLarge", fmt.Sprintf("Response payload size exceeded maximum allowed payload size (%d bytes).", limit(a.Streamed)))
		s.settle(d, a)
		refuse(w, http.StatusRequestEntityTooLarge, "RequestEntityTooLarge", fmt.Sprintf("Exceeded maximum allowed payload size (%d bytes).", limit(a.Streamed)))
		return
	case err != nil:
		a.fail(Truncated, "The response ended before it was complete")
		s.settle(d, a)
		refuse(w, http.StatusBadRequest, "TruncatedHTTPRequest", "HTTP request detected as truncated")
		return
	}
	if mode == modeStreaming {
		a.trailers(r.Trailer)
	}
	if d.event.Stream != nil && !a.Streamed && !a.Failed {
		d.pass(r, &a)
	}
	s.settle(d, a)
	accept(w)
}

// Truncated is the type of a response that breaks off.
const Truncated = "Runtime.TruncatedResponse"

func (a *Answer) fail(kind, message string) {
	a.Failed, a.ErrorType, a.Payload = true, kind, ErrorBody(kind, message)
}

func limit(streamed bool) int {
	if streamed {
		return MaxStream
	}
	return MaxResponse
}

func (s *Server) gather(r *http.Request, a *Answer) (err error) {
	a.Payload, err = s.readBody(r, MaxResponse)
	a.Size = int64(len(a.Payload))
	return err
}

// failure takes the error of an invocation.
func (s *Server) failure(w http.ResponseWriter, r *http.Request, id string) {
	d := s.begin(w, r, id, failing)
	if d == nil {
		return
	}
	a := Answer{First: time.Now(), Failed: true, ErrorType: errorType(r.Header.Get(headerErrorType))}
	err := s.gather(r, &a)
	if errors.Is(err, errTooLarge) {
		a.fail("Function.ResponseSizeTooLarge", fmt.Sprintf("Response payload size exceeded maximum allowed payload size (%d bytes).", MaxResponse))
		s.settle(d, a)
		refuse(w, http.StatusRequestEntityTooLarge, "RequestEntityTooLarge", fmt.Sprintf("Exceeded maximum allowed payload size (%d bytes).", MaxResponse))
		return
	}
	if r.Header.Get("Content-Type") == causeType {
		a.Payload = withoutCause(a.Payload)
	}
	s.settle(d, a)
	accept(w)
}

// causeType is that of an error with the cause that X-Ray wants, which the caller does not get.
const causeType = "application/vnd.aws.lambda.error.cause+json"

func withoutCause(body []byte) []byte {
	var e struct {
		Message string   `json:"errorMessage"`
		Type    string   `json:"errorType"`
		Trace   []string `json:"stackTrace"`
	}
	if json.Unmarshal(body, &e) != nil {
		return []byte(`"Invalid error body"`)
	}
	b, _ := json.Marshal(e)
	return b
}

// initError takes the report of a runtime that could not initialise. It is taken once, and only before the first event.
func (s *Server) initError(w http.ResponseWriter, r *http.Request) {
	body, err := s.readBody(r, MaxResponse)
	if err != nil {
		refuse(w, http.StatusRequestEntityTooLarge, "RequestEntityTooLarge", fmt.Sprintf("Exceeded maximum allowed payload size (%d bytes).", MaxResponse))
		return
	}
	s.mu.Lock()
	from := s.runtime
	if from == started {
		s.runtime = initError
	}
	s.mu.Unlock()
	if from != started {
		refuseState(w, from, initError)
		return
	}
	s.initFailed <- Answer{Payload: body, Failed: true, ErrorType: errorType(r.Header.Get(headerErrorType))}
	accept(w)
}

var knownType = regexp.MustCompile(`^(Runtime|Function)\.[A-Z][a-zA-Z]+$`)

// errorType keeps the type that a runtime gives if it has AWS's form.
func errorType(given string) string {
	if knownType.MatchString(given) {
		return given
	}
	if strings.HasPrefix(given, "Function.") {
		return "Function.Unknown"
	}
	return "Runtime.Unknown"
}

// ErrorBody is an error in the form in which Lambda itself reports one of a function.
func ErrorBody(kind, message string) []byte {
	b, _ := json.Marshal(struct {
		ErrorType    string `json:"errorType"`
		ErrorMessage string `json:"errorMessage"`
	}{kind, message})
	return b
}

// errTooLarge is the error of a body beyond its limit.
var errTooLarge = errors.New("body is too large")

func (s *Server) readBody(r *http.Request, most int64) ([]byte, error) {
	select {
	case s.reading <- struct{}{}:
		defer func() { <-s.reading }()
	case <-r.Context().Done():
		return nil, r.Context().Err()
	}
	if r.ContentLength > most {
		return nil, errTooLarge
	}
	if n := r.ContentLength; n >= 0 {
		b := make([]byte, n)
		_, err := io.ReadFull(r.Body, b)
		return b, err
	}
	b, err := io.ReadAll(io.LimitReader(r.Body, most+1))
	if err == nil && int64(len(b)) > most {
		return nil, errTooLarge
	}
	return b, err
}

func accept(w http.ResponseWriter) {
	w.Header()["Content-Type"] = []string{"application/json"}
	w.WriteHeader(http.StatusAccepted)
	io.WriteString(w, `{"status":"OK"}`+"\n")
}

func refuse(w http.ResponseWriter, status int, kind, message string) {
	w.Header()["Content-Type"] = []string{"application/json"}
	w.WriteHeader(status)
	// Nothing is wrong with the body, and if nobody reads it nobody is there to be told.
	_ = json.NewEncoder(w).Encode(struct {
		Message string `json:"errorMessage"`
		Type    string `json:"errorType"`
	}{message, kind})
}
