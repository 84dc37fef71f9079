// Package process runs functions as plain processes, for systems that cannot jail them. It isolates nothing.
package process

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
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

// Start runs a program. What a sandbox shows at fixed places is at others here: the environment says where
// (AWS_LAMBDA_RUNTIME_API, LAMBDA_TASK_ROOT, LAMBDA_RUNTIME_DIR, AWS_ENDPOINT_URL), and paths in Argv and Dir are replaced.
func (e *Engine) Start(ctx context.Context, s engine.Spec) (engine.Environment, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if len(s.Argv) == 0 {
		return nil, errors.New("no program to run")
	}
	places, err := e.places(s)
	if err != nil {
		return nil, err
	}
	v := &environment{engine: e, done: make(chan struct{})}
	for i := range v.listeners {
		if v.listeners[i], err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
			v.closeListeners()
			return nil, fmt.Errorf("listening for a function: %w", err)
		}
	}
	replace := places.replacer()
	argv := make([]string, len(s.Argv))
	for i, a := range s.Argv {
		argv[i] = replace.Replace(a)
	}
	v.cmd = exec.Command(argv[0], argv[1:]...)
	v.cmd.Dir = replace.Replace(s.Dir)
	if s.Dir == "" {
		v.cmd.Dir = places.code
	}
	v.cmd.Env = append(append([]string{}, s.Env...),
		"AWS_LAMBDA_RUNTIME_API="+v.listeners[0].Addr().String(), "AWS_ENDPOINT_URL=http://"+v.listeners[1].Addr().String(),
		"LAMBDA_TASK_ROOT="+places.code, "LAMBDA_RUNTIME_DIR="+places.runtime)
	v.cmd.Stdout, v.cmd.Stderr = s.Stdout, s.Stderr
	ownGroup(v.cmd)
	if err := e.begin(v, s.Argv[0]); err != nil {
		v.closeListeners()
		return nil, err
	}
	return v, nil
}

func (e *Engine) begin(v *environment, program string) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed {
		return engine.ErrClosed
	}
	if err := v.cmd.Start(); err != nil {
		return fmt.Errorf("starting a process: %w", refused(program, err))
	}
	e.live[v] = true
	go v.wait()
	return nil
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

// places are where the code of a start was unpacked.
type places struct{ code, runtime, opt string }

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

func (p places) replacer() *strings.Replacer {
	return strings.NewReplacer("/var/task", p.code, "/var/runtime", p.runtime, "/opt", p.opt)
}
