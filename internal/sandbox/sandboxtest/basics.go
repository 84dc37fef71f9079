package sandboxtest

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"net"
	"strings"
	"syscall"
	"testing"

	"redoubt/internal/sandbox/engine"
)

// archive makes an engine.Archive of files.
func archive(t *testing.T, files ...File) engine.Archive { return bytes.NewReader(Zip(t, files...)) }

func (s *suite) code(t *testing.T) {
	t.Run("is seen at /var/task", func(t *testing.T) {
		if out, _ := s.run(t, probe("cat", "/var/task/canary.txt")); out != "code" {
			t.Errorf("read %q", out)
		}
	})
	t.Run("that was not loaded is an error of its own", func(t *testing.T) {
		spec := probe("where")
		spec.Code = "never loaded"
		if _, err := s.engine.Start(t.Context(), spec); !errors.Is(err, engine.ErrNotLoaded) {
			t.Errorf("got %v", err)
		}
	})
	t.Run("that was dropped is not loaded", func(t *testing.T) {
		s.load(t, "passing", File{Name: "a", Mode: 0o644, Text: "a"})
		if err := s.engine.DropCode("passing"); err != nil {
			t.Fatal(err)
		}
		spec := probe("where")
		spec.Code = "passing"
		if _, err := s.engine.Start(t.Context(), spec); !errors.Is(err, engine.ErrNotLoaded) {
			t.Errorf("got %v", err)
		}
	})
	t.Run("comes with a runtime client", func(t *testing.T) {
		s.load(t, "client", File{Name: "client.py", Mode: 0o644, Text: "client"})
		spec := probe("cat", "/var/runtime/client.py")
		spec.Runtime = "client"
		if out, _ := s.run(t, spec); out != "client" {
			t.Errorf("read %q", out)
		}
	})
	t.Run("comes with a layer", func(t *testing.T) {
		s.load(t, "one layer", File{Name: "lib/x", Mode: 0o644, Text: "layer"})
		spec := probe("cat", "/opt/lib/x")
		spec.Layers = []string{"one layer"}
		if out, _ := s.run(t, spec); out != "layer" {
			t.Errorf("read %q", out)
		}
	})
	t.Run("in a wicked archive is refused", s.wicked)
}

func (s *suite) load(t *testing.T, id string, files ...File) {
	t.Helper()
	if err := s.engine.LoadCode(t.Context(), id, archive(t, files...)); err != nil {
		t.Fatal(err)
	}
}

func (s *suite) wicked(t *testing.T) {
	const link, device = 0o777 | 1<<27, 0o666 | 1<<26 // fs.ModeSymlink, fs.ModeDevice
	for name, files := range map[string][]File{
		"climbs out":              {{Name: "../x", Mode: 0o644, Text: "x"}},
		"climbs out deep inside":  {{Name: "a/../../x", Mode: 0o644, Text: "x"}},
		"is absolute":             {{Name: "/tmp/x", Mode: 0o644, Text: "x"}},
		"has backslashes":         {{Name: `..\x`, Mode: 0o644, Text: "x"}},
		"links to the host":       {{Name: "x", Mode: link, Text: "/etc/passwd"}},
		"links out":               {{Name: "a/x", Mode: link, Text: "../../etc/passwd"}},
		"writes through a link":   {{Name: "x", Mode: link, Text: "y"}, {Name: "x/z", Mode: 0o644, Text: "z"}},
		"replaces a directory":    {{Name: "x/y", Mode: 0o644, Text: "y"}, {Name: "x", Mode: link, Text: "z"}},
		"holds a device":          {{Name: "x", Mode: device, Text: ""}},
		"is far too large":        {{Name: "x", Mode: 0o644, Claim: 260 << 20}},
		"is too large in its sum": {{Name: "x", Mode: 0o644, Text: strings.Repeat("x", 1<<20), Claim: 100 << 20}, {Name: "y", Mode: 0o644, Claim: 160 << 20}},
		"is compressed too well":  {{Name: "x", Mode: 0o644, Text: "x", Claim: 2 << 20}},
		"is shorter than it says": {{Name: "x", Mode: 0o644, Text: "x", Claim: 2}},
		"is longer than it says":  {{Name: "x", Mode: 0o644, Text: "xxx", Claim: 2}},
		"claims 5 GB":             {{Name: "x", Mode: 0o644, Text: "x", Claim: 5 << 30}},
		"has a zero byte":         {{Name: "x\x00y", Mode: 0o644, Text: "x"}},
		"has an overlong name":    {{Name: strings.Repeat("x", 256), Mode: 0o644, Text: "x"}},
		"holds a pipe":            {{Name: "x", Mode: 0o666 | fs.ModeNamedPipe, Text: ""}},
		"holds a socket":          {{Name: "x", Mode: 0o666 | fs.ModeSocket, Text: ""}},
	} {
		t.Run(name, func(t *testing.T) {
			if err := s.engine.LoadCode(t.Context(), name, archive(t, files...)); err == nil {
				t.Error("accepted")
			}
		})
	}
	t.Run("that is none at all", func(t *testing.T) {
		if err := s.engine.LoadCode(t.Context(), "garbage", strings.NewReader("not a zip file")); err == nil {
			t.Error("accepted")
		}
	})
}

