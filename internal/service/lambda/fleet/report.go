package fleet

import (
	"context"
	"time"

	"redoubt/internal/service/lambda/runtimeapi"
	"redoubt/internal/service/lambda/telemetry"
)

// An invocation is one event in one environment, as far as its log goes.
type invocation struct {
	fleet *Fleet
	env   *environment // nil if there was nothing that could start
	out   *output
	fn    *Function
	ev    *Event
	init  time.Duration // of the environment, if this is its first event
	began time.Time     // before the event was given to the runtime, if the environment was initialised within the invocation
	trace string        // the X-Ray header
	plan  *Blueprint
	tail  *tail
}

// started logs the beginning.
func (i *invocation) started() {
	i.trace = traced(i.ev.TraceID, time.Now())
	start := telemetry.Start{RequestID: i.ev.RequestID, Version: i.fn.Version}
	if !i.out.plain() {
		start.FunctionARN, start.TenantID, start.Tracing = i.ev.FunctionARN, i.fn.Tenant, telemetry.Traced(i.trace)
	}
	i.out.start(start, i.tail)
}

// serve runs the event in an environment that is ready for it, within the time that is left.
func (i *invocation) serve(left time.Duration) *Outcome {
	i.started()
	return i.finish(i.run(left))
}

// run gives the event to the environment. What an initialisation took before is counted.
func (i *invocation) run(left time.Duration) *result {
	r := i.env.run(i.fn, i.ev, i.trace, left)
	if !i.began.IsZero() {
		r.begin, r.limit = i.began, i.fn.Timeout
		r.took = min(time.Since(i.began), i.fn.Timeout)
	}
	return r
}

// finish writes what Lambda logs of an invocation, gives the environment back, and makes the outcome. Where extensions may
// go on after the function, the outcome is made at once, and the rest is for later.
func (i *invocation) finish(r *result) *Outcome {
	o := &Outcome{Payload: r.payload, Failed: r.failed, Streamed: r.streamed, tail: i.tail}
	if r.streamed {
		o.ErrorType = r.kind
	}
	if r.broke() {
		o.Failed = true
		i.explain(r, o)
	}
	switch {
	case i.env != nil && i.env.extended.Load():
		o.rest = func() { i.settle(r) }
	case r.broke():
		i.give(r)
	case r.failed && i.falls(r):
		i.give(r)
	default:
		i.out.end(i.ev.RequestID, i.last(r), i.env.written())
		i.fleet.answered(i.env)
	}
	return o
}

// failNotice is how long to look whether a runtime ends that has reported an error: that of a panic does.
const failNotice = 100 * time.Millisecond

// falls waits until a runtime that has reported an error asks for the next event or ends, and reports the latter.
func (i *invocation) falls(r *result) bool {
	ctx, cancel := context.WithTimeout(i.env.alive, failNotice)
	defer cancel()
	if i.env.api.Await(ctx, false) == nil || i.env.alive.Err() == nil {
		return false
	}
	gone := i.env.exited()
	r.failure, r.kind, r.took = gone.failure, gone.kind, time.Since(r.begin)
	return true
}

// give ends the environment and logs how the invocation ended.
func (i *invocation) give(r *result) {
	if i.env != nil {
		i.env.endNow(r.reason())
	}
	i.out.end(i.ev.RequestID, i.last(r), over)
	if i.plan.Broken == nil {
		i.fleet.broke(i.fn, reset{i.plan, i.out.journal})
	}
}

// reason is why an environment ends that cannot go on.
func (r *result) reason() string {
	if r.timedOut {
		return becauseTimeout
	}
	return becauseFailure
}

// settle waits until extensions have finished too: only then the invocation is over, and its time is what it took all of them.
func (i *invocation) settle(r *result) {
	e := i.env
	ctx, cancel := context.WithDeadlineCause(e.alive, r.begin.Add(r.limit), errTimedOut)
	defer cancel()
	if !r.broke() {
		i.await(ctx, r, false)
	}
	i.out.platform(i.runtimeDone(r))
	runtime := time.Now()
	if !r.broke() {
		i.await(ctx, r, true)
		r.took = min(time.Since(r.begin), r.limit)
	}
	if r.broke() {
		i.give(r)
		return
	}
	r.spans = []telemetry.Span{telemetry.NewSpan("extensionOverhead", runtime, time.Now())}
	i.out.end(i.ev.RequestID, i.last(r), i.env.written())
	i.fleet.answered(e)
}

