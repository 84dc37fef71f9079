//go:build linux

package endtoend

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// A home is where servers of one test run, one after the other: their data, and what they may put into temporary files.
type home struct {
	testing.TB
	data, tmp string
	env       []string
	user      *syscall.Credential // nil: as this process
	args      []string
}

func newHome(t testing.TB, args ...string) *home {
	t.Helper()
	h := &home{TB: t, data: filepath.Join(t.TempDir(), "data"), tmp: t.TempDir(), args: args}
	h.env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + h.tmp, "TMPDIR=" + h.tmp}
	return h
}

// A server is one run of the program.
type server struct {
	*home
	cmd      *exec.Cmd
	out, err *output
	ended    chan struct{}
	connect  map[string]string // what a client needs, as redoubt env says
}

// program is a command line of redoubt.
func (h *home) program(args ...string) *exec.Cmd {
	h.Helper()
	path, err := redoubt()
	must(h, err)
	cmd := exec.Command(path, args...) // the test's context ends before its cleanup does
	cmd.Env = h.env
	cmd.WaitDelay = 20 * time.Second // for whoever holds on to its output
	if h.user != nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: h.user}
	}
	return cmd
}

// launch starts a server, which may or may not come up.
func (h *home) launch(args ...string) *server {
	h.Helper()
	all := append([]string{"serve", "--data", h.data, "--listen", "127.0.0.1:0"}, h.args...)
	s := &server{home: h, cmd: h.program(append(all, args...)...), ended: make(chan struct{})}
	s.out, s.err = newOutput("Connect a client"), newOutput("")
	s.cmd.Stdout, s.cmd.Stderr = s.out, s.err
	must(h, s.cmd.Start())
	go func() {
		_ = s.cmd.Wait() // tests read ProcessState
		close(s.ended)
	}()
	h.Cleanup(s.end)
	return s
}

// serve starts a server and waits until it answers.
func (h *home) serve(args ...string) *server {
	h.Helper()
	if os.Getuid() != 0 { // few hosts give an ordinary user control groups; ordinary_test.go is about that
		args = append(args, "--allow-weaker-sandbox")
	}
	s := h.launch(args...)
	select {
	case <-s.out.seen:
	case <-s.ended:
		h.Fatalf("the server ended with code %d: %s", s.code(), s.err)
	case <-time.After(time.Minute):
		h.Fatalf("the server does not come up: %s", s.err)
	}
	text, err := h.program("env", "--data", h.data, "--format", "json").Output()
	must(h, err)
	must(h, json.Unmarshal(text, &s.connect))
	return s
}

// refusal starts a server that must not come up, and returns what it says.
func (h *home) refusal(args ...string) string {
	h.Helper()
	s := h.launch(args...)
	s.wait()
	if s.code() != 1 {
		h.Errorf("exit code %d, want 1: %s", s.code(), s.err)
	}
	return s.err.String()
}

// kill ends the server as the machine's end would: without asking.
func (s *server) kill() {
	_ = s.cmd.Process.Kill() // it may have ended by itself
	<-s.ended
}

// end leaves nothing behind, control groups included, whatever the test came to.
func (s *server) end() {
	_ = s.cmd.Process.Signal(syscall.SIGTERM) // it may have ended by itself
	select {
	case <-s.ended:
	case <-time.After(time.Minute):
		s.kill()
	}
}

// stop drains the server.
func (s *server) stop() {
	s.Helper()
	s.terminate()
	s.wait()
	if s.code() != 0 {
		s.Errorf("a drained server ends with code %d: %s", s.code(), s.err)
	}
}

func (s *server) terminate() {
	s.Helper()
	must(s, s.cmd.Process.Signal(syscall.SIGTERM))
}

func (s *server) wait() {
	s.Helper()
	select {
	case <-s.ended:
	case <-time.After(time.Minute):
		s.Fatalf("the server does not end: %s", s.err)
	}
}

func (s *server) code() int { return s.cmd.ProcessState.ExitCode() }
func (s *server) pid() int  { return s.cmd.Process.Pid }

// An output is what a program has written until now.
type output struct {
	mark string
	seen chan struct{} // closed when mark was written

	mu   sync.Mutex
	text bytes.Buffer
}

func newOutput(mark string) *output { return &output{mark: mark, seen: make(chan struct{})} }

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.text.Write(p)
	if o.mark != "" && strings.Contains(o.text.String(), o.mark) {
		o.mark = ""
		close(o.seen)
	}
	return len(p), nil
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}
