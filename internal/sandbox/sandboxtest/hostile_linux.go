package sandboxtest

import (
	"bytes"
	"io"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"redoubt/internal/sandbox/engine"
)

func (s *suite) files(t *testing.T) {
	t.Run("of the host cannot be read", func(t *testing.T) {
		outside := canary(t, t.TempDir())
		state := canary(t, s.state)
		s.refused(t, "read", outside, state, "/etc/shadow", "/etc/hostname.host", "/proc/1/environ", "/proc/1/mem", "/proc/1/maps", "/proc/1/fd/3",
			"/proc/kcore", "/proc/kmsg", "/host/etc/passwd", "/proc/1/root/etc/shadow", "/proc/1/cwd/etc/shadow", "/dev/mem", "/dev/kmsg", "/proc/timer_list", "/proc/slabinfo", "/dev/ptmx", "/dev/tty", "/dev/shm/x")
		s.refused(t, "list", "/root", "/home", "/sys", "/sys/fs/cgroup", "/host", "/code", "/roots", "/run", "/boot", "/proc/1/root", "/proc/1/map_files", filepath.Dir(outside), s.state)
	})
	t.Run("of other functions are nowhere", func(t *testing.T) {
		s.load(t, "other", File{Name: "other-canary", Mode: 0o644, Text: "secret"})
		spec := probe("wait")
		spec.Layers = []string{"other"}
		accept(t, s.start(t, spec).RuntimeAPI()) // it runs while the probe looks around
		if found := s.answers(t, probe("find", "other-canary", "canary.txt")); len(found) != 1 || found["canary.txt"] != "/var/task/canary.txt" {
			t.Errorf("found %v", found)
		}
	})
	t.Run("can be written in /tmp alone", func(t *testing.T) {
		s.refused(t, "write", "/var/task/x", "/var/task/canary.txt", "/var/task/bootstrap", "/opt/x", "/var/runtime/x", "/var/x", "/x", "/etc/x", "/etc/passwd",
			"/usr/x", "/usr/bin/x", "/dev/x", "/proc/sys/kernel/hostname", "/proc/sys/kernel/core_pattern", "/proc/sys/user/max_user_namespaces",
			"/proc/sysrq-trigger", "/sys/fs/cgroup/release_agent", "/proc/sys/kernel/modprobe", "/proc/sys/vm/overcommit_memory", "/dev/kmsg", "/proc/1/oom_score_adj", "/proc/self/oom_score_adj", "/proc/self/uid_map")
		if a := s.answers(t, probe("write", "/tmp/x")); a["/tmp/x"] != allowed {
			t.Errorf("writing /tmp/x: %s", a["/tmp/x"])
		}
	})
	t.Run("in /tmp are bounded", func(t *testing.T) {
		spec := probe("fill", "/tmp/x")
		spec.Tmp = 3 << 20
		if out, _ := s.run(t, spec); out != "3145728 write /tmp/x: no space left on device" {
			t.Errorf("got %q", out)
		}
	})
	t.Run("in /tmp are private", func(t *testing.T) {
		if _, exit := s.run(t, probe("write", "/tmp/left-behind")); exit.Code != 0 {
			t.Fatal(exit)
		}
		s.refused(t, "read", "/tmp/left-behind")
	})
	t.Run("of layers are merged in order", func(t *testing.T) {
		s.load(t, "lower", File{Name: "a", Mode: 0o644, Text: "lower a"}, File{Name: "d/b", Mode: 0o644, Text: "lower b"})
		s.load(t, "upper", File{Name: "a", Mode: 0o644, Text: "upper a"}, File{Name: "d/c", Mode: 0o755, Text: "upper c"})
		for file, want := range map[string]string{"/opt/a": "upper a", "/opt/d/b": "lower b", "/opt/d/c": "upper c"} {
			spec := probe("cat", file)
			spec.Layers = []string{"lower", "upper"}
			if out, _ := s.run(t, spec); out != want {
				t.Errorf("%s: %q, want %q", file, out, want)
			}
		}
	})
	t.Run("of dropped code stay for those that run", func(t *testing.T) {
		if err := s.engine.LoadCode(t.Context(), "held", probeArchive(t)); err != nil {
			t.Fatal(err)
		}
		spec := probe("wait")
		spec.Code = "held"
		v := s.start(t, spec)
		accept(t, v.RuntimeAPI())
		if err := s.engine.DropCode("held"); err != nil {
			t.Fatal(err)
		}
		v.Kill()
		v.Wait()
	})
	t.Run("begin at the task root", func(t *testing.T) {
		if out, _ := s.run(t, probe("where")); out != "/var/task sandbox" {
			t.Errorf("got %q", out)
		}
	})
}

// shutOtherwise are doors that other layers shut than the filter of system calls and the lack of capabilities.
var shutOtherwise = map[string]string{
	"setuid":    "invalid argument", // no such user in the user namespace
	"setgid":    "invalid argument",
	"kill_init": "process 1 does not mind",
}

