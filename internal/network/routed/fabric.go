//go:build linux

// Package routed connects sandboxes with interfaces of the kernel's and one nftables table, for a server that is root.
//
// Each sandbox has one end of a pair of interfaces and addresses that are translated to those of this machine. Nothing is
// bridged, and nobody is asked for hardware addresses or routes.
package routed

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"sync"
	"syscall"

	"github.com/google/nftables"
	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"redoubt/internal/network"
)

// A Fabric is the interfaces and the table of one server. Its methods may be called concurrently.
type Fabric struct {
	id         string
	host       *netlink.Handle
	table      *table
	slices     [2]netip.Prefix // the addresses of sandboxes, by family
	forwarding forwarding

	flush    sync.Mutex // one change of the table at a time
	removing sync.Mutex // one removal at a time

	mu      sync.Mutex
	made    uint64
	slot    uint32
	slots   map[uint32]bool
	ended   []ended
	hurried bool
	counted network.Counts
}

// sliceBits is the length of the prefix of one server, and sliceSize how many addresses it has.
const sliceBits, sliceSize = 21, 1 << 11

// pools are where servers take their prefixes from: addresses that nobody has in public and hardly anybody at home,
// those of benchmarks (RFC 2544) and of carriers (RFC 6598).
var pools = []netip.Prefix{netip.MustParsePrefix("198.18.0.0/15"), netip.MustParsePrefix("100.64.0.0/10")}

// routeProtocol marks the routes of all servers.
const routeProtocol = 0x52

// Open makes the table of a server whose id is "redoubt-" and hexadecimal digits, after removing what an earlier run of the
// same server left. An error says why this host cannot do it.
func Open(id string, p *network.Policy) (*Fabric, error) {
	f := &Fabric{id: id, slots: map[uint32]bool{}}
	conn, err := nftables.New()
	if err != nil {
		return nil, fmt.Errorf("opening nftables: %w", err)
	}
	if err := othersDrop(conn); err != nil {
		return nil, err
	}
	if f.host, err = netlink.NewHandle(unix.NETLINK_ROUTE); err != nil {
		return nil, err
	}
	digits := strings.TrimPrefix(id, "redoubt-")
	f.table = &table{
		Table: &nftables.Table{Name: id, Family: nftables.TableFamilyINet}, conn: conn,
		prefix: everyServer + digits[:min(6, len(digits))] + "-", names: map[int][2]*nftables.Set{},
	}
	if err := f.open(p); err != nil {
		return nil, errors.Join(fmt.Errorf("setting up the network of functions: %w", err), f.Close())
	}
	return f, nil
}

func (f *Fabric) open(p *network.Policy) error {
	was, err := f.sweep()
	if err != nil {
		return fmt.Errorf("removing what is left of an earlier run: %w", err)
	}
	var v6 bool
	if f.forwarding, v6, err = findForwarding(); err != nil {
		return err
	}
	if err := f.takeSlices(v6); err != nil {
		return err
	}
	if err := f.table.make(f.slices); err != nil {
		return fmt.Errorf("making the nftables table: %w", err)
	}
	if err := f.table.add(p); err != nil {
		return fmt.Errorf("making the chains of the rules: %w", err)
	}
	others, err := f.othersFences()
	if err != nil {
		return err
	}
	for i := range was { // an earlier run's are this one's to take back
		others[i] = append(others[i], was[i]...)
	}
	if err := f.forwarding.open(p, v6, others); err != nil {
		return fmt.Errorf("letting interfaces forward: %w", err)
	}
	return f.fence()
}

// fence keeps this machine from routing for others what it did not route before.
func (f *Fabric) fence() error {
	for i, names := range f.forwarding.opened {
		var elements []nftables.SetElement
		for _, n := range names {
			elements = append(elements, nftables.SetElement{Key: interfaceKey(n)})
		}
		if len(elements) == 0 {
			continue
		}
		if err := f.table.conn.SetAddElements(f.table.fenced[i], elements); err != nil {
			return err
		}
	}
	return f.table.conn.Flush()
}

// IPv6 reports whether sandboxes have IPv6.
func (f *Fabric) IPv6() bool { return f.slices[1].IsValid() }

// Changed lists the interfaces that forward because of this server, for people to read.
func (f *Fabric) Changed() (all []string) {
	for i, names := range f.forwarding.opened {
		for _, n := range names {
			all = append(all, fmt.Sprintf(perInterface[i], n))
		}
	}
	return all
}

