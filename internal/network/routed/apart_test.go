//go:build linux

package routed_test

import (
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/nftables"
	"github.com/vishvananda/netlink"

	"redoubt/internal/network"
	"redoubt/internal/network/nettest"
	"redoubt/internal/network/routed"
)

const otherID = "redoubt-ba9876543210"

// everything is rules that allow all that rules can.
var everything = []string{"0.0.0.0/0", "[::]/0", "internet"}

func TestNeighboursCannotReachEachOther(t *testing.T) {
	nettest.Alone(t)
	nettest.Outside(t, nil)
	f, g := open(t, id, policy(t, everything...)), open(t, otherID, policy(t, everything...))
	one, two, three := newJail(t, f), newJail(t, f), newJail(t, g)
	for _, other := range []jail{two, three} {
		for _, a := range other.link.Addrs {
			other.Serve(a.String(), 80)
			before := dropped(t, f, one.link)
			if !one.Misses("tcp", netip.AddrPortFrom(a, 80).String()) {
				t.Errorf("%s is reached from beside it", a)
			}
			// The table of another server may drop it first.
			if other == two && dropped(t, f, one.link) == before {
				t.Errorf("a packet to %s was not counted", a)
			}
		}
	}
	if c, err := net.DialTimeout("tcp", netip.AddrPortFrom(two.link.Addrs[0], 80).String(), 300*time.Millisecond); err == nil {
		c.Close()
		t.Error("a sandbox is reached from this machine")
	}
}

func TestThisMachineIsReachedOnlyByItsAddressAlone(t *testing.T) {
	nettest.Alone(t)
	nettest.Outside(t, nil)
	for _, a := range []string{"9.9.9.1:80", "9.9.9.1:81", "[2620:fe::1]:80", "[2620:fe::1]:81"} {
		nettest.Serve(t, netip.MustParseAddrPort(a))
	}
	wide := newJail(t, open(t, id, policy(t, everything...)))
	narrow := newJail(t, open(t, otherID, policy(t, "9.9.9.1:80", "[2620:fe::1]:80", "internet")))
	for _, a := range []string{"9.9.9.1", "[2620:fe::1]"} {
		if !wide.Misses("tcp", a+":80") || !narrow.Misses("tcp", a+":81") {
			t.Error(a, "is reached, though no rule is for it alone")
		}
		if _, ok := narrow.Reaches("tcp", a+":80"); !ok {
			t.Error(a, "is not reached, though a rule is for it alone")
		}
	}
}

func TestFalseSourcesAreDropped(t *testing.T) {
	nettest.Alone(t)
	nettest.Outside(t, nil, world...)
	f := open(t, id, policy(t, everything...))
	j, neighbour := newJail(t, f), newJail(t, f)
	for from, to := range map[string]string{
		"10.66.66.66": "1.1.1.1:443", neighbour.link.Addrs[0].String(): "1.1.1.1:444", "9.9.9.1": "1.1.1.1:445",
		"fd00:66::66": "[2606:4700::1111]:443", neighbour.link.Addrs[1].String(): "[2606:4700::1111]:444", "2620:fe::1": "[2606:4700::1111]:445",
	} {
		before := dropped(t, f, j.link)
		j.SendFrom(&net.UDPAddr{IP: netip.MustParseAddr(from).AsSlice()}, netip.MustParseAddrPort(to))
		if c := dropped(t, f, j.link); c.Spoofed != before.Spoofed+1 || c.Dropped != before.Dropped {
			t.Errorf("from %s: counted %+v after %+v", from, c, before)
		}
	}
}

func TestNothingPassesBeforeItIsAdmitted(t *testing.T) {
	nettest.Alone(t)
	nettest.Outside(t, nil, world...)
	f := open(t, id, policy(t, everything...))
	s := nettest.New(t)
	l, err := f.Make(s.File)
	if err != nil {
		t.Fatal(err)
	}
	s.Send(netip.MustParseAddrPort("1.1.1.1:443"))
	if c := dropped(t, f, l); c.Dropped != 1 {
		t.Errorf("counted %+v", c)
	}
}

