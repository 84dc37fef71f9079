package network_test

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"redoubt/internal/network"
)

func TestRulesAreReadAndWritten(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"internet", "internet"}, {"Internet:443", "internet:443"}, {"internet/udp", "internet/udp"}, {"internet:1-65535/tcp", "internet:1-65535"},
		{"10.0.0.0/8:5432", "10.0.0.0/8:5432"}, {"10.0.0.5", "10.0.0.5"}, {"10.0.0.5/32:53/udp", "10.0.0.5:53/udp"}, {"10.0.0.0/8/udp", "10.0.0.0/8/udp"},
		{"10.0.0.0/8:8000-8010", "10.0.0.0/8:8000-8010"}, {"0.0.0.0/0:443", "0.0.0.0/0:443"}, {"10.0.0.5/tcp", "10.0.0.5/tcp"},
		{"[2001:db8::]/32:443", "[2001:db8::]/32:443"}, {"[2001:db8::1]", "[2001:db8::1]"}, {"[2001:DB8::1]:53/udp", "[2001:db8::1]:53/udp"}, {"[::]/0", "[::]/0"},
		{"127.0.0.1:5432", "127.0.0.1:5432"}, {"localhost:5432", "127.0.0.1:5432"}, {"[::1]:80-81", "[::1]:80-81"}, {"127.0.0.53:53/udp", "127.0.0.53:53/udp"},
		{"example.com:443", "example.com:443"}, {"Example.COM.", "example.com"}, {"*.example.com:443", "*.example.com:443"}, {"db:5432", "db:5432"},
		{"_x.1a.example", "_x.1a.example"}, {"xn--bcher-kva.example:443", "xn--bcher-kva.example:443"},
	} {
		r, err := network.ParseRule(c.text)
		if err != nil {
			t.Error(err)
			continue
		}
		again, err := network.ParseRule(r.String())
		if err != nil || again != r || r.String() != c.want {
			t.Errorf("%s: written as %s, read again as %v, %v", c.text, r, again, err)
		}
	}
}

func TestRulesThatAreNoneAreRefused(t *testing.T) {
	for text, want := range map[string]string{
		"": "says nothing", ":443": "says nothing", "10.0.0.5/8": "want 10.0.0.0/8", "10.0.0.300": "not an address", "1.2.3": "not an address",
		"10.0.0.0/33": "not a prefix", "example.com/8": "not a prefix",
		"10.0.0.1:0": "not a port", "10.0.0.1:70000": "not a port", "10.0.0.1:9-8": "not a port", "10.0.0.1:": "not a port", "internet:+80": "not a port", "internet:1-2-3": "not a port",
		"2001:db8::1": "in brackets", "2001:db8::1:443": "in brackets", "[10.0.0.1]:80": "brackets are for", "[2001:db8::1": "brackets are for", "[fe80::1%eth0]:1": "not an address",
		"127.0.0.1": "by the port", "127.0.0.0/8:80": "by the address", "[::1]": "by the port", "127.0.0.1:1-1000": "at most 32",
		"169.254.169.254:80": "never reached", "169.254.0.0/17": "never reached", "[fd00:ec2::254]:80": "never reached", "[fe80::]/10": "never reached",
		"224.0.0.1": "never reached", "255.255.255.255": "never reached", "0.0.0.0": "never reached", "[::ffff:10.0.0.1]:80": "never reached", "[ff02::1]": "never reached",
		"*": "not a name", "*.*.example.com": "not a name", "a..b": "not a name", "-a.b": "not a name", "bücher.example": "not a name", "a b": "not a name", "a.b/tcp/udp": "not a prefix",
		strings.Repeat("a", 64): "not a name", strings.Repeat("a.", 130) + "b": "at most 253",
	} {
		if r, err := network.ParseRule(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, %v, want an error that says %q", text, r, err, want)
		}
	}
}

func FuzzParseRule(f *testing.F) {
	for _, s := range []string{"internet:443/udp", "10.0.0.0/8:1-2", "[2001:db8::]/32:443", "127.0.0.1:5432", "*.example.com:443/tcp"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		r, err := network.ParseRule(text)
		if err != nil {
			return
		}
		if again, err := network.ParseRule(r.String()); err != nil || again != r {
			t.Errorf("%q is %v, written as %s, which is %v, %v", text, r, r, again, err)
		}
		if r.Kind == network.Range && r.Prefix.IsSingleIP() {
			d := network.Destination{Addr: r.Prefix.Addr(), Port: max(r.Ports.First, 1), Protocol: max(r.Protocol, network.TCP)}
			if v := network.NewPolicy(r).Decide(d, time.Now()); !v.Allowed {
				t.Errorf("%q does not allow what it names: %s", text, v.Reason)
			}
		}
	})
}

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

