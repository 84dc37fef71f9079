//go:build linux

package namespace_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
	"redoubt/internal/sandbox/engine"
	"redoubt/internal/sandbox/namespace"
	"redoubt/internal/sandbox/sandboxtest"
)

// process finds the one process whose command line contains the words, and returns a file that becomes readable at its end.
func process(t *testing.T, words ...string) (pid, fd int) {
	t.Helper()
	lines, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range lines {
		b, err := os.ReadFile(path)
		if err != nil || !containsAll(string(b), words) {
			continue
		}
		if _, err := fmt.Sscanf(path, "/proc/%d/cmdline", &pid); err != nil || pid == os.Getpid() {
			continue
		}
		fd, err := unix.PidfdOpen(pid, 0)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { unix.Close(fd) })
		return pid, fd
	}
	t.Fatalf("no process %q", words)
	return 0, 0
}

func containsAll(s string, words []string) bool {
	for _, w := range words {
		if !strings.Contains(s, w) {
			return false
		}
	}
	return true
}

// awaitEnd waits until a process is gone.
func awaitEnd(t *testing.T, fd int) {
	t.Helper()
	for {
		n, err := unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, 20_000)
		if err == unix.EINTR {
			continue
		}
		if err != nil || n == 0 {
			t.Fatalf("the process lives on: %v", err)
		}
		return
	}
}

// ended reports whether a process is gone.
func ended(fd int) bool {
	n, _ := unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, 0)
	return n > 0
}

// spawnerOf finds the spawner that a process started.
func spawnerOf(t *testing.T, parent int) int {
	t.Helper()
	tasks, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", parent))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range tasks {
		b, err := os.ReadFile(path)
		if err != nil {
			continue
		}
		for _, child := range strings.Fields(string(b)) {
			line, _ := os.ReadFile("/proc/" + child + "/cmdline")
			var pid int
			if _, err := fmt.Sscan(child, &pid); err == nil && strings.HasPrefix(string(line), "redoubt-spawner") {
				return pid
			}
		}
	}
	t.Fatal("no spawner")
	return 0
}

func waiting(t *testing.T, e engine.Engine, mark string) engine.Environment {
	t.Helper()
	v, err := e.Start(t.Context(), sandboxtest.Waiting(mark))
	if err != nil {
		t.Fatal(err)
	}
	c, err := v.RuntimeAPI().Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return v
}

func TestEverythingDiesWithTheSpawner(t *testing.T) {
	e := open(t, t.TempDir())
	defer e.Close()
	sandboxtest.LoadProbe(t, e)
	mark := "mark-" + t.Name()
	for range 3 {
		v := waiting(t, e, mark)
		frozen := waiting(t, e, "frozen-"+mark)
		_, end := process(t, "probe", "frozen-"+mark)
		if err := frozen.Freeze(); err != nil {
			t.Fatal(err)
		}
		if err := syscall.Kill(spawnerOf(t, os.Getpid()), syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		if exit := v.Wait(); exit.Err == nil || exit.Signal != syscall.SIGKILL {
			t.Errorf("ended with %+v", exit)
		}
		frozen.Wait()
		awaitEnd(t, end)
		if _, err := e.Start(t.Context(), sandboxtest.Waiting(mark)); !errors.Is(err, engine.ErrNotLoaded) {
			t.Errorf("started again with %v", err)
		}
		sandboxtest.LoadProbe(t, e)
	}
}

// killSpawner returns at once, before the engine can have noticed.
func killSpawner(t *testing.T) {
	t.Helper()
	if err := syscall.Kill(spawnerOf(t, os.Getpid()), syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
}

func TestNobodyNoticesALostSpawner(t *testing.T) {
	e := open(t, t.TempDir())
	defer e.Close()
	sandboxtest.LoadProbe(t, e)
	mark := "mark-" + t.Name()
	for range 20 {
		killSpawner(t)
		if _, err := e.Start(t.Context(), sandboxtest.Waiting(mark)); !errors.Is(err, engine.ErrNotLoaded) {
			t.Fatalf("started with %v", err)
		}
		killSpawner(t)
		sandboxtest.LoadProbe(t, e)
		killSpawner(t)
		if err := e.DropCode("nothing"); err != nil {
			t.Fatal(err)
		}
	}
	sandboxtest.LoadProbe(t, e)
	waiting(t, e, mark).Kill()
}

func TestWeaknessesAreRefusedUnlessAllowed(t *testing.T) {
	weak := open(t, t.TempDir())
	defer weak.Close()
	strict, err := namespace.Open(engine.Options{StateDir: t.TempDir()})
	if len(weak.Weaknesses()) == 0 {
		if err != nil {
			t.Fatal(err)
		}
		defer strict.Close()
		return
	}
	var refused *engine.WeakError
	if !errors.As(err, &refused) || len(refused.Weaknesses) != len(weak.Weaknesses()) {
		t.Errorf("got %v", err)
	}
}
