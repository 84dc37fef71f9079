package engine

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// systemRoots hold the programs and libraries of every Linux distribution. They are bound if they exist.
var systemRoots = []string{"/usr", "/bin", "/sbin", "/lib", "/lib64", "/lib32", "/etc/ld.so.cache", "/etc/alternatives", "/etc/ssl", "/etc/pki", "/etc/ca-certificates", "/nix/store"}

// SystemRoots lists the directories of the host that dynamically linked programs need.
func SystemRoots() []string {
	var roots []string
	for _, r := range systemRoots {
		if _, err := os.Lstat(r); err == nil {
			roots = append(roots, r)
		}
	}
	return roots
}

// Interpreter finds what a sandbox must see of the host to run the program at path: its real path and the directories to bind.
// Version managers put scripts in the place of interpreters (pyenv, asdf, nodenv): the interpreter itself is asked where it lives.
func Interpreter(path string) (argv0 string, roots []string, err error) {
	found, err := exec.LookPath(path)
	if err != nil {
		return "", nil, err
	}
	if found, err = filepath.Abs(found); err != nil {
		return "", nil, err
	}
	real, prefixes := askWhere(found)
	if real == "" {
		real = found
	}
	if real, err = filepath.EvalSymlinks(real); err != nil {
		return "", nil, err
	}
	roots = SystemRoots()
	for _, p := range append(prefixes, prefixOf(real)) {
		roots = addRoot(roots, p)
	}
	return real, roots, nil
}

// askWhere runs the program if it looks like Python or Node, and returns its real path and prefixes.
func askWhere(path string) (string, []string) {
	var args []string
	switch base := filepath.Base(path); {
	case strings.HasPrefix(base, "python"):
		args = []string{"-I", "-S", "-c", "import sys; print(sys.executable, sys.base_prefix, sys.base_exec_prefix, sep='\\n')"}
	case strings.HasPrefix(base, "node"):
		args = []string{"-p", "process.execPath"}
	default:
		return "", nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	out, err := exec.CommandContext(ctx, path, args...).Output()
	if err != nil {
		return "", nil
	}
	lines := strings.Split(string(bytes.TrimSpace(out)), "\n")
	return lines[0], lines[1:]
}

// prefixOf is the installation that a program belongs to: the directory above bin, or else the file alone.
func prefixOf(program string) string {
	if dir := filepath.Dir(program); filepath.Base(dir) == "bin" && filepath.Dir(dir) != "/" {
		return filepath.Dir(dir)
	}
	return program
}

// addRoot adds a path unless a root above it is there already.
func addRoot(roots []string, path string) []string {
	real, err := filepath.EvalSymlinks(path)
	if err != nil || real == "/" {
		return roots
	}
	for _, r := range roots {
		if real == r || strings.HasPrefix(real, r+"/") {
			return roots
		}
	}
	return append(roots, real)
}

// CheckRoots refuses interpreter paths that are not absolute, or that would show the sandbox the whole host.
func CheckRoots(roots []string) error {
	for _, r := range roots {
		switch {
		case !filepath.IsAbs(r) || filepath.Clean(r) != r:
			return fmt.Errorf("interpreter path %q is not a clean absolute path", r)
		case r == "/" || r == "/proc" || r == "/sys" || r == "/dev" || r == "/tmp" || r == "/etc" || r == "/var" || r == "/home" || r == "/root":
			return fmt.Errorf("interpreter path %q is too wide", r)
		}
	}
	return nil
}
