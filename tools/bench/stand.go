package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// A stand is a built server, running.
type stand struct {
	load   time.Duration
	dir    string
	binary string
	addr   string
	cmd    *exec.Cmd
	env    map[string]string
	ready  time.Duration // from exec to the first line it prints
}

func newStand(load time.Duration) (*stand, error) {
	dir, err := os.MkdirTemp("", "redoubt-bench")
	if err != nil {
		return nil, err
	}
	s := &stand{load: load, dir: dir, binary: filepath.Join(dir, "redoubt")}
	build := exec.Command("go", "build", "-o", s.binary, "./cmd/redoubt")
	build.Dir, build.Env = "..", append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("building the server: %w\n%s", err, out)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	s.addr = l.Addr().String()
	l.Close()
	if err := s.start(); err != nil { // the first start makes keys and certificates
		s.close()
		return nil, err
	}
	return s, nil
}

func (s *stand) start() error {
	begin := time.Now()
	s.cmd = exec.Command(s.binary, "serve", "--data", filepath.Join(s.dir, "data"), "--listen", s.addr)
	s.cmd.Stderr = os.Stderr
	out, err := s.cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := s.cmd.Start(); err != nil {
		return err
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil || !strings.Contains(line, "listening") {
		return fmt.Errorf("the server said %q: %w", line, err)
	}
	s.ready = time.Since(begin)
	go io.Copy(io.Discard, out)
	return s.readEnv()
}

func (s *stand) readEnv() error {
	out, err := exec.Command(s.binary, "env", "--data", filepath.Join(s.dir, "data"), "--format", "json").Output()
	if err != nil {
		return fmt.Errorf("redoubt env: %w", err)
	}
	return json.Unmarshal(out, &s.env)
}

func (s *stand) stop() error {
	if s.cmd == nil {
		return nil
	}
	s.cmd.Process.Signal(os.Interrupt)
	done := make(chan error, 1)
	go func() { done <- s.cmd.Wait() }()
	select {
	case err := <-done:
		s.cmd = nil
		return err
	case <-time.After(40 * time.Second):
		s.cmd.Process.Kill()
		return errors.New("the server did not stop in time")
	}
}

func (s *stand) close() {
	s.stop()
	os.RemoveAll(s.dir)
}

// memory is the resident set of a process, in MB.
func memory(pid int) (float64, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, err
	}
	for line := range strings.SplitSeq(string(text), "\n") {
		if rest, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			kb, err := strconv.ParseFloat(strings.TrimSpace(strings.TrimSuffix(rest, "kB")), 64)
			return kb / 1000, err
		}
	}
	return 0, errors.New("no VmRSS")
}

func measureStart(s *stand) ([]measurement, error) {
	first := s.ready
	var again []time.Duration
	for range 5 {
		if err := s.stop(); err != nil {
			return nil, err
		}
		if err := s.start(); err != nil {
			return nil, err
		}
		again = append(again, s.ready)
	}
	time.Sleep(2 * time.Second)
	rss, err := memory(s.cmd.Process.Pid)
	return []measurement{
		{"first start, keys and certificates made, exec to listening", ms(first)},
		{"start, exec to listening, median of 5", ms(median(again))},
		{"memory, idle, resident", fmt.Sprintf("%.0f MB", rss)},
	}, err
}

func ctx() context.Context { return context.Background() }
