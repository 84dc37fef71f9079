//go:build linux

// Package gate connects sandboxes with what their policy allows: it chooses how, and keeps one connection for each.
package gate

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"slices"
	"sync"

	"redoubt/internal/network"
	"redoubt/internal/network/names"
	"redoubt/internal/network/relay"
	"redoubt/internal/network/routed"
	"redoubt/internal/network/userspace"
)

// A Config says what sandboxes may reach, and by which means.
type Config struct {
	network.Egress
	ID       string   // of the server: "redoubt-" and hexadecimal digits, the same after a crash
	Root     bool     // the kernel of the host may be asked to route
	Reserved []uint16 // ports of 127.0.0.1 inside that are taken
}

// A Gate is open for the sandboxes of one server. Its methods may be called concurrently.
type Gate struct {
	config    Config
	policy    *network.Policy
	plants    []plant
	routed    *routed.Fabric    // nil where the stack of this process does it
	userspace *userspace.Fabric // nil where the kernel does it, or nothing is to do
	names     *names.Server

	mu     sync.Mutex
	counts network.Counts // of connections that are closed
	users  sync.WaitGroup
}

// A Plant is a socket that listens inside a sandbox, and is served here.
type Plant struct{ Network, Address string }

type plant struct {
	Plant
	serve func(*os.File) (stop func(), err error)
}

// resolver is where programs inside find the resolver; their /etc/resolv.conf says so.
const resolver = "127.0.0.53:53"

// maxPlants is how many sockets a sandbox may have for its rules.
const maxPlants = 48

// Open makes ready what rules need. Where the host does not let its kernel route, as it lets only root, a network stack in
// this process does.
func Open(c Config) (*Gate, error) {
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	g := &Gate{config: c, policy: network.NewPolicy(c.Rules...)}
	if err := g.plantLoopback(); err != nil {
		return nil, err
	}
	if !g.policy.Has(network.Internet, network.Range, network.Name) {
		return g, nil
	}
	own := &network.Own{}
	g.names = &names.Server{Policy: g.policy, Own: own, Upstream: c.Resolvers}
	if c.Root {
		f, err := routed.Open(c.ID, g.policy)
		if err != nil {
			c.Log.Warn("functions reach the network through this process, which is slower than through the kernel", "because", err)
		} else {
			g.routed, g.names.Learn, g.names.NoIPv6 = f, f.Learn, !f.IPv6()
			c.Log.Info("functions reach the network through interfaces of their own", "nftables table", c.ID, "switched on", f.Changed())
		}
	}
	if g.routed == nil {
		g.userspace = &userspace.Fabric{Policy: g.policy, Own: own}
	}
	if g.policy.Has(network.Internet, network.Name) {
		g.plant("udp", resolver, func(c net.PacketConn) { g.names.ServePackets(c) }, nil)
		g.plant("tcp", resolver, nil, func(l net.Listener) { g.names.ServeStreams(l) })
	}
	return g, nil
}

// plantLoopback plants a listener for every port of the host's loopback that is open, at the same address.
func (g *Gate) plantLoopback() error {
	for _, r := range g.config.Rules {
		if r.Kind != network.Loopback {
			continue
		}
		addr := r.Prefix.Addr()
		if l, err := net.Listen("tcp", netip.AddrPortFrom(addr, 0).String()); err != nil {
			return fmt.Errorf("%s: this host has no such address: %w", r, err)
		} else {
			l.Close()
		}
		for port := int(r.Ports.First); port <= int(r.Ports.Last); port++ {
			at := netip.AddrPortFrom(addr, uint16(port)).String()
			if at == resolver && g.policy.Has(network.Internet, network.Name) || addr == netip.AddrFrom4([4]byte{127, 0, 0, 1}) && r.Protocol == network.TCP && slices.Contains(g.config.Reserved, uint16(port)) {
				return fmt.Errorf("%s: inside of functions, %s is taken", r, at)
			}
			if r.Protocol == network.UDP {
				g.plant("udp", at, func(c net.PacketConn) { relay.Packets(c, relay.To("udp", at)) }, nil)
			} else {
				g.plant("tcp", at, nil, func(l net.Listener) { relay.Streams(l, relay.To("tcp", at)) })
			}
		}
	}
	if len(g.plants) > maxPlants {
		return fmt.Errorf("rules open %d ports of the host's loopback, more than %d", len(g.plants), maxPlants)
	}
	return nil
}

