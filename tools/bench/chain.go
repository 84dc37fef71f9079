package main

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"
)

// A call waits for its answer.
type call struct {
	payload []byte
	answer  chan []byte
}

// newRouter is what stands between clients and runtimes that poll, with nothing else: no TLS, no identity, no sandbox, no log.
// It is what an invocation costs at least.
func newRouter() http.Handler {
	events := make(chan call)
	pending := make(chan map[string]call, 1)
	pending <- map[string]call{}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /invoke", func(w http.ResponseWriter, r *http.Request) {
		payload, _ := io.ReadAll(r.Body)
		c := call{payload, make(chan []byte, 1)}
		events <- c
		w.Write(<-c.answer)
	})
	var next atomic.Int64
	mux.HandleFunc("GET /2018-06-01/runtime/invocation/next", func(w http.ResponseWriter, r *http.Request) {
		select {
		case c := <-events:
			waiting := <-pending
			id := fmt.Sprint(next.Add(1))
			waiting[id] = c
			pending <- waiting
			w.Header().Set("Lambda-Runtime-Aws-Request-Id", id)
			w.Header().Set("Lambda-Runtime-Deadline-Ms", fmt.Sprint(time.Now().Add(time.Minute).UnixMilli()))
			w.Header().Set("Lambda-Runtime-Invoked-Function-Arn", "arn:aws:lambda:us-east-1:111122223333:function:f")
			w.Write(c.payload)
		case <-r.Context().Done():
		}
	})
	mux.HandleFunc("POST /2018-06-01/runtime/invocation/{id}/response", func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		waiting := <-pending
		c := waiting[r.PathValue("id")]
		delete(waiting, r.PathValue("id"))
		pending <- waiting
		c.answer <- body
		w.WriteHeader(http.StatusAccepted)
	})
	return mux
}

// serveRouter is what the process does that bench starts as its router: to share one process with the load would be unfair
// to a server that has its own.
func serveRouter() error {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Println(l.Addr())
	return http.Serve(l, newRouter())
}

// startRouter starts the router and returns its address.
func startRouter() (addr string, stop func(), err error) {
	self, err := os.Executable()
	if err != nil {
		return "", nil, err
	}
	cmd := exec.Command(self, "-router")
	out, err := cmd.StdoutPipe()
	if err != nil {
		return "", nil, err
	}
	if err := cmd.Start(); err != nil {
		return "", nil, err
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		return "", nil, fmt.Errorf("starting the router: %w", err)
	}
	return line[:len(line)-1], func() { cmd.Process.Kill(); cmd.Wait() }, nil
}

// Minimal runtime clients: what any client must do, and nothing more.
const (
	minimalPython = `import os, sys, http.client, json
sys.path.insert(0, os.getcwd())
from app import handler
c = http.client.HTTPConnection(os.environ["AWS_LAMBDA_RUNTIME_API"])
while True:
    c.request("GET", "/2018-06-01/runtime/invocation/next")
    r = c.getresponse()
    event = json.loads(r.read())
    c.request("POST", "/2018-06-01/runtime/invocation/" + r.headers["Lambda-Runtime-Aws-Request-Id"] + "/response", json.dumps(handler(event, None)))
    c.getresponse().read()
`
	minimalNode = `const http = require("http"), { handler } = require(process.cwd() + "/app.js");
const [host, port] = process.env.AWS_LAMBDA_RUNTIME_API.split(":"), agent = new http.Agent({ keepAlive: true });
const call = (method, path, body) => new Promise((ok, no) => {
  const r = http.request({ host, port, method, path: "/2018-06-01/runtime/invocation/" + path, agent }, (res) => {
    let text = ""; res.on("data", (d) => text += d); res.on("end", () => ok([res.headers, text]));
  });
  r.on("error", no); r.end(body);
});
(async () => { for (;;) {
  const [h, text] = await call("GET", "next");
  await call("POST", h["lambda-runtime-aws-request-id"] + "/response", JSON.stringify(await handler(JSON.parse(text))));
} })();
`
)

