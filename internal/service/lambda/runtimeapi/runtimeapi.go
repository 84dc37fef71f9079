// Package runtimeapi is what the programs in one execution environment talk to: the Runtime API, the Extensions API, and
// the ways to subscribe to telemetry.
//
// https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html,
// https://docs.aws.amazon.com/lambda/latest/dg/runtimes-extensions-api.html. States and errors are those of AWS's own
// emulator, aws-lambda-runtime-interface-emulator. One event is in the environment at a time.
package runtimeapi

import (
	"context"
	"net/http"
	"strings"
	"sync"
	"time"

	"redoubt/internal/service/lambda/telemetry"
)

// Config says whom a server serves.
type Config struct {
	// Idle is called each time that the runtime and all extensions wait for an event.
	Idle func()
	// Subscribe takes an extension's subscription; the error may be a *telemetry.Problem. Without it there is none.
	Subscribe func(extension string, api telemetry.API, body []byte) (answer string, err error)

	Extensions                          []string // external ones, by their file names
	Function, Version, Handler, Account string   // what extensions are told
}

// An Event is what a function is invoked with.
type Event struct {
	RequestID       string
	FunctionARN     string
	TraceID         string
	ClientContext   string // JSON
	CognitoIdentity string // JSON
	TenantID        string
	Deadline        time.Time
	Payload         []byte
	Stream          Stream // takes the response as it comes; nil: it is gathered
}

// An Answer is how an invocation, or the initialisation, ended as far as the runtime says.
type Answer struct {
	Payload   []byte // what was not streamed; of a stream that failed, the error
	Failed    bool
	ErrorType string // as the runtime names it, where Failed
	Streamed  bool   // the response went to the event's Stream

	Size        int64     // of the response
	First, Last time.Time // when it began to come, and when it was complete
}

// Server serves one environment. Use New to make one.
type Server struct {
	cfg        Config
	registered chan struct{}  // closed when all external extensions have registered
	started    chan struct{}  // closed when the runtime first asks for an event
	ready      chan struct{}  // closed when all extensions do so too
	initFailed chan Answer    // at most one
	events     chan *delivery // to the poller
	gone       chan struct{}  // closed by Close
	reading    chan struct{}  // holds one: a hostile program must not make us hold many large bodies

	mu           sync.Mutex
	closed       bool
	runtime      state
	current      *delivery // what the runtime has, or had last
	extensions   []*extension
	unregistered int
	fault        string        // what an extension says that it fails with
	changed      chan struct{} // closed when somebody asks for an event, if anybody wants to know
}

// New returns a server for an environment that is about to start.
func New(cfg Config) *Server {
	s := &Server{
		cfg: cfg, runtime: started, unregistered: len(cfg.Extensions),
		registered: make(chan struct{}), started: make(chan struct{}), ready: make(chan struct{}), initFailed: make(chan Answer, 1),
		events: make(chan *delivery), gone: make(chan struct{}), reading: make(chan struct{}, 1),
	}
	for _, name := range cfg.Extensions {
		s.extensions = append(s.extensions, newExtension(name, true))
	}
	if s.unregistered == 0 {
		close(s.registered)
	}
	return s
}

// Registered is closed when all external extensions have registered.
func (s *Server) Registered() <-chan struct{} { return s.registered }

// Started is closed when the runtime has initialised: it asks for its first event.
func (s *Server) Started() <-chan struct{} { return s.started }

// Ready is closed when the extensions have initialised as well.
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

// The versions of the APIs.
const (
	runtimePrefix   = "/2018-06-01/"
	extensionPrefix = "/2020-01-01/extension/"
	telemetryPath   = "/2022-07-01/telemetry"
	logsPath        = "/2020-08-15/logs"
	invocation      = "runtime/invocation/"
)

// ServeHTTP implements http.Handler.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if path, ok := strings.CutPrefix(r.URL.Path, runtimePrefix); ok {
		s.serveRuntime(w, r, path)
		return
	}
	if path, ok := strings.CutPrefix(r.URL.Path, extensionPrefix); ok {
		s.serveExtension(w, r, path)
		return
	}
	switch r.URL.Path {
	case telemetryPath:
		only(w, r, http.MethodPut, func() { s.subscribe(w, r, telemetry.Telemetry) })
	case logsPath:
		only(w, r, http.MethodPut, func() { s.subscribe(w, r, telemetry.Logs) })
	default:
		http.NotFound(w, r)
	}
}

// serveRuntime serves the Runtime API. Without snapshots there is nothing to restore: those paths do not exist, as on AWS
// for functions without SnapStart.
func (s *Server) serveRuntime(w http.ResponseWriter, r *http.Request, path string) {
	if path == invocation+"next" {
		only(w, r, http.MethodGet, func() { s.next(w, r) })
		return
	}
	if rest, ok := strings.CutPrefix(path, invocation); ok {
		id, what, _ := strings.Cut(rest, "/")
		switch what {
		case "response":
			only(w, r, http.MethodPost, func() { s.response(w, r, id) })
			return
		case "error":
			only(w, r, http.MethodPost, func() { s.failure(w, r, id) })
			return
		}
	}
	switch path {
	case "runtime/init/error":
		only(w, r, http.MethodPost, func() { s.initError(w, r) })
	case "ping":
		only(w, r, http.MethodGet, func() { w.Write([]byte("pong")) })
	default:
		http.NotFound(w, r)
	}
}

func only(w http.ResponseWriter, r *http.Request, method string, serve func()) {
	if r.Method != method {
		w.WriteHeader(http.StatusMethodNotAllowed)
		return
	}
	serve()
}

// Await returns when the runtime, and with all also every extension, waits for an event, or when ctx ends.
func (s *Server) Await(ctx context.Context, all bool) error {
	for {
		s.mu.Lock()
		if s.runtime == ready && (!all || s.allReadyLocked()) {
			s.mu.Unlock()
			return nil
		}
		if s.changed == nil {
			s.changed = make(chan struct{})
		}
		changed := s.changed
		s.mu.Unlock()
		select {
		case <-changed:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// askedLocked is called when somebody asks for an event. It reports whether now all do.
func (s *Server) askedLocked() (idle bool) {
	if s.changed != nil {
		close(s.changed)
		s.changed = nil
	}
	if !s.allReadyLocked() {
		return false
	}
	select {
	case <-s.ready:
	default:
		close(s.ready)
	}
	return true
}

func (s *Server) allReadyLocked() bool {
	for _, x := range s.extensions {
		if x.state != ready {
			return false
		}
	}
	return s.runtime == ready
}