func TestDecisionsAndTheirReasons(t *testing.T) {
	for _, c := range []struct {
		rules   string
		to      string
		udp, is bool // is: an address of this machine
		allowed bool
		reason  string
	}{
		{"internet", "1.1.1.1:443", false, false, true, "allowed by internet"},
		{"internet", "[2606:4700::1111]:443", true, false, true, "allowed by internet"},
		{"internet:443", "1.1.1.1:443", true, false, false, "no rule"},
		{"internet:443", "1.1.1.1:80", false, false, false, "no rule"},
		{"internet", "10.0.0.1:443", false, false, false, "no rule"},
		{"internet", "100.64.1.1:443", false, false, false, "no rule"},
		{"internet", "[fd00::1]:443", false, false, false, "no rule"},
		{"internet", "[2002:a00:1::]:443", false, false, false, "no rule"},
		{"internet", "[64:ff9b::a00:1]:443", false, false, false, "no rule"},
		{"internet", "127.0.0.1:443", false, false, false, "loopback addresses are never reached"},
		{"internet", "9.9.9.1:443", false, true, false, "an address of this machine"},
		{"0.0.0.0/0 [::]/0", "169.254.169.254:80", false, false, false, "metadata service among them, are never reached"},
		{"0.0.0.0/0 [::]/0", "[::ffff:169.254.169.254]:80", false, false, false, "never reached"},
		{"0.0.0.0/0 [::]/0", "[fd00:ec2::254]:80", false, false, false, "metadata service are never reached"},
		{"0.0.0.0/0 [::]/0", "168.63.129.16:80", false, false, false, "never reached"},
		{"0.0.0.0/0 [::]/0", "239.1.1.1:80", true, false, false, "multicast addresses are never reached"},
		{"10.0.0.0/8:5432", "10.9.9.9:5432", false, false, true, "allowed by 10.0.0.0/8:5432"},
		{"10.0.0.0/8:5432", "10.9.9.9:5432", false, true, false, "only a rule for that address alone"},
		{"10.9.9.9:5432", "10.9.9.9:5432", false, true, true, "allowed by 10.9.9.9:5432"},
		{"10.0.0.0/8:5432", "[::ffff:10.9.9.9]:5432", false, false, true, "allowed by"},
		{"127.0.0.1:5432", "127.0.0.1:5432", false, false, false, "never reached"}, // but by the relay
		{"example.com:443", "1.1.1.1:443", false, false, false, "no rule"},
	} {
		at := netip.MustParseAddrPort(c.to)
		d := network.Destination{Addr: at.Addr(), Port: at.Port(), Protocol: network.TCP, Own: c.is}
		if c.udp {
			d.Protocol = network.UDP
		}
		v := policy(t, strings.Fields(c.rules)...).Decide(d, time.Now())
		if v.Allowed != c.allowed || !strings.Contains(v.Reason, c.reason) {
			t.Errorf("%s with %s: %v, %s", c.to, c.rules, v.Allowed, v.Reason)
		}
	}
}

func TestAnAddressOfANameIsOpenForItsTime(t *testing.T) {
	p, now := policy(t, "internet:80", "*.example.com:443"), time.Now()
	to := func(text string, at time.Time) bool {
		a := netip.MustParseAddrPort(text)
		return p.Decide(network.Destination{Addr: a.Addr(), Port: a.Port(), Protocol: network.TCP}, at).Allowed
	}
	addrs := []netip.Addr{netip.MustParseAddr("10.0.0.7"), netip.MustParseAddr("2606:4700::1111")}
	if got := p.Learn("a.example.org", addrs, time.Minute, now); got != nil {
		t.Error("a name of no rule taught", got)
	}
	if got := p.Learn("a.example.com", addrs, time.Minute, now); len(got) != 2 || got[0].Rule != 1 {
		t.Error("learnt", got)
	}
	if got := p.Learn("b.example.com", addrs, time.Second, now); got != nil {
		t.Error("what is known already was learnt again:", got)
	}
	for _, a := range []string{"10.0.0.7:443", "[2606:4700::1111]:443"} {
		if !to(a, now.Add(59*time.Second)) || to(a, now.Add(time.Minute)) {
			t.Errorf("%s is not open for exactly its time", a)
		}
	}
	if to("10.0.0.7:80", now) {
		t.Error("a name opened ports of another rule")
	}
}

func TestOnlyWhatMayBeReachedIsTold(t *testing.T) {
	for _, c := range []struct {
		rules, name, addr string
		asked, told       bool
	}{
		{"internet", "any.example", "1.1.1.1", true, true},
		{"internet", "rebound.example", "10.0.0.1", true, false},
		{"internet", "rebound.example", "127.0.0.1", true, false},
		{"internet", "rebound.example", "169.254.169.254", true, false},
		{"internet 10.0.0.0/8:5432", "db.example", "10.0.0.1", true, true},
		{"10.0.0.0/8:5432", "db.example", "10.0.0.1", false, true},
		{"db.example:5432", "db.example", "10.0.0.1", true, true},
		{"db.example:5432", "db.example", "127.0.0.1", true, false},
		{"db.example:5432", "db.example", "fd00:ec2::254", true, false},
		{"db.example:5432", "sub.db.example", "1.1.1.1", false, false},
		{"*.example:443", "a.b.example", "1.1.1.1", true, true},
		{"*.example:443", "example", "1.1.1.1", false, false},
		{"*.example:443", ".example", "1.1.1.1", false, false},
	} {
		p := policy(t, strings.Fields(c.rules)...)
		if p.Resolvable(c.name) != c.asked || p.Answerable(c.name, netip.MustParseAddr(c.addr), false) != c.told {
			t.Errorf("%s with %s: asked %v, told %v", c.name, c.rules, p.Resolvable(c.name), !c.told)
		}
	}
	if policy(t, "internet", "db.example", "10.0.0.0/8").Answerable("db.example", netip.MustParseAddr("10.0.0.9"), true) {
		t.Error("an address of this machine is told")
	}
}
