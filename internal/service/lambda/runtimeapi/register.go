package runtimeapi

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
)

// A refusal is an answer of the Extensions API, which knows one status.
type refusal struct{ kind, message string }

func (e *refusal) write(w http.ResponseWriter) { refuse(w, http.StatusForbidden, e.kind, e.message) }

func (x *extension) notAllowed(to state, who string) *refusal {
	return &refusal{"Extension.InvalidExtensionState", "State transition from " + x.state.String() + " to " + to.String() + " failed for extension " + who + notAllowed}
}

func (s *Server) register(w http.ResponseWriter, r *http.Request) {
	name := oneLine(r.Header.Get(headerExtensionName))
	if name == "" {
		(&refusal{"Extension.InvalidExtensionName", "Empty extension name"}).write(w)
		return
	}
	events, err := s.wantedEvents(r)
	if err != nil {
		(&refusal{"InvalidRequestFormat", err.Error()}).write(w)
		return
	}
	x, refused := s.enroll(name, events)
	if refused != nil {
		refused.write(w)
		return
	}
	answer := struct {
		FunctionName    string `json:"functionName"`
		FunctionVersion string `json:"functionVersion"`
		Handler         string `json:"handler"`
		AccountID       string `json:"accountId,omitempty"`
	}{FunctionName: s.cfg.Function, FunctionVersion: s.cfg.Version, Handler: s.cfg.Handler}
	for feature := range strings.SplitSeq(r.Header.Get(headerFeatures), ",") {
		if strings.TrimSpace(feature) == "accountId" {
			answer.AccountID = s.cfg.Account
		}
	}
	w.Header()[headerExtensionID] = []string{x.id}
	w.Header()["Content-Type"] = []string{"application/json"}
	_ = json.NewEncoder(w).Encode(answer) // if nobody reads it nobody is there to be told
}

func (s *Server) wantedEvents(r *http.Request) ([]string, error) {
	body, err := s.readBody(r, maxRequest)
	if err != nil {
		return nil, err
	}
	var request struct {
		Events []string `json:"events"`
		Keys   []string `json:"configurationKeys"`
	}
	if err := json.Unmarshal(body, &request); err != nil {
		return nil, err
	}
	if len(request.Keys) > 0 {
		return nil, errors.New("configurationKeys are deprecated; use environment variables instead")
	}
	return request.Events, nil
}

// enroll registers the external extension of that name or, if there is none, a new internal one.
func (s *Server) enroll(name string, events []string) (*extension, *refusal) {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := slices.IndexFunc(s.extensions, func(x *extension) bool { return x.name == name })
	external := i >= 0 && s.extensions[i].external
	for _, e := range events {
		if e == shutdownEvent && !external {
			return nil, &refusal{"Extension.InvalidEventType", e + ": ShutdownEventNotSupportedForInternalExtension"}
		}
		if e != invokeEvent && e != shutdownEvent {
			return nil, &refusal{"Extension.InvalidEventType", e + ": ErrorInvalidEventType"}
		}
	}
	if external {
		return s.enrollExternalLocked(s.extensions[i], events)
	}
	switch {
	case s.runtime != started:
		return nil, &refusal{"Extension.RegistrationClosed", "Extension registration closed already"}
	case len(s.extensions) >= MaxExtensions:
		return nil, &refusal{"Extension.TooManyExtensions", fmt.Sprintf("Extension limit (%d) reached", MaxExtensions)}
	case i >= 0:
		return nil, &refusal{"Extension.InvalidExtensionState", "Extension with this name already registered"}
	}
	x := newExtension(name, false)
	x.enroll(events)
	s.extensions = append(s.extensions, x)
	return x, nil
}

func (s *Server) enrollExternalLocked(x *extension, events []string) (*extension, *refusal) {
	if x.state != started {
		return nil, x.notAllowed(registered, x.name)
	}
	x.enroll(events)
	if s.unregistered--; s.unregistered == 0 {
		close(s.registered)
	}
	return x, nil
}

func (x *extension) enroll(events []string) {
	x.state = registered
	for _, e := range events {
		if !slices.Contains(x.events, e) {
			x.events = append(x.events, e)
		}
	}
}
