package runtimeapi

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
)

// delivery is an event on its way, with the place for its answer.
type delivery struct {
	event  *Event
	id     string      // of this attempt
	answer chan Answer // holds one

	ctx     context.Context // of an event with a Stream: ends when nothing may be written to that any more
	writing sync.Mutex      // held while something is
	begun   bool
	lost    bool // nobody wants any more
}

// ErrNotTaken means that the runtime never got the event.
var ErrNotTaken = errors.New("the runtime has not taken the event")

// Invoke hands the event to the runtime and to the extensions that want it, and waits for the runtime's answer, or for
// ctx to end; then the answer tells only whether a stream has begun. Invocations do not overlap.
func (s *Server) Invoke(ctx context.Context, e *Event) (Answer, error) {
	d := &delivery{event: e, id: newID(), answer: make(chan Answer, 1)}
	if e.Stream != nil {
		var stop context.CancelFunc
		d.ctx, stop = context.WithCancel(ctx)
		defer d.finish(stop)
	}
	s.announce(e)
	select {
	case s.events <- d:
	case <-ctx.Done():
		return Answer{}, fmt.Errorf("%w: %w", ErrNotTaken, context.Cause(ctx))
	}
	select {
	case a := <-d.answer:
		return a, nil
	case <-ctx.Done():
		return Answer{Streamed: d.hasBegun()}, context.Cause(ctx)
	}
}

// finish sees to it that nothing more is written to the stream.
func (d *delivery) finish(stop context.CancelFunc) {
	stop()
	d.writing.Lock()
	defer d.writing.Unlock()
}

func (d *delivery) hasBegun() bool {
	if d.event.Stream == nil {
		return false
	}
	d.writing.Lock() // whoever has it lets go of it with ctx
	defer d.writing.Unlock()
	return d.begun
}

// next waits for an event. The first call tells that the runtime has initialised, and closes the registration of extensions.
func (s *Server) next(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	switch s.runtime {
	case running: // it asks again, and gets the same
		d := s.current
		s.mu.Unlock()
		d.write(w)
		return
	case started:
		close(s.started)
	case ready, sent:
	default:
		from := s.runtime
		s.mu.Unlock()
		refuseState(w, from, ready)
		return
	}
	s.runtime = ready
	idle := s.askedLocked()
	s.mu.Unlock()
	if idle {
		s.cfg.Idle()
	}
	select {
	case d := <-s.events:
		s.mu.Lock()
		s.current, s.runtime = d, running
		s.mu.Unlock()
		d.write(w)
	case <-r.Context().Done():
	case <-s.gone:
		refuse(w, http.StatusInternalServerError, "InternalServerError", "Internal Server Error")
	}
}

// Headers of the Runtime API, as net/http spells them.
const (
	headerRequestID     = "Lambda-Runtime-Aws-Request-Id"
	headerInvocationID  = "Lambda-Runtime-Invocation-Id"
	headerDeadline      = "Lambda-Runtime-Deadline-Ms"
	headerFunction      = "Lambda-Runtime-Invoked-Function-Arn"
	headerTrace         = "Lambda-Runtime-Trace-Id"
	headerClientContext = "Lambda-Runtime-Client-Context"
	headerCognito       = "Lambda-Runtime-Cognito-Identity"
	headerTenant        = "Lambda-Runtime-Aws-Tenant-Id"
)

func (d *delivery) write(w http.ResponseWriter) {
	e, h := d.event, w.Header()
	h["Content-Type"] = []string{"application/json"}
	h["Content-Length"] = []string{strconv.Itoa(len(e.Payload))}
	h[headerRequestID] = []string{e.RequestID}
	h[headerInvocationID] = []string{d.id}
	h[headerDeadline] = []string{strconv.FormatInt(e.Deadline.UnixMilli(), 10)}
	h[headerFunction] = []string{e.FunctionARN}
	for _, x := range [...]struct{ name, value string }{
		{headerTrace, e.TraceID}, {headerClientContext, e.ClientContext}, {headerCognito, e.CognitoIdentity}, {headerTenant, e.TenantID},
	} {
		if x.value != "" {
			h[x.name] = []string{oneLine(x.value)}
		}
	}
	w.Write(e.Payload)
}

// oneLine keeps what callers say from becoming headers of its own.
func oneLine(value string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, value)
}
