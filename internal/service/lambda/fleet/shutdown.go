package fleet

import (
	"context"
	"os"
	"syscall"
	"time"
)

// Reasons why an environment ends, as extensions are told.
const (
	becauseSpindown = "spindown"
	becauseTimeout  = "timeout"
	becauseFailure  = "failure"
)

// How long the end of an environment may take
// (https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html#runtimes-lifecycle-shutdown). Beside external
// extensions, the runtime has the first part of the time.
const (
	internalShutdown = 500 * time.Millisecond
	externalShutdown = 2 * time.Second
	runtimeShare     = 0.3
)

// lastTelemetry bounds how long subscribers are waited for before they learn that the environment ends.
const lastTelemetry = 200 * time.Millisecond

// kill ends the environment, without waiting for it to be gone. Without extensions that is at once.
func (e *environment) kill() {
	if e.extended.Load() {
		go e.shutdown(becauseSpindown)
		return
	}
	e.programs.end()
	e.box.Kill()
}

// endPatience bounds how long to wait for what a killed environment has written.
const endPatience = 2 * time.Second

// endNow ends the environment and waits for the last of its output.
func (e *environment) endNow(reason string) {
	if !e.extended.Load() {
		e.kill()
		waitFor(e.alive.Done(), endPatience)
		return
	}
	e.shutdown(reason)
	waitFor(e.gone, endPatience)
}

// end tells that programs may end from now on. It reports whether that is news.
func (p *programs) end() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	was := p.ending
	p.ending = true
	return !was
}

// shutdown lets the runtime and the extensions finish, one after the other and within the time that AWS gives them, and
// then ends all that is left.
func (e *environment) shutdown(reason string) {
	if !e.programs.end() {
		return
	}
	defer e.box.Kill()
	if e.unfreeze() != nil {
		return
	}
	limit := internalShutdown
	external := len(e.plan.Extensions) > 0
	if external {
		limit = externalShutdown
	}
	begin := time.Now()
	deadline := begin.Add(limit)
	if !external {
		e.stopMain(deadline)
		return
	}
	e.stopRuntime(begin.Add(time.Duration(float64(limit) * runtimeShare)))
	ctx, cancel := context.WithTimeout(context.Background(), lastTelemetry)
	e.hub.Flush(ctx)
	cancel()
	for _, name := range e.api.Shutdown(reason, deadline) {
		e.programs.mu.Lock()
		p := e.programs.others[name]
		e.programs.mu.Unlock()
		if p != nil {
			waitFor(p.done, time.Until(deadline))
		}
	}
}

// stopMain ends the program that the sandbox was started with, and with it the sandbox.
func (e *environment) stopMain(deadline time.Time) {
	if e.held {
		e.stopRuntime(deadline)
		return
	}
	if e.box.Signal(syscall.SIGTERM) == nil {
		waitFor(e.gone, time.Until(deadline))
	}
}

// stopRuntime ends the runtime beside extensions.
func (e *environment) stopRuntime(deadline time.Time) {
	e.programs.mu.Lock()
	p := e.programs.runtime
	e.programs.mu.Unlock()
	if p != nil && !p.stop(syscall.SIGTERM, deadline) {
		// If it is gone, that is what was wanted.
		_ = p.Signal(os.Kill)
	}
}