func TestNamesOpenWhatTheyLeadToForAWhile(t *testing.T) {
	nettest.Alone(t)
	nettest.Outside(t, []uint16{80, 443}, world...)
	p := policy(t, "internet:80", "example.com:443")
	f := open(t, id, p)
	j := newJail(t, f)
	addrs := []netip.Addr{netip.MustParseAddr("1.1.1.1"), netip.MustParseAddr("2606:4700::1111"), netip.MustParseAddr("10.0.0.5")}
	if !j.Misses("tcp", "1.1.1.1:443") {
		t.Error("reached before anybody asked for the name")
	}
	for _, long := range []time.Duration{time.Second, time.Hour} { // the second time makes it last longer
		if err := f.Learn(p.Learn("example.com", addrs, long, time.Now())); err != nil {
			t.Fatal(err)
		}
	}
	time.Sleep(1100 * time.Millisecond) // the kernel keeps this time
	for _, a := range addrs {
		if _, ok := j.Reaches("tcp", netip.AddrPortFrom(a, 443).String()); !ok {
			t.Errorf("%s is not reached", a)
		}
	}
	if err := f.Learn([]network.Lesson{{Rule: 1, Addr: netip.MustParseAddr("192.168.1.1"), For: 50 * time.Millisecond}}); err != nil {
		t.Fatal(err)
	}
	time.Sleep(100 * time.Millisecond)
	if !j.Misses("tcp", "192.168.1.1:443") || !j.Misses("tcp", "10.0.0.5:80") {
		t.Error("reached what is no longer, or what another rule would have to allow")
	}
}

// traces lists what servers leave on this machine.
func traces(t *testing.T) (all []string) {
	t.Helper()
	c, err := nftables.New()
	if err != nil {
		t.Fatal(err)
	}
	tables, err := c.ListTables()
	if err != nil {
		t.Fatal(err)
	}
	for _, table := range tables {
		all = append(all, "table "+table.Name)
	}
	links, err := netlink.LinkList()
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range links {
		all = append(all, "link "+l.Attrs().Name)
	}
	routes, err := netlink.RouteListFiltered(netlink.FAMILY_ALL, &netlink.Route{Protocol: 0x52}, netlink.RT_FILTER_PROTOCOL)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range routes {
		all = append(all, "route "+r.Dst.String())
	}
	settings, err := filepath.Glob("/proc/sys/net/ipv[46]/conf/*/*forwarding")
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range settings {
		if b, err := os.ReadFile(s); err == nil && strings.TrimSpace(string(b)) != "0" {
			all = append(all, "setting "+s)
		}
	}
	slices.Sort(all)
	return all
}

func TestACrashIsCleanedUpByTheSameServerAlone(t *testing.T) {
	nettest.Alone(t)
	nettest.Outside(t, []uint16{443}, world...)
	before := traces(t)
	other := open(t, otherID, policy(t, "internet"))
	theirs := newJail(t, other)
	withOther := traces(t)
	crashed, err := routed.Open(id, policy(t, "internet", "example.com"))
	if err != nil {
		t.Fatal(err)
	}
	left := newJail(t, crashed) // and never closed
	again, err := routed.Open(id, policy(t, "internet"))
	if err != nil {
		t.Fatal(err)
	}
	if !left.Misses("tcp", "1.1.1.1:443") {
		t.Error("a sandbox of the run that crashed goes on")
	}
	if _, ok := newJail(t, again).Reaches("tcp", "1.1.1.1:443"); !ok {
		t.Error("nothing is reached after a crash")
	}
	if err := again.Close(); err != nil {
		t.Error(err)
	}
	if after := traces(t); !slices.Equal(after, withOther) {
		t.Errorf("left:\n%q\nbefore:\n%q", after, withOther)
	}
	if _, ok := theirs.Reaches("tcp", "1.1.1.1:443"); !ok {
		t.Error("another server's sandbox reaches nothing any more")
	}
	if err := other.Close(); err != nil {
		t.Error(err)
	}
	if after := traces(t); !slices.Equal(after, before) {
		t.Errorf("left:\n%q\nbefore:\n%q", after, before)
	}
}

