// Package sandboxtest is what every engine must pass: one suite, in which the test binary itself plays the hostile function.
package sandboxtest

import (
	"archive/zip"
	"bytes"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"redoubt/internal/sandbox/engine"
)

// Open opens the engine under test with a state directory of its own. The suite closes it.
type Open func(t *testing.T, stateDir string) engine.Engine

// Run runs the whole suite, escape attempts included. TestMain must call Main first.
func Run(t *testing.T, open Open) {
	Basics(t, open)
	s := newSuite(t, open)
	t.Run("files", s.files)
	t.Run("powers", s.powers)
	t.Run("network", s.network)
	t.Run("limits", s.limits)
	t.Run("freeze", s.freeze)
	t.Run("kill", s.kill)
	t.Run("interpreters", s.interpreters)
	t.Run("crowds", s.crowds)
	t.Run("tricks", s.tricks)
	t.Run("names", s.names)
}

// Basics runs the part of the suite that an engine without isolation passes too.
func Basics(t *testing.T, open Open) {
	s := newSuite(t, open)
	t.Run("code", s.code)
	t.Run("output", s.output)
	t.Run("end", s.end)
	t.Run("programs", s.programs)
	t.Run("dial", s.dial)
	t.Run("flush", s.flush)
}

// A suite is one engine with the probe loaded as code.
type suite struct {
	engine engine.Engine
	state  string
}

const probeCode = "probe"

func newSuite(t *testing.T, open Open) *suite {
	t.Helper()
	state := t.TempDir()
	s := &suite{engine: open(t, state), state: state}
	t.Cleanup(func() {
		if err := s.engine.Close(); err != nil {
			t.Error("closing the engine:", err)
		}
	})
	if err := s.engine.LoadCode(t.Context(), probeCode, probeArchive(t)); err != nil {
		t.Fatal("loading the probe:", err)
	}
	return s
}

// lacks reports whether the host cannot give a layer.
func (s *suite) lacks(layer string) bool {
	return slices.ContainsFunc(s.engine.Weaknesses(), func(w engine.Weakness) bool { return w.Layer == layer })
}

// probeArchive is this test binary as a deployment package.
var probeArchive = func() func(t testing.TB) engine.Archive {
	var once sync.Once
	var archive []byte
	return func(t testing.TB) engine.Archive {
		t.Helper()
		once.Do(func() {
			path, err := os.Executable()
			if err != nil {
				t.Fatal(err)
			}
			program, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			archive = Zip(t, File{Name: "bootstrap", Mode: 0o755, Text: string(program)}, File{Name: "canary.txt", Mode: 0o644, Text: "code"})
		})
		return bytes.NewReader(archive)
	}
}()

// A File is an entry of an archive. Its mode may be that of a link, whose target is the text. It may claim a size that
// it does not have.
type File struct {
	Name  string
	Mode  fs.FileMode
	Text  string
	Claim uint64
}

// Zip makes an archive of exactly these entries, however wicked.
func Zip(t testing.TB, files ...File) []byte {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for _, f := range files {
		h := &zip.FileHeader{Name: f.Name, Method: zip.Deflate}
		if len(f.Text) > 1<<20 && f.Mode&0o111 != 0 {
			h.Method = zip.Store // the probe: deflating it takes longer than the tests
		}
		h.SetMode(f.Mode)
		create := w.CreateHeader
		if f.Claim > 0 {
			h.Method, h.UncompressedSize64, h.CompressedSize64 = zip.Store, f.Claim, uint64(len(f.Text))
			create = w.CreateRaw
		}
		out, err := create(h)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(out, f.Text); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// probe is a Spec that runs one probe.
func probe(name string, args ...string) engine.Spec {
	return engine.Spec{
		Code:        probeCode,
		Argv:        append([]string{"/var/task/bootstrap", probeMark, name}, args...),
		Env:         []string{"GORACE=atexit_sleep_ms=0"}, // the race detector waits a second before a program may end
		Interpreter: engine.SystemRoots(),                 // a test binary with the race detector is linked dynamically
		Memory:      256 << 20,
		CPU:         2,
	}
}

// start starts an environment that is killed with the test.
func (s *suite) start(t *testing.T, spec engine.Spec) engine.Environment {
	t.Helper()
	v, err := s.engine.Start(t.Context(), spec)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		v.RuntimeAPI().Close()
		v.ServerAPI().Close()
		v.Kill()
		v.Wait()
	})
	return v
}

// run runs an environment to its end and returns what it printed.
func (s *suite) run(t *testing.T, spec engine.Spec) (string, engine.Exit) {
	t.Helper()
	var out bytes.Buffer
	spec.Stdout, spec.Stderr = &out, &out
	exit := s.start(t, spec).Wait()
	return out.String(), exit
}

// answers runs a probe that prints one line for each of its arguments, "argument: answer".
func (s *suite) answers(t *testing.T, spec engine.Spec) map[string]string {
	t.Helper()
	out, exit := s.run(t, spec)
	if exit != (engine.Exit{}) {
		t.Fatalf("probe ended with %+v:\n%s", exit, out)
	}
	m := map[string]string{}
	for line := range strings.Lines(out) {
		if k, v, ok := strings.Cut(strings.TrimSpace(line), ": "); ok {
			m[k] = v
		}
	}
	return m
}

// refused checks that every argument of the probe was refused.
func (s *suite) refused(t *testing.T, name string, args ...string) {
	t.Helper()
	answers := s.answers(t, probe(name, args...))
	for _, a := range args {
		if answer, ok := answers[a]; !ok || answer == allowed {
			t.Errorf("%s %s: %q, want an error", name, a, answer)
		}
	}
}

// canary writes a file on the host that nobody inside may see.
func canary(t *testing.T, dir string) string {
	t.Helper()
	path := filepath.Join(dir, "host-canary")
	if err := os.WriteFile(path, []byte("secret"), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

func have(t *testing.T, program string) string {
	t.Helper()
	path, err := exec.LookPath(program)
	if err != nil {
		t.Skipf("%s is not installed", program)
	}
	return path
}

// LoadProbe loads the probe into an engine.
func LoadProbe(t testing.TB, e engine.Engine) {
	t.Helper()
	if err := e.LoadCode(t.Context(), probeCode, probeArchive(t)); err != nil {
		t.Fatal(err)
	}
}

// Waiting is a Spec of a probe that connects to its Runtime API and then waits to be killed. The mark is in its command line.
func Waiting(mark string) engine.Spec { return probe("wait", mark) }

// Prepared is a Spec of an environment that waits for programs.
func Prepared() engine.Spec {
	s := probe("")
	s.Argv, s.Env = nil, nil
	return s
}

// WaitingProgram is what Waiting runs, for Run.
func WaitingProgram(mark string) engine.Program { return program("wait", mark) }
