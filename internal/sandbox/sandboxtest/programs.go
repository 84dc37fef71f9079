package sandboxtest

import (
	"bytes"
	"errors"
	"os"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"

	"redoubt/internal/sandbox/engine"
)

// A text may be read while programs write.
type text struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (t *text) Write(b []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.buf.Write(b)
}

func (t *text) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.buf.String()
}

// program is what a probe is to Run.
func program(name string, args ...string) engine.Program {
	s := probe(name, args...)
	return engine.Program{Argv: s.Argv, Env: s.Env}
}

// prepared starts an environment that waits for programs.
func (s *suite) prepared(t *testing.T, spec engine.Spec) engine.Environment {
	t.Helper()
	spec.Argv, spec.Env = nil, nil
	return s.start(t, spec)
}

func mustRun(t *testing.T, v engine.Environment, p engine.Program) engine.Process {
	t.Helper()
	r, err := v.Run(p)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func (s *suite) programs(t *testing.T) {
	t.Run("have an environment that is known late", func(t *testing.T) {
		var out text
		spec := probe("")
		spec.Stdout = &out
		v := s.prepared(t, spec)
		for _, value := range []string{"A=first", "A=second"} {
			p := program("env")
			p.Env = append(p.Env, value)
			if exit := mustRun(t, v, p).Wait(); exit != (engine.Exit{}) {
				t.Errorf("ended with %+v", exit)
			}
			if !strings.Contains(out.String(), value) {
				t.Errorf("when it has ended, it has printed %q", out.String())
			}
		}
	})
	t.Run("print where they belong", func(t *testing.T) {
		var function, extension text
		spec := probe("")
		spec.Stdout, spec.Stderr, spec.ExtensionOutput = &function, &function, &extension
		v := s.prepared(t, spec)
		p := program("print")
		p.Extension = true
		mustRun(t, v, p).Wait()
		mustRun(t, v, program("exit")).Wait()
		if function.String() != "" || len(extension.String()) != len("to stdoutto stderr") {
			t.Errorf("%q and %q", function.String(), extension.String())
		}
	})
	t.Run("may share a writer", s.shareWriter)
	t.Run("end alone", s.endAlone)
	t.Run("end with the environment", func(t *testing.T) {
		v := s.prepared(t, probe(""))
		r := mustRun(t, v, program("deaf"))
		accept(t, v.RuntimeAPI())
		v.Kill()
		if exit := r.Wait(); runtime.GOOS != "windows" && exit.Signal != syscall.SIGKILL {
			t.Errorf("the process ended with %+v", exit)
		}
		v.Wait()
		if _, err := v.Run(program("exit")); !errors.Is(err, os.ErrProcessDone) {
			t.Errorf("ran in an environment that has ended: %v", err)
		}
	})
	t.Run("end with the main program", func(t *testing.T) {
		v := s.start(t, probe("wait"))
		accept(t, v.RuntimeAPI())
		r := mustRun(t, v, program("deaf"))
		accept(t, v.RuntimeAPI())
		if err := v.Signal(syscall.SIGTERM); err != nil {
			t.Fatal(err)
		}
		if exit := v.Wait(); exit.Signal != syscall.SIGTERM {
			t.Errorf("the environment ended with %+v", exit)
		}
		if exit := r.Wait(); exit.Signal != syscall.SIGKILL {
			t.Errorf("the process ended with %+v", exit)
		}
	})
	t.Run("that cannot be executed change nothing", func(t *testing.T) {
		v := s.prepared(t, probe(""))
		for name, want := range map[string]error{"/var/task/nothing": syscall.ENOENT, "/var/task/canary.txt": syscall.EACCES} {
			_, err := v.Run(engine.Program{Argv: []string{name}})
			var refused *engine.ExecError
			if !errors.As(err, &refused) || refused.Program != name || !errors.Is(err, want) {
				t.Errorf("got %v", err)
			}
		}
		if exit := mustRun(t, v, program("exit", "1")).Wait(); exit.Code != 1 {
			t.Errorf("the next ended with %+v", exit)
		}
	})
	t.Run("are none until they are run", func(t *testing.T) {
		v := s.prepared(t, probe(""))
		v.Kill()
		if exit := v.Wait(); exit.Signal != os.Kill {
			t.Errorf("ended with %+v", exit)
		}
	})
}

// shareWriter has programs print at once; what one prints is not torn apart.
func (s *suite) shareWriter(t *testing.T) {
	var one bytes.Buffer
	spec := probe("")
	spec.Stdout, spec.Stderr, spec.ExtensionOutput = &one, &one, &one
	v := s.prepared(t, spec)
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			p := program("print")
			p.Extension = i%2 == 0
			r, err := v.Run(p)
			if err != nil {
				t.Error(err)
				return
			}
			r.Wait()
		})
	}
	all.Wait()
	v.Kill()
	v.Wait()
	if n := strings.Count(one.String(), "to std"); n != 16 {
		t.Errorf("%d of 16 words in %q", n, one.String())
	}
}

// endAlone has three programs of which each ends in its own way, while the others go on.
func (s *suite) endAlone(t *testing.T) {
	v := s.prepared(t, probe(""))
	var running []engine.Process
	for _, name := range []string{"wait", "wait", "echo"} {
		running = append(running, mustRun(t, v, program(name)))
		accept(t, v.RuntimeAPI())
	}
	if exit := mustRun(t, v, program("exit", "1", "2", "3")).Wait(); exit.Code != 3 {
		t.Errorf("ended with %+v", exit)
	}
	for i, sig := range []syscall.Signal{syscall.SIGTERM, syscall.SIGKILL, syscall.SIGTERM} {
		if err := running[i].Signal(sig); err != nil {
			t.Fatal(err)
		}
		if exit := running[i].Wait(); exit.Signal != sig || exit.OOM {
			t.Errorf("process %d ended with %+v", i, exit)
		}
		if err := running[i].Signal(sig); !errors.Is(err, os.ErrProcessDone) {
			t.Errorf("a signal to who has ended: %v", err)
		}
	}
	if exit := mustRun(t, v, program("exit")).Wait(); exit != (engine.Exit{}) {
		t.Errorf("a later one ended with %+v", exit)
	}
}
