//go:build linux

package routed

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/google/nftables"
	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"redoubt/internal/network"
)

// settle is how long ended interfaces are collected, to be removed together. The kernel has removed most of them by then, with
// their namespaces; one by one it takes tens of milliseconds for each, in which no other can be made.
const settle = 2 * time.Second

// Release removes an interface in the background, when its namespace is no longer used, and then tells what was dropped.
func (f *Fabric) Release(l *Link, then func(network.Counts, error)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.ended = append(f.ended, ended{l, then})
	switch {
	case f.hurried:
		go f.removeEnded()
	case len(f.ended) == 1:
		time.AfterFunc(settle, f.removeEnded)
	}
}

// Hurry removes at once what has ended, and from now on whatever ends.
func (f *Fabric) Hurry() {
	f.mu.Lock()
	f.hurried = true
	f.mu.Unlock()
	f.removeEnded()
}

type ended struct {
	link *Link
	then func(network.Counts, error)
}

func (f *Fabric) removeEnded() {
	f.removing.Lock()
	defer f.removing.Unlock()
	f.mu.Lock()
	all := f.ended
	f.ended = nil
	f.mu.Unlock()
	if len(all) == 0 {
		return
	}
	links := make([]*Link, len(all))
	for i, e := range all {
		links[i] = e.link
	}
	counts, err := f.Remove(links...)
	for _, e := range all {
		e.then(counts[e.link.Name], err)
	}
}

// Remove takes interfaces away, with everything that is known of them, and tells what was dropped of each.
func (f *Fabric) Remove(links ...*Link) (map[string]network.Counts, error) {
	var errs []error
	for _, l := range links {
		if l.index == 0 {
			continue
		}
		err := f.host.LinkDel(&netlink.Veth{LinkAttrs: netlink.LinkAttrs{Index: l.index, Name: l.Name}})
		if err != nil && !errors.Is(err, syscall.ENODEV) && !errors.Is(err, syscall.EINVAL) { // the kernel was faster
			errs = append(errs, fmt.Errorf("removing %s: %w", l.Name, err))
		}
	}
	counts, err := f.unlist(links)
	errs = append(errs, err, f.forgetConnections(links))
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, l := range links {
		delete(f.slots, l.slot)
		f.counted.Add(counts[l.Name])
	}
	return counts, errors.Join(errs...)
}

// unlist takes interfaces out of the table.
func (f *Fabric) unlist(links []*Link) (map[string]network.Counts, error) {
	counts, err := f.perLink()
	f.flush.Lock()
	defer f.flush.Unlock()
	t := f.table
	errs := []error{err}
	remove := func(s *nftables.Set, key []byte) {
		errs = append(errs, t.conn.SetDeleteElements(s, []nftables.SetElement{{Key: key}}))
	}
	for _, l := range links {
		key := interfaceKey(l.Name)
		if l.admitted {
			remove(t.policies, key)
			remove(t.owns, key)
		}
		if !l.listed {
			continue
		}
		remove(t.dropped, key)
		remove(t.spoofed, key)
		for _, a := range l.addrs() {
			remove(t.sources[index(a.Is6())], sourceKey(l.Name, a))
		}
	}
	return counts, errors.Join(append(errs, t.conn.Flush())...)
}