// takeSlices picks prefixes that no route of this host has, and reserves them with routes that lead nowhere, of which there
// can be only one for a prefix: servers beside each other get different ones.
func (f *Fabric) takeSlices(v6 bool) error {
	sum := sha256.Sum256([]byte(f.id))
	if v6 {
		// A prefix of one's own, at random (RFC 4193).
		p := netip.PrefixFrom(netip.AddrFrom16([16]byte{0xfd, 0x52, sum[0], sum[1], sum[2], sum[3], sum[4], sum[5]}), 64)
		if err := nowhere(p, netlink.RouteAdd); err != nil && !errors.Is(err, syscall.EEXIST) {
			return err
		}
		f.slices[1] = p
	}
	routes, err := netlink.RouteListFiltered(netlink.FAMILY_V4, &netlink.Route{}, 0)
	if err != nil {
		return err
	}
	n := binary.BigEndian.Uint32(sum[6:])
	for _, pool := range pools {
		count := uint32(1) << (sliceBits - pool.Bits())
		for i := range count {
			p := subnet(pool, (n+i)%count)
			if taken(p, routes) {
				continue
			}
			err := nowhere(p, netlink.RouteAdd)
			if err == nil {
				f.slices[0] = p
				return nil
			}
			if !errors.Is(err, syscall.EEXIST) {
				return err
			}
		}
	}
	return errors.New("all address ranges for sandboxes are in use on this host")
}

func subnet(pool netip.Prefix, n uint32) netip.Prefix {
	b := pool.Addr().As4()
	binary.BigEndian.PutUint32(b[:], binary.BigEndian.Uint32(b[:])+n<<(32-sliceBits))
	return netip.PrefixFrom(netip.AddrFrom4(b), sliceBits)
}

// taken reports whether a route, other than to everywhere, covers addresses of a prefix.
func taken(p netip.Prefix, routes []netlink.Route) bool {
	for _, r := range routes {
		if r.Dst == nil {
			continue
		}
		if ones, _ := r.Dst.Mask.Size(); ones > 0 && overlaps(r.Dst, ipNet(p)) {
			return true
		}
	}
	return false
}

func overlaps(a, b *net.IPNet) bool { return a.Contains(b.IP) || b.Contains(a.IP) }

func nowhere(p netip.Prefix, do func(*netlink.Route) error) error {
	return do(&netlink.Route{Dst: ipNet(p), Type: unix.RTN_BLACKHOLE, Protocol: routeProtocol})
}

// Learn opens the addresses of names.
func (f *Fabric) Learn(lessons []network.Lesson) error {
	f.flush.Lock()
	defer f.flush.Unlock()
	for again := false; ; again = true {
		for _, l := range lessons {
			set := f.table.names[l.Rule][index(l.Addr.Is6())]
			element := []nftables.SetElement{{Key: l.Addr.AsSlice(), Timeout: l.For}}
			// Adding what is there does not make it last longer: it is added, whatever was, then replaced.
			err := f.table.conn.SetAddElements(set, element)
			if !again {
				err = errors.Join(err, f.table.conn.SetDeleteElements(set, element), f.table.conn.SetAddElements(set, element))
			}
			if err != nil {
				return err
			}
		}
		if err := f.table.conn.Flush(); err == nil || again {
			return err
		}
	}
}

// Counts returns what was dropped until now.
func (f *Fabric) Counts() (network.Counts, error) {
	per, err := f.perLink()
	f.mu.Lock()
	defer f.mu.Unlock()
	all := f.counted
	for _, c := range per {
		all.Add(c)
	}
	return all, err
}

// Count returns what was dropped of one interface until now.
func (f *Fabric) Count(l *Link) (network.Counts, error) {
	per, err := f.perLink()
	return per[l.Name], err
}

func (f *Fabric) perLink() (map[string]network.Counts, error) {
	f.flush.Lock()
	defer f.flush.Unlock()
	counts := map[string]network.Counts{}
	for _, set := range []*nftables.Set{f.table.dropped, f.table.spoofed} {
		elements, err := f.table.conn.GetSetElements(set)
		if err != nil {
			return counts, fmt.Errorf("reading counters: %w", err)
		}
		for _, e := range elements {
			if e.Counter == nil {
				continue
			}
			name := unix.ByteSliceToString(e.Key)
			c := counts[name]
			if set == f.table.dropped {
				c.Dropped = e.Counter.Packets
			} else {
				c.Spoofed = e.Counter.Packets
			}
			counts[name] = c
		}
	}
	return counts, nil
}
