//go:build linux

package nettest

import (
	"io"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"runtime"
	"syscall"
	"testing"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// mark is in the environment of a process that has a network of its own.
const mark = "REDOUBT_NETTEST"

// Main runs the tests of a package in a network namespace of their own, so that "this machine" is theirs to change. Without
// root it runs them where it is.
func Main(m *testing.M) {
	if os.Geteuid() != 0 || os.Getenv(mark) != "" {
		if os.Getenv(mark) != "" {
			up("lo")
		}
		os.Exit(m.Run())
	}
	c := exec.Command("/proc/self/exe", os.Args[1:]...)
	c.Stdin, c.Stdout, c.Stderr = os.Stdin, os.Stdout, os.Stderr
	c.Env = append(os.Environ(), mark+"=1")
	c.SysProcAttr = &syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWNET, Pdeathsig: syscall.SIGKILL}
	if err := c.Run(); err != nil {
		os.Exit(1)
	}
	os.Exit(0)
}

// Alone skips a test that needs a machine of its own where it has none.
func Alone(t testing.TB) {
	t.Helper()
	if os.Getenv(mark) == "" {
		t.Skip("only root can make a network for this test")
	}
}

func up(name string) {
	if l, err := netlink.LinkByName(name); err == nil {
		_ = netlink.LinkSetUp(l) // the tests show it
	}
}

// A Space is a network namespace.
type Space struct {
	t    testing.TB
	File *os.File
}

// New makes a network namespace with its loopback up.
func New(t testing.TB) *Space {
	t.Helper()
	s := &Space{t: t}
	done := make(chan error)
	go func() {
		runtime.LockOSThread() // the thread ends with the goroutine, in whatever namespace it is
		done <- func() error {
			if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
				return err
			}
			up("lo")
			var err error
			s.File, err = os.Open("/proc/thread-self/ns/net")
			return err
		}()
	}()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.File.Close() })
	return s
}

// Do runs something inside.
func (s *Space) Do(what func() error) {
	s.t.Helper()
	done := make(chan error)
	go func() {
		runtime.LockOSThread()
		if err := unix.Setns(int(s.File.Fd()), unix.CLONE_NEWNET); err != nil {
			done <- err
			return
		}
		done <- what()
	}()
	if err := <-done; err != nil {
		s.t.Fatal(err)
	}
}

// Outside makes a network that this machine reaches by the interface up0, with the given addresses, which answer to TCP and
// UDP at some ports with the address that they see.
func Outside(t testing.TB, ports []uint16, addrs ...string) *Space {
	t.Helper()
	s := New(t)
	link := &netlink.Veth{LinkAttrs: netlink.NewLinkAttrs(), PeerName: "out0", PeerNamespace: netlink.NsFd(int(s.File.Fd()))}
	link.LinkAttrs.Name = "up0"
	check(t, netlink.LinkAdd(link))
	t.Cleanup(func() { _ = netlink.LinkDel(link) })
	for _, a := range []string{"9.9.9.1/24", "2620:fe::1/64"} {
		check(t, netlink.AddrAdd(link, addr(t, a)))
	}
	check(t, netlink.LinkSetUp(link))
	s.Do(func() error {
		h, err := netlink.NewHandle()
		if err != nil {
			return err
		}
		defer h.Close()
		out, err := h.LinkByName("out0")
		if err != nil {
			return err
		}
		lo, err := h.LinkByName("lo")
		if err != nil {
			return err
		}
		for _, a := range []string{"9.9.9.9/24", "2620:fe::9/64"} {
			if err := h.AddrAdd(out, addr(t, a)); err != nil {
				return err
			}
		}
		for _, a := range addrs {
			p := netip.MustParseAddr(a)
			if err := h.AddrAdd(lo, addr(t, netip.PrefixFrom(p, p.BitLen()).String())); err != nil {
				return err
			}
		}
		return h.LinkSetUp(out)
	})
	check(t, netlink.RouteAdd(&netlink.Route{LinkIndex: link.Attrs().Index, Gw: net.ParseIP("9.9.9.9")}))
	check(t, netlink.RouteAdd(&netlink.Route{LinkIndex: link.Attrs().Index, Gw: net.ParseIP("2620:fe::9")}))
	for _, a := range addrs {
		for _, port := range ports {
			s.Serve(a, port)
		}
	}
	return s
}

