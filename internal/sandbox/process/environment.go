package process

import (
	"errors"
	"net"
	"os"
	"os/exec"

	"redoubt/internal/sandbox/engine"
)

type environment struct {
	engine    *Engine
	cmd       *exec.Cmd
	listeners [2]net.Listener
	done      chan struct{}
	exit      engine.Exit
}

func (v *environment) RuntimeAPI() net.Listener { return v.listeners[0] }
func (v *environment) ServerAPI() net.Listener  { return v.listeners[1] }

// Freeze does nothing: plain processes go on between invocations.
func (v *environment) Freeze() error { return nil }

// Thaw does nothing.
func (v *environment) Thaw() error { return nil }

// SetCPU does nothing: plain processes take what they get.
func (v *environment) SetCPU(float64) error { return nil }

func (v *environment) Signal(s os.Signal) error { return v.cmd.Process.Signal(s) }

// Kill ends the process and, where the system has process groups, its children.
func (v *environment) Kill() { killGroup(v.cmd.Process) }

func (v *environment) Wait() engine.Exit {
	<-v.done
	return v.exit
}

// Usage knows nothing: plain processes are not counted.
func (v *environment) Usage() engine.Usage { return engine.Usage{} }

func (v *environment) closeListeners() {
	for _, l := range v.listeners {
		if l != nil {
			l.Close()
		}
	}
}

func (v *environment) wait() {
	err := v.cmd.Wait()
	killGroup(v.cmd.Process)
	v.exit = engine.Exit{Code: v.cmd.ProcessState.ExitCode(), Signal: signalOf(v.cmd.ProcessState)}
	if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
		v.exit.Err = err
	}
	v.engine.mu.Lock()
	delete(v.engine.live, v)
	v.engine.mu.Unlock()
	close(v.done)
}
