package fleet

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"redoubt/internal/sandbox"
	"redoubt/internal/service/lambda/runtimeapi"
)

// programs are what was run in a sandbox beside, or instead of, the program that it was started with.
type programs struct {
	mu      sync.Mutex
	ending  bool // from now on they may end
	fallen  *Failure
	runtime *program
	others  map[string]*program // extensions, by name
}

// A program is one that runs, or has run.
type program struct {
	sandbox.Process
	done chan struct{} // closed when it has ended
}

// hidden are the variables that belong to the runtime alone
// (https://docs.aws.amazon.com/lambda/latest/dg/runtimes-extensions-api.html, "Environment variables").
var hidden = []string{
	"AWS_EXECUTION_ENV", "AWS_LAMBDA_LOG_GROUP_NAME", "AWS_LAMBDA_LOG_STREAM_NAME", "AWS_XRAY_CONTEXT_MISSING", "AWS_XRAY_DAEMON_ADDRESS",
	"LAMBDA_RUNTIME_DIR", "LAMBDA_TASK_ROOT", "_AWS_XRAY_DAEMON_ADDRESS", "_AWS_XRAY_DAEMON_PORT", "_HANDLER",
}

// variable is the value of a variable.
func variable(env []string, name string) string {
	for _, v := range env {
		if value, ok := strings.CutPrefix(v, name+"="); ok {
			return value
		}
	}
	return ""
}

// runExtensions starts the external extensions.
func (e *environment) runExtensions() *Failure {
	env := slices.DeleteFunc(slices.Clone(e.plan.Spec.Env), func(v string) bool {
		name, _, _ := strings.Cut(v, "=")
		return slices.Contains(hidden, name)
	})
	for i, name := range e.plan.Extensions {
		if i == runtimeapi.MaxExtensions {
			e.api.NotLaunched(name, "TooManyExtensions")
			return &Failure{Type: "Extension.LaunchError", Message: "ErrTooManyExtensions"}
		}
		path := "/opt/extensions/" + name
		p, err := e.box.Run(sandbox.Program{Argv: []string{path}, Env: env, Extension: true})
		if err != nil {
			kind := "UnknownError"
			if errors.Is(err, fs.ErrPermission) {
				kind = "PermissionDenied"
			}
			e.api.NotLaunched(name, kind)
			return &Failure{Type: "Extension.LaunchError", Message: refusal(path, err)}
		}
		e.programs.watch(e, name, p)
	}
	return nil
}

// refusal says in Lambda's words why a program does not run.
func refusal(path string, err error) string {
	var refused *sandbox.ExecError
	if errors.As(err, &refused) {
		return "fork/exec " + path + ": " + refused.Err.Error()
	}
	return "fork/exec " + path + ": the environment has ended"
}

// runRuntime starts the runtime after the extensions.
func (e *environment) runRuntime() *Failure {
	s := &e.plan.Spec
	p, err := e.box.Run(sandbox.Program{Argv: s.Argv, Env: s.Env, Dir: s.Dir})
	if err != nil {
		return &Failure{Type: "Runtime.InvalidEntrypoint", Message: refusal(s.Argv[0], err)}
	}
	e.programs.watch(e, "", p)
	return nil
}

// watch takes a program under care; the runtime has no name.
func (p *programs) watch(e *environment, name string, process sandbox.Process) {
	one := &program{process, make(chan struct{})}
	p.mu.Lock()
	if name == "" {
		p.runtime = one
	} else {
		if p.others == nil {
			p.others = map[string]*program{}
		}
		p.others[name] = one
	}
	p.mu.Unlock()
	go func() {
		exit := one.Wait()
		close(one.done)
		e.fall(name, exit)
	}()
}

// fall is called when a program has ended. None may, before the environment does: all of it is given up then.
func (e *environment) fall(name string, exit sandbox.Exit) {
	failure := exitFailure(exit)
	if name != "" {
		failure = e.crash(exit)
	}
	p := &e.programs
	p.mu.Lock()
	if p.ending || p.fallen != nil {
		p.mu.Unlock()
		return
	}
	p.fallen = failure
	p.mu.Unlock()
	e.end(errExited)
	if was := e.fleet.lost(e); was != busy { // else who waits for its answer sees to it
		e.shutdown(becauseFailure)
	}
}

// crash tells how an extension has ended, as Lambda does.
func (e *environment) crash(exit sandbox.Exit) *Failure {
	kind := e.api.Fault()
	if kind == "" {
		kind = "Extension.Crash"
	}
	text := "exit code 0"
	if how := howEnded(exit); how != "" {
		text = how
	}
	return &Failure{Type: kind, Message: text}
}

// howEnded is the part of a message that tells a status from another, "" for success.
func howEnded(x sandbox.Exit) string {
	switch {
	case x.OOM:
		return "signal: killed"
	case x.Signal != nil:
		return "signal: " + x.Signal.String()
	case x.Code != 0:
		return fmt.Sprintf("exit status %d", x.Code)
	}
	return ""
}

// exitFailure tells why the runtime has ended, as Lambda does.
func exitFailure(x sandbox.Exit) *Failure {
	f := &Failure{Type: "Runtime.ExitError", Message: "Runtime exited without providing a reason"}
	if how := howEnded(x); how != "" {
		f.Message = "Runtime exited with error: " + how
	}
	if x.OOM {
		f.Type = "Runtime.OutOfMemory"
	}
	return f
}

// exited tells what ended the environment. It waits until that is known.
func (e *environment) exited() *result {
	<-e.alive.Done()
	e.programs.mu.Lock()
	f := e.programs.fallen
	e.programs.mu.Unlock()
	if f == nil {
		f = exitFailure(e.exit)
	}
	return &result{failure: f, kind: f.Type}
}

// stop ends a program by a signal. It returns when the program has ended, or at the deadline.
func (p *program) stop(s os.Signal, deadline time.Time) (ended bool) {
	select {
	case <-p.done:
		return true
	default:
	}
	if p.Signal(s) != nil {
		return false
	}
	return waitFor(p.done, time.Until(deadline))
}
