package runtimes_test

import (
	"archive/zip"
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"redoubt/internal/service/lambda/runtimeapi"
	"redoubt/internal/service/lambda/runtimes"
)

// id is of every invocation.
const id = "01234567-89ab-cdef-0123-456789abcdef"

// found are the runtimes of a family that the interpreters on PATH can serve. A test that finds none is skipped.
func found(t *testing.T, family runtimes.Family) []*runtimes.Runtime {
	t.Helper()
	var list []*runtimes.Runtime
	for _, r := range all() {
		if r.Family == family {
			list = append(list, r)
		}
	}
	if len(list) == 0 {
		t.Skipf("there is no interpreter for %s on PATH", family)
	}
	return list
}

// all are the runtimes that this host has. Some of those who look for PATH's are slow.
var all = sync.OnceValue(func() (list []*runtimes.Runtime) {
	c, err := runtimes.New(nil)
	if err != nil {
		return nil
	}
	for _, name := range []string{
		"python3.9", "python3.10", "python3.11", "python3.12", "python3.13", "python3.14", "nodejs18.x", "nodejs20.x", "nodejs22.x", "nodejs24.x",
	} {
		if r, err := c.Find(name); err == nil {
			list = append(list, r)
		}
	}
	return list
})

// newest is one of them, for what does not depend on the version.
func newest(t *testing.T, family runtimes.Family) *runtimes.Runtime {
	t.Helper()
	list := found(t, family)
	best := list[0]
	for _, r := range list {
		if len(r.Name) > len(best.Name) || len(r.Name) == len(best.Name) && r.Name > best.Name {
			best = r
		}
	}
	return best
}

// A process is a runtime with a function in it, outside of any sandbox.
type process struct {
	t       *testing.T
	api     *runtimeapi.Server
	cmd     *exec.Cmd
	task    string
	runtime string
	exited  chan struct{}
	wrote   chan struct{} // has one when something was written

	mu  sync.Mutex
	out bytes.Buffer
}

// A spec is what a process is made of.
type spec struct {
	files   map[string]string
	handler string
	env     []string
	wrap    string // AWS_LAMBDA_EXEC_WRAPPER
}

func run(t *testing.T, r *runtimes.Runtime, s spec) *process {
	t.Helper()
	p := &process{
		t: t, api: runtimeapi.New(runtimeapi.Config{Idle: func() {}}), task: t.TempDir(), runtime: t.TempDir(),
		exited: make(chan struct{}), wrote: make(chan struct{}, 1),
	}
	for name, text := range s.files {
		p.write(filepath.Join(p.task, name), text)
	}
	argv := r.Argv(128, map[string]string{"AWS_LAMBDA_EXEC_WRAPPER": s.wrap})
	if r.Client != nil {
		p.unpack(r.Client)
		argv[len(argv)-1] = filepath.Join(p.runtime, filepath.Base(argv[len(argv)-1]))
	} else {
		argv = []string{filepath.Join(p.task, "bootstrap")}
	}
	srv := httptest.NewServer(p.api)
	p.cmd = exec.Command(argv[0], argv[1:]...)
	p.cmd.Dir = p.task
	p.cmd.Env = append([]string{
		"AWS_LAMBDA_RUNTIME_API=" + srv.Listener.Addr().String(), "_HANDLER=" + s.handler, "LAMBDA_TASK_ROOT=" + p.task,
		"LAMBDA_RUNTIME_DIR=" + p.runtime, "AWS_LAMBDA_FUNCTION_NAME=f", "AWS_LAMBDA_FUNCTION_VERSION=7",
		"AWS_LAMBDA_FUNCTION_MEMORY_SIZE=128", "AWS_LAMBDA_LOG_GROUP_NAME=/aws/lambda/f", "AWS_LAMBDA_LOG_STREAM_NAME=s",
	}, append(environ(r), s.env...)...)
	p.cmd.Stdout, p.cmd.Stderr = p, p
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { p.cmd.Wait(); close(p.exited) }()
	t.Cleanup(func() {
		p.api.Close()
		p.cmd.Process.Kill()
		<-p.exited
		srv.CloseClientConnections()
		srv.Close()
	})
	return p
}

