// Package runtimeapi is the Lambda Runtime API as one execution environment sees it.
//
// https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html. One event is in the environment at a time.
package runtimeapi

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"
)

// MaxResponse is the most that a function may answer: 6 MiB and 100 bytes.
const MaxResponse = 6<<20 + 100

// An Event is what a function is invoked with.
type Event struct {
	RequestID     string
	FunctionARN   string
	TraceID       string
	TenantID      string
	ClientContext string // JSON
	Deadline      time.Time
	Payload       []byte
}

// An Answer is how an invocation, or the initialisation, ended as far as the runtime says.
type Answer struct {
	Payload   []byte
	Failed    bool
	ErrorType string // as the runtime names it, where Failed
}

// Server serves one environment. Use New to make one.
type Server struct {
	polling    func()
	ready      chan struct{}  // closed when the runtime first asks for an event
	initFailed chan Answer    // at most one
	events     chan *delivery // to the poller
	gone       chan struct{}  // closed by Close
	reading    chan struct{}  // holds one: a hostile program must not make us hold many large bodies

	mu      sync.Mutex
	started bool
	closed  bool
	current *delivery // what the runtime works on, until it has answered
}

// delivery is an event on its way, with the place for its answer.
type delivery struct {
	event  *Event
	answer chan Answer // holds one
}

// New returns a server for an environment that is about to start. polling is called each time that the runtime asks for
// an event.
func New(polling func()) *Server {
	return &Server{
		polling: polling,
		ready:   make(chan struct{}), initFailed: make(chan Answer, 1), events: make(chan *delivery), gone: make(chan struct{}),
		reading: make(chan struct{}, 1),
	}
}

// Ready is closed when the runtime has initialised: it asks for its first event.
func (s *Server) Ready() <-chan struct{} { return s.ready }

// InitFailed yields what a runtime says that could not initialise.
func (s *Server) InitFailed() <-chan Answer { return s.initFailed }

// Close makes pollers end. It may be called more than once.
func (s *Server) Close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.closed {
		s.closed = true
		close(s.gone)
	}
}

// ErrNotTaken means that the runtime never got the event.
var ErrNotTaken = errors.New("the runtime has not taken the event")

// Invoke hands the event to the runtime and waits for its answer, or for ctx to end. Invocations do not overlap.
func (s *Server) Invoke(ctx context.Context, e *Event) (Answer, error) {
	d := &delivery{event: e, answer: make(chan Answer, 1)}
	select {
	case s.events <- d:
	case <-ctx.Done():
		return Answer{}, fmt.Errorf("%w: %w", ErrNotTaken, context.Cause(ctx))
	}
	select {
	case a := <-d.answer:
		return a, nil
	case <-ctx.Done():
		return Answer{}, context.Cause(ctx)
	}
}

const (
	prefix     = "/2018-06-01/"
	invocation = "runtime/invocation/"
)

// ServeHTTP implements http.Handler.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	path, ok := strings.CutPrefix(r.URL.Path, prefix)
	if !ok {
		refuse(w, http.StatusNotFound, "NotFound", "Unknown path "+r.URL.Path)
		return
	}
	switch {
	case path == invocation+"next":
		s.only(http.MethodGet, s.next, w, r)
	case strings.HasPrefix(path, invocation):
		id, what, _ := strings.Cut(path[len(invocation):], "/")
		s.only(http.MethodPost, func(w http.ResponseWriter, r *http.Request) { s.finish(w, r, id, what) }, w, r)
	case path == "runtime/init/error":
		s.only(http.MethodPost, s.initError, w, r)
	case path == "ping":
		s.only(http.MethodGet, func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte("pong")) }, w, r)
	default:
		refuse(w, http.StatusNotFound, "NotFound", "Unknown path "+r.URL.Path)
	}
}

func (s *Server) only(method string, h http.HandlerFunc, w http.ResponseWriter, r *http.Request) {
	if r.Method != method {
		refuse(w, http.StatusMethodNotAllowed, "MethodNotAllowed", r.Method+" is not allowed")
		return
	}
	h(w, r)
}

// next waits for an event. The first call tells that the runtime has initialised.
func (s *Server) next(w http.ResponseWriter, r *http.Request) {
	if !s.mayPoll() {
		refuse(w, http.StatusForbidden, "InvalidStateTransition", "Transition from Running to Ready is not allowed: the invocation has no answer yet")
		return
	}
	s.polling()
	select {
	case d := <-s.events:
		s.mu.Lock()
		s.current = d
		s.mu.Unlock()
		writeEvent(w, d.event)
	case <-r.Context().Done():
	case <-s.gone:
		refuse(w, http.StatusGone, "Gone", "The environment is being shut down")
	}
}

func (s *Server) mayPoll() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.current != nil {
		return false
	}
	if !s.started {
		s.started = true
		close(s.ready)
	}
	return true
}

// settle gives the answer to the invocation that is in the environment.
func (s *Server) settle(id string, a Answer) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.current == nil || s.current.event.RequestID != id {
		return false
	}
	s.current.answer <- a
	s.current = nil
	return true
}

func (s *Server) isCurrent(id string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.current != nil && s.current.event.RequestID == id
}

// errTooLarge is the error of a body beyond MaxResponse.
var errTooLarge = errors.New("response is too large")