// plant adds a socket, unless it is there already.
func (g *Gate) plant(network, address string, packets func(net.PacketConn), streams func(net.Listener)) {
	p := Plant{network, address}
	if slices.ContainsFunc(g.plants, func(other plant) bool { return other.Plant == p }) {
		return
	}
	serve := func(f *os.File) (func(), error) {
		if packets != nil {
			c, err := net.FilePacketConn(f)
			if err != nil {
				return nil, err
			}
			go packets(c)
			return func() { c.Close() }, nil
		}
		l, err := net.FileListener(f)
		if err != nil {
			return nil, err
		}
		go streams(l)
		return func() { l.Close() }, nil
	}
	g.plants = append(g.plants, plant{p, serve})
}

// Plants lists the sockets that the network of a sandbox must have.
func (g *Gate) Plants() (all []Plant) {
	for _, p := range g.plants {
		all = append(all, p.Plant)
	}
	return all
}

// Device reports whether the network of a sandbox must have the interface of userspace.OpenDevice.
func (g *Gate) Device() bool { return g.userspace != nil }

// A Connection is that of one sandbox.
type Connection struct {
	gate  *Gate
	stops []func()
	link  *routed.Link
	stack *userspace.Link
}

// Connect gives a network namespace what the policy allows, except for what Admit opens. It takes the planted sockets, in
// the order of Plants, and the device, which is nil if there is none; the namespace stays the caller's.
func (g *Gate) Connect(namespace *os.File, planted []*os.File, device *os.File) (*Connection, error) {
	c := &Connection{gate: g}
	g.users.Add(1)
	if err := c.connect(namespace, planted, device); err != nil {
		c.Close()
		return nil, fmt.Errorf("connecting a sandbox: %w", err)
	}
	return c, nil
}

func (c *Connection) connect(namespace *os.File, planted []*os.File, device *os.File) (err error) {
	for i, f := range planted {
		if err == nil && i < len(c.gate.plants) {
			var stop func()
			if stop, err = c.gate.plants[i].serve(f); err == nil {
				c.stops = append(c.stops, stop)
			}
		}
		f.Close()
	}
	switch {
	case err != nil:
		return err
	case len(planted) != len(c.gate.plants):
		return errors.New("sockets are missing")
	case c.gate.routed != nil:
		c.link, err = c.gate.routed.Make(namespace)
	case c.gate.userspace != nil && device == nil:
		return errors.New("the device is missing")
	case c.gate.userspace != nil:
		c.stack, err = c.gate.userspace.Attach(userspace.NewDevice(device))
	}
	return err
}

// Admit lets packets pass from now on.
func (c *Connection) Admit() error {
	if c.link == nil {
		return nil
	}
	return c.gate.routed.Admit(c.link)
}

// Close ends the connection of a sandbox that is no more. Its interface is removed in the background.
func (c *Connection) Close() {
	for _, stop := range c.stops {
		stop()
	}
	switch {
	case c.link != nil:
		c.gate.routed.Release(c.link, func(n network.Counts, err error) {
			if err != nil {
				c.gate.config.Log.Error("removing the network of a function", "error", err)
			}
			c.closed(n)
		})
	case c.stack != nil:
		c.stack.Close()
		c.closed(c.stack.Counts())
	default:
		c.closed(network.Counts{})
	}
}

func (c *Connection) closed(n network.Counts) {
	defer c.gate.users.Done()
	c.gate.mu.Lock()
	defer c.gate.mu.Unlock()
	c.gate.counts.Add(n)
	if n != (network.Counts{}) {
		c.gate.config.Log.Info("packets of a function were dropped", "not allowed", n.Dropped, "false source", n.Spoofed)
	}
}

// Counts returns what was dropped of sandboxes that have ended, and how many names were not told.
func (g *Gate) Counts() (packets network.Counts, names uint64) {
	if g.names != nil {
		names = g.names.Refused()
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.counts, names
}

// Close removes everything from the host, after the last connection was closed.
func (g *Gate) Close() error {
	if g.routed == nil {
		g.users.Wait()
		return nil
	}
	g.routed.Hurry()
	g.users.Wait()
	return g.routed.Close()
}
