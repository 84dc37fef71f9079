// Package process runs functions as plain processes, for systems that cannot jail them. It isolates nothing.
package process

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"sync"

	"redoubt/internal/sandbox/engine"
)

// An Engine runs plain processes. Code is unpacked into a directory that only this user can read.
type Engine struct {
	options    engine.Options
	weaknesses []engine.Weakness
	dir        string

	mu     sync.Mutex
	closed bool
	codes  map[string]string // id to directory
	live   map[*environment]bool
}

// Open returns an engine with the weaknesses that the caller found, and accepted.
func Open(o engine.Options, weaknesses []engine.Weakness) (*Engine, error) {
	if o.Egress != nil {
		return nil, errors.New("plain processes reach whatever this user can: rules of what functions may reach need Linux and a sandbox with a network of its own")
	}
	dir := filepath.Join(o.StateDir, "process")
	if err := errors.Join(os.RemoveAll(dir), os.MkdirAll(dir, 0o700)); err != nil {
		return nil, fmt.Errorf("making room for code: %w", err)
	}
	return &Engine{options: o, weaknesses: weaknesses, dir: dir, codes: map[string]string{}, live: map[*environment]bool{}}, nil
}

// Weaknesses lists what was accepted when the engine was opened.
func (e *Engine) Weaknesses() []engine.Weakness { return e.weaknesses }

// LoadCode unpacks archives below the state directory.
func (e *Engine) LoadCode(_ context.Context, id string, archives ...engine.Archive) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed {
		return engine.ErrClosed
	}
	if e.codes[id] != "" {
		return nil
	}
	sum := sha256.Sum256([]byte(id))
	dir := filepath.Join(e.dir, hex.EncodeToString(sum[:16]))
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	if err := engine.Unpack(dir, e.options.CodeLimit(), archives...); err != nil {
		return errors.Join(err, os.RemoveAll(dir))
	}
	e.codes[id] = dir
	return nil
}

// DropCode removes what LoadCode unpacked.
func (e *Engine) DropCode(id string) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	dir := e.codes[id]
	delete(e.codes, id)
	if dir == "" {
		return nil
	}
	return os.RemoveAll(dir)
}

// Close kills everything that the engine started and removes the code.
func (e *Engine) Close() error {
	e.mu.Lock()
	e.closed = true
	var all []*environment
	for v := range e.live {
		all = append(all, v)
	}
	e.mu.Unlock()
	for _, v := range all {
		v.Kill()
		v.Wait()
	}
	return os.RemoveAll(e.dir)
}

// Start makes an environment and runs its program. What a sandbox shows at fixed places is at others here: the environment
// says where (AWS_LAMBDA_RUNTIME_API, LAMBDA_TASK_ROOT, LAMBDA_RUNTIME_DIR, AWS_ENDPOINT_URL), and paths in Argv and Dir are replaced.
func (e *Engine) Start(ctx context.Context, s engine.Spec) (engine.Environment, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	places, err := e.places(s)
	if err != nil {
		return nil, err
	}
	v := &environment{engine: e, spec: s, places: places, done: make(chan struct{}), running: map[*process]bool{},
		outputs: serialised(s.Stdout, s.Stderr, s.ExtensionOutput)}
	if err := v.listen(); err != nil {
		return nil, fmt.Errorf("listening for a function: %w", err)
	}
	if err := e.begin(v); err != nil {
		v.closeListeners()
		return nil, fmt.Errorf("starting a process: %w", err)
	}
	return v, nil
}

// begin makes an environment known and runs its program, if it has one.
func (e *Engine) begin(v *environment) error {
	e.mu.Lock()
	if e.closed {
		e.mu.Unlock()
		return engine.ErrClosed
	}
	e.live[v] = true
	e.mu.Unlock()
	if len(v.spec.Argv) == 0 {
		return nil
	}
	_, err := v.run(engine.Program{Argv: v.spec.Argv, Env: v.spec.Env}, true)
	if err != nil {
		e.forget(v)
	}
	return err
}

func (e *Engine) forget(v *environment) {
	e.mu.Lock()
	defer e.mu.Unlock()
	delete(e.live, v)
}

// refused tells apart that the program cannot be executed. Its path inside is the caller's, that on the host nobody's.
func refused(program string, err error) error {
	var lookup *exec.Error
	var path *fs.PathError
	switch {
	case errors.As(err, &lookup):
		return &engine.ExecError{Program: program, Err: lookup.Err}
	case errors.As(err, &path) && path.Op == "fork/exec":
		return &engine.ExecError{Program: program, Err: path.Err}
	}
	return err
}

func (e *Engine) places(s engine.Spec) (p places, err error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if len(s.Layers) > 1 {
		return p, errors.New("plain processes can have one layer at most")
	}
	find := func(id string, dir *string) {
		if id == "" {
			return
		}
		if *dir = e.codes[id]; *dir == "" {
			err = fmt.Errorf("%w: %s", engine.ErrNotLoaded, id)
		}
	}
	find(s.Code, &p.code)
	find(s.Runtime, &p.runtime)
	for _, id := range s.Layers {
		find(id, &p.opt)
	}
	return p, err
}
