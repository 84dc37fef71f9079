//go:build linux

package namespace_test

import (
	"io"
	"net"
	"os"
	"os/exec"
	"slices"
	"testing"
	"time"

	"redoubt/internal/sandbox/engine"
	"redoubt/internal/sandbox/namespace"
	"redoubt/internal/sandbox/sandboxtest"
)

// clients connect to the Runtime API and wait, as a runtime does with its first GET next.
func clients(b *testing.B) map[string]engine.Spec {
	all := map[string]engine.Spec{"go": sandboxtest.Waiting("bench")}
	for name, script := range map[string][]string{
		"python3": {"-S", "-E", "-c", "import socket; c = socket.create_connection(('127.0.0.1', 9001)); c.send(b'+'); c.recv(1)"},
		"node":    {"-e", "require('net').connect(9001, '127.0.0.1').write('+')"},
		"sh":      {"-c", ":"},
	} {
		argv0, roots, err := engine.Interpreter(name)
		if err != nil {
			continue
		}
		all[name] = engine.Spec{Argv: append([]string{argv0}, script...), Interpreter: roots, Dir: "/", Memory: 1 << 30, CPU: 2}
	}
	return all
}

// BenchmarkColdStart measures from Start to the first byte on the Runtime API.
func BenchmarkColdStart(b *testing.B) {
	e, err := namespace.Open(engine.Options{StateDir: b.TempDir(), AllowWeaker: true})
	if err != nil {
		b.Skip(err)
	}
	defer e.Close()
	sandboxtest.LoadProbe(b, e)
	for name, spec := range clients(b) {
		b.Run(name, func(b *testing.B) {
			var started, served []time.Duration
			for b.Loop() {
				begin := time.Now()
				v, err := e.Start(b.Context(), spec)
				if err != nil {
					b.Fatal(err)
				}
				started = append(started, time.Since(begin))
				if name != "sh" {
					first(b, v.RuntimeAPI())
				}
				served = append(served, time.Since(begin))
				b.StopTimer()
				end(v)
				b.StartTimer()
			}
			report(b, "start", started)
			report(b, "served", served)
		})
	}
}

// BenchmarkPrepared measures the same from Run, in an environment that was prepared.
func BenchmarkPrepared(b *testing.B) {
	e, err := namespace.Open(engine.Options{StateDir: b.TempDir(), AllowWeaker: true})
	if err != nil {
		b.Skip(err)
	}
	defer e.Close()
	sandboxtest.LoadProbe(b, e)
	for name, spec := range clients(b) {
		program := engine.Program{Argv: spec.Argv, Env: spec.Env}
		spec.Argv, spec.Env = nil, nil
		b.Run(name, func(b *testing.B) {
			var ran, served []time.Duration
			for b.Loop() {
				b.StopTimer()
				v, err := e.Start(b.Context(), spec)
				if err != nil {
					b.Fatal(err)
				}
				b.StartTimer()
				begin := time.Now()
				if _, err := v.Run(program); err != nil {
					b.Fatal(err)
				}
				ran = append(ran, time.Since(begin))
				if name != "sh" {
					first(b, v.RuntimeAPI())
				}
				served = append(served, time.Since(begin))
				b.StopTimer()
				end(v)
				b.StartTimer()
			}
			report(b, "run", ran)
			report(b, "served", served)
		})
	}
}

func end(v engine.Environment) {
	v.Kill()
	v.Wait()
	v.RuntimeAPI().Close()
	v.ServerAPI().Close()
}

// BenchmarkBareExec measures the same without any jail.
func BenchmarkBareExec(b *testing.B) {
	l, err := net.Listen("tcp", "127.0.0.1:9001")
	if err != nil {
		b.Skip(err)
	}
	defer l.Close()
	for name, spec := range clients(b) {
		if name == "go" {
			spec.Argv[0], _ = os.Executable()
		}
		b.Run(name, func(b *testing.B) {
			var served []time.Duration
			for b.Loop() {
				begin := time.Now()
				c := exec.Command(spec.Argv[0], spec.Argv[1:]...)
				c.Env = []string{}
				if err := c.Start(); err != nil {
					b.Fatal(err)
				}
				if name != "sh" {
					first(b, l)
				}
				served = append(served, time.Since(begin))
				b.StopTimer()
				_ = c.Process.Kill()
				_ = c.Wait()
				b.StartTimer()
			}
			report(b, "served", served)
		})
	}
}

// report gives the median and, for busy machines, the best.
func report(b *testing.B, what string, d []time.Duration) {
	slices.Sort(d)
	b.ReportMetric(float64(d[len(d)/2].Microseconds()), what+"-p50-µs")
	b.ReportMetric(float64(d[0].Microseconds()), what+"-best-µs")
}

func first(b *testing.B, l net.Listener) {
	c, err := l.Accept()
	if err != nil {
		b.Fatal(err)
	}
	defer c.Close()
	if _, err := io.ReadFull(c, make([]byte, 1)); err != nil {
		b.Fatal(err)
	}
}
