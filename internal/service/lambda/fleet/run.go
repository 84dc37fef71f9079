package fleet

import (
	"context"
	"errors"
	"time"

	"redoubt/internal/service/lambda/runtimeapi"
	"redoubt/internal/service/lambda/telemetry"
)

// A result is how an invocation, or an initialisation, went.
type result struct {
	payload  []byte
	failed   bool     // the function said so
	failure  *Failure // what happened to it
	kind     string   // type of the error
	reported bool     // payload is what the runtime says of its own failure
	timedOut bool
	untaken  bool // the environment ended before the runtime got the event
	streamed bool // the response was passed on

	begin time.Time
	took  time.Duration
	limit time.Duration     // of what took
	said  runtimeapi.Answer // when it was said, and how much
	spans []telemetry.Span  // for the report
}

// status is how Lambda sums a result up. An error of the function itself is a success to it.
func (r *result) status() (status, kind string) {
	switch {
	case r.timedOut:
		return telemetry.Timeout, ""
	case r.failure != nil, r.reported:
		return telemetry.Failed, r.kind
	}
	return telemetry.Success, ""
}

// broke reports whether the environment can take no more events.
func (r *result) broke() bool { return r.timedOut || r.failure != nil || r.reported }

// exitNotice is how long to wait for the end of a program that broke off, so that it is told from one that only did that.
const exitNotice = 100 * time.Millisecond

// run gives the event to the runtime and waits for the answer.
func (e *environment) run(fn *Function, ev *Event, trace string, limit time.Duration) *result {
	begin := time.Now()
	ctx, cancel := context.WithDeadlineCause(e.alive, begin.Add(limit), errTimedOut)
	defer cancel()
	e.fleet.delivering(e)
	a, err := e.api.Invoke(ctx, &runtimeapi.Event{
		RequestID: ev.RequestID, FunctionARN: ev.FunctionARN, TraceID: trace, TenantID: fn.Tenant, ClientContext: ev.ClientContext,
		Deadline: begin.Add(limit), Payload: ev.Payload, Stream: ev.Stream,
	})
	r := &result{begin: begin, limit: limit, took: time.Since(begin), said: a, streamed: a.Streamed}
	switch {
	case err == nil && a.ErrorType == runtimeapi.Truncated && waitFor(e.alive.Done(), exitNotice):
		gone := e.exited()
		r.failure, r.kind = gone.failure, gone.kind
	case err == nil:
		r.payload, r.failed, r.kind = a.Payload, a.Failed, a.ErrorType
	case errors.Is(err, errTimedOut):
		r.timedOut, r.took = true, limit
	default:
		gone := e.exited()
		r.failure, r.kind, r.untaken = gone.failure, gone.kind, errors.Is(err, runtimeapi.ErrNotTaken)
	}
	return r
}