func environ(r *runtimes.Runtime) (list []string) {
	for k, v := range r.Environ() {
		if k != "LD_LIBRARY_PATH" {
			list = append(list, k+"="+v)
		}
	}
	return list
}

func (p *process) write(path, text string) {
	p.t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		p.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o755); err != nil {
		p.t.Fatal(err)
	}
}

func (p *process) unpack(c *runtimes.Client) {
	p.t.Helper()
	r, err := zip.NewReader(c.Archive, c.Archive.Size())
	if err != nil {
		p.t.Fatal(err)
	}
	for _, f := range r.File {
		in, err := f.Open()
		if err != nil {
			p.t.Fatal(err)
		}
		text, err := io.ReadAll(in)
		if err != nil {
			p.t.Fatal(err)
		}
		p.write(filepath.Join(p.runtime, f.Name), string(text))
	}
}

func (p *process) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	select {
	case p.wrote <- struct{}{}:
	default:
	}
	return p.out.Write(b)
}

var stamps = regexp.MustCompile(`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{3})?Z`)

// log returns what was written since it was asked the last time, with names instead of what differs between runs.
func (p *process) log() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	text := p.out.String()
	p.out.Reset()
	text = strings.NewReplacer(p.task, "/var/task", p.runtime, "/var/runtime", id, "ID").Replace(text)
	return stamps.ReplaceAllString(text, "TIME")
}

const patience = 20 * time.Second

// logged is the log up to the mark of the invocation that has just been answered. What is written and what is answered come
// on two ways.
func (p *process) logged() string {
	p.t.Helper()
	var text string
	for deadline := time.Now().Add(patience); !strings.HasSuffix(text, marked()); text += p.log() {
		if time.Now().After(deadline) {
			p.t.Fatalf("no mark in %q", text)
		}
		select {
		case <-p.wrote:
		case <-time.After(patience):
		}
	}
	return strings.TrimSuffix(text, marked())
}

func (p *process) invoke(payload string) runtimeapi.Answer {
	p.t.Helper()
	return p.event(&runtimeapi.Event{Payload: []byte(payload)})
}

func (p *process) event(e *runtimeapi.Event) runtimeapi.Answer {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	e.RequestID, e.FunctionARN = id, "arn:aws:lambda:us-east-1:123456789012:function:f"
	if e.Deadline.IsZero() {
		e.Deadline = time.Now().Add(time.Minute)
	}
	a, err := p.api.Invoke(ctx, e)
	if err != nil {
		p.t.Fatalf("%v; %s", err, p.log())
	}
	return a
}

// ended waits for the process to exit, and returns its code.
func (p *process) ended() int {
	p.t.Helper()
	select {
	case <-p.exited:
	case <-time.After(patience):
		p.t.Fatal("it does not end")
	}
	return p.cmd.ProcessState.ExitCode()
}

// failed waits for the report of an initialisation that failed.
func (p *process) failed() runtimeapi.Answer {
	p.t.Helper()
	select {
	case a := <-p.api.InitFailed():
		return a
	case <-time.After(patience):
		p.t.Fatalf("no report; %s", p.log())
		panic("unreachable")
	}
}

// marked is the mark that ends an invocation.
func marked() string { return "\x00ID\n" }

func wantText(t *testing.T, what, got, want string) {
	t.Helper()
	if got != want {
		t.Errorf("%s is\n%q\nwant\n%q", what, got, want)
	}
}

func each(t *testing.T, family runtimes.Family, test func(t *testing.T, r *runtimes.Runtime)) {
	for _, r := range found(t, family) {
		t.Run(r.Name, func(t *testing.T) {
			t.Parallel()
			test(t, r)
		})
	}
}

func body(a runtimeapi.Answer) string { return fmt.Sprintf("%v %s", a.Failed, a.Payload) }
