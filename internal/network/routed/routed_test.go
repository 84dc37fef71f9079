//go:build linux

package routed_test

import (
	"net/netip"
	"testing"
	"time"

	"redoubt/internal/network"
	"redoubt/internal/network/nettest"
	"redoubt/internal/network/routed"
)

func TestMain(m *testing.M) { nettest.Main(m) }

func policy(t testing.TB, rules ...string) *network.Policy {
	t.Helper()
	var all []network.Rule
	for _, text := range rules {
		r, err := network.ParseRule(text)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, r)
	}
	return network.NewPolicy(all...)
}

func open(t testing.TB, id string, p *network.Policy) *routed.Fabric {
	t.Helper()
	nettest.Alone(t)
	f, err := routed.Open(id, p)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := f.Close(); err != nil {
			t.Error("closing:", err)
		}
	})
	return f
}

// A jail is a network namespace with an interface of a fabric.
type jail struct {
	*nettest.Space
	link *routed.Link
}

func newJail(t testing.TB, f *routed.Fabric) jail {
	t.Helper()
	s := nettest.New(t)
	l, err := f.Make(s.File)
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Admit(l); err != nil {
		t.Fatal(err)
	}
	return jail{s, l}
}

func dropped(t testing.TB, f *routed.Fabric, l *routed.Link) network.Counts {
	t.Helper()
	c, err := f.Count(l)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

var world = []string{"1.1.1.1", "10.0.0.5", "10.0.0.6", "169.254.169.254", "100.100.100.200", "192.168.1.1", "2606:4700::1111", "fd00:10::5", "fd00:10::6", "fd00:ec2::254"}

const id = "redoubt-0123456789ab"

func TestOnlyWhatIsAllowedIsReached(t *testing.T) {
	nettest.Alone(t)
	nettest.Outside(t, []uint16{80, 443, 5432}, world...)
	f := open(t, id, policy(t, "internet:443", "10.0.0.5:5432", "[fd00:10::5]:5432", "10.0.0.6/udp"))
	j := newJail(t, f)
	for _, c := range []struct {
		network, address string
		want             bool
	}{
		{"tcp", "1.1.1.1:443", true}, {"tcp", "1.1.1.1:80", false}, {"udp", "1.1.1.1:443", false},
		{"tcp", "[2606:4700::1111]:443", true}, {"tcp", "[2606:4700::1111]:80", false},
		{"tcp", "10.0.0.5:5432", true}, {"tcp", "10.0.0.5:443", false}, {"tcp", "10.0.0.6:5432", false}, {"udp", "10.0.0.6:80", true},
		{"tcp", "[fd00:10::5]:5432", true}, {"tcp", "[fd00:10::6]:5432", false},
		{"tcp", "169.254.169.254:443", false}, {"tcp", "100.100.100.200:443", false}, {"tcp", "[fd00:ec2::254]:443", false}, {"tcp", "192.168.1.1:443", false},
	} {
		before := dropped(t, f, j.link)
		var seen string
		var got bool
		if c.want {
			seen, got = j.Reaches(c.network, c.address)
		} else {
			got = !j.Misses(c.network, c.address)
		}
		if got != c.want {
			t.Errorf("%s %s: reached %v, want %v", c.network, c.address, got, c.want)
		}
		if drops := dropped(t, f, j.link).Dropped - before.Dropped; (drops > 0) == c.want {
			t.Errorf("%s %s: %d packets counted as dropped", c.network, c.address, drops)
		}
		if got && !hasAny(seen, "9.9.9.1:", "[2620:fe::1]:") {
			t.Errorf("%s is seen outside, not this machine", seen)
		}
	}
}

func hasAny(s string, prefixes ...string) bool {
	for _, p := range prefixes {
		if len(s) >= len(p) && s[:len(p)] == p {
			return true
		}
	}
	return false
}

// TestTheKernelAgreesWithDecide sends a packet to many places and asks both sides.
func TestTheKernelAgreesWithDecide(t *testing.T) {
	nettest.Alone(t)
	nettest.Outside(t, nil, world...)
	for _, rules := range [][]string{
		{"internet"}, {"internet:443/udp", "10.0.0.0/8:5000-5002/udp"}, {"0.0.0.0/0", "[::]/0"}, {"10.0.0.5"}, {"9.9.9.1:53/udp", "9.9.9.0/24", "[2620:fe::1]"},
		{"198.18.0.0/15", "100.64.0.0/10"}, {"[fd00::]/8:443/udp"},
	} {
		p := policy(t, rules...)
		f := open(t, id, p)
		j := newJail(t, f)
		var own network.Own
		for _, to := range []string{
			"1.1.1.1:443", "1.1.1.1:80", "9.9.9.9:443", "10.0.0.5:5001", "10.0.0.5:5003", "10.255.255.255:5000", "11.0.0.0:1", "172.16.0.1:443", "172.32.0.1:443",
			"192.0.2.1:443", "198.51.100.7:443", "100.64.0.1:443", "100.100.100.200:443", "168.63.129.16:443", "169.254.169.254:443", "169.254.0.1:80", "0.0.0.1:443",
			"192.88.99.1:443", "198.18.255.1:443", "203.0.113.1:443", "9.9.9.1:53", "9.9.9.1:54",
			"[2606:4700::1111]:443", "[2606:4700::1111]:53", "[2001:db8::1]:443", "[2002:a00:5::]:443", "[64:ff9b::a00:5]:443", "[fd00:10::5]:443", "[fd00:ec2::254]:443",
			"[fec0::1]:443", "[3fff::1]:443", "[4000::1]:443", "[2620:fe::1]:443", "[2620:fe::9]:443",
		} {
			at := netip.MustParseAddrPort(to)
			want := p.Decide(network.Destination{Addr: at.Addr(), Port: at.Port(), Protocol: network.UDP, Own: own.Has(at.Addr())}, time.Now())
			before := dropped(t, f, j.link)
			j.Send(at)
			if drops := dropped(t, f, j.link).Dropped - before.Dropped; (drops == 0) != want.Allowed {
				t.Errorf("%v: the kernel dropped %d packets, but %s", rules, drops, want.Reason)
			}
		}
		f.Close()
	}
}
