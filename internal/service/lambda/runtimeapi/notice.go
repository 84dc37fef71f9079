package runtimeapi

import (
	"encoding/json"
	"net/http"
	"slices"
	"time"
)

// nextNotice waits for an event for an extension.
func (s *Server) nextNotice(w http.ResponseWriter, r *http.Request) {
	x := s.known(w, r, "Unknown extension ID")
	if x == nil {
		return
	}
	s.mu.Lock()
	if x.state != registered && x.state != running {
		refused := x.notAllowed(ready, x.id)
		s.mu.Unlock()
		refused.write(w)
		return
	}
	idle := false
	if len(x.notices) == 0 {
		x.state = ready
		idle = s.askedLocked()
	}
	s.mu.Unlock()
	if idle {
		s.cfg.Idle()
	}
	select {
	case n := <-x.notices:
		if n.id != "" {
			w.Header()[headerEventID] = []string{n.id}
		}
		w.Header()["Content-Type"] = []string{"application/json"}
		w.Write(n.body)
	case <-r.Context().Done():
	case <-s.gone:
		refuse(w, http.StatusInternalServerError, "InternalServerError", "Internal Server Error")
	}
}

// tracing is the X-Ray header in an extension's event.
type tracing struct {
	Type  string `json:"type"`
	Value string `json:"value"`
}

// announce gives the event to the extensions that want it.
func (s *Server) announce(e *Event) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var body []byte
	for _, x := range s.extensions {
		if x.state != ready || !slices.Contains(x.events, invokeEvent) {
			continue
		}
		if body == nil {
			body, _ = json.Marshal(struct {
				EventType string  `json:"eventType"`
				Deadline  int64   `json:"deadlineMs"`
				RequestID string  `json:"requestId"`
				Function  string  `json:"invokedFunctionArn"`
				Tracing   tracing `json:"tracing"`
			}{invokeEvent, e.Deadline.UnixMilli(), e.RequestID, e.FunctionARN, tracing{"X-Amzn-Trace-Id", e.TraceID}})
		}
		x.state = running
		x.notices <- notice{newID(), body}
	}
}

// Shutdown tells those external extensions that want to know that the environment ends, and returns their names.
func (s *Server) Shutdown(reason string, deadline time.Time) (told []string) {
	body, _ := json.Marshal(struct {
		EventType string `json:"eventType"`
		Deadline  int64  `json:"deadlineMs"`
		Reason    string `json:"shutdownReason"`
	}{shutdownEvent, deadline.UnixMilli(), reason})
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, x := range s.extensions {
		if !slices.Contains(x.events, shutdownEvent) {
			continue
		}
		select {
		case <-x.notices: // an event that it has not even taken
		default:
		}
		x.state = running
		x.notices <- notice{body: body}
		told = append(told, x.name)
	}
	return told
}
