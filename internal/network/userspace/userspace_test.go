//go:build linux

package userspace_test

import (
	"bytes"
	"io"
	"net"
	"net/netip"
	"os"
	"sync"
	"testing"
	"time"

	"redoubt/internal/network"
	"redoubt/internal/network/nettest"
	"redoubt/internal/network/userspace"
)

func TestMain(m *testing.M) { nettest.Main(m) }

func attach(t testing.TB, p *network.Policy) (*nettest.Space, *userspace.Link) {
	t.Helper()
	nettest.Alone(t)
	s, home := nettest.New(t), nettest.New(t)
	var device *os.File
	s.Do(func() (err error) {
		device, err = userspace.OpenDevice(home.File)
		return err
	})
	f := &userspace.Fabric{Policy: p, Own: &network.Own{}}
	l, err := f.Attach(userspace.NewDevice(device))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(l.Close)
	return s, l
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

var world = []string{"1.1.1.1", "10.0.0.5", "10.0.0.6", "169.254.169.254", "100.100.100.200", "2606:4700::1111", "fd00:10::5", "fd00:10::6", "fd00:ec2::254"}

func TestOnlyWhatIsAllowedIsReached(t *testing.T) {
	nettest.Alone(t)
	nettest.Outside(t, []uint16{80, 443, 5432}, world...)
	nettest.Serve(t, netip.MustParseAddrPort("9.9.9.1:443"))
	s, l := attach(t, policy(t, "internet:443", "10.0.0.5:5432", "[fd00:10::5]:5432", "10.0.0.6/udp", "0.0.0.0/0:80"))
	for _, c := range []struct {
		network, address string
		want             bool
	}{
		{"tcp", "1.1.1.1:443", true}, {"tcp", "1.1.1.1:5432", false}, {"udp", "1.1.1.1:443", false},
		{"tcp", "[2606:4700::1111]:443", true}, {"tcp", "[2606:4700::1111]:80", false},
		{"tcp", "10.0.0.5:5432", true}, {"tcp", "10.0.0.5:443", false}, {"tcp", "10.0.0.6:5432", false}, {"udp", "10.0.0.6:80", true},
		{"tcp", "[fd00:10::5]:5432", true}, {"tcp", "[fd00:10::6]:5432", false},
		{"tcp", "169.254.169.254:80", false}, {"tcp", "100.100.100.200:80", false}, {"tcp", "[fd00:ec2::254]:443", false}, {"tcp", "9.9.9.1:443", false},
	} {
		before := l.Counts()
		var got bool
		if c.want {
			_, got = s.Reaches(c.network, c.address)
		} else {
			got = !s.Misses(c.network, c.address)
		}
		if got != c.want {
			t.Errorf("%s %s: reached %v, want %v", c.network, c.address, got, c.want)
		}
		if drops := l.Counts().Dropped - before.Dropped; (drops > 0) == c.want {
			t.Errorf("%s %s: %d packets counted as dropped", c.network, c.address, drops)
		}
	}
}

func TestANameOpensItsAddressesForAWhile(t *testing.T) {
	nettest.Alone(t)
	nettest.Outside(t, []uint16{443}, world...)
	p := policy(t, "example.com:443")
	s, _ := attach(t, p)
	if !s.Misses("tcp", "1.1.1.1:443") {
		t.Error("reached before anybody asked for the name")
	}
	p.Learn("example.com", []netip.Addr{netip.MustParseAddr("1.1.1.1"), netip.MustParseAddr("2606:4700::1111")}, time.Hour, time.Now())
	for _, a := range []string{"1.1.1.1:443", "[2606:4700::1111]:443"} {
		if _, ok := s.Reaches("tcp", a); !ok {
			t.Errorf("%s is not reached", a)
		}
	}
	p.Learn("example.org", []netip.Addr{netip.MustParseAddr("10.0.0.5")}, time.Hour, time.Now())
	if !s.Misses("tcp", "10.0.0.5:443") {
		t.Error("another name opened an address")
	}
}

func TestFalseSourcesAreCountedApart(t *testing.T) {
	nettest.Alone(t)
	s, l := attach(t, policy(t, "0.0.0.0/0", "[::]/0"))
	s.Send(netip.MustParseAddrPort("169.254.169.254:80"))
	s.SendFrom(&net.UDPAddr{IP: net.IP{10, 66, 66, 66}}, netip.MustParseAddrPort("1.1.1.1:80"))
	s.SendFrom(&net.UDPAddr{IP: net.ParseIP("fd00:66::66")}, netip.MustParseAddrPort("[2606:4700::1111]:80"))
	for begin := time.Now(); l.Counts() != (network.Counts{Dropped: 1, Spoofed: 2}); time.Sleep(time.Millisecond) {
		if time.Since(begin) > 10*time.Second {
			t.Fatalf("counted %+v", l.Counts())
		}
	}
}

func TestMuchArrivesWhole(t *testing.T) {
	nettest.Alone(t)
	nettest.Outside(t, nil)
	l, err := net.Listen("tcp", "9.9.9.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	sent := bytes.Repeat([]byte("0123456789abcdef"), 1<<20)
	go func() {
		for range 4 {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() { c.Write(sent); c.Close() }()
		}
	}()
	s, _ := attach(t, policy(t, "9.9.9.1"))
	var both sync.WaitGroup
	for range 4 {
		both.Go(func() {
			s.Do(func() error {
				c, err := net.Dial("tcp", l.Addr().String())
				if err != nil {
					return err
				}
				defer c.Close()
				got, err := io.ReadAll(c)
				if !bytes.Equal(got, sent) {
					t.Errorf("%d bytes of %d arrived, %v", len(got), len(sent), err)
				}
				return nil
			})
		})
	}
	both.Wait()
}

func BenchmarkUpload(b *testing.B) {
	nettest.Alone(b)
	nettest.Outside(b, []uint16{443}, "1.1.1.1")
	s, _ := attach(b, policy(b, "internet"))
	s.Upload(b, "1.1.1.1:443")
}
