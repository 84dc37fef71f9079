package process

import (
	"errors"
	"io"
	"net"
	"os"
	"os/exec"
	"strings"
	"sync"

	"redoubt/internal/sandbox/engine"
)

// An environment is a few plain processes with two listeners.
type environment struct {
	engine    *Engine
	spec      engine.Spec
	places    places
	listeners [2]net.Listener
	outputs   [3]io.Writer // stdout, stderr, and of extensions
	main      *process     // that of Spec.Argv, or nil
	done      chan struct{}

	mu      sync.Mutex
	ended   bool // or about to
	exit    engine.Exit
	running map[*process]bool
}

// A process is one program of an environment.
type process struct {
	cmd  *exec.Cmd
	done chan struct{}
	exit engine.Exit
}

func (v *environment) RuntimeAPI() net.Listener { return v.listeners[0] }
func (v *environment) ServerAPI() net.Listener  { return v.listeners[1] }

// Dial connects to what listens on the host, whose network plain processes share.
func (v *environment) Dial(network, address string) (net.Conn, error) {
	return net.Dial(network, address)
}

// Freeze does nothing: plain processes go on between invocations.
func (v *environment) Freeze() error { return nil }

// Thaw does nothing.
func (v *environment) Thaw() error { return nil }

// SetCPU does nothing: plain processes take what they get.
func (v *environment) SetCPU(float64) error { return nil }

// Flush cannot tell: what processes print is copied in the background.
func (v *environment) Flush() bool { return false }

// Run starts one more process.
func (v *environment) Run(p engine.Program) (engine.Process, error) {
	started, err := v.run(p, false)
	if err != nil {
		return nil, err
	}
	return started, nil
}

func (v *environment) run(p engine.Program, main bool) (*process, error) {
	if len(p.Argv) == 0 {
		return nil, errors.New("no program to run")
	}
	r := &process{cmd: v.command(p), done: make(chan struct{})}
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.ended {
		return nil, os.ErrProcessDone
	}
	if err := r.cmd.Start(); err != nil {
		return nil, refused(p.Argv[0], err)
	}
	v.running[r] = true
	if main {
		v.main = r
	}
	go v.wait(r)
	return r, nil
}

// command names the places of this environment instead of those that a sandbox has.
func (v *environment) command(p engine.Program) *exec.Cmd {
	replace := v.places.replacer()
	argv := make([]string, len(p.Argv))
	for i, a := range p.Argv {
		argv[i] = replace.Replace(a)
	}
	c := exec.Command(argv[0], argv[1:]...)
	if c.Dir = replace.Replace(p.Dir); c.Dir == "" {
		c.Dir = replace.Replace(v.spec.Dir)
	}
	if c.Dir == "" {
		c.Dir = v.places.code
	}
	c.Env = append(append([]string{}, p.Env...),
		"AWS_LAMBDA_RUNTIME_API="+v.listeners[0].Addr().String(), "AWS_ENDPOINT_URL=http://"+v.listeners[1].Addr().String(),
		"LAMBDA_TASK_ROOT="+v.places.code, "LAMBDA_RUNTIME_DIR="+v.places.runtime)
	c.Stdout, c.Stderr = v.outputs[0], v.outputs[1]
	if p.Extension {
		c.Stdout, c.Stderr = v.outputs[2], v.outputs[2]
	}
	ownGroup(c)
	return c
}

// Signal sends a signal to the main program.
func (v *environment) Signal(s os.Signal) error {
	if v.main == nil {
		return os.ErrProcessDone
	}
	return v.main.Signal(s)
}

// Kill ends all processes and, where the system has process groups, their children.
func (v *environment) Kill() { v.finish(engine.Exit{Signal: os.Kill}) }

// Wait waits for the end of the environment.
func (v *environment) Wait() engine.Exit {
	<-v.done
	return v.exit
}

// Usage knows nothing: plain processes are not counted.
func (v *environment) Usage() engine.Usage { return engine.Usage{} }

func (v *environment) listen() (err error) {
	for i := range v.listeners {
		if v.listeners[i], err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
			v.closeListeners()
			return err
		}
	}
	return nil
}

func (v *environment) closeListeners() {
	for _, l := range v.listeners {
		if l != nil {
			l.Close()
		}
	}
}

// finish ends what still runs, and then the environment.
func (v *environment) finish(exit engine.Exit) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.ended {
		return
	}
	v.ended, v.exit = true, exit
	for r := range v.running {
		killGroup(r.cmd.Process)
	}
	v.concludeLocked()
}

// concludeLocked ends the environment once nothing of it runs.
func (v *environment) concludeLocked() {
	if !v.ended || len(v.running) > 0 {
		return
	}
	v.engine.forget(v)
	close(v.done)
}

// wait takes the end of a process.
func (v *environment) wait(r *process) {
	err := r.cmd.Wait()
	killGroup(r.cmd.Process)
	r.exit = engine.Exit{Code: r.cmd.ProcessState.ExitCode(), Signal: signalOf(r.cmd.ProcessState)}
	if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
		r.exit.Err = err
	}
	close(r.done)
	v.mu.Lock()
	delete(v.running, r)
	main := r == v.main
	v.concludeLocked()
	v.mu.Unlock()
	if main {
		v.finish(r.exit)
	}
}

// Signal sends a signal to the process.
func (r *process) Signal(s os.Signal) error { return r.cmd.Process.Signal(s) }

// Wait waits for the end of the process.
func (r *process) Wait() engine.Exit {
	<-r.done
	return r.exit
}

// places are where the code of a start was unpacked.
type places struct{ code, runtime, opt string }

func (p places) replacer() *strings.Replacer {
	return strings.NewReplacer("/var/task", p.code, "/var/runtime", p.runtime, "/opt", p.opt)
}

// serialised lets the processes of an environment share writers. Writers that are one before are one afterwards.
func serialised(writers ...io.Writer) (out [3]io.Writer) {
	for i, w := range writers {
		if w == nil {
			continue // exec.Cmd discards what it gets
		}
		out[i] = &serial{to: w}
		for j := range i {
			if same(w, writers[j]) {
				out[i] = out[j]
			}
		}
	}
	return out
}

// same reports whether two writers are one. Writers that cannot be compared are not.
func same(a, b io.Writer) bool {
	defer func() { _ = recover() }()
	return a == b
}

type serial struct {
	mu sync.Mutex
	to io.Writer
}

func (s *serial) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.to.Write(b)
}
