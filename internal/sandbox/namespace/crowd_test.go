//go:build linux

package namespace_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"
	"redoubt/internal/sandbox/engine"
	"redoubt/internal/sandbox/namespace"
	"redoubt/internal/sandbox/sandboxtest"
)

// crowdVariable sets how many environments are idle at once, 50 if unset. `make crowd` has 500.
const crowdVariable = "REDOUBT_TEST_CROWD"

func crowdSize(t testing.TB) int {
	text := os.Getenv(crowdVariable)
	if text == "" {
		return 50
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// startAll starts that many environments, some at a time, and waits until their programs run.
func startAll(t testing.TB, e engine.Engine, count, parallel int, spec engine.Spec) []engine.Environment {
	t.Helper()
	all := make([]engine.Environment, count)
	turns := make(chan int, count)
	for i := range count {
		turns <- i
	}
	close(turns)
	var wg sync.WaitGroup
	for range parallel {
		wg.Go(func() {
			for i := range turns {
				v, err := e.Start(t.Context(), spec)
				if err != nil {
					t.Error(err)
					return
				}
				all[i] = v
				if len(spec.Argv) > 0 {
					greeted(t, v)
				}
			}
		})
	}
	wg.Wait()
	if t.Failed() {
		t.FailNow()
	}
	return all
}

func greeted(t testing.TB, v engine.Environment) {
	c, err := v.RuntimeAPI().Accept()
	if err != nil {
		t.Error(err)
		return
	}
	defer c.Close()
	if _, err := c.Read(make([]byte, 1)); err != nil {
		t.Error(err)
	}
}

// A cost is memory, in bytes.
type cost struct{ server, spawner, kernel, programs int64 }

// measure adds up what this server uses: its live heap and stacks, its spawner's and that of all processes 1, and the kernel's for all.
func measure(t *testing.T, programs string) (c cost) {
	t.Helper()
	runtime.GC() // pools keep what they have for one collection more
	debug.FreeOSMemory()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	c.server = int64(m.HeapAlloc + m.StackInuse)
	spawner := strconv.Itoa(spawnerOf(t, os.Getpid()))
	c.spawner = memoryOf(spawner)
	children, _ := filepath.Glob("/proc/" + spawner + "/task/*/children")
	for _, path := range children {
		b, _ := os.ReadFile(path) // gone meanwhile: it uses nothing
		for _, first := range strings.Fields(string(b)) {
			c.spawner += memoryOf(first)
		}
	}
	for _, field := range []string{"Slab", "PageTables", "KernelStack", "Percpu"} {
		c.kernel += kilobytes("/proc/meminfo", field) << 10
	}
	lines, _ := filepath.Glob("/proc/[0-9]*/cmdline")
	for _, path := range lines {
		if b, err := os.ReadFile(path); err == nil && bytes.Contains(b, []byte(programs)) {
			c.programs += memoryOf(strings.Split(path, "/")[2])
		}
	}
	return c
}

// memoryOf is the memory that a process shares with nobody, and its part of what it shares.
func memoryOf(pid string) int64 {
	return kilobytes("/proc/"+pid+"/smaps_rollup", "Pss") << 10
}

func kilobytes(path, field string) int64 {
	b, _ := os.ReadFile(path) // gone meanwhile: it uses nothing
	for line := range strings.Lines(string(b)) {
		var n int64
		if name, rest, ok := strings.Cut(line, ":"); ok && name == field {
			fmt.Sscan(rest, &n)
			return n
		}
	}
	return 0
}

// TestIdleEnvironmentsAreMany has many environments of a static program frozen at once, and their cost beyond the program itself.
func TestIdleEnvironmentsAreMany(t *testing.T) {
	e := open(t, t.TempDir())
	defer e.Close()
	sandboxtest.LoadProbe(t, e)
	for _, v := range startAll(t, e, 8, 4, sandboxtest.Waiting("warm")) { // what is made once is made
		v.Kill()
		v.Wait()
	}
	count, mark := crowdSize(t), "crowd-"+filepath.Base(t.TempDir())
	before := measure(t, mark)
	all := startAll(t, e, count, 4, sandboxtest.Waiting(mark))
	for _, v := range all {
		if err := v.Freeze(); err != nil {
			t.Fatal(err)
		}
	}
	after := measure(t, mark)
	each := func(a, b int64) int64 { return (a - b) / int64(count) >> 10 }
	t.Logf("%d idle environments, KiB each: server %d, spawner and processes 1 %d, kernel (others' too) %d, the program itself %d", count,
		each(after.server, before.server), each(after.spawner, before.spawner), each(after.kernel, before.kernel), each(after.programs, before.programs))
	if beyond := each(after.server+after.spawner, before.server+before.spawner); beyond >= 1024 {
		t.Errorf("an idle environment costs %d KiB beyond its program", beyond)
	}
	for _, v := range all { // each of them can go on
		if err := v.Thaw(); err != nil {
			t.Fatal(err)
		}
		v.Kill()
		v.Wait()
		v.RuntimeAPI().Close()
		v.ServerAPI().Close()
	}
}

// BenchmarkParallelStarts measures fifty starts, some of them at once, beside a server with a large heap. The ideal is that
// all processors do nothing but what starts take in processor time: wall time is given in percent of that.
func BenchmarkParallelStarts(b *testing.B) {
	ballast := make([]byte, 1<<30)
	for i := 0; i < len(ballast); i += 4096 {
		ballast[i] = 1
	}
	defer runtime.KeepAlive(ballast)
	for _, parallel := range []int{1, 2, 50} {
		b.Run(strconv.Itoa(parallel), func(b *testing.B) {
			e, err := namespace.Open(engine.Options{StateDir: b.TempDir(), AllowWeaker: true})
			if err != nil {
				b.Skip(err)
			}
			sandboxtest.LoadProbe(b, e)
			const count = 50
			var took time.Duration
			before := processorTime(b)
			for b.Loop() {
				begin := time.Now()
				all := startAll(b, e, count, parallel, sandboxtest.Waiting("parallel"))
				took += time.Since(begin)
				b.StopTimer()
				for _, v := range all {
					end(v)
				}
				b.StartTimer()
			}
			b.StopTimer()
			if err := e.Close(); err != nil { // the spawner's time, and that of all it started, is known when it has ended
				b.Fatal(err)
			}
			cpu := processorTime(b) - before
			b.ReportMetric(float64(took.Microseconds())/float64(count*b.N), "µs/start")
			b.ReportMetric(float64(cpu.Microseconds())/float64(count*b.N), "cpu-µs/start")
			b.ReportMetric(100*float64(took)*float64(runtime.NumCPU())/float64(cpu), "%ideal")
		})
	}
}

// processorTime is what this process and those that it waited for have used.
func processorTime(t testing.TB) (sum time.Duration) {
	t.Helper()
	for _, who := range []int{unix.RUSAGE_SELF, unix.RUSAGE_CHILDREN} {
		var u unix.Rusage
		if err := unix.Getrusage(who, &u); err != nil {
			t.Fatal(err)
		}
		sum += time.Duration(u.Utime.Nano() + u.Stime.Nano())
	}
	return sum
}
