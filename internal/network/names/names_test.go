package names

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/dns/dnsmessage"

	"redoubt/internal/network"
	"redoubt/internal/network/nettest"
)

// client serves s on loopback, by packet and stream, and returns a resolver that asks it.
func client(t testing.TB, s *Server) *net.Resolver {
	t.Helper()
	c, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	at := c.LocalAddr().String()
	l, err := net.Listen("tcp", at)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close(); l.Close() })
	go s.ServePackets(c)
	go s.ServeStreams(l)
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, network, at)
	}}
}

func server(t testing.TB, u *nettest.Resolver, rules ...string) *Server {
	t.Helper()
	var all []network.Rule
	for _, text := range rules {
		r, err := network.ParseRule(text)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, r)
	}
	return &Server{Policy: network.NewPolicy(all...), Own: &network.Own{}, Upstream: u.Servers}
}

func many(prefix string, n int) (all []string) {
	a := netip.MustParseAddr(prefix)
	for range n {
		all = append(all, a.String())
		a = a.Next()
	}
	return all
}

var zone = map[string][]string{
	"example.com.":  {"1.1.1.1", "2606:4700::1111"},
	"www.a.org.":    {"cdn.b.org."},
	"cdn.b.org.":    {"1.0.0.1"},
	"rebound.org.":  {"127.0.0.1", "10.0.0.1", "169.254.169.254", "::1", "fd00:ec2::254"},
	"mixed.org.":    {"8.8.8.8", "192.168.0.1"},
	"db.internal.":  {"10.0.0.7"},
	"meta.example.": {"169.254.169.254"},
	"large.org.":    many("8.8.0.1", 300),
}

func TestNamesAreToldThatMayBeReached(t *testing.T) {
	for _, c := range []struct {
		rules, name string
		want        []string // none: no such name
	}{
		{"example.com:443", "example.com", []string{"1.1.1.1", "2606:4700::1111"}},
		{"example.com:443", "EXAMPLE.com", []string{"1.1.1.1", "2606:4700::1111"}},
		{"example.com:443", "www.a.org", nil},
		{"*.a.org", "www.a.org", []string{"1.0.0.1"}},
		{"internet", "www.a.org", []string{"1.0.0.1"}},
		{"internet", "rebound.org", nil},
		{"rebound.org:80", "rebound.org", []string{"10.0.0.1"}},
		{"internet", "mixed.org", []string{"8.8.8.8"}},
		{"internet", "db.internal", nil},
		{"internet 10.0.0.0/8:5432", "db.internal", []string{"10.0.0.7"}},
		{"db.internal:5432", "db.internal", []string{"10.0.0.7"}},
		{"meta.example", "meta.example", nil},
		{"internet", "missing.org", nil},
		{"internet", "large.org", many("8.8.0.1", 300)},
	} {
		u := nettest.NewResolver(t, zone)
		addrs, err := client(t, server(t, u, strings.Fields(c.rules)...)).LookupNetIP(t.Context(), "ip", c.name+".")
		var got []string
		for _, a := range addrs {
			got = append(got, a.Unmap().String())
		}
		slices.Sort(got)
		want := slices.Sorted(slices.Values(c.want))
		var missing *net.DNSError
		if !slices.Equal(got, want) || want == nil && (!errors.As(err, &missing) || !missing.IsNotFound) {
			t.Errorf("%s with %s: %.100v, %v", c.name, c.rules, got, err)
		}
	}
}

func TestNobodyIsAskedForOtherNames(t *testing.T) {
	u := nettest.NewResolver(t, zone)
	s := server(t, u, "example.com:443", "10.0.0.0/8")
	r := client(t, s)
	for _, name := range []string{"secret.attacker.org.", "x.example.com.", "com."} {
		if _, err := r.LookupHost(t.Context(), name); err == nil {
			t.Error(name, "is told")
		}
	}
	if _, err := r.LookupAddr(t.Context(), "10.0.0.7"); err == nil {
		t.Error("the name of an address is told")
	}
	if u.Asked() != nil || s.Refused() == 0 {
		t.Errorf("asked for %q, counted %d", u.Asked(), s.Refused())
	}
}

func TestAddressesAreOpenBeforeTheyAreTold(t *testing.T) {
	u := nettest.NewResolver(t, zone)
	s := server(t, u, "example.com:443")
	taught := make(chan network.Lesson, 16)
	s.Learn = func(l []network.Lesson) error { taught <- l[0]; return nil }
	s.NoIPv6 = true
	r := client(t, s)
	for range 3 {
		if a, err := r.LookupHost(t.Context(), "example.com."); err != nil || !slices.Equal(a, []string{"1.1.1.1"}) {
			t.Fatal(a, err)
		}
	}
	if l := <-taught; l != (network.Lesson{Rule: 0, Addr: netip.MustParseAddr("1.1.1.1"), For: time.Minute + grace}) {
		t.Error("taught", l)
	}
	if len(u.Asked()) != 1 {
		t.Errorf("asked %q: an answer holds for its time", u.Asked())
	}
}

func TestWhatCannotBeOpenedIsNotTold(t *testing.T) {
	s := server(t, nettest.NewResolver(t, zone), "example.com:443")
	s.Learn = func([]network.Lesson) error { return errors.New("no") }
	r := client(t, s)
	for range 2 {
		if a, err := r.LookupHost(t.Context(), "example.com."); err == nil {
			t.Error("told:", a)
		}
	}
}

func FuzzAnswer(f *testing.F) {
	s := server(f, nettest.NewResolver(f, zone), "example.com:443")
	s.Upstream = func() []netip.AddrPort { return nil }
	_, query, err := question(dnsmessage.Question{Name: dnsmessage.MustNewName("example.com."), Type: dnsmessage.TypeA, Class: dnsmessage.ClassINET})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(query)
	f.Fuzz(func(t *testing.T, query []byte) {
		for _, packet := range []bool{true, false} {
			answer := s.answer(query, packet)
			if answer == nil {
				continue
			}
			var m dnsmessage.Message
			if err := m.Unpack(answer); err != nil || !m.Response {
				t.Errorf("answer %x to %x: %v", answer, query, err)
			}
		}
	})
}
