package userspace

import (
	"errors"
	"io/fs"
	"net"
	"net/netip"
	"os"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// configure gives an interface its addresses, with routes to everywhere, and nothing by itself. It asks nobody for hardware
// addresses, which are all the same.
func configure(end netlink.Link, addrs ...netip.Addr) error {
	_, err := os.Stat("/proc/sys/net/ipv6")
	v6 := !errors.Is(err, fs.ErrNotExist)
	if v6 {
		const none = 1 // IN6_ADDR_GEN_MODE_NONE: no address but those given here
		if err := netlink.LinkSetIP6AddrGenMode(end, none); err != nil {
			return err
		}
	}
	if err := errors.Join(netlink.LinkSetARPOff(end), netlink.LinkSetUp(end)); err != nil {
		return err
	}
	for _, a := range addrs {
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
