//go:build linux

package sandbox_test

import (
	"bytes"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/google/nftables"

	"redoubt/internal/network"
	"redoubt/internal/network/nettest"
	"redoubt/internal/sandbox"
	"redoubt/internal/sandbox/sandboxtest"
)

func TestMain(m *testing.M) {
	sandbox.Main()
	sandboxtest.Main()
	nettest.Main(m)
}

// A diary is a log to look things up in.
type diary struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (d *diary) Write(b []byte) (int, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.text.Write(b)
}

func (d *diary) String() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.text.String()
}

func open(t testing.TB, log *diary, rules ...string) sandbox.Engine {
	t.Helper()
	e := network.Egress{Log: slog.New(slog.NewTextHandler(log, nil)), Resolvers: nettest.NewResolver(t, zone).Servers}
	for _, text := range rules {
		r, err := network.ParseRule(text)
		if err != nil {
			t.Fatal(err)
		}
		e.Rules = append(e.Rules, r)
	}
	o := sandbox.Options{StateDir: t.TempDir(), AllowWeaker: true}
	if len(rules) > 0 {
		o.Egress = &e
	}
	engine, err := sandbox.Open(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := engine.Close(); err != nil {
			t.Error("closing:", err)
		}
	})
	sandboxtest.LoadProbe(t, engine)
	return engine
}

var outside = []string{"1.1.1.1", "10.0.0.5", "169.254.169.254", "2606:4700::1111", "fd00:ec2::254"}

