//go:build linux

package namespace

import (
	"fmt"
	"net"
	"os"
	"runtime"
	"sync"

	"golang.org/x/sys/unix"

	"redoubt/internal/network/gate"
	"redoubt/internal/network/userspace"
)

// runtimePort is where the Runtime API is in every sandbox, as on AWS.
const runtimePort = 9001

// A network is a network namespace with nothing in it but a loopback device and two listeners, which the server serves,
// and what its shape adds. It belongs to the spawner, not to the jail's users: nobody inside can change it.
type network struct {
	namespace int
	listeners []*os.File
}

// A shape says what there is in a network.
type shape struct {
	Port   int          // of the server's API
	Plants []gate.Plant `json:",omitempty"` // further sockets
	Device bool         `json:",omitempty"` // an interface whose packets the server takes
	home   *os.File     // the network namespace of the spawner, where the device has its other end
}

// newNetwork makes a network namespace and listens in it.
func newNetwork(s shape) (*network, error) {
	type result struct {
		n   *network
		err error
	}
	done := make(chan result)
	go func() {
		runtime.LockOSThread() // never unlocked: the thread ends with the goroutine, in whatever namespace it is
		n, err := listenInNew(s)
		done <- result{n, err}
	}()
	r := <-done
	return r.n, r.err
}

func listenInNew(s shape) (*network, error) {
	if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
		return nil, fmt.Errorf("making a network namespace: %w", err)
	}
	if err := loopbackUp(); err != nil {
		return nil, fmt.Errorf("starting the loopback device: %w", err)
	}
	fd, err := unix.Open("/proc/thread-self/ns/net", unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("opening a network namespace: %w", err)
	}
	n := &network{namespace: fd}
	for _, port := range []int{runtimePort, s.Port} {
		l, err := listen(port)
		if err != nil {
			n.close()
			return nil, fmt.Errorf("listening on port %d of a sandbox: %w", port, err)
		}
		n.listeners = append(n.listeners, l)
	}
	if err := n.add(s); err != nil {
		n.close()
		return nil, err
	}
	return n, nil
}

// add makes what only networks have that lead somewhere. The device comes last: the thread is elsewhere after it.
func (n *network) add(s shape) error {
	for _, p := range s.Plants {
		f, err := plant(p)
		if err != nil {
			return fmt.Errorf("listening on %s of a sandbox: %w", p.Address, err)
		}
		n.listeners = append(n.listeners, f)
	}
	if !s.Device {
		return nil
	}
	f, err := userspace.OpenDevice(s.home)
	if err == nil {
		n.listeners = append(n.listeners, f)
	}
	return err
}

func plant(p gate.Plant) (*os.File, error) {
	if p.Network == "udp" {
		c, err := net.ListenPacket(p.Network, p.Address)
		if err != nil {
			return nil, err
		}
		defer c.Close()
		return c.(*net.UDPConn).File()
	}
	l, err := net.Listen(p.Network, p.Address)
	if err != nil {
		return nil, err
	}
	defer l.Close()
	return l.(*net.TCPListener).File()
}

func (n *network) close() {
	unix.Close(n.namespace)
	closeAll(n.listeners)
}

func loopbackUp() error {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	ifr, err := unix.NewIfreq("lo")
	if err != nil {
		return err
	}
	ifr.SetUint16(unix.IFF_UP | unix.IFF_RUNNING | unix.IFF_LOOPBACK)
	return unix.IoctlIfreq(fd, unix.SIOCSIFFLAGS, ifr)
}

func listen(port int) (*os.File, error) {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	if err := unix.Bind(fd, &unix.SockaddrInet4{Port: port, Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		unix.Close(fd)
		return nil, err
	}
	if err := unix.Listen(fd, 1024); err != nil {
		unix.Close(fd)
		return nil, err
	}
	return os.NewFile(uintptr(fd), "listener"), nil
}

// spareNetworks is how many networks are made ahead: each costs most of a millisecond, and some 100 KiB of the kernel's.
const spareNetworks = 4

// networks makes networks ahead of their use, for the port that was last asked for.
type networks struct {
	mu     sync.Mutex
	port   int
	spare  []*network
	making int
}

// take returns a network, and sees to its replacement.
func (n *networks) take(port int) (*network, error) {
	n.mu.Lock()
	if n.port != port {
		for _, s := range n.spare {
			s.close()
		}
		n.port, n.spare = port, nil
	}
	var taken *network
	if last := len(n.spare) - 1; last >= 0 {
		taken, n.spare = n.spare[last], n.spare[:last]
	}
	missing := spareNetworks - len(n.spare) - n.making
	n.making += missing
	n.mu.Unlock()
	if missing > 0 {
		go n.replace(port, missing)
	}
	if taken != nil {
		return taken, nil
	}
	return newNetwork(shape{Port: port})
}

func (n *networks) replace(port, count int) {
	for range count {
		made, err := newNetwork(shape{Port: port})
		n.mu.Lock()
		n.making--
		switch {
		case err != nil: // who needs one will see the reason
		case n.port != port:
			made.close()
		default:
			n.spare = append(n.spare, made)
		}
		n.mu.Unlock()
	}
}
