package sandboxtest

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// spin takes all the processor time it can get for a second, in many threads, and prints how much that was, in percent of one processor.
func spin([]string) {
	begin := time.Now()
	for range 4 * runtime.NumCPU() {
		go func() {
			for n := 0; n >= 0; n++ {
			}
		}()
	}
	time.Sleep(time.Second)
	var used unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &used); err != nil {
		fmt.Print(err)
	}
	cpu := time.Duration(used.Utime.Nano() + used.Stime.Nano())
	fmt.Print(int64(100 * cpu / time.Since(begin)))
	os.Exit(0)
}

// answer sends back what comes.
func answer([]string) {
	c := hold()
	io.Copy(c, c)
}

// leak leaves as many descendants as it is told, each in a session of its own and with its parent gone, and prints how many it could.
func leak(args []string) {
	count, err := strconv.Atoi(args[0])
	if err != nil {
		fmt.Print(err)
	}
	n := 0
	for ; n < count; n++ {
		child, _, errno := syscall.RawSyscall6(unix.SYS_CLONE, uintptr(unix.SIGCHLD), 0, 0, 0, 0, 0)
		if errno != 0 {
			break
		}
		if child == 0 {
			abandon()
		}
		if _, err := unix.Wait4(int(child), nil, 0, nil); err != nil {
			break
		}
	}
	fmt.Printf("%d\n", n)
	hold()
	sleep()
}

// abandon forks a child that stays for ever, and ends.
//
//go:norace
//go:nosplit
func abandon() {
	syscall.RawSyscall6(unix.SYS_SETSID, 0, 0, 0, 0, 0, 0)
	child, _, _ := syscall.RawSyscall6(unix.SYS_CLONE, uintptr(unix.SIGCHLD), 0, 0, 0, 0, 0)
	for child == 0 {
		syscall.RawSyscall6(unix.SYS_PPOLL, 0, 0, 0, 0, 0, 0)
	}
	syscall.RawSyscall6(unix.SYS_EXIT_GROUP, 0, 0, 0, 0, 0, 0)
}

func (s *suite) crowds(t *testing.T) {
	t.Run("take no more than their share of the processors", func(t *testing.T) {
		if s.lacks("cgroup") {
			return // as the engine says at its start
		}
		spec := probe("spin")
		spec.CPU = 0.25
		out, _ := s.run(t, spec)
		// The kernel hands time out in slices to each processor: it may give a little more in a second.
		if percent, err := strconv.Atoi(out); err != nil || percent > 40 {
			t.Errorf("took %s%% of a processor, want 25", out)
		}
	})
	t.Run("leave their neighbours in time", s.victim)
	t.Run("stand still when frozen", s.standstill)
	t.Run("of ten thousand leave nothing", s.tenThousand)
}

// victim sees that an answer takes no more than twice as long beside a hog: half of the answers, as others use this machine too.
func (s *suite) victim(t *testing.T) {
	if s.lacks("cgroup") {
		return // as the engine says at its start
	}
	c := accept(t, s.start(t, probe("answer")).RuntimeAPI())
	hog := probe("echo")
	hog.CPU = 1
	for range 3 {
		exchange(t, c)
	}
	var quiet, loud time.Duration
	for range 10 {
		quiet = answers(t, c)
		v := s.start(t, hog)
		exchange(t, accept(t, v.RuntimeAPI()))
		loud = answers(t, c)
		v.Kill()
		v.Wait()
		if loud <= 2*quiet {
			return
		}
	}
	t.Errorf("answers take %v, and %v beside a hog", quiet, loud)
}

// answers is how long half of many answers take at most.
func answers(t *testing.T, c io.ReadWriter) time.Duration {
	t.Helper()
	all := make([]time.Duration, 301)
	for i := range all {
		begin := time.Now()
		if _, err := c.Write([]byte("x")); err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadFull(c, make([]byte, 1)); err != nil {
			t.Fatal(err)
		}
		all[i] = time.Since(begin)
	}
	slices.Sort(all)
	return all[len(all)/2]
}

// standstill sees that no thread of a frozen function gets any processor time.
func (s *suite) standstill(t *testing.T) {
	mark := "mark-" + filepath.Base(s.state) + "-" + t.Name()
	spec := probe("echo", mark)
	v := s.start(t, spec)
	accept(t, v.RuntimeAPI())
	pid := hostProcess(t, mark)
	for range 3 {
		if err := v.Freeze(); err != nil {
			t.Fatal(err)
		}
		before := processorTime(t, pid)
		time.Sleep(stillness)
		if after := processorTime(t, pid); after != before {
			t.Errorf("ran for %d ticks while frozen", after-before)
		}
		if err := v.Thaw(); err != nil {
			t.Fatal(err)
		}
		for processorTime(t, pid) == before { // it goes on, for it spins
			time.Sleep(time.Millisecond)
		}
	}
}

