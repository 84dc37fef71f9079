//go:build linux

package namespace

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"redoubt/internal/sandbox/engine"
)

// Defaults of a Spec. AWS: 128 MB of memory, 512 MB of /tmp, 1,024 processes and threads, 1,024 files (gettingstarted-limits).
const (
	defaultMemory    = 128 << 20
	defaultTmp       = 512 << 20
	defaultProcesses = 1024
	defaultFiles     = 1024
	defaultPort      = 4566
	defaultPath      = "/usr/local/bin:/usr/bin:/bin"
	defaultDir       = "/var/task"
)

// describe checks a Spec and fills in its defaults.
func describe(s engine.Spec) (*start, error) {
	if err := engine.CheckRoots(s.Interpreter); err != nil {
		return nil, err
	}
	d := &start{
		Main: len(s.Argv) > 0, Code: s.Code, Layers: s.Layers, Runtime: s.Runtime,
		ServerPort: or(s.ServerPort, defaultPort),
		limits: limits{
			Memory: or(s.Memory, defaultMemory), Tmp: or(s.Tmp, defaultTmp), CPU: s.CPU,
			Processes: or(s.Processes, defaultProcesses), Files: or(s.Files, defaultFiles),
		},
	}
	if d.CPU <= 0 {
		// AWS: at 1,769 MB, a function has the equivalent of one vCPU (configuration-memory).
		d.CPU = float64(d.Memory) / (1769 << 20)
	}
	for _, p := range s.Interpreter {
		dir, err := filepath.EvalSymlinks(filepath.Dir(p))
		if err != nil {
			return nil, fmt.Errorf("finding interpreter path: %w", err)
		}
		d.Roots = append(d.Roots, filepath.Join(dir, filepath.Base(p)))
	}
	d.Roots = outermost(d.Roots)
	return d, nil
}

// outermost drops paths that lie below others, and repeated ones.
func outermost(paths []string) []string {
	var out []string
	for _, p := range slices.Sorted(slices.Values(paths)) {
		covered := slices.ContainsFunc(out, func(o string) bool { return p == o || strings.HasPrefix(p, o+"/") })
		if !covered {
			out = append(out, p)
		}
	}
	return out
}

// candidates lists where a program may be, as execvp(3) would look for it.
func candidates(program string, env []string) []string {
	if strings.Contains(program, "/") {
		return []string{program}
	}
	path := defaultPath
	for _, v := range env {
		if p, ok := strings.CutPrefix(v, "PATH="); ok {
			path = p
		}
	}
	var out []string
	for dir := range strings.SplitSeq(path, ":") {
		if filepath.IsAbs(dir) {
			out = append(out, filepath.Join(dir, program))
		}
	}
	return out
}

func or[T comparable](v, otherwise T) T {
	var zero T
	if v == zero {
		return otherwise
	}
	return v
}
