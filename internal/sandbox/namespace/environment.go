//go:build linux

package namespace

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"

	"redoubt/internal/sandbox/engine"
)

// Defaults of a Spec. AWS: 128 MB of memory, 512 MB of /tmp, 1,024 processes and threads, 1,024 files (gettingstarted-limits).
const (
	defaultMemory    = 128 << 20
	defaultTmp       = 512 << 20
	defaultProcesses = 1024
	defaultFiles     = 1024
	defaultPort      = 4566
	defaultPath      = "/usr/local/bin:/usr/bin:/bin"
	defaultDir       = "/var/task"
)

// An environment is the server's side of one jail.
type environment struct {
	helper    *helper
	id        uint64
	listeners [2]net.Listener
	outputs   sync.WaitGroup

	done chan struct{} // closed when exit is final
	exit engine.Exit

	mu    sync.Mutex
	usage engine.Usage
}

// Start runs a program in a new jail.
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

func (h *helper) start(ctx context.Context, s engine.Spec, description *start) (engine.Environment, error) {
	q := request{Op: opStart, Start: description}
	args, err := encodeArguments(s.Argv, s.Env)
	if err != nil {
		return nil, err
	}
	file, err := inMemory(strings.NewReader(string(args)))
	if err != nil {
		return nil, err
	}
	v := &environment{helper: h, done: make(chan struct{})}
	q.files = []*os.File{file}
	if err := v.pipes(s, &q); err != nil {
		closeAll(q.files)
		return nil, err
	}
	return v.start(ctx, q)
}

// start asks for the jail. If the context ends first, the jail is killed as soon as it is there.
func (v *environment) start(ctx context.Context, q request) (engine.Environment, error) {
	type result struct {
		reply
		err error
	}
	q.Jail = v.helper.register(v)
	answer := make(chan result, 1)
	files := q.files
	go func() {
		defer closeAll(files)
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
			v.Kill()
		}()
		return nil, ctx.Err()
	}
	if r.err == nil {
		if r.err = v.listen(r.files); r.err != nil {
			v.Kill()
		}
	} else {
		v.helper.unregister(v)
	}
	if r.err != nil {
		return nil, fmt.Errorf("starting an environment: %w", r.err)
	}
	return v, nil
}

// describe checks a Spec and fills in its defaults.
func describe(s engine.Spec) (*start, error) {
	if len(s.Argv) == 0 {
		return nil, errors.New("no program to run")
	}
	if err := engine.CheckRoots(s.Interpreter); err != nil {
		return nil, err
	}
	d := &start{
		Dir: or(s.Dir, defaultDir), Code: s.Code, Layers: s.Layers, Runtime: s.Runtime,
		ServerPort: or(s.ServerPort, defaultPort),
		limits: limits{
			Memory: or(s.Memory, defaultMemory), Tmp: or(s.Tmp, defaultTmp), CPU: s.CPU,
			Processes: or(s.Processes, defaultProcesses), Files: or(s.Files, defaultFiles),
		},
	}
	if d.CPU <= 0 {
		// AWS: at 1,769 MB, a function has the equivalent of one vCPU (configuration-memory).
		d.CPU = float64(d.Memory) / (1769 << 20)
	}
	for _, p := range s.Interpreter {
		dir, err := filepath.EvalSymlinks(filepath.Dir(p))
		if err != nil {
			return nil, fmt.Errorf("finding interpreter path: %w", err)
		}
		d.Roots = append(d.Roots, filepath.Join(dir, filepath.Base(p)))
	}
	d.Roots = outermost(d.Roots)
	d.Paths = candidates(s.Argv[0], s.Env)
	return d, nil
}

// outermost drops paths that lie below others, and repeated ones.
func outermost(paths []string) []string {
	var out []string
	for _, p := range slices.Sorted(slices.Values(paths)) {
		covered := slices.ContainsFunc(out, func(o string) bool { return p == o || strings.HasPrefix(p, o+"/") })
		if !covered {
			out = append(out, p)
		}
	}
	return out
}

// candidates lists where a program may be, as execvp(3) would look for it.
func candidates(program string, env []string) []string {
	if strings.Contains(program, "/") {
		return []string{program}
	}
	path := defaultPath
	for _, v := range env {
		if p, ok := strings.CutPrefix(v, "PATH="); ok {
			path = p
		}
	}
	var out []string
	for dir := range strings.SplitSeq(path, ":") {
		if filepath.IsAbs(dir) {
			out = append(out, filepath.Join(dir, program))
		}
	}
	return out
}

func or[T comparable](v, otherwise T) T {
	var zero T
	if v == zero {
		return otherwise
	}
	return v
}

// pipes connects the program's output with the writers.
func (v *environment) pipes(s engine.Spec, q *request) error {
	stdout, err := v.pipe(s.Stdout)
	if err != nil {
		return err
	}
	q.files = append(q.files, stdout)
	if s.Stderr != nil && same(s.Stderr, s.Stdout) {
		dup, err := duplicate(stdout)
		if err != nil {
			return err
		}
		q.files = append(q.files, dup)
		return nil
	}
	stderr, err := v.pipe(s.Stderr)
	if err != nil {
		return err
	}
	q.files = append(q.files, stderr)
	return nil
}

func (v *environment) pipe(w io.Writer) (*os.File, error) {
	if w == nil {
		w = io.Discard
	}
	read, write, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	v.outputs.Go(func() {
		defer read.Close()
		if _, err := io.Copy(w, read); err != nil {
			// The writer is broken; the program must not block on it, nor die of it.
			_, _ = io.Copy(io.Discard, read)
		}
	})
	return write, nil
}

// same reports whether two writers are one. Writers that cannot be compared are not.
func same(a, b io.Writer) bool {
	defer func() { _ = recover() }()
	return a == b
}

func duplicate(f *os.File) (*os.File, error) {
	fd, err := syscall.Dup(int(f.Fd()))
	if err != nil {
		return nil, err
	}
	syscall.CloseOnExec(fd)
	return os.NewFile(uintptr(fd), f.Name()), nil
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

// Run starts one more program.
func (v *environment) Run(engine.Program) (engine.Process, error) { return nil, errors.ErrUnsupported }

func (v *environment) Signal(sig os.Signal) error {
	number, ok := sig.(syscall.Signal)
	if !ok {
		return fmt.Errorf("not a signal of this system: %v", sig)
	}
	return v.ask(request{Op: opSignal, Signal: int(number)})
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
		v.outputs.Wait()
		status := syscall.WaitStatus(e.Status)
		v.exit = engine.Exit{OOM: e.OOM, Err: err}
		switch {
		case e.Lost:
			v.exit.Signal = syscall.SIGKILL
		case status.Signaled():
			v.exit.Signal = status.Signal()
		default:
			v.exit.Code = status.ExitStatus()
		}
		v.mu.Lock()
		v.usage = engine.Usage{MaxMemory: max(v.usage.MaxMemory, e.Usage.MaxMemory)}
		v.mu.Unlock()
		close(v.done)
	}()
}