func (s *suite) powers(t *testing.T) {
	t.Run("are none", func(t *testing.T) {
		want := map[string]string{"NoNewPrivs": "1", "Seccomp": "2", "Uid": "993\t993\t993\t993", "Gid": "990\t990\t990\t990"}
		for _, set := range []string{"CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"} {
			want[set] = "0000000000000000"
		}
		var fields []string
		for f := range want {
			fields = append(fields, f)
		}
		got := s.answers(t, probe("status", fields...))
		for f, w := range want {
			if got[f] != w {
				t.Errorf("%s is %q, want %q", f, got[f], w)
			}
		}
	})
	t.Run("cannot be had by system calls", func(t *testing.T) {
		var names []string
		for name := range syscalls() {
			names = append(names, name)
		}
		slices.Sort(names)
		answers := s.answers(t, probe("call", names...))
		for _, name := range names {
			// Any other error would come from the other side of the door.
			want := []string{"function not implemented", "operation not permitted"}
			if other := shutOtherwise[name]; other != "" {
				want = []string{other}
			}
			if !slices.Contains(want, answers[name]) {
				t.Errorf("%s: %q, want one of %q", name, answers[name], want)
			}
		}
	})
	t.Run("over other processes are none", func(t *testing.T) {
		accept(t, s.start(t, probe("wait")).RuntimeAPI())
		if out, _ := s.run(t, probe("processes")); out != "1 " {
			t.Errorf("saw %q, want process 1 alone", out)
		}
	})
	t.Run("do not come with the environment", func(t *testing.T) {
		spec := probe("env")
		spec.Env = []string{"A=1", "B=two words"}
		if out, _ := s.run(t, spec); out != "A=1\nB=two words" {
			t.Errorf("got %q", out)
		}
	})
	t.Run("to leave zombies are none", func(t *testing.T) {
		if out, _ := s.run(t, probe("orphans")); out != "buried" {
			t.Errorf("got %q", out)
		}
	})
}

func (s *suite) network(t *testing.T) {
	t.Run("has two listeners", func(t *testing.T) {
		var out bytes.Buffer
		spec := probe("dial", "tcp!127.0.0.1:9001", "tcp!127.0.0.1:7777")
		spec.Stdout, spec.ServerPort = &out, 7777
		v := s.start(t, spec)
		go greet(v.RuntimeAPI(), "runtime")
		go greet(v.ServerAPI(), "server")
		v.Wait()
		if want := "tcp!127.0.0.1:9001: greeted with runtime\ntcp!127.0.0.1:7777: greeted with server\n"; out.String() != want {
			t.Errorf("got %q", out.String())
		}
	})
	t.Run("has nothing else", func(t *testing.T) {
		targets := []string{"tcp!169.254.169.254:80", "tcp!1.1.1.1:53", "udp!1.1.1.1:53", "tcp![::1]:22", "tcp!10.0.0.1:80",
			"tcp![fd00:ec2::254]:80", "tcp!169.254.170.2:80", "udp!169.254.169.253:53", "udp!169.254.169.123:123", "tcp![fe80::1]:80"}
		local, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer local.Close()
		go greet(local, "host")
		targets = append(targets, "tcp!"+local.Addr().String())
		abstract, err := net.Listen("unix", "@redoubt-"+strconv.Itoa(os.Getpid()))
		if err != nil {
			t.Fatal(err)
		}
		defer abstract.Close()
		go greet(abstract, "host")
		targets = append(targets, "unix!"+abstract.Addr().String())
		for target, answer := range s.answers(t, probe("dial", targets...)) {
			if answer == allowed || strings.Contains(answer, "greeted") {
				t.Errorf("%s: %s", target, answer)
			}
		}
	})
	t.Run("is not shared", func(t *testing.T) {
		first := s.start(t, probe("wait"))
		accept(t, first.RuntimeAPI())
		var out bytes.Buffer
		spec := probe("dial", "tcp!127.0.0.1:9001")
		spec.Stdout = &out
		second := s.start(t, spec)
		go greet(second.RuntimeAPI(), "second")
		second.Wait()
		if !strings.Contains(out.String(), "second") {
			t.Errorf("got %q", out.String())
		}
	})
}

// greet says one word to everybody.
func greet(l net.Listener, word string) {
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}
		io.WriteString(c, word)
		c.Close()
	}
}

