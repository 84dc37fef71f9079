package userspace

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// OpenDevice makes the interface eth0 in the network namespace of the calling thread, with the addresses of a sandbox and
// routes to everywhere, and returns its other end. The path is that of /dev/net/tun.
func OpenDevice(path string) (*os.File, error) {
	fd, err := unix.Open(path, unix.O_RDWR|unix.O_CLOEXEC|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, fmt.Errorf("opening /dev/net/tun, which the network of functions needs: %w", err)
	}
	request, err := unix.NewIfreq("eth0")
	if err == nil {
		request.SetUint16(unix.IFF_TUN | unix.IFF_NO_PI)
		err = unix.IoctlIfreq(fd, unix.TUNSETIFF, request)
	}
	if err == nil {
		err = configureDevice("eth0")
	}
	if err != nil {
		unix.Close(fd)
		return nil, fmt.Errorf("making an interface: %w", err)
	}
	return os.NewFile(uintptr(fd), "eth0"), nil
}

func configureDevice(name string) error {
	end, err := netlink.LinkByName(name)
	if err != nil {
		return err
	}
	_, err = os.Stat("/proc/sys/net/ipv6")
	v6 := !errors.Is(err, fs.ErrNotExist)
	if v6 {
		const none = 1 // IN6_ADDR_GEN_MODE_NONE: no address but those given here
		if err := netlink.LinkSetIP6AddrGenMode(end, none); err != nil {
			return err
		}
	}
	if err := errors.Join(netlink.LinkSetMTU(end, MTU), netlink.LinkSetUp(end)); err != nil {
		return err
	}
	for _, a := range Addrs {
		if a.Is6() && !v6 {
			continue
		}
		bits := a.BitLen()
		one := &net.IPNet{IP: a.AsSlice(), Mask: net.CIDRMask(bits, bits)}
		if err := netlink.AddrAdd(end, &netlink.Addr{IPNet: one, Flags: unix.IFA_F_NODAD}); err != nil {
			return err
		}
		everywhere := &net.IPNet{IP: make(net.IP, bits/8), Mask: net.CIDRMask(0, bits)}
		if err := netlink.RouteAdd(&netlink.Route{LinkIndex: end.Attrs().Index, Scope: netlink.SCOPE_LINK, Dst: everywhere}); err != nil {
			return err
		}
	}
	return nil
}