// forgetConnections lets no later sandbox with the same address go on with a connection of an earlier one.
func (f *Fabric) forgetConnections(links []*Link) error {
	var errs []error
	for _, v6 := range families {
		gone := gone{}
		for _, l := range links {
			if a := l.Addrs[index(v6)]; a.IsValid() {
				gone[a] = true
			}
		}
		number := netlink.InetFamily(unix.AF_INET)
		if v6 {
			number = unix.AF_INET6
		}
		if len(gone) > 0 {
			_, err := f.host.ConntrackDeleteFilters(netlink.ConntrackTable, number, gone)
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// gone matches connections that began at an address that is no more.
type gone map[netip.Addr]bool

func (g gone) MatchConntrackFlow(flow *netlink.ConntrackFlow) bool {
	a, ok := netip.AddrFromSlice(flow.Forward.SrcIP)
	return ok && g[a.Unmap()]
}

// Close removes the table and all that belongs to it. No sandbox may use it any more.
func (f *Fabric) Close() error {
	f.removeEnded()
	var errs []error
	if f.host != nil {
		defer f.host.Close()
		errs = append(errs, f.removeLinks())
	}
	for _, s := range f.slices {
		if s.IsValid() {
			errs = append(errs, ignoring(syscall.ESRCH, nowhere(s, netlink.RouteDel)))
		}
	}
	if others, err := f.othersFences(); err == nil {
		errs = append(errs, f.forwarding.close(others))
	}
	return errors.Join(append(errs, f.removeTable())...)
}

func ignoring(what, err error) error {
	if errors.Is(err, what) {
		return nil
	}
	return err
}

func (f *Fabric) removeTable() error {
	f.flush.Lock()
	defer f.flush.Unlock()
	f.table.conn.AddTable(f.table.Table) // so that it can be deleted, if it is there or not
	f.table.conn.DelTable(f.table.Table)
	return f.table.conn.Flush()
}

// removeLinks removes the interfaces that carry this server's name.
func (f *Fabric) removeLinks() error {
	links, err := f.host.LinkList()
	if err != nil {
		return err
	}
	for _, l := range links {
		if strings.HasPrefix(l.Attrs().Name, f.table.prefix) && l.Attrs().Alias == f.id {
			err = errors.Join(err, ignoring(syscall.ENODEV, f.host.LinkDel(l)))
		}
	}
	return err
}

// sweep removes what an earlier run of this server left, and returns the interfaces that forward because of it.
func (f *Fabric) sweep() (opened [2][]string, err error) {
	if err := f.removeLinks(); err != nil {
		return opened, err
	}
	tables, err := f.table.conn.ListTablesOfFamily(nftables.TableFamilyINet)
	if err != nil || !slices.ContainsFunc(tables, func(t *nftables.Table) bool { return t.Name == f.id }) {
		return opened, err
	}
	opened = f.fences(f.table.Table)
	if set, err := f.table.conn.GetSetByName(f.table.Table, "slices"); err == nil {
		elements, err := f.table.conn.GetSetElements(set)
		if err != nil {
			return opened, err
		}
		for _, e := range elements {
			if a, ok := netip.AddrFromSlice(e.Key); ok {
				if err := ignoring(syscall.ESRCH, nowhere(netip.PrefixFrom(a, sliceBits), netlink.RouteDel)); err != nil {
					return opened, err
				}
			}
		}
	}
	return opened, f.removeTable()
}

// fences are the interfaces that a server lets forward.
func (f *Fabric) fences(t *nftables.Table) (names [2][]string) {
	for i := range names {
		set, err := f.table.conn.GetSetByName(t, fmt.Sprintf("fenced%d", i))
		if err != nil {
			continue // the server is gone meanwhile, or only half there
		}
		elements, err := f.table.conn.GetSetElements(set)
		if err != nil {
			continue
		}
		for _, e := range elements {
			names[i] = append(names[i], unix.ByteSliceToString(e.Key))
		}
	}
	return names
}

// othersFences are those of all other servers of this host.
func (f *Fabric) othersFences() (names [2][]string, err error) {
	tables, err := f.table.conn.ListTablesOfFamily(nftables.TableFamilyINet)
	for _, t := range tables {
		if !strings.HasPrefix(t.Name, "redoubt-") || t.Name == f.id {
			continue
		}
		for i, all := range f.fences(t) {
			names[i] = append(names[i], all...)
		}
	}
	return names, err
}

// A BlockedError tells that another firewall of this host drops what is forwarded, whatever this one says.
type BlockedError struct{ Table, Chain string }

func (e *BlockedError) Error() string {
	return fmt.Sprintf("the firewall of this host (nftables table %s, chain %s) drops what is forwarded", e.Table, e.Chain)
}

// othersDrop looks for such a firewall. What is accepted here still has to pass it.
func othersDrop(conn *nftables.Conn) error {
	chains, err := conn.ListChains()
	if err != nil {
		return fmt.Errorf("listing nftables chains: %w", err)
	}
	for _, c := range chains {
		if c.Hooknum == nil || *c.Hooknum != *nftables.ChainHookForward || c.Table.Family == nftables.TableFamilyBridge {
			continue
		}
		if c.Policy != nil && *c.Policy == nftables.ChainPolicyDrop {
			return &BlockedError{c.Table.Name, c.Name}
		}
		if c.Table.Name == "firewalld" { // it accepts by policy, and rejects by its last rule
			return &BlockedError{c.Table.Name, c.Name}
		}
	}
	return nil
}
