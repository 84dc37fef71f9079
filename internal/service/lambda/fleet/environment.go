package fleet

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"golang.org/x/net/netutil"

	"redoubt/internal/sandbox"
	"redoubt/internal/service/lambda/runtimeapi"
)

// An environment is one sandbox with a runtime in it.
type environment struct {
	fleet *Fleet
	place place
	plan  *Blueprint
	api   *runtimeapi.Server
	box   sandbox.Environment
	out   *output

	alive context.Context // ends, with errExited, when the sandbox does
	end   context.CancelCauseFunc
	gone  chan struct{} // closed when nothing of it is left
	exit  sandbox.Exit  // valid after alive has ended

	// The fleet's mutex guards these.
	pool      *pool
	state     state
	polls     bool // the runtime waits for an event
	idleSince time.Time

	timer    *time.Timer // freezes
	freezing sync.Mutex  // guards frozen; never taken under the fleet's mutex
	frozen   bool

	usage struct {
		read time.Time
		max  int64
	}
}

var (
	errExited   = errors.New("the runtime has exited")
	errTimedOut = errors.New("the time is over")
)

// start starts an environment. It does not wait for the runtime to initialise.
func (f *Fleet) start(ctx context.Context, fn *Function, plan *Blueprint, out *output) (*environment, error) {
	if f.isStopped() {
		return nil, ErrDraining
	}
	e := &environment{fleet: f, place: fn.place(), plan: plan, out: out, state: busy, gone: make(chan struct{})}
	e.api = runtimeapi.New(runtimeapi.Config{Idle: func() { f.polling(e) }})
	e.timer = time.AfterFunc(time.Hour, e.freeze)
	e.alive, e.end = context.WithCancelCause(context.Background())
	spec := plan.Spec
	spec.Stdout, spec.Stderr = out, out
	var err error
	if e.box, err = f.launch(ctx, plan, spec); err != nil {
		e.end(err)
		e.timer.Stop()
		return nil, err
	}
	f.mu.Lock()
	e.pool = f.poolLocked(fn)
	e.pool.busy++
	e.pool.code = append([]string{plan.Spec.Code}, plan.Spec.Layers...)
	f.all[e] = true
	late := f.stopped
	f.mu.Unlock()
	if late {
		e.kill()
	}
	go e.live()
	return e, nil
}

// maxConnections bounds what a function can make the server hold; a runtime and ten extensions need a dozen.
const maxConnections = 64

// live serves the sandbox until it ends.
func (e *environment) live() {
	srv := &http.Server{Handler: e.api, ReadHeaderTimeout: 10 * time.Second, MaxHeaderBytes: 64 << 10}
	go srv.Serve(netutil.LimitListener(e.box.RuntimeAPI(), maxConnections))
	own := e.box.ServerAPI()
	if serve := e.fleet.cfg.Serve; serve != nil && own != nil {
		go serve(own, e.place.arn)
	}
	e.exit = e.box.Wait()
	e.api.Close()
	e.end(errExited)
	e.fleet.lost(e)
	srv.Close()
	if own != nil {
		own.Close()
	}
	e.timer.Stop()
	e.out.close()
	e.fleet.forget(e)
	close(e.gone)
}

// initialise waits until the runtime asks for its first event. It returns nil then, or why it did not.
func (e *environment) initialise(limit time.Duration) *result {
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case <-e.api.Ready():
		return nil
	case a := <-e.api.InitFailed():
		return &result{payload: a.Payload, kind: a.ErrorType, reported: true}
	case <-e.alive.Done():
		select {
		case a := <-e.api.InitFailed(): // it said why, and exited
			return &result{payload: a.Payload, kind: a.ErrorType, reported: true}
		default:
			return e.exited()
		}
	case <-timer.C:
		return &result{timedOut: true}
	}
}

// A result is how an invocation, or an initialisation, went.
type result struct {
	payload  []byte
	failed   bool     // the function said so
	failure  *Failure // what happened to it
	kind     string   // type of the error, for the report
	reported bool     // payload is what the runtime says of its own failure
	timedOut bool
	untaken  bool // the environment ended before the runtime got the event
	took     time.Duration
}