// Serve answers at a port of the space, by TCP and UDP.
func (s *Space) Serve(addr string, port uint16) {
	s.t.Helper()
	s.Do(func() error { return serve(s.t, netip.AddrPortFrom(netip.MustParseAddr(addr), port)) })
}

// Serve answers at a port of this machine, by TCP and UDP.
func Serve(t testing.TB, at netip.AddrPort) {
	t.Helper()
	check(t, serve(t, at))
}

func serve(t testing.TB, at netip.AddrPort) error {
	l, err := net.ListenTCP("tcp", net.TCPAddrFromAddrPort(at))
	if err != nil {
		return err
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				_, _ = io.WriteString(c, c.RemoteAddr().String()+"\n")
				_ = c.(*net.TCPConn).CloseWrite()
				_, _ = io.Copy(io.Discard, c)
			}()
		}
	}()
	u, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(at))
	if err != nil {
		return err
	}
	t.Cleanup(func() { u.Close() })
	go func() {
		b := make([]byte, 2048)
		for {
			n, from, err := u.ReadFrom(b)
			if err != nil {
				return
			}
			_, _ = u.WriteTo(append([]byte(from.String()+"\n"), b[:n]...), from)
		}
	}()
	return nil
}

// How long a test waits for what must come, and for what must not: nobody says that a packet was dropped.
const (
	patience   = 10 * time.Second
	impatience = 300 * time.Millisecond
)

// Reaches returns as whom something outside sees a connection from inside the space.
func (s *Space) Reaches(network, address string) (seen string, ok bool) {
	s.t.Helper()
	return s.talk(network, address, patience)
}

// Misses reports that nothing answers to a connection from inside the space.
func (s *Space) Misses(network, address string) bool {
	s.t.Helper()
	_, ok := s.talk(network, address, impatience)
	return !ok
}

func (s *Space) talk(network, address string, wait time.Duration) (seen string, ok bool) {
	s.t.Helper()
	s.Do(func() error {
		c, err := net.DialTimeout(network, address, wait)
		if err != nil {
			return nil
		}
		defer c.Close()
		if _, err := c.Write([]byte("hello")); err != nil {
			return nil
		}
		check(s.t, c.SetReadDeadline(time.Now().Add(wait)))
		b := make([]byte, 256)
		n, err := c.Read(b)
		if err == nil {
			seen, ok = string(b[:n]), true
		}
		return nil
	})
	return seen, ok
}

// Upload connects from inside and measures how much of it a second takes away.
func (s *Space) Upload(b *testing.B, address string) {
	b.Helper()
	var c net.Conn
	s.Do(func() (err error) {
		c, err = net.DialTimeout("tcp", address, patience)
		return err
	})
	defer c.Close()
	chunk := make([]byte, 256<<10)
	b.SetBytes(int64(len(chunk)))
	for b.Loop() {
		if _, err := c.Write(chunk); err != nil {
			b.Fatal(err)
		}
	}
}

// Send sends a packet from inside, and does not wait.
func (s *Space) Send(to netip.AddrPort) {
	s.t.Helper()
	s.SendFrom(nil, to)
}

// SendFrom sends a packet with a source that the interface inside does not have, as far as the kernel inside allows.
func (s *Space) SendFrom(from *net.UDPAddr, to netip.AddrPort) {
	s.t.Helper()
	s.Do(func() error {
		if from != nil {
			l, err := netlink.LinkByName("eth0")
			if err != nil {
				return err
			}
			bits := 8 * len(from.IP)
			a := &netlink.Addr{IPNet: &net.IPNet{IP: from.IP, Mask: net.CIDRMask(bits, bits)}, Flags: unix.IFA_F_NODAD}
			if err := netlink.AddrAdd(l, a); err != nil {
				return err
			}
		}
		c, err := net.DialUDP("udp", from, net.UDPAddrFromAddrPort(to))
		if err != nil {
			return nil // the space itself has no way there
		}
		defer c.Close()
		_, _ = c.Write([]byte("hello")) // likewise
		return nil
	})
}

func addr(t testing.TB, text string) *netlink.Addr {
	t.Helper()
	a, err := netlink.ParseAddr(text)
	check(t, err)
	a.Flags = unix.IFA_F_NODAD
	return a
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
