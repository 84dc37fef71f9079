//go:build linux

package namespace

import (
	"fmt"
	"os"
	"runtime"
	"sync"

	"golang.org/x/sys/unix"
)

// runtimePort is where the Runtime API is in every sandbox, as on AWS.
const runtimePort = 9001

// A network is a network namespace with nothing in it but a loopback device and two listeners, which the server serves.
// It belongs to the spawner, not to the jail's users: nobody inside can change it.
type network struct {
	namespace int
	listeners []*os.File
}

// newNetwork makes a network namespace and listens in it.
func newNetwork(ports ...int) (*network, error) {
	type result struct {
		n   *network
		err error
	}
	done := make(chan result)
	go func() {
		runtime.LockOSThread() // never unlocked: the thread ends with the goroutine, in whatever namespace it is
		n, err := listenInNew(ports)
		done <- result{n, err}
	}()
	r := <-done
	return r.n, r.err
}

func listenInNew(ports []int) (*network, error) {
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
	for _, port := range ports {
		l, err := listen(port)
		if err != nil {
			n.close()
			return nil, fmt.Errorf("listening on port %d of a sandbox: %w", port, err)
		}
		n.listeners = append(n.listeners, l)
	}
	return n, nil
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
	return newNetwork(runtimePort, port)
}

func (n *networks) replace(port, count int) {
	for range count {
		made, err := newNetwork(runtimePort, port)
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