func (s *suite) output(t *testing.T) {
	t.Run("goes to two writers", func(t *testing.T) {
		var out, err bytes.Buffer
		spec := probe("print")
		spec.Stdout, spec.Stderr = &out, &err
		s.start(t, spec).Wait()
		if out.String() != "to stdout" || err.String() != "to stderr" {
			t.Errorf("got %q and %q", out.String(), err.String())
		}
	})
	t.Run("goes to one writer", func(t *testing.T) {
		if out, _ := s.run(t, probe("print")); out != "to stdoutto stderr" {
			t.Errorf("got %q", out)
		}
	})
	t.Run("may go nowhere", func(t *testing.T) {
		if exit := s.start(t, probe("print")).Wait(); exit != (engine.Exit{}) {
			t.Errorf("ended with %+v", exit)
		}
	})
}

func (s *suite) end(t *testing.T) {
	t.Run("has an exit code", func(t *testing.T) {
		if _, exit := s.run(t, probe("exit", "1", "2", "3")); exit.Code != 3 {
			t.Errorf("ended with %+v", exit)
		}
	})
	t.Run("comes by a signal", func(t *testing.T) {
		v := s.start(t, probe("wait"))
		accept(t, v.RuntimeAPI())
		if err := v.Signal(syscall.SIGTERM); err != nil {
			t.Fatal(err)
		}
		if exit := v.Wait(); exit.Signal != syscall.SIGTERM {
			t.Errorf("ended with %+v", exit)
		}
	})
	t.Run("comes by force to who ignores signals", func(t *testing.T) {
		v := s.start(t, probe("deaf"))
		accept(t, v.RuntimeAPI())
		if err := v.Signal(syscall.SIGTERM); err != nil {
			t.Fatal(err)
		}
		v.Kill()
		if exit := v.Wait(); exit.Signal != syscall.SIGKILL {
			t.Errorf("ended with %+v", exit)
		}
		v.Kill() // again changes nothing
	})
	t.Run("of a program that cannot be executed is an error of its own", func(t *testing.T) {
		for program, want := range map[string]error{"/var/task/nothing": syscall.ENOENT, "/var/task/canary.txt": syscall.EACCES} {
			spec := probe("where")
			spec.Argv[0] = program
			_, err := s.engine.Start(t.Context(), spec)
			var refused *engine.ExecError
			if !errors.As(err, &refused) || refused.Program != program || !errors.Is(err, want) {
				t.Errorf("got %v", err)
			}
		}
	})
	t.Run("of the context prevents a start", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := s.engine.Start(ctx, probe("wait")); !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
	})
}

// accept takes the connection by which a probe says that it runs.
func accept(t *testing.T, l net.Listener) net.Conn {
	t.Helper()
	c, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	if _, err := io.ReadFull(c, make([]byte, 1)); err != nil {
		t.Fatal("the probe died early:", err)
	}
	return c
}
