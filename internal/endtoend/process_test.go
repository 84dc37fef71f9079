//go:build linux

package endtoend

import (
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// A process is known by its id and the moment of its start, since ids come again.
type process struct {
	pid   int
	start string
}

func (p process) String() string {
	line, _ := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", p.pid))
	return fmt.Sprintf("%d %s", p.pid, bytes.ReplaceAll(line, []byte{0}, []byte{' '}))
}

// stat reads a process's parent and start. A zombie is no process any more.
func stat(pid int) (p process, parent int, ok bool) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return p, 0, false
	}
	f := strings.Fields(string(text[bytes.LastIndexByte(text, ')')+1:])) // the name may hold anything
	if len(f) < 20 || f[0] == "Z" || f[0] == "X" {
		return p, 0, false
	}
	parent, _ = strconv.Atoi(f[1])
	return process{pid, f[19]}, parent, true
}

// descendants are the processes that come from one, without itself.
func descendants(t testing.TB, of int) []process {
	t.Helper()
	dirs, err := filepath.Glob("/proc/[0-9]*")
	must(t, err)
	children := map[int][]process{}
	for _, d := range dirs {
		pid, _ := strconv.Atoi(filepath.Base(d))
		if p, parent, ok := stat(pid); ok {
			children[parent] = append(children[parent], p)
		}
	}
	var all []process
	for next := []int{of}; len(next) > 0; next = next[1:] {
		for _, c := range children[next[0]] {
			all = append(all, c)
			next = append(next, c.pid)
		}
	}
	return all
}

// alive returns those of some processes that still are.
func alive(of []process) (left []process) {
	for _, p := range of {
		if now, _, ok := stat(p.pid); ok && now == p {
			left = append(left, p)
		}
	}
	return left
}

// groupName finds what the control groups of a server are called, or "" if it has none.
func groupName(t testing.TB, s *server) string {
	t.Helper()
	for _, p := range descendants(t, s.pid()) {
		text, err := os.ReadFile(fmt.Sprintf("/proc/%d/cgroup", p.pid))
		if err != nil {
			continue
		}
		for part := range strings.FieldsFuncSeq(string(text), func(r rune) bool { return r == '/' || r == '\n' }) {
			if strings.HasPrefix(part, "redoubt-") {
				return part
			}
		}
	}
	return ""
}

// groups are the control groups of jails below directories of that name, in all hierarchies.
func groups(t testing.TB, name string) (all []string) {
	t.Helper()
	if name == "" {
		return nil
	}
	err := filepath.WalkDir("/sys/fs/cgroup", func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.IsDir() && filepath.Base(filepath.Dir(path)) == name {
			all = append(all, path)
			return fs.SkipDir
		}
		return nil // what vanishes while we look belongs to others
	})
	must(t, err)
	return all
}

// inside are the processes in control groups.
func inside(dirs []string) (pids []string) {
	for _, d := range dirs {
		text, err := os.ReadFile(filepath.Join(d, "cgroup.procs"))
		if err == nil {
			pids = append(pids, strings.Fields(string(text))...)
		}
	}
	return pids
}

// resident is the memory of a process in bytes.
func resident(t testing.TB, pid int) int {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	must(t, err)
	for line := range strings.Lines(string(text)) {
		if rest, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			kib, err := strconv.Atoi(strings.Fields(rest)[0])
			must(t, err)
			return kib << 10
		}
	}
	t.Fatal("no VmRSS")
	return 0
}

// mounts counts what is mounted where a process sees it; its threads may see different things.
func mounts(pid int) (most int) {
	threads, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/mountinfo", pid))
	for _, t := range threads {
		text, _ := os.ReadFile(t) // it may have ended
		most = max(most, bytes.Count(text, []byte{'\n'}))
	}
	return most
}

// connections counts what a process has open but is no file: sockets, pipes, namespaces, and the like. Files are the store's.
func connections(t testing.TB, pid int) (n int) {
	t.Helper()
	dir := fmt.Sprintf("/proc/%d/fd", pid)
	all, err := os.ReadDir(dir)
	must(t, err)
	for _, e := range all {
		to, err := os.Readlink(filepath.Join(dir, e.Name()))
		if err == nil && !strings.HasPrefix(to, "/") {
			n++
		}
	}
	return n
}

// eventually waits until something holds. What it waits for takes as long as the machine needs, and fails only if stuck.
func eventually(t testing.TB, holds func() bool, otherwise func() string) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); !holds(); {
		if time.Now().After(deadline) {
			t.Fatal(otherwise())
		}
		<-time.After(20 * time.Millisecond)
	}
}
