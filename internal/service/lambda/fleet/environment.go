package fleet

import (
	"context"
	"errors"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/net/netutil"

	"redoubt/internal/sandbox"
	"redoubt/internal/service/lambda/runtimeapi"
	"redoubt/internal/service/lambda/telemetry"
)

// An environment is one sandbox with a runtime in it, and perhaps extensions beside that.
type environment struct {
	fleet *Fleet
	place place
	plan  *Blueprint
	api   *runtimeapi.Server
	hub   *telemetry.Hub
	box   sandbox.Environment
	out   *output

	initType string
	held     bool        // was prepared: its runtime is started when it initialises
	extended atomic.Bool // has extensions; known when it has initialised

	alive context.Context // ends, with errExited, when the sandbox does, or a program that it cannot do without
	end   context.CancelCauseFunc
	gone  chan struct{} // closed when nothing of it is left
	exit  sandbox.Exit  // of the sandbox, valid after gone is closed or alive has ended without a fallen program

	programs programs

	// The fleet's mutex guards these.
	pool      *pool
	state     state
	polls     bool // the runtime, and all extensions, wait for an event
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
	e := f.newEnvironment(fn, plan, out)
	out.platform(fn.initStart(plan, e.initType, out.phase))
	spec := plan.Spec
	spec.Stdout, spec.Stderr = out, out
	if len(plan.Extensions) > 0 {
		spec.ExtensionOutput = extensionOutput{out}
		spec.Argv = nil // the runtime comes after them
	}
	var err error
	if e.box, err = f.open(ctx, e, fn, spec); err != nil {
		e.end(err)
		e.hub.Close()
		e.timer.Stop()
		return nil, err
	}
	f.mu.Lock()
	e.pool = f.poolLocked(fn)
	e.pool.busy++
	e.pool.code = parts(plan.Spec)
	f.all[e] = true
	late := f.stopped
	f.mu.Unlock()
	if late {
		e.kill()
	}
	go e.live()
	f.stockSoon(fn, plan)
	return e, nil
}

func (f *Fleet) newEnvironment(fn *Function, plan *Blueprint, out *output) *environment {
	e := &environment{
		fleet: f, place: fn.place(), plan: plan, out: out, initType: fn.initType(),
		state: busy, gone: make(chan struct{}),
	}
	e.extended.Store(len(plan.Extensions) > 0)
	dial := func(network, address string) (net.Conn, error) { return e.box.Dial(network, address) }
	e.hub = telemetry.NewHub(dial, plan.Format.JSON, out.platform)
	out.hub = e.hub
	account, name := fn.account()
	e.api = runtimeapi.New(runtimeapi.Config{
		Idle: func() { f.polling(e) }, Subscribe: e.hub.Subscribe, Extensions: plan.Extensions,
		Function: name, Version: fn.Version, Handler: variable(plan.Spec.Env, "_HANDLER"), Account: account,
	})
	e.timer = time.AfterFunc(time.Hour, e.freeze)
	e.alive, e.end = context.WithCancelCause(context.Background())
	return e
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
	e.hub.Close()
	e.fleet.forget(e)
	close(e.gone)
}

// written gathers what a runtime has written that does not mark where an invocation ends, as far as the sandbox can.
func (e *environment) written() completeness {
	if !e.plan.Marks && e.box.Flush() {
		return complete
	}
	return maybeMore
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
	if e.unfreeze() == nil && e.alive.Err() == nil {
		return true
	}
	e.kill()
	return false
}

func (e *environment) unfreeze() error {
	e.timer.Stop()
	e.freezing.Lock()
	defer e.freezing.Unlock()
	if !e.frozen {
		return nil
	}
	err := e.box.Thaw()
	if err == nil {
		e.frozen = false
	}
	return err
}

// maxMemory is the most memory used, in MB. It is read at most ten times a second.
func (e *environment) maxMemory() int64 {
	if now := time.Now(); now.Sub(e.usage.read) > 100*time.Millisecond {
		e.usage.read, e.usage.max = now, e.box.Usage().MaxMemory
	}
	return (e.usage.max + 1<<20 - 1) >> 20
}

// limitCPU gives the environment the processors that it has after its initialisation.
func (e *environment) limitCPU() {
	err := e.box.SetCPU(e.plan.CPU)
	if err != nil && e.alive.Err() == nil {
		e.fleet.cfg.Log.Warn("limiting the processors of an environment failed", "function", e.place.arn, "error", err)
	}
}
