//go:build linux

package namespace

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"runtime"
	"time"

	"golang.org/x/sys/unix"
)

// Dial connects to a listener in the jail, on its loopback device.
func (v *environment) Dial(network, address string) (net.Conn, error) {
	to, err := netip.ParseAddrPort(address)
	if err != nil || network != "tcp" || to.Addr() != netip.AddrFrom4([4]byte{127, 0, 0, 1}) {
		return nil, fmt.Errorf("dialling into a sandbox: %s %s is not on its loopback device", network, address)
	}
	r, err := v.helper.call(context.Background(), request{Op: opDial, Jail: v.id, Port: int(to.Port())})
	defer closeAll(r.files)
	if err != nil {
		return nil, fmt.Errorf("dialling into a sandbox: %w", err)
	}
	if len(r.files) != 1 {
		return nil, errors.New("dialling into a sandbox: no connection")
	}
	return net.FileConn(r.files[0])
}

// dial connects to a port in a jail, from a thread that sits in its network and ends there.
func (j *jail) dial(port int) ([]*os.File, error) {
	pidfd := -1
	err := j.hold(func(held int) (err error) {
		pidfd, err = unix.FcntlInt(uintptr(held), unix.F_DUPFD_CLOEXEC, 0)
		return err
	})
	if err != nil {
		return nil, err
	}
	defer unix.Close(pidfd)
	type result struct {
		fd  int
		err error
	}
	done := make(chan result)
	go func() {
		runtime.LockOSThread() // never unlocked
		fd, err := connectIn(pidfd, port)
		done <- result{fd, err}
	}()
	r := <-done
	if r.err != nil {
		return nil, r.err
	}
	return []*os.File{os.NewFile(uintptr(r.fd), "connection")}, nil
}

// connectPatience is how long a listener may take that has its queue full.
const connectPatience = time.Second

func connectIn(pidfd, port int) (_ int, err error) {
	if err := unix.Setns(pidfd, unix.CLONE_NEWNET); err != nil {
		return -1, fmt.Errorf("entering a network namespace: %w", err)
	}
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return -1, err
	}
	defer func() {
		if err != nil {
			unix.Close(fd)
		}
	}()
	err = unix.Connect(fd, &unix.SockaddrInet4{Port: port, Addr: [4]byte{127, 0, 0, 1}})
	if err != unix.EINPROGRESS {
		return fd, err
	}
	poll := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLOUT}}
	if n, err := unix.Poll(poll, int(connectPatience.Milliseconds())); err != nil || n == 0 {
		return fd, errors.Join(err, unix.ETIMEDOUT)
	}
	errno, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_ERROR)
	if err == nil && errno != 0 {
		err = unix.Errno(errno)
	}
	return fd, err
}
