package sandboxtest

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// execute runs a copy of this program from a file that it has just written.
func execute(where string) error {
	self, err := os.Open("/proc/self/exe")
	if err != nil {
		return err
	}
	defer self.Close()
	var f *os.File
	path := where
	if where == "memory" {
		fd, err := unix.MemfdCreate("program", 0)
		if err != nil {
			return err
		}
		f, path = os.NewFile(uintptr(fd), "program"), fmt.Sprintf("/proc/self/fd/%d", fd)
		defer f.Close()
	} else if f, err = os.OpenFile(where, os.O_CREATE|os.O_WRONLY, 0o700); err != nil {
		return err
	}
	if _, err := io.Copy(f, self); err != nil {
		return err
	}
	if where != "memory" {
		f.Close()
	}
	return exec.Command(path, probeMark, "exit").Run()
}

// raise runs a program that would be somebody else.
func raise(args []string) {
	out, err := exec.Command(args[0], probeMark, "status", "Uid", "Gid", "CapEff", "CapPrm").CombinedOutput()
	fmt.Printf("%s%s", out, errorText(err))
}

// shared looks for a memory segment that others share under a key.
func shared(args []string) {
	key, _ := strconv.Atoi(args[0])
	_, err := unix.SysvShmGet(key, 0, 0)
	b, readErr := os.ReadFile("/proc/sysvipc/shm")
	fmt.Print(errorText(err), errorText(readErr), " ", bytes.Count(b, []byte("\n"))-1)
}

// environs prints the environment variables of all processes that it can read them of, but not its own.
func environs([]string) {
	all, _ := filepath.Glob("/proc/[0-9]*/environ")
	for _, path := range all {
		if b, err := os.ReadFile(path); err == nil && path != fmt.Sprintf("/proc/%d/environ", os.Getpid()) {
			fmt.Printf("%s: %q\n", path, b)
		}
	}
}

func (s *suite) tricks(t *testing.T) {
	t.Run("do not raise who runs a setuid program", func(t *testing.T) {
		dir, err := os.MkdirTemp("/var/tmp", "redoubt-") // inside, /tmp is another
		if err != nil {
			t.Fatal(err)
		}
		defer os.RemoveAll(dir)
		if err := os.Chmod(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		program := copyOfSelf(t, filepath.Join(dir, "setuid"))
		if err := os.Chmod(program, 0o755|fs.ModeSetuid|fs.ModeSetgid); err != nil {
			t.Fatal(err)
		}
		spec := probe("raise", program)
		spec.Interpreter = append(spec.Interpreter, dir)
		want := map[string]string{"Uid": "993\t993\t993\t993", "Gid": "990\t990\t990\t990", "CapEff": "0000000000000000", "CapPrm": "0000000000000000"}
		got := s.answers(t, spec)
		for field, w := range want {
			if got[field] != w {
				t.Errorf("%s is %q, want %q", field, got[field], w)
			}
		}
	})
	t.Run("with modes do not come out of a package", func(t *testing.T) {
		s.load(t, "modes", File{Name: "setuid", Mode: 0o777 | fs.ModeSetuid, Text: "x"}, File{Name: "setgid", Mode: 0o777 | fs.ModeSetgid, Text: "x"}, File{Name: "sticky", Mode: 0o666 | fs.ModeSticky, Text: "x"})
		spec := probe("mode", "/opt/setuid", "/opt/setgid", "/opt/sticky")
		spec.Layers = []string{"modes"}
		for path, mode := range s.answers(t, spec) {
			if want := map[bool]string{true: "-rw-r--r--", false: "-rwxr-xr-x"}[path == "/opt/sticky"]; mode != want {
				t.Errorf("%s has mode %s, want %s", path, mode, want)
			}
		}
	})
	t.Run("to run what one has written gain nothing", func(t *testing.T) {
		// As on AWS: /tmp and memory may hold programs. They get the same nothing.
		for where, answer := range s.answers(t, probe("execute", "/tmp/x", "memory")) {
			if answer != allowed {
				t.Errorf("running a program in %s: %s", where, answer)
			}
		}
	})
	t.Run("with shared memory reach nobody", func(t *testing.T) {
		key := 0x5ed0b700 + os.Getpid()%0xff
		id, err := unix.SysvShmGet(key, 4096, unix.IPC_CREAT|0o666)
		if err != nil {
			t.Fatal(err)
		}
		defer unix.SysvShmCtl(id, unix.IPC_RMID, nil)
		if out, _ := s.run(t, probe("shared", strconv.Itoa(key))); out != "no such file or directory 0" {
			t.Errorf("got %q", out)
		}
	})
	t.Run("find no environment variables of others", func(t *testing.T) {
		other := probe("wait")
		other.Env = append(other.Env, "SECRET=of-another-function")
		accept(t, s.start(t, other).RuntimeAPI())
		if out, exit := s.run(t, probe("environs")); out != "" || exit.Code != 0 {
			t.Errorf("read %q, ended with %+v", out, exit)
		}
	})
	t.Run("find no secrets where programs are started", s.secretsOfStarts)
}

// secretsOfStarts looks for an environment variable in the memory of those who start programs, and of process 1.
func (s *suite) secretsOfStarts(t *testing.T) {
	secret := rand.Text() // not one of the texts of this program, which the others run as well
	mark := "mark-" + filepath.Base(s.state) + "-" + t.Name()
	v := s.prepared(t, probe(""))
	p := program("wait", mark)
	p.Env = append(p.Env, "SECRET="+secret)
	mustRun(t, v, p)
	accept(t, v.RuntimeAPI())
	child := hostProcess(t, mark)
	if !holds(t, child, secret) {
		t.Fatal("the program itself does not have it, as far as this test can see")
	}
	for parent := parentOf(t, child); parent != os.Getpid() && parent > 1; parent = parentOf(t, parent) {
		if holds(t, parent, secret) {
			t.Errorf("process %d has it", parent)
		}
	}
}

func parentOf(t *testing.T, pid int) int {
	t.Helper()
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	_, after, ok := strings.Cut(string(b), ") ")
	fields := strings.Fields(after)
	if err != nil || !ok || len(fields) < 2 {
		t.Fatalf("reading the state of a process: %q, %v", b, err)
	}
	parent, _ := strconv.Atoi(fields[1])
	return parent
}

// holds reports whether a process has a text in its memory. Whose memory cannot be read has it for nobody.
func holds(t *testing.T, pid int, text string) bool {
	t.Helper()
	maps, err := os.ReadFile(fmt.Sprintf("/proc/%d/maps", pid))
	if err != nil {
		return false
	}
	memory, err := os.Open(fmt.Sprintf("/proc/%d/mem", pid))
	if errors.Is(err, fs.ErrPermission) {
		return false
	}
	if err != nil {
		t.Fatal(err)
	}
	defer memory.Close()
	for line := range strings.Lines(string(maps)) {
		var begin, end int64
		var mode string
		if _, err := fmt.Sscanf(line, "%x-%x %s", &begin, &end, &mode); err != nil || mode[0] != 'r' || begin < 0 || end-begin > 1<<28 {
			continue
		}
		b := make([]byte, end-begin)
		n, _ := memory.ReadAt(b, begin) // as far as there is memory
		if bytes.Contains(b[:n], []byte(text)) {
			return true
		}
	}
	return false
}

func copyOfSelf(t *testing.T, path string) string {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	program, err := os.ReadFile(self)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, program, 0o755); err != nil {
		t.Fatal(err)
	}
	return path
}
