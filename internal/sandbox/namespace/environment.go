//go:build linux

package namespace

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"sync"
	"syscall"

	"redoubt/internal/sandbox/engine"
)

// An environment is the server's side of one jail.
type environment struct {
	helper    *helper
	id        uint64
	dir       string // where programs begin
	listeners [2]net.Listener
	outputs   outputs

	network *connected // nil where nothing can be reached
	image   *image
	running sync.Mutex // one program at a time is run, since there is one image

	done chan struct{} // closed when exit is final
	exit engine.Exit

	mu       sync.Mutex
	usage    engine.Usage
	programs map[uint32]*process // that run, but for the main one
	last     uint32              // id of a program
}

// Start runs a program in a new jail, or prepares a jail for programs to come.
func (e *Engine) Start(ctx context.Context, s engine.Spec) (engine.Environment, error) {
	description, err := describe(s)
	if err != nil {
		return nil, err
	}
	var v engine.Environment
	err = e.withSpawner(func(h *helper) (err error) {
		v, err = h.start(ctx, s, description)
		return err
	})
	return v, err
}

func (h *helper) start(ctx context.Context, s engine.Spec, description *start) (_ engine.Environment, err error) {
	v := &environment{helper: h, dir: or(s.Dir, defaultDir), done: make(chan struct{}), programs: map[uint32]*process{}}
	if v.image, err = newImage(); err != nil {
		return nil, err
	}
	var program string
	if description.Main {
		if program, err = v.depict(engine.Program{Argv: s.Argv, Env: s.Env}); err != nil {
			v.free()
			return nil, err
		}
		defer v.image.clear()
	}
	outputs, err := v.outputs.open(s.Stdout, s.Stderr, s.ExtensionOutput)
	if err != nil {
		v.free()
		return nil, err
	}
	q := request{Op: opStart, Start: description, files: append([]*os.File{v.image.file}, outputs...)}
	if v.network, err = h.pool.take(description.ServerPort); err != nil {
		v.free()
		closeAll(outputs)
		return nil, err
	}
	if v.network != nil {
		q.files = append(q.files, v.network.namespace)
		if err := v.listen(v.network.listeners); err != nil {
			v.free()
			closeAll(outputs)
			return nil, err
		}
	}
	if err := v.start(ctx, q, outputs); err != nil {
		return nil, fmt.Errorf("starting an environment: %w", named(err, program))
	}
	return v, nil
}

// free gives back what an environment has beside its jail.
func (v *environment) free() {
	v.image.close()
	if v.network == nil {
		return
	}
	v.network.disconnect()
	for _, l := range v.listeners {
		if l != nil {
			l.Close()
		}
	}
}

// depict writes the image of a program, and returns the path by which errors name it.
func (v *environment) depict(p engine.Program) (string, error) {
	paths := candidates(p.Argv[0], p.Env)
	if len(paths) == 0 {
		return "", &engine.ExecError{Program: p.Argv[0], Err: syscall.ENOENT}
	}
	return paths[len(paths)-1], v.image.write(paths, or(p.Dir, v.dir), p.Argv, p.Env)
}

// named puts the program into an error that says it cannot be executed.
func named(err error, program string) error {
	if refused := (*engine.ExecError)(nil); errors.As(err, &refused) {
		return &engine.ExecError{Program: program, Err: refused.Err}
	}
	return err
}

// start asks for the jail. If the context ends first, the jail is killed as soon as it is there.
func (v *environment) start(ctx context.Context, q request, outputs []*os.File) error {
	type result struct {
		reply
		err error
	}
	q.Jail = v.helper.register(v)
	answer := make(chan result, 1)
	go func() {
		defer closeAll(outputs)
		r, err := v.helper.call(context.Background(), q)
		answer <- result{r, err}
	}()
	var r result
	select {
	case r = <-answer:
	case <-ctx.Done():
		go func() {
			late := <-answer
			closeAll(late.files)
			if late.err == nil {
				v.Kill()
			} else if v.helper.unregister(v) {
				v.free()
			}
		}()
		return ctx.Err()
	}
	if r.err != nil {
		if v.helper.unregister(v) {
			v.free()
		}
		return r.err
	}
	if v.network != nil {
		return nil // it listens already
	}
	err := v.listen(r.files)
	if err != nil {
		v.Kill()
	}
	return err
}

// listen takes over the listeners that the spawner planted.
func (v *environment) listen(files []*os.File) error {
	defer closeAll(files)
	if len(files) != len(v.listeners) {
		return errors.New("no listeners")
	}
	for i, f := range files {
		l, err := net.FileListener(f)
		if err != nil {
			return err
		}
		v.listeners[i] = l
	}
	return nil
}

func (v *environment) RuntimeAPI() net.Listener { return v.listeners[0] }
func (v *environment) ServerAPI() net.Listener  { return v.listeners[1] }

func (v *environment) Freeze() error { return v.ask(request{Op: opFreeze}) }
func (v *environment) Thaw() error   { return v.ask(request{Op: opThaw}) }

func (v *environment) SetCPU(vcpus float64) error { return v.ask(request{Op: opCPU, CPU: vcpus}) }

// Flush reads what is in the pipes.
func (v *environment) Flush() bool {
	v.outputs.flush()
	return true
}

// Signal sends a signal to the main program.
func (v *environment) Signal(sig os.Signal) error { return v.signal(mainProgram, sig) }

func (v *environment) signal(program uint32, sig os.Signal) error {
	number, ok := sig.(syscall.Signal)
	if !ok {
		return fmt.Errorf("not a signal of this system: %v", sig)
	}
	return v.ask(request{Op: opSignal, Program: program, Signal: int(number)})
}

func (v *environment) ask(q request) error {
	q.Jail = v.id
	_, err := v.helper.call(context.Background(), q)
	return err
}

// Kill ends the jail. That it cannot be asked to means that it is gone.
func (v *environment) Kill() { _ = v.ask(request{Op: opKill}) }

func (v *environment) Wait() engine.Exit {
	<-v.done
	return v.exit
}

func (v *environment) Usage() engine.Usage {
	r, err := v.helper.call(context.Background(), request{Op: opUsage, Jail: v.id})
	v.mu.Lock()
	defer v.mu.Unlock()
	if err == nil && r.Usage != nil {
		v.usage = engine.Usage(*r.Usage)
	}
	return v.usage
}

// end takes the news that the jail is gone.
func (v *environment) end(e *ended, err error) {
	go func() {
		v.free()
		v.outputs.wait()
		v.exit = e.exit()
		v.exit.Err = err
		v.mu.Lock()
		v.usage = engine.Usage{MaxMemory: max(v.usage.MaxMemory, e.Usage.MaxMemory)}
		left := v.programs
		v.programs = nil
		v.mu.Unlock()
		for _, r := range left {
			r.end(engine.Exit{Signal: syscall.SIGKILL, OOM: e.OOM, Err: err})
		}
		close(v.done)
	}()
}

// exit says it in the words of the contract.
func (e *ended) exit() engine.Exit {
	status := syscall.WaitStatus(e.Status)
	switch {
	case e.Lost:
		return engine.Exit{Signal: syscall.SIGKILL, OOM: e.OOM}
	case status.Signaled():
		return engine.Exit{Signal: status.Signal(), OOM: e.OOM}
	}
	return engine.Exit{Code: status.ExitStatus(), OOM: e.OOM}
}
