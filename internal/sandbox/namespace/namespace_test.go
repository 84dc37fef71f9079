//go:build linux

package namespace_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"

	"redoubt/internal/sandbox/engine"
	"redoubt/internal/sandbox/namespace"
	"redoubt/internal/sandbox/sandboxtest"
)

func TestMain(m *testing.M) {
	namespace.Main()
	sandboxtest.Main()
	os.Exit(m.Run())
}

func open(t *testing.T, stateDir string) engine.Engine {
	e, err := namespace.Open(engine.Options{StateDir: stateDir, AllowWeaker: true})
	if err != nil {
		t.Skip("this host makes no jails:", err)
	}
	for _, w := range e.Weaknesses() {
		t.Logf("without %s", w.Layer)
	}
	return e
}

func TestSuite(t *testing.T) { sandboxtest.Run(t, open) }

// nobody is an ordinary user of every Linux.
const nobody = 65534

func TestSuiteAsAnOrdinaryUser(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can become another user; the suite ran as an ordinary user already")
	}
	c := asNobody(t, "-test.run=^(TestSuite|TestEverythingDies.*|TestWeaknesses.*)$", "-test.v", "-test.timeout=2m")
	out, err := c.CombinedOutput()
	if err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

// asNobody prepares this test binary to run as an ordinary user.
func asNobody(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	dir := publicDir(t)
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	program, err := os.ReadFile(self)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "namespace.test")
	if err := os.WriteFile(path, program, 0o755); err != nil {
		t.Fatal(err)
	}
	c := exec.CommandContext(t.Context(), path, args...)
	c.Dir = dir
	c.Env = []string{"PATH=/usr/local/bin:/usr/bin:/bin", "TMPDIR=" + dir, "HOME=" + dir}
	c.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
	return c
}

// publicDir is a directory that any user may enter, and that belongs to nobody.
func publicDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "redoubt-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Chown(dir, nobody, nobody); err != nil {
		t.Fatal(err)
	}
	return dir
}