// TestThisMachineBecomesNoRouter sends what it would have to forward for a machine beside it.
func TestThisMachineBecomesNoRouter(t *testing.T) {
	nettest.Alone(t)
	beside := nettest.Outside(t, nil)
	inner := nettest.New(t)
	link := &netlink.Veth{LinkAttrs: netlink.LinkAttrs{Name: "in0"}, PeerName: "eth0", PeerNamespace: netlink.NsFd(int(inner.File.Fd()))}
	steps := []func() error{
		func() error { return netlink.LinkAdd(link) },
		func() error { return netlink.LinkSetUp(link) },
		func() error { return netlink.AddrAdd(link, address("10.7.0.1/24")) },
	}
	for _, step := range steps {
		if err := step(); err != nil {
			t.Fatal(err)
		}
	}
	defer netlink.LinkDel(link)
	inner.Do(func() error {
		l, err := netlink.LinkByName("eth0")
		if err != nil {
			return err
		}
		for _, err := range []error{netlink.LinkSetUp(l), netlink.AddrAdd(l, address("10.7.0.2/24")), netlink.RouteAdd(&netlink.Route{LinkIndex: l.Attrs().Index, Gw: net.IP{10, 7, 0, 1}})} {
			if err != nil {
				return err
			}
		}
		return nil
	})
	inner.Serve("10.7.0.2", 80)
	beside.Do(func() error {
		l, err := netlink.LinkByName("out0")
		if err != nil {
			return err
		}
		return netlink.RouteAdd(&netlink.Route{LinkIndex: l.Attrs().Index, Gw: net.IP{9, 9, 9, 1}, Dst: &net.IPNet{IP: net.IP{10, 7, 0, 0}, Mask: net.CIDRMask(24, 32)}})
	})
	f := open(t, id, policy(t, "internet", "10.7.0.0/24"))
	if !slices.Contains(f.Changed(), "net/ipv4/conf/up0/forwarding") {
		t.Error("switched on:", f.Changed())
	}
	if !beside.Misses("tcp", "10.7.0.2:80") {
		t.Error("a machine beside this one reaches the network behind it")
	}
	if _, ok := newJail(t, f).Reaches("tcp", "10.7.0.2:80"); !ok {
		t.Error("a sandbox does not reach it")
	}
}

func address(text string) *netlink.Addr {
	a, err := netlink.ParseAddr(text)
	if err != nil {
		panic(err)
	}
	return a
}

func BenchmarkAdmit(b *testing.B) {
	f := open(b, id, policy(b, "internet:443", "10.0.0.0/8:5432"))
	var links []*routed.Link
	for range 50 {
		s := nettest.New(b)
		l, err := f.Make(s.File)
		if err != nil {
			b.Fatal(err)
		}
		links = append(links, l)
	}
	b.ResetTimer()
	for i := range b.N {
		if err := f.Admit(links[i%len(links)]); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkMake(b *testing.B) {
	f := open(b, id, policy(b, "internet:443", "10.0.0.0/8:5432"))
	for range b.N {
		b.StopTimer()
		s := nettest.New(b)
		b.StartTimer()
		if _, err := f.Make(s.File); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkUpload(b *testing.B) {
	nettest.Alone(b)
	nettest.Outside(b, []uint16{443}, "1.1.1.1")
	newJail(b, open(b, id, policy(b, "internet"))).Upload(b, "1.1.1.1:443")
}