// await waits for the runtime, or all, to ask for the next event, and takes note of what comes between.
func (i *invocation) await(ctx context.Context, r *result, all bool) {
	switch err := i.env.api.Await(ctx, all); {
	case err == nil:
	case i.env.alive.Err() != nil:
		gone := i.env.exited()
		r.failure, r.kind = gone.failure, gone.kind
	default:
		r.timedOut = true
	}
}

// explain makes the payload of what ended an environment.
func (i *invocation) explain(r *result, o *Outcome) {
	switch {
	case r.timedOut:
		o.ErrorType = "Sandbox.Timedout"
		o.Payload = runtimeapi.ErrorBody(o.ErrorType, "RequestId: "+i.ev.RequestID+" Error: "+telemetry.TimedOut(i.fn.Timeout))
	case r.failure != nil:
		o.ErrorType = r.failure.Type
		o.Payload = runtimeapi.ErrorBody(r.failure.Type, "RequestId: "+i.ev.RequestID+" Error: "+r.failure.Message)
	default:
		o.ErrorType = r.kind
	}
}

// last is what Lambda tells at the end of an invocation.
func (i *invocation) last(r *result) []entry {
	last := make([]entry, 0, 4)
	if !i.out.plain() && (i.env == nil || !i.env.extended.Load()) {
		last = append(last, note(i.out, i.runtimeDone(r)))
	}
	switch {
	case r.timedOut:
		last = append(last, note(i.out, telemetry.Fault{RequestID: i.ev.RequestID, Timeout: i.fn.Timeout, At: time.Now()}))
	case r.failure != nil:
		last = append(last, note(i.out, telemetry.Fault{RequestID: i.ev.RequestID, ErrorType: r.failure.Type, Message: r.failure.Message}))
	}
	return append(last, note(i.out, telemetry.End{RequestID: i.ev.RequestID}), note(i.out, i.report(r)))
}

// report is the REPORT line. Initialisation is billed too, since August 2025.
func (i *invocation) report(r *result) telemetry.Report {
	var memory int64
	if i.env != nil {
		memory = i.env.maxMemory()
	}
	report := telemetry.Report{
		RequestID: i.ev.RequestID, Spans: r.spans, TenantID: i.fn.Tenant, Metrics: telemetry.ReportMetrics{
			Duration: telemetry.Millis(r.took), Billed: int64((r.took + i.init + time.Millisecond - 1) / time.Millisecond),
			Memory: int64(i.fn.MemoryMB), Used: min(memory, int64(i.fn.MemoryMB)), Init: telemetry.Millis(i.init),
		},
	}
	report.Status, report.ErrorType = r.status()
	if !i.out.plain() {
		report.Tracing = telemetry.Traced(i.trace)
	}
	return report
}

// runtimeDone tells that the runtime is done with the event.
func (i *invocation) runtimeDone(r *result) telemetry.RuntimeDone {
	now := time.Now()
	done := telemetry.RuntimeDone{
		RequestID: i.ev.RequestID, TenantID: i.fn.Tenant, Tracing: telemetry.Traced(i.trace),
		Metrics: &telemetry.RuntimeMetrics{Duration: telemetry.Millis(r.took), Produced: r.said.Size},
	}
	done.Status, done.ErrorType = r.status()
	if a := r.said; !a.First.IsZero() {
		done.Metrics.Duration = telemetry.Millis(now.Sub(r.begin))
		done.Spans = []telemetry.Span{
			telemetry.NewSpan("responseLatency", r.begin, a.First), telemetry.NewSpan("responseDuration", a.First, a.Last),
			telemetry.NewSpan("runtimeOverhead", a.Last, now),
		}
	}
	return done
}
