//go:build linux

package namespace

import (
	"errors"
	"fmt"
	"os"

	"redoubt/internal/sandbox/engine"
)

// A process is the server's side of a program that Run started.
type process struct {
	environment *environment
	id          uint32
	done        chan struct{}
	exit        engine.Exit
}

// Run starts one more program.
func (v *environment) Run(p engine.Program) (engine.Process, error) {
	if len(p.Argv) == 0 {
		return nil, errors.New("no program to run")
	}
	r, err := v.run(p)
	if err != nil {
		return nil, fmt.Errorf("running a program: %w", err)
	}
	return r, nil
}

func (v *environment) run(p engine.Program) (*process, error) {
	v.running.Lock()
	defer v.running.Unlock()
	r := v.newProcess()
	if r == nil {
		return nil, os.ErrProcessDone
	}
	program, err := v.depict(p)
	if err == nil {
		err = v.ask(request{Op: opRun, Program: r.id, Extension: p.Extension})
	}
	_ = v.image.clear() // an error: the environment has ended, and the image with it
	if err != nil {
		v.take(r.id)
		return nil, named(err, program)
	}
	return r, nil
}

// newProcess makes a process known before it starts, so that its end cannot be missed. It returns nil once the environment has ended.
func (v *environment) newProcess() *process {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.programs == nil {
		return nil
	}
	v.last++
	r := &process{environment: v, id: v.last, done: make(chan struct{})}
	v.programs[r.id] = r
	return r
}

// take makes a process unknown, and returns it.
func (v *environment) take(id uint32) *process {
	v.mu.Lock()
	defer v.mu.Unlock()
	r := v.programs[id]
	delete(v.programs, id)
	return r
}

// ended takes the news that a program has ended. It may be that of who never was one.
func (v *environment) ended(id uint32, exit engine.Exit) {
	r := v.take(id)
	if r == nil {
		return
	}
	go func() {
		v.outputs.flush()
		r.end(exit)
	}()
}

func (r *process) end(exit engine.Exit) {
	r.exit = exit
	close(r.done)
}

// Signal sends a signal to the process.
func (r *process) Signal(sig os.Signal) error {
	select {
	case <-r.done:
		return os.ErrProcessDone
	default:
		return r.environment.signal(r.id, sig)
	}
}

// Wait waits for the end of the process.
func (r *process) Wait() engine.Exit {
	<-r.done
	return r.exit
}
