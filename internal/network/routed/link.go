//go:build linux

package routed

import (
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"strconv"

	"github.com/google/nftables"
	"github.com/google/nftables/expr"
	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netns"
	"golang.org/x/sys/unix"
)

// A Link is a pair of interfaces: eth0 in a sandbox, and the other end here.
type Link struct {
	Name  string // of this end
	Addrs [2]netip.Addr
	slot  uint32
	index int // of this end, 0 if there is none yet

	listed, admitted bool
}

// inside is the name of the interface in a sandbox.
const inside = "eth0"

// Make gives a network namespace an interface, of which nothing passes before Admit.
func (f *Fabric) Make(ns *os.File) (*Link, error) {
	l, err := f.reserve()
	if err != nil {
		return nil, err
	}
	if err := f.build(l, ns); err != nil {
		_, failed := f.Remove(l)
		return nil, errors.Join(fmt.Errorf("making an interface: %w", err), failed)
	}
	return l, nil
}

// reserve picks a name, and addresses that have not been used for the longest time.
func (f *Fabric) reserve() (*Link, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.made++
	l := &Link{Name: f.table.prefix + strconv.FormatUint(f.made, 36)}
	for range sliceSize - 2 {
		f.slot = f.slot%(sliceSize-2) + 1
		if !f.slots[f.slot] {
			f.slots[f.slot] = true
			l.slot = f.slot
			l.Addrs = [2]netip.Addr{nth(f.slices[0], f.slot), nth(f.slices[1], f.slot)}
			return l, nil
		}
	}
	return nil, errors.New("more interfaces than addresses")
}

// nth returns an address of a prefix, none if the prefix is none.
func nth(p netip.Prefix, n uint32) netip.Addr {
	if !p.IsValid() {
		return netip.Addr{}
	}
	b := p.Addr().AsSlice()
	for i := len(b) - 1; n > 0; i, n = i-1, n>>8 {
		b[i] |= byte(n)
	}
	a, _ := netip.AddrFromSlice(b)
	return a
}

func (l *Link) addrs() (all []netip.Addr) {
	for _, a := range l.Addrs {
		if a.IsValid() {
			all = append(all, a)
		}
	}
	return all
}

// build makes the pair. Both ends have one hardware address and ask nobody for another, so that neither needs to be told of
// a router or a neighbour, nor believes who claims to be one.
func (f *Fabric) build(l *Link, ns *os.File) error {
	hardware := make(net.HardwareAddr, 6)
	rand.Read(hardware)
	hardware[0] = hardware[0]&^1 | 2 // of one host, and made up
	attrs := netlink.NewLinkAttrs()
	attrs.Name, attrs.HardwareAddr = l.Name, hardware
	pair := &netlink.Veth{LinkAttrs: attrs, PeerName: inside, PeerHardwareAddr: hardware, PeerNamespace: netlink.NsFd(int(ns.Fd()))}
	if err := f.host.LinkAdd(pair); err != nil {
		return err
	}
	l.index = pair.Attrs().Index
	if err := f.buildHere(l, pair); err != nil {
		return fmt.Errorf("this end: %w", err)
	}
	there, err := netlink.NewHandleAt(netns.NsHandle(int(ns.Fd())), unix.NETLINK_ROUTE)
	if err != nil {
		return err
	}
	defer there.Close()
	if err := buildThere(l, there); err != nil {
		return fmt.Errorf("the other end: %w", err)
	}
	return f.list(l)
}

func (f *Fabric) buildHere(l *Link, pair netlink.Link) error {
	if err := f.forwarding.allow(l.Name, f.slices[1].IsValid()); err != nil {
		return err
	}
	if err := f.host.LinkSetAlias(pair, f.id); err != nil {
		return err
	}
	if err := f.host.LinkSetARPOff(pair); err != nil {
		return err
	}
	if err := f.host.LinkSetUp(pair); err != nil {
		return err
	}
	for _, a := range l.addrs() {
		if err := f.host.RouteAdd(&netlink.Route{LinkIndex: l.index, Scope: netlink.SCOPE_LINK, Dst: ipNet(netip.PrefixFrom(a, a.BitLen()))}); err != nil {
			return err
		}
	}
	return nil
}

func buildThere(l *Link, h *netlink.Handle) error {
	end, err := h.LinkByName(inside)
	if err != nil {
		return err
	}
	if l.Addrs[1].IsValid() {
		if err := h.LinkSetIP6AddrGenMode(end, addrGenNone); err != nil {
			return err
		}
	}
	if err := errors.Join(h.LinkSetARPOff(end), h.LinkSetUp(end)); err != nil {
		return err
	}
	for _, a := range l.addrs() {
		if err := h.AddrAdd(end, &netlink.Addr{IPNet: ipNet(netip.PrefixFrom(a, a.BitLen())), Flags: unix.IFA_F_NODAD}); err != nil {
			return err
		}
		everywhere := netip.PrefixFrom(a, 0).Masked()
		if err := h.RouteAdd(&netlink.Route{LinkIndex: end.Attrs().Index, Scope: netlink.SCOPE_LINK, Dst: ipNet(everywhere)}); err != nil {
			return err
		}
	}
	return nil
}

// addrGenNone keeps the kernel from giving an interface an address by itself (IN6_ADDR_GEN_MODE_NONE).
const addrGenNone = 1

func ipNet(p netip.Prefix) *net.IPNet {
	return &net.IPNet{IP: p.Addr().AsSlice(), Mask: net.CIDRMask(p.Bits(), p.Addr().BitLen())}
}

// interfaceKey is a name as the kernel compares it.
func interfaceKey(name string) []byte {
	return append([]byte(name), make([]byte, unix.IFNAMSIZ-len(name))...)
}

func sourceKey(name string, a netip.Addr) []byte { return append(interfaceKey(name), a.AsSlice()...) }

// list tells the table of an interface: its sources, and what counts for it.
func (f *Fabric) list(l *Link) error {
	f.flush.Lock()
	defer f.flush.Unlock()
	t := f.table
	name := []nftables.SetElement{{Key: interfaceKey(l.Name)}}
	errs := []error{t.conn.SetAddElements(t.dropped, name), t.conn.SetAddElements(t.spoofed, name)}
	for _, a := range l.addrs() {
		errs = append(errs, t.conn.SetAddElements(t.sources[index(a.Is6())], []nftables.SetElement{{Key: sourceKey(l.Name, a)}}))
	}
	err := errors.Join(append(errs, t.conn.Flush())...)
	l.listed = err == nil
	return err
}

// Admit puts the policy in force for an interface: from then on, what it allows passes.
func (f *Fabric) Admit(l *Link) error {
	element := func(chain string) []nftables.SetElement {
		return []nftables.SetElement{{Key: interfaceKey(l.Name), VerdictData: &expr.Verdict{Kind: expr.VerdictGoto, Chain: chain}}}
	}
	f.flush.Lock()
	defer f.flush.Unlock()
	t := f.table
	err := errors.Join(t.conn.SetAddElements(t.policies, element(policyChain)), t.conn.SetAddElements(t.owns, element(ownChain)), t.conn.Flush())
	if err != nil {
		return fmt.Errorf("admitting an interface: %w", err)
	}
	l.admitted = true
	return nil
}
