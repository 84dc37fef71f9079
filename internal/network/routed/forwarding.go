//go:build linux

package routed

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"redoubt/internal/network"
)

// Forwarding is the sysctls by which this machine passes packets on: for single interfaces wherever they can say so.
type forwarding struct {
	missing [2]bool     // by family: this machine is no router as a whole
	opened  [2][]string // interfaces to the outside that were told to forward here
}

// perInterface are the sysctls that let one interface forward. That of IPv6 exists since Linux 6.17.
var perInterface = [2]string{"net/ipv4/conf/%s/forwarding", "net/ipv6/conf/%s/force_forwarding"}

var wholeMachine = [2]string{"net/ipv4/ip_forward", "net/ipv6/conf/all/forwarding"}

func sysctl(name string) (string, error) {
	b, err := os.ReadFile("/proc/sys/" + name)
	return strings.TrimSpace(string(b)), err
}

func setSysctl(name, value string) error {
	now, err := sysctl(name)
	if err != nil || now == value {
		return err // where it is right, it need not be writable
	}
	return os.WriteFile("/proc/sys/"+name, []byte(value), 0)
}

// findForwarding tells what this machine forwards already, and whether it can forward IPv6 at all.
func findForwarding() (f forwarding, v6 bool, err error) {
	for i, name := range wholeMachine {
		value, err := sysctl(name)
		if i == 1 && err != nil {
			return f, false, nil // a kernel without IPv6
		}
		if err != nil {
			return f, false, fmt.Errorf("reading %s: %w", name, err)
		}
		f.missing[i] = value == "0"
	}
	if !f.missing[1] {
		return f, true, nil
	}
	_, err = sysctl(fmt.Sprintf(perInterface[1], "lo"))
	return f, err == nil, nil
}

// allow prepares an interface of ours: it forwards, and believes nothing that it is told about routes.
func (f *forwarding) allow(name string, v6 bool) error {
	settings := [][2]string{{"net/ipv4/conf/%s/send_redirects", "0"}, {"net/ipv4/conf/%s/accept_redirects", "0"}, {perInterface[0], "1"}}
	if v6 {
		settings = append(settings, [][2]string{
			{"net/ipv6/conf/%s/addr_gen_mode", "1"}, {"net/ipv6/conf/%s/accept_ra", "0"}, {"net/ipv6/conf/%s/accept_redirects", "0"},
		}...)
		if f.missing[1] {
			settings = append(settings, [2]string{perInterface[1], "1"})
		}
	}
	for _, s := range settings {
		if err := setSysctl(fmt.Sprintf(s[0], name), s[1]); err != nil {
			return err
		}
	}
	return nil
}

// open lets the interfaces to the outside forward, so that answers come back. Those that another server opened are fenced
// by this one too, which may outlive it.
func (f *forwarding) open(p *network.Policy, v6 bool, others [2][]string) error {
	for i, missing := range f.missing {
		if !missing || i == 1 && !v6 {
			continue
		}
		links, err := uplinks(p, i == 1)
		if err != nil {
			return err
		}
		for _, name := range links {
			setting := fmt.Sprintf(perInterface[i], name)
			if value, err := sysctl(setting); err == nil && value == "1" && !slices.Contains(others[i], name) {
				continue // somebody else's decision
			}
			if err := setSysctl(setting, "1"); err != nil {
				return err
			}
			f.opened[i] = append(f.opened[i], name)
		}
	}
	return nil
}

// close takes back what no other server needs.
func (f *forwarding) close(others [2][]string) (err error) {
	for i, names := range f.opened {
		for _, name := range names {
			if slices.Contains(others[i], name) {
				continue
			}
			e := setSysctl(fmt.Sprintf(perInterface[i], name), "0")
			if !errors.Is(e, fs.ErrNotExist) { // interfaces come and go
				err = errors.Join(err, e)
			}
		}
	}
	return err
}

// uplinks are the interfaces by which the destinations of a policy are reached now.
func uplinks(p *network.Policy, v6 bool) ([]string, error) {
	number := netlink.FAMILY_V4
	if v6 {
		number = netlink.FAMILY_V6
	}
	routes, err := netlink.RouteListFiltered(number, &netlink.Route{Table: unix.RT_TABLE_MAIN}, netlink.RT_FILTER_TABLE)
	if err != nil {
		return nil, fmt.Errorf("listing routes: %w", err)
	}
	var found []string
	add := func(index int) {
		link, err := netlink.LinkByIndex(index)
		if err != nil || link.Attrs().Flags&unix.IFF_LOOPBACK != 0 || strings.HasPrefix(link.Attrs().Name, everyServer) {
			return
		}
		if name := link.Attrs().Name; !slices.Contains(found, name) {
			found = append(found, name)
		}
	}
	for _, r := range routes {
		if r.Dst == nil {
			continue
		}
		ones, _ := r.Dst.Mask.Size()
		if ones == 0 && p.Has(network.Internet, network.Name) {
			addRoute(r, add)
		}
	}
	for _, rule := range p.Rules() {
		if rule.Kind != network.Range || rule.Prefix.Addr().Is6() != v6 {
			continue
		}
		for _, r := range routes {
			if r.Dst != nil && overlaps(r.Dst, ipNet(rule.Prefix)) {
				addRoute(r, add)
			}
		}
	}
	return found, nil
}

func addRoute(r netlink.Route, add func(int)) {
	add(r.LinkIndex)
	for _, hop := range r.MultiPath {
		add(hop.LinkIndex)
	}
}
