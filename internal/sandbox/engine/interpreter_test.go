package engine_test

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"redoubt/internal/sandbox/engine"
)

func TestInterpreterBringsItsInstallation(t *testing.T) {
	prefix, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	program := filepath.Join(prefix, "bin", "ruby3")
	if err := os.MkdirAll(filepath.Dir(program), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(program, []byte("#!/bin/sh\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	link := filepath.Join(t.TempDir(), "ruby")
	if err := os.Symlink(program, link); err != nil {
		t.Skip("this system makes no links:", err)
	}
	argv0, roots, err := engine.Interpreter(link)
	if err != nil || argv0 != program || !slices.Contains(roots, prefix) {
		t.Errorf("got %q, %q, %v", argv0, roots, err)
	}
}

func TestInterpreterBehindAShimIsAsked(t *testing.T) {
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	real := filepath.Join(dir, "versions", "20", "bin", "node")
	if err := os.MkdirAll(filepath.Dir(real), 0o755); err != nil {
		t.Fatal(err)
	}
	script := []byte("#!/bin/sh\necho " + real + "\n")
	shim := filepath.Join(dir, "node")
	for _, path := range []string{real, shim} {
		if err := os.WriteFile(path, script, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	argv0, roots, err := engine.Interpreter(shim)
	if err != nil || argv0 != real || !slices.Contains(roots, filepath.Join(dir, "versions", "20")) {
		t.Skipf("no shell here: %q, %q, %v", argv0, roots, err)
	}
}

func TestInterpreterThatIsMissingIsAnError(t *testing.T) {
	if _, _, err := engine.Interpreter("no-such-interpreter"); err == nil {
		t.Error("found")
	}
}

func TestTooWideRootsAreRefused(t *testing.T) {
	for _, root := range []string{"/", "/proc", "/etc", "/root", "relative", "/usr/../etc"} {
		if engine.CheckRoots([]string{root}) == nil {
			t.Errorf("%s was accepted", root)
		}
	}
	if err := engine.CheckRoots(engine.SystemRoots()); err != nil {
		t.Error(err)
	}
}