// run gives the event to the runtime and waits for the answer.
func (e *environment) run(fn *Function, ev *Event, limit time.Duration) *result {
	begin := time.Now()
	ctx, cancel := context.WithDeadlineCause(e.alive, begin.Add(limit), errTimedOut)
	defer cancel()
	e.fleet.delivering(e)
	a, err := e.api.Invoke(ctx, &runtimeapi.Event{
		RequestID: ev.RequestID, FunctionARN: ev.FunctionARN, TraceID: traced(ev.TraceID, begin), TenantID: fn.Tenant, ClientContext: ev.ClientContext,
		Deadline: begin.Add(limit), Payload: ev.Payload,
	})
	took := time.Since(begin)
	switch {
	case err == nil:
		return &result{payload: a.Payload, failed: a.Failed, took: took}
	case errors.Is(err, errTimedOut):
		return &result{timedOut: true, took: limit}
	default:
		r := e.exited()
		r.took, r.untaken = took, errors.Is(err, runtimeapi.ErrNotTaken)
		return r
	}
}

// exited tells why the runtime has exited, in the words of Lambda.
func (e *environment) exited() *result {
	<-e.alive.Done()
	f := &Failure{Type: "Runtime.ExitError"}
	switch x := e.exit; {
	case x.OOM:
		f.Type, f.Message = "Runtime.OutOfMemory", "Runtime exited with error: signal: killed"
	case x.Signal != nil:
		f.Message = "Runtime exited with error: signal: " + x.Signal.String()
	case x.Code != 0:
		f.Message = fmt.Sprintf("Runtime exited with error: exit status %d", x.Code)
	default:
		f.Message = "Runtime exited without providing a reason"
	}
	return &result{failure: f, kind: f.Type}
}

// kill ends the environment at once, without waiting for it to be gone.
func (e *environment) kill() { e.box.Kill() }

// endPatience bounds how long to wait for what a killed environment has written.
const endPatience = 2 * time.Second

// endNow ends the environment and waits for the last of its output.
func (e *environment) endNow() {
	e.kill()
	waitFor(e.alive.Done(), endPatience)
}

func (e *environment) check(ctx context.Context) error {
	if e.plan.Check == nil {
		return nil
	}
	return e.plan.Check(ctx)
}

// freezeAfter keeps an environment running for a moment, since events come in series and freezing costs more than they do.
const freezeAfter = 50 * time.Millisecond

// freezeSoon takes no lock: it is called under the fleet's.
func (e *environment) freezeSoon() { e.timer.Reset(freezeAfter) }

func (e *environment) freeze() {
	e.freezing.Lock()
	defer e.freezing.Unlock()
	e.fleet.mu.Lock()
	still := e.state == idle && !e.fleet.draining && time.Since(e.idleSince) >= freezeAfter
	e.fleet.mu.Unlock()
	if !still {
		return
	}
	err := e.box.Freeze()
	if err != nil && e.alive.Err() != nil { // it has ended meanwhile
		return
	}
	if err != nil {
		e.fleet.cfg.Log.Warn("freezing an environment failed", "function", e.place.arn, "error", err)
		return
	}
	e.frozen = true
}

// thaw makes a taken environment go on. It reports whether it can be used.
func (e *environment) thaw() bool {
	e.timer.Stop()
	e.freezing.Lock()
	defer e.freezing.Unlock()
	if e.frozen {
		if err := e.box.Thaw(); err != nil {
			e.kill()
			return false
		}
		e.frozen = false
	}
	return e.alive.Err() == nil
}

// maxMemory is the most memory used, in MB. It is read at most ten times a second.
func (e *environment) maxMemory() int64 {
	if now := time.Now(); now.Sub(e.usage.read) > 100*time.Millisecond {
		e.usage.read, e.usage.max = now, e.box.Usage().MaxMemory
	}
	return (e.usage.max + 1<<20 - 1) >> 20
}