// hostProcess finds the process with a mark in its command line, as the host sees it.
func hostProcess(t *testing.T, mark string) int {
	t.Helper()
	lines, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range lines {
		b, err := os.ReadFile(path)
		if err != nil || !bytes.Contains(b, []byte(mark)) {
			continue
		}
		if pid, err := strconv.Atoi(strings.Split(path, "/")[2]); err == nil {
			return pid
		}
	}
	t.Fatalf("no process %q", mark)
	return 0
}

// processorTime is what a process has used in all, in ticks.
func processorTime(t *testing.T, pid int) int {
	t.Helper()
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	_, after, ok := strings.Cut(string(b), ") ")
	fields := strings.Fields(after)
	if err != nil || !ok || len(fields) < 13 {
		t.Fatalf("reading the state of a process: %q, %v", b, err)
	}
	user, _ := strconv.Atoi(fields[11])
	system, _ := strconv.Atoi(fields[12])
	return user + system
}

// tenThousand has functions that each leave a thousand processes, again and again, and looks for what is left of it all.
func (s *suite) tenThousand(t *testing.T) {
	round := func() {
		var out text
		spec := probe("leak", "1000")
		spec.Memory = 2 << 30 // the page tables of a thousand processes, which the race detector makes large
		spec.Stdout = &out
		v := s.start(t, spec)
		defer accept(t, v.RuntimeAPI()).Close()
		if !s.lacks("cgroup") { // who else is this user may have processes too
			if n := v.Usage().Processes; out.String() != "1000\n" || n < 1000 {
				t.Fatalf("left %q, %d run", out.String(), n)
			}
		}
		v.RuntimeAPI().Close()
		v.ServerAPI().Close()
		v.Kill()
		if exit := v.Wait(); exit.Signal != syscall.SIGKILL {
			t.Fatalf("ended with %+v", exit)
		}
	}
	round() // what is made once is there now
	groups := s.groups(t)
	before := s.traces(t, groups)
	rounds := 10
	if s.lacks("cgroup") {
		rounds = 2 // there is less to be left
	}
	for range rounds {
		round()
	}
	var after map[string]int
	for range 200 { // the spawner cleans up after it has told
		if after = s.traces(t, groups); !exceeds(after, before) {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Errorf("left %v, was %v", after, before)
}

func exceeds(after, before map[string]int) bool {
	for what, n := range after {
		if n > before[what] {
			return true
		}
	}
	return false
}

// traces counts what functions could leave: processes, files, mounts and control groups.
func (s *suite) traces(t *testing.T, groups []string) map[string]int {
	t.Helper()
	n := map[string]int{}
	n["files of the server"] = entries(fmt.Sprintf("/proc/%d/fd", os.Getpid()))
	for _, helper := range helpers(t) {
		n["files of the spawner"] += entries(helper + "/fd")
		b, _ := os.ReadFile(helper + "/mountinfo") // gone meanwhile: nothing is left
		n["mounts of the spawner"] += bytes.Count(b, []byte("\n"))
		n["children of the spawner"] += len(children(helper))
	}
	for _, dir := range groups {
		n["control groups"] += entries(dir)
	}
	return n
}

func entries(dir string) int {
	all, _ := os.ReadDir(dir) // gone meanwhile: nothing is left
	return len(all)
}

// helpers are the directories in /proc of this process's children: the spawner, with engines that have one.
func helpers(t *testing.T) []string {
	t.Helper()
	return children(fmt.Sprintf("/proc/%d", os.Getpid()))
}

func children(process string) []string {
	var out []string
	tasks, _ := filepath.Glob(process + "/task/*/children")
	for _, path := range tasks {
		b, _ := os.ReadFile(path)
		for _, child := range strings.Fields(string(b)) {
			out = append(out, "/proc/"+child)
		}
	}
	return out
}

// groups are the directories that hold the control groups of this engine's environments.
func (s *suite) groups(t *testing.T) []string {
	t.Helper()
	mark := "mark-" + filepath.Base(s.state) + "-" + t.Name()
	v := s.start(t, probe("wait", mark))
	accept(t, v.RuntimeAPI())
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/cgroup", hostProcess(t, mark)))
	if err != nil {
		t.Fatal(err)
	}
	v.Kill()
	v.Wait()
	args := []string{"/sys/fs/cgroup", "-maxdepth", "6", "-type", "d", "-name", "nothing"}
	for part := range strings.FieldsFuncSeq(string(b), func(r rune) bool { return r == '/' || r == '\n' }) {
		if strings.HasPrefix(part, "redoubt-") {
			args = append(args, "-o", "-name", part)
		}
	}
	out, err := exec.Command("find", args...).Output()
	if err != nil {
		t.Log("looking for control groups:", err) // an ordinary user may not see all
	}
	return strings.Fields(string(out))
}