// bare is the command that runs a sample without a platform.
func (s *stand) bare(f sample, addr string) (*exec.Cmd, error) {
	dir := filepath.Join(s.dir, "bare-"+f.name)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	write := func(name, text string) error {
		path := filepath.Join(dir, name)
		if _, err := os.Stat(path); err == nil { // it may be running
			return nil
		}
		return os.WriteFile(path, []byte(text), 0o755)
	}
	argv := []string{filepath.Join(dir, f.file)}
	if _, err := os.Stat(argv[0]); err != nil {
		code, err := f.code(s)
		if err == nil {
			err = write(f.file, string(code))
		}
		if err != nil {
			return nil, err
		}
	}
	var err error
	switch f.name {
	case "python":
		program, err := realPython()
		if err != nil {
			return nil, err
		}
		argv, err = []string{program, "client.py"}, write("client.py", minimalPython)
		if err != nil {
			return nil, err
		}
	case "node":
		argv, err = []string{"node", "client.js"}, write("client.js", minimalNode)
		if err != nil {
			return nil, err
		}
	}
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Dir, cmd.Env = dir, []string{"PATH=/usr/local/bin:/usr/bin:/bin", "AWS_LAMBDA_RUNTIME_API=" + addr, "_HANDLER=" + f.handler}
	return cmd, nil
}

// measureChain is two hops on loopback: the load to the router, the router to the polling function.
func measureChain(s *stand) ([]measurement, error) {
	var out []measurement
	for _, f := range samples() {
		addr, stop, err := startRouter()
		if err != nil {
			return nil, err
		}
		results, err := s.measureThrough(f, addr)
		stop()
		if err != nil {
			return nil, err
		}
		out = append(out, results...)
	}
	return out, nil
}

func (s *stand) measureThrough(f sample, addr string) ([]measurement, error) {
	for range 2 { // two runtimes, as many as there are processors
		cmd, err := s.bare(f, addr)
		if err != nil {
			return nil, err
		}
		if err := cmd.Start(); err != nil {
			return nil, err
		}
		defer func() { cmd.Process.Kill(); cmd.Wait() }()
	}
	request := shot("POST /invoke HTTP/1.1\r\nHost: localhost\r\nContent-Length: 7\r\n\r\n{\"k\":1}")
	dial := func() (net.Conn, error) { return net.Dial("tcp", addr) }
	return s.measure("two chained hops without a platform, "+f.runtime, dial, func() shot { return request })
}

// measureBareCold is a bare exec of the same program with the same handler, until its first answer.
func measureBareCold(s *stand) ([]measurement, error) {
	var out []measurement
	for _, f := range samples() {
		addr, stop, err := startRouter()
		if err != nil {
			return nil, err
		}
		var took []time.Duration
		for range 11 {
			d, err := s.bareCold(f, addr)
			if err != nil {
				stop()
				return nil, err
			}
			took = append(took, d)
		}
		stop()
		out = append(out, measurement{"bare exec to its first answer, " + f.runtime + ", a minimal client, median of 11", ms(median(took))})
	}
	return out, nil
}

func (s *stand) bareCold(f sample, addr string) (time.Duration, error) {
	cmd, err := s.bare(f, addr)
	if err != nil {
		return 0, err
	}
	begin := time.Now()
	if err := cmd.Start(); err != nil {
		return 0, err
	}
	defer func() { cmd.Process.Kill(); cmd.Wait() }()
	err = post(addr, `{"k":1}`)
	return time.Since(begin), err
}

// post sends an event through the router, and waits for the answer.
func post(addr, event string) error {
	res, err := http.Post("http://"+addr+"/invoke", "application/json", strings.NewReader(event))
	if err != nil {
		return err
	}
	defer res.Body.Close()
	_, err = io.ReadAll(res.Body)
	return err
}