func (s *suite) limits(t *testing.T) {
	t.Run("of processes end a fork bomb", func(t *testing.T) {
		spec := probe("bomb")
		spec.Processes = 60
		out, _ := s.run(t, spec)
		if n, err := strconv.Atoi(out); err != nil || n < 1 || n > 60 {
			t.Errorf("forked %q times", out)
		}
	})
	t.Run("of memory end a hog", func(t *testing.T) {
		spec := probe("hog")
		spec.Memory = 64 << 20
		v := s.start(t, spec)
		exit := v.Wait()
		if s.lacks("cgroup") {
			if exit == (engine.Exit{}) {
				t.Error("the hog lives")
			}
			return
		}
		if !exit.OOM || exit.Signal != syscall.SIGKILL {
			t.Errorf("ended with %+v", exit)
		}
		if used := v.Usage().MaxMemory; used < 32<<20 || used > 64<<20 {
			t.Errorf("used %d bytes", used)
		}
	})
	t.Run("of memory end a hog among others", func(t *testing.T) {
		if s.lacks("cgroup") {
			return // as the engine says at its start
		}
		spec := probe("")
		spec.Memory = 64 << 20
		v := s.prepared(t, spec)
		if exit := mustRun(t, v, program("exit", "1")).Wait(); exit.OOM || exit.Code != 1 {
			t.Errorf("one that took little ended with %+v", exit)
		}
		if exit := mustRun(t, v, program("hog")).Wait(); !exit.OOM || exit.Signal != syscall.SIGKILL {
			t.Errorf("ended with %+v", exit)
		}
	})
	t.Run("of memory do not count what is in /tmp", func(t *testing.T) {
		spec := probe("fill", "/tmp/x")
		spec.Memory, spec.Tmp = 64<<20, 160<<20
		if s.lacks("cgroup") {
			spec.Memory = 256 << 20 // the address space is limited in place of memory, and the race detector's is large
		}
		if out, exit := s.run(t, spec); exit != (engine.Exit{}) || !strings.HasPrefix(out, "167772160 ") {
			t.Errorf("got %q and %+v", out, exit)
		}
	})
	t.Run("of open files hold", func(t *testing.T) {
		spec := probe("files")
		spec.Files = 100
		out, _ := s.run(t, spec)
		if n, err := strconv.Atoi(out); err != nil || n > 100 {
			t.Errorf("opened %q", out)
		}
	})
	t.Run("are each environment's own", func(t *testing.T) {
		var wg sync.WaitGroup
		for i := range 8 {
			wg.Go(func() {
				spec := probe("exit", make([]string, i)...)
				spec.Processes = 30
				v, err := s.engine.Start(t.Context(), spec)
				if err != nil {
					t.Error(err)
					return
				}
				if exit := v.Wait(); exit.Code != i {
					t.Errorf("ended with %+v, want code %d", exit, i)
				}
			})
		}
		wg.Wait()
	})
}

// stillness is how long a frozen probe must not answer. One that is not frozen answers in a fraction of it.
const stillness = 200 * time.Millisecond

func (s *suite) freeze(t *testing.T) {
	v := s.start(t, probe("echo"))
	c := accept(t, v.RuntimeAPI())
	exchange(t, c)
	for range 2 { // twice is once
		if err := v.Freeze(); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := c.Write([]byte("x")); err != nil {
		t.Fatal(err)
	}
	if err := c.SetReadDeadline(time.Now().Add(stillness)); err != nil {
		t.Fatal(err)
	}
	if n, err := c.Read(make([]byte, 1)); n != 0 || !os.IsTimeout(err) {
		t.Errorf("a frozen process answered: %d bytes, %v", n, err)
	}
	if err := c.SetReadDeadline(time.Time{}); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := v.Thaw(); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := io.ReadFull(c, make([]byte, 1)); err != nil {
		t.Errorf("a thawed process did not answer: %v", err)
	}
	exchange(t, c)
	if err := v.SetCPU(0.5); err != nil {
		t.Error(err)
	}
	if err := v.Freeze(); err != nil {
		t.Fatal(err)
	}
	v.Kill() // reaches the frozen too
	if exit := v.Wait(); exit.Signal != syscall.SIGKILL {
		t.Errorf("ended with %+v", exit)
	}
}

func exchange(t *testing.T, c net.Conn) {
	t.Helper()
	if _, err := c.Write([]byte("x")); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(c, make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
}

func (s *suite) kill(t *testing.T) {
	t.Run("reaches all descendants", func(t *testing.T) {
		var out bytes.Buffer
		spec := probe("brood")
		spec.Stdout = &out // which the children hold open: Wait returns when all are gone
		v := s.start(t, spec)
		var family []net.Conn
		for range 10 {
			family = append(family, accept(t, v.RuntimeAPI()))
		}
		v.Kill()
		v.Wait()
		for i, c := range family {
			if _, err := c.Read(make([]byte, 1)); err == nil {
				t.Errorf("process %d is alive", i)
			}
		}
		if out.Len() > 0 {
			t.Error(out.String())
		}
	})
	t.Run("of one leaves the others", func(t *testing.T) {
		one, other := s.start(t, probe("wait")), s.start(t, probe("echo"))
		accept(t, one.RuntimeAPI())
		c := accept(t, other.RuntimeAPI())
		one.Kill()
		one.Wait()
		exchange(t, c)
	})
	t.Run("comes with the end of the main program", func(t *testing.T) {
		v := s.start(t, probe("brood", "parent"))
		if exit := v.Wait(); exit != (engine.Exit{}) {
			t.Errorf("ended with %+v", exit)
		}
	})
}
