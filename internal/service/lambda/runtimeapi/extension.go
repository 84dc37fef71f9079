package runtimeapi

import (
	"errors"
	"net/http"
	"slices"
	"strings"

	"redoubt/internal/service/lambda/telemetry"
)

// MaxExtensions is how many there may be, internal ones included.
const MaxExtensions = 10

// The events of extensions.
const (
	invokeEvent   = "INVOKE"
	shutdownEvent = "SHUTDOWN"
)

// An extension is one that has a file in /opt/extensions, or one that a runtime has registered. The server's mutex guards it.
type extension struct {
	name     string
	id       string
	external bool
	state    state
	fault    string // the type of the error that it reports
	events   []string
	notices  chan notice // holds one
}

// A notice is an event for an extension.
type notice struct {
	id   string
	body []byte
}

func newExtension(name string, external bool) *extension {
	return &extension{name: name, id: newID(), external: external, events: []string{}, notices: make(chan notice, 1)}
}

// Headers of the Extensions API.
const (
	headerExtensionName  = "Lambda-Extension-Name"
	headerExtensionID    = "Lambda-Extension-Identifier"
	headerFeatures       = "Lambda-Extension-Accept-Feature"
	headerExtensionError = "Lambda-Extension-Function-Error-Type"
	headerEventID        = "Lambda-Extension-Event-Identifier"
)

// maxRequest bounds the requests of extensions.
const maxRequest = 64 << 10

func (s *Server) serveExtension(w http.ResponseWriter, r *http.Request, path string) {
	switch path {
	case "register":
		only(w, r, http.MethodPost, func() { s.register(w, r) })
	case "event/next":
		only(w, r, http.MethodGet, func() { s.nextNotice(w, r) })
	case "init/error":
		only(w, r, http.MethodPost, func() { s.fail(w, r, initError, "Extension.InitError") })
	case "exit/error":
		only(w, r, http.MethodPost, func() { s.fail(w, r, exitError, "Extension.ExitError") })
	default:
		http.NotFound(w, r)
	}
}

// known finds the extension that calls, or refuses.
func (s *Server) known(w http.ResponseWriter, r *http.Request, unknown string) *extension {
	id := r.Header.Get(headerExtensionID)
	if id == "" {
		(&refusal{"Extension.MissingExtensionIdentifier", "Missing Lambda-Extension-Identifier header"}).write(w)
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, x := range s.extensions {
		if x.id == id && x.state != started {
			return x
		}
	}
	if !isUUID(id) {
		(&refusal{"Extension.InvalidExtensionIdentifier", "Invalid Lambda-Extension-Identifier"}).write(w)
		return nil
	}
	(&refusal{"Extension.UnknownExtensionIdentifier", strings.ReplaceAll(unknown, "ID", id)}).write(w)
	return nil
}

func isUUID(s string) bool {
	if len(s) != 36 {
		return false
	}
	for i, c := range []byte(s) {
		dash := i == 8 || i == 13 || i == 18 || i == 23
		if dash != (c == '-') || !dash && !strings.ContainsRune("0123456789abcdefABCDEF", rune(c)) {
			return false
		}
	}
	return true
}

// fail takes what an extension says before it exits. More than the first word is ignored.
func (s *Server) fail(w http.ResponseWriter, r *http.Request, to state, kind string) {
	x := s.known(w, r, "Unknown Lambda-Extension-Identifier")
	if x == nil {
		return
	}
	given := r.Header.Get(headerExtensionError)
	if given == "" {
		(&refusal{"Extension.MissingHeader", headerExtensionError + " not found"}).write(w)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case x.state == to:
	case x.state == registered, to == exitError && (x.state == ready || x.state == running):
		x.state, x.fault = to, oneLine(given)
		if s.fault == "" {
			s.fault = kind
		}
	default:
		x.notAllowed(to, x.id).write(w)
		return
	}
	accept(w)
}

// Fault is the type of the first error that an extension has reported, or "".
func (s *Server) Fault() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.fault
}

// NotLaunched tells that an external extension could not be started. The kind is for its line in the log.
func (s *Server) NotLaunched(name, kind string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, x := range s.extensions {
		if x.name == name && x.external {
			x.state, x.fault = launchError, kind
		}
	}
}

// Extensions tells how far each has come.
func (s *Server) Extensions() (all []telemetry.Extension) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, x := range s.extensions {
		all = append(all, telemetry.Extension{Name: x.name, State: x.state.String(), Events: x.events, ErrorType: x.fault})
	}
	return all
}

// Internal and External report whether there are such extensions.
func (s *Server) Internal() bool { return s.has(false) }

// External is Internal's counterpart.
func (s *Server) External() bool { return s.has(true) }

func (s *Server) has(external bool) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.ContainsFunc(s.extensions, func(x *extension) bool { return x.external == external })
}

// subscribe takes a subscription to telemetry.
func (s *Server) subscribe(w http.ResponseWriter, r *http.Request, to telemetry.API) {
	x := s.known(w, r, "Unknown extension ID")
	if x == nil {
		return
	}
	body, err := s.readBody(r, maxRequest)
	if err != nil || s.cfg.Subscribe == nil {
		refuse(w, http.StatusInternalServerError, "InternalServerError", "Internal Server Error")
		return
	}
	answer, err := s.cfg.Subscribe(x.name, to, body)
	var problem *telemetry.Problem
	switch {
	case errors.As(err, &problem):
		refuse(w, problem.Status, problem.Type, problem.Message)
	case err != nil:
		refuse(w, http.StatusInternalServerError, "InternalServerError", "Internal Server Error")
	default:
		w.Header()["Content-Type"] = []string{"application/json"}
		w.Write([]byte(answer))
	}
}
