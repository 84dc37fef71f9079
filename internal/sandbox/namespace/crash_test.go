//go:build linux

package namespace_test

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"redoubt/internal/sandbox/namespace"
	"redoubt/internal/sandbox/sandboxtest"
)

// serverVariable makes this test binary a server that is to be killed; its value is the state directory.
const serverVariable = "REDOUBT_TEST_SERVER"

// TestServerToKill is such a server, and otherwise nothing.
func TestServerToKill(t *testing.T) {
	state := os.Getenv(serverVariable)
	if state == "" {
		return
	}
	e := open(t, state)
	sandboxtest.LoadProbe(t, e)
	waiting(t, e, "mark-"+state)
	prepared, err := e.Start(t.Context(), sandboxtest.Prepared())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := prepared.Run(sandboxtest.WaitingProgram("extra-" + state)); err != nil {
		t.Fatal(err)
	}
	if err := waiting(t, e, "frozen-"+state).Freeze(); err != nil {
		t.Fatal(err)
	}
	fmt.Println("ready")
	select {}
}

// A server is a process with environments that run, that wait and that are frozen.
type server struct {
	*exec.Cmd
	spawner int
	ends    []int // files that become readable when a process of an environment ends
}

func startServer(t *testing.T, state string) *server {
	t.Helper()
	c := exec.CommandContext(t.Context(), "/proc/self/exe", "-test.run=^TestServerToKill$", "-test.timeout=1m")
	c.Env = append(os.Environ(), serverVariable+"="+state)
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Process.Kill(); c.Wait() })
	ready := false
	for s := bufio.NewScanner(out); !ready && s.Scan(); ready = s.Text() == "ready" {
		if strings.Contains(s.Text(), "SKIP") {
			t.Skip("the server skips: ", s.Text())
		}
	}
	if !ready {
		t.Fatal("the server did not start")
	}
	v := &server{Cmd: c, spawner: spawnerOf(t, c.Process.Pid)}
	for _, mark := range []string{"mark-", "extra-", "frozen-"} {
		_, fd := process(t, "probe", mark+state)
		v.ends = append(v.ends, fd)
	}
	return v
}

func (v *server) kill(t *testing.T) {
	t.Helper()
	if err := v.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = v.Wait() // it was killed
}

func (v *server) awaitEnd(t *testing.T) {
	t.Helper()
	for _, fd := range v.ends {
		awaitEnd(t, fd)
	}
}

// lives reports whether all processes of its environments are there.
func (v *server) lives() bool {
	for _, fd := range v.ends {
		if ended(fd) {
			return false
		}
	}
	return true
}

func TestEverythingDiesWithTheServer(t *testing.T) {
	state := t.TempDir()
	v := startServer(t, state)
	v.kill(t)
	v.awaitEnd(t)
	e := open(t, state) // nothing of the crash is in the way
	if err := e.Close(); err != nil {
		t.Error(err)
	}
	nothingIsLeft(t, state)
}

func TestEverythingDiesWithTheServerAndTheSpawner(t *testing.T) {
	state := t.TempDir()
	v := startServer(t, state)
	// Neither can clean up after the other.
	for _, pid := range []int{v.Process.Pid, v.spawner} {
		if err := syscall.Kill(pid, syscall.SIGSTOP); err != nil {
			t.Fatal(err)
		}
	}
	if err := syscall.Kill(v.spawner, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	v.kill(t)
	e := open(t, state) // which ends even the frozen that could not die
	v.awaitEnd(t)
	if err := e.Close(); err != nil {
		t.Error(err)
	}
	nothingIsLeft(t, state)
}

func TestEverythingDiesBesideAnotherServer(t *testing.T) {
	one, two := t.TempDir(), t.TempDir()
	killed, other := startServer(t, one), startServer(t, two)
	kept := groupsOf(t, two)
	killed.kill(t)
	killed.awaitEnd(t)
	e := open(t, one)
	sandboxtest.LoadProbe(t, e)
	waiting(t, e, "again-"+one).Kill()
	if err := e.Close(); err != nil {
		t.Error(err)
	}
	nothingIsLeft(t, one)
	if !other.lives() {
		t.Error("another server lost environments")
	}
	if now := groupsOf(t, two); len(now) != len(kept) {
		t.Errorf("another server lost control groups: %q, was %q", now, kept)
	}
	other.kill(t)
	other.awaitEnd(t)
	if err := open(t, two).Close(); err != nil {
		t.Error(err)
	}
	nothingIsLeft(t, two)
}

// groupsOf lists the control groups of the server with a state directory, wherever they are.
func groupsOf(t *testing.T, state string) (all []string) {
	t.Helper()
	name := namespace.GroupName(state)
	err := filepath.WalkDir("/sys/fs/cgroup", func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.IsDir() && strings.Contains(path, name) {
			all = append(all, path)
		}
		if errors.Is(err, fs.ErrPermission) || errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// nothingIsLeft looks for traces of a server that has ended.
func nothingIsLeft(t *testing.T, state string) {
	t.Helper()
	if left := groupsOf(t, state); len(left) > 0 {
		t.Errorf("control groups are left: %q", left)
	}
	mounts, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(mounts), state) {
		t.Error("a mount is left")
	}
	if entries, err := os.ReadDir(state); err != nil || len(entries) > 0 {
		t.Errorf("files are left: %v, %v", entries, err)
	}
	processes, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range processes {
		if b, err := os.ReadFile(path); err == nil && strings.Contains(string(b), "probe") && strings.Contains(string(b), state) {
			t.Errorf("a process is left: %q", b)
		}
	}
}