// host is where the tests are the whole machine, with an internet that has some addresses and a service on the loopback.
func host(t testing.TB) (local string) {
	t.Helper()
	nettest.Alone(t)
	if os.Geteuid() == 0 {
		nettest.Outside(t, []uint16{443, 5432}, outside...)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := l.Addr().(*net.TCPAddr).AddrPort()
	l.Close()
	nettest.Serve(t, port)
	nettest.Serve(t, netip.AddrPortFrom(netip.MustParseAddr("9.9.9.1"), port.Port()))
	return port.String()
}

// expect runs a function and compares what it reaches.
func expect(t *testing.T, e sandbox.Engine, want map[string]bool) {
	t.Helper()
	var targets []string
	for target := range want {
		targets = append(targets, target)
	}
	got := sandboxtest.Reached(t, e, targets...)
	for target, reached := range want {
		if strings.HasPrefix(got[target], "greeted with ") != reached {
			t.Errorf("%s: %q, want it reached: %v", target, got[target], reached)
		}
	}
}

func TestWithoutRulesFunctionsReachNothing(t *testing.T) {
	local := host(t)
	e := open(t, &diary{})
	expect(t, e, map[string]bool{"tcp!1.1.1.1:443": false, "tcp![2606:4700::1111]:443": false, "tcp!10.0.0.5:5432": false, "tcp!" + local: false, "tcp!9.9.9.1:443": false})
}

var zone = map[string][]string{
	"open.example.":    {"10.0.0.5"},
	"both.example.":    {"cdn.example."},
	"cdn.example.":     {"1.1.1.1", "2606:4700::1111"},
	"closed.example.":  {"10.0.0.5"},
	"rebound.example.": {"169.254.169.254", "127.0.0.1", "9.9.9.1", "fd00:ec2::254"},
}

func TestFunctionsReachNamesThatRulesAllow(t *testing.T) {
	_, port, _ := net.SplitHostPort(host(t))
	e := open(t, &diary{}, "open.example:5432", "both.example:443", "rebound.example")
	expect(t, e, map[string]bool{
		"tcp!10.0.0.5:5432": false, // until somebody asks for its name
	})
	expect(t, e, map[string]bool{
		"tcp!open.example:5432": true, "tcp!both.example:443": true, "tcp!open.example:443": false, "tcp!closed.example:5432": false, "tcp!cdn.example:443": false,
		"tcp!rebound.example:443": false, "tcp!rebound.example:" + port: false,
	})
}

func everything(local string) map[string]bool {
	_, port, _ := net.SplitHostPort(local)
	return map[string]bool{
		"tcp!1.1.1.1:443": true, "tcp![2606:4700::1111]:443": true, "tcp!10.0.0.5:5432": true, "tcp!" + local: true, "tcp!localhost:" + port: true,
		"tcp!1.1.1.1:5432": false, "tcp!10.0.0.5:443": false, "tcp!169.254.169.254:443": false, "tcp![fd00:ec2::254]:443": false,
		"tcp!9.9.9.1:" + port: false, "tcp!127.0.0.1:1": false,
	}
}

func TestFunctionsReachWhatRulesAllow(t *testing.T) {
	local := host(t)
	log := &diary{}
	e := open(t, log, "internet:443", "10.0.0.0/8:5432", local)
	expect(t, e, everything(local))
	if os.Geteuid() == 0 && !strings.Contains(log.String(), "interfaces of their own") {
		t.Error("the kernel does not route:", log)
	}
	if err := e.Close(); err != nil {
		t.Error(err)
	}
	if !strings.Contains(log.String(), "packets of a function were dropped") {
		t.Error("nothing counted:", log)
	}
}

func TestAnotherFirewallIsNoObstacle(t *testing.T) {
	local := host(t)
	if os.Geteuid() != 0 {
		t.Skip("only root has a firewall to get around")
	}
	c, err := nftables.New()
	if err != nil {
		t.Fatal(err)
	}
	closed := nftables.ChainPolicyDrop
	table := c.AddTable(&nftables.Table{Name: "filter", Family: nftables.TableFamilyIPv4})
	c.AddChain(&nftables.Chain{
		Name: "FORWARD", Table: table, Type: nftables.ChainTypeFilter, Hooknum: nftables.ChainHookForward, Priority: nftables.ChainPriorityFilter, Policy: &closed,
	})
	if err := c.Flush(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		c.DelTable(table)
		if err := c.Flush(); err != nil {
			t.Error(err)
		}
	}()
	log := &diary{}
	e := open(t, log, "internet:443", "10.0.0.0/8:5432", local)
	expect(t, e, everything(local))
	if !strings.Contains(log.String(), "drops what is forwarded") {
		t.Error("it is not said why:", log)
	}
}

func TestFunctionsReachTheSameAfterTheSpawnerIsLost(t *testing.T) {
	local := host(t)
	e := open(t, &diary{}, "internet:443", local)
	want := map[string]bool{"tcp!1.1.1.1:443": true, "tcp!" + local: true}
	expect(t, e, want)
	tasks, err := filepath.Glob("/proc/self/task/*/children")
	if err != nil {
		t.Fatal(err)
	}
	killed := 0
	for _, task := range tasks {
		children, err := os.ReadFile(task)
		if err != nil {
			continue // a thread that has ended
		}
		for _, child := range strings.Fields(string(children)) {
			pid, err := strconv.Atoi(child)
			if err != nil {
				t.Fatal(err)
			}
			if line, err := os.ReadFile("/proc/" + child + "/cmdline"); err == nil && strings.HasPrefix(string(line), "redoubt-spawner") {
				killed++
				syscall.Kill(pid, syscall.SIGKILL)
			}
		}
	}
	if killed != 1 {
		t.Fatalf("killed %d spawners", killed)
	}
	sandboxtest.LoadProbe(t, e)
	expect(t, e, want)
}

// nobody is an ordinary user of every Linux.
const nobody = 65534

func TestFunctionsOfAnOrdinaryUserReachWhatRulesAllow(t *testing.T) {
	nettest.Alone(t)
	if os.Geteuid() != 0 {
		t.Skip("only root can become another user")
	}
	nettest.Outside(t, []uint16{443, 5432}, outside...)
	dir, err := os.MkdirTemp("", "redoubt-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	program, err := os.ReadFile("/proc/self/exe")
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "sandbox.test")
	for _, err := range []error{os.Chmod(dir, 0o755), os.Chown(dir, nobody, nobody), os.WriteFile(path, program, 0o755)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	c := exec.CommandContext(t.Context(), path, "-test.run=^(TestFunctionsReach.*|TestWithoutRulesFunctionsReachNothing)$", "-test.v")
	c.Dir, c.Env = dir, append(os.Environ(), "TMPDIR="+dir, "HOME="+dir)
	c.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
	if out, err := c.CombinedOutput(); err != nil || bytes.Contains(out, []byte("SKIP")) {
		t.Errorf("%v\n%s", err, out)
	}
}

// BenchmarkStart prepares jails one after the other, with what rules need.
func BenchmarkStart(b *testing.B) {
	local := host(b)
	for name, rules := range map[string][]string{"closed": nil, "loopback": {local}, "open": {"internet:443", "10.0.0.0/8:5432"}} {
		b.Run(name, func(b *testing.B) {
			e := open(b, &diary{}, rules...)
			for b.Loop() {
				v, err := e.Start(b.Context(), sandbox.Spec{Code: "probe"})
				if err != nil {
					b.Fatal(err)
				}
				b.StopTimer()
				v.RuntimeAPI().Close()
				v.ServerAPI().Close()
				v.Kill()
				v.Wait()
				b.StartTimer()
			}
		})
	}
}
