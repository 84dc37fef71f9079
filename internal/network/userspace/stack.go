// Package userspace connects sandboxes with a network stack in this process, for a server that may not change the host's
// network: every connection that the rules allow becomes one of the server's own.
package userspace

import (
	"context"
	"errors"
	"io"
	"net/netip"
	"os"
	"sync"
	"sync/atomic"

	"gvisor.dev/gvisor/pkg/buffer"
	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/header"
	"gvisor.dev/gvisor/pkg/tcpip/link/channel"
	"gvisor.dev/gvisor/pkg/tcpip/network/ipv4"
	"gvisor.dev/gvisor/pkg/tcpip/network/ipv6"
	"gvisor.dev/gvisor/pkg/tcpip/stack"
	"gvisor.dev/gvisor/pkg/tcpip/transport/tcp"
	"gvisor.dev/gvisor/pkg/tcpip/transport/udp"

	"redoubt/internal/network"
)

// MTU of the interface inside: nothing is sent in such packets, so they may be large.
const MTU = 16 << 10

// Addrs are the addresses of every sandbox; each has a stack of its own.
var Addrs = []netip.Addr{netip.MustParseAddr("198.18.0.2"), netip.MustParseAddr("fd52::2")}

// A Fabric makes stacks for one policy. Its fields are set before its first use.
type Fabric struct {
	Policy *network.Policy
	Own    *network.Own
}

// A Link is the stack of one sandbox.
type Link struct {
	fabric *Fabric
	device io.ReadWriteCloser
	end    *channel.Endpoint
	stack  *stack.Stack
	ctx    context.Context // of all connections
	cancel context.CancelFunc
	work   sync.WaitGroup

	streams, flows   chan struct{} // a slot for each
	dropped, spoofed atomic.Uint64
}

// Limits of one sandbox: each connection takes a socket of the server's.
const (
	maxStreams = 512
	maxFlows   = 256
	maxDials   = 64  // at once
	maxQueue   = 512 // packets on their way in

	// maxWindow is what a sandbox may send ahead on one connection: it fits into the device, which loses what does not.
	maxWindow = 128 << 10
)

const nic = 1

// Attach serves a device of IP packets, one in each read and write, until Close.
func (f *Fabric) Attach(device io.ReadWriteCloser) (*Link, error) {
	l := &Link{
		fabric: f, device: device, end: channel.New(maxQueue, MTU, ""),
		streams: make(chan struct{}, maxStreams), flows: make(chan struct{}, maxFlows),
		stack: stack.New(stack.Options{
			NetworkProtocols:   []stack.NetworkProtocolFactory{ipv4.NewProtocol, ipv6.NewProtocol},
			TransportProtocols: []stack.TransportProtocolFactory{tcp.NewProtocol, udp.NewProtocol},
		}),
	}
	l.end.LinkEPCapabilities |= stack.CapabilityRXChecksumOffload // between two ends of one kernel, nothing needs a checksum
	l.ctx, l.cancel = context.WithCancel(context.Background())
	if err := l.configure(); err != nil {
		l.cancel()
		l.stack.Destroy()
		return nil, err
	}
	l.work.Go(l.receive)
	l.work.Go(l.send)
	return l, nil
}

// configure makes the stack answer for every address.
func (l *Link) configure() error {
	for _, problem := range []tcpip.Error{
		l.stack.CreateNIC(nic, l.end), l.stack.SetPromiscuousMode(nic, true), l.stack.SetSpoofing(nic, true),
	} {
		if problem != nil {
			return errors.New("making a network stack: " + problem.String())
		}
	}
	window := tcpip.TCPReceiveBufferSizeRangeOption{Min: tcp.MinBufferSize, Default: maxWindow, Max: maxWindow}
	if problem := l.stack.SetTransportProtocolOption(tcp.ProtocolNumber, &window); problem != nil {
		return errors.New("limiting a network stack: " + problem.String())
	}
	l.stack.SetRouteTable([]tcpip.Route{{Destination: header.IPv4EmptySubnet, NIC: nic}, {Destination: header.IPv6EmptySubnet, NIC: nic}})
	streams := tcp.NewForwarder(l.stack, 0, maxDials, l.stream)
	flows := udp.NewForwarder(l.stack, l.flow)
	l.stack.SetTransportProtocolHandler(tcp.ProtocolNumber, streams.HandlePacket)
	l.stack.SetTransportProtocolHandler(udp.ProtocolNumber, flows.HandlePacket)
	return nil
}

// Counts returns what was dropped until now.
func (l *Link) Counts() network.Counts {
	return network.Counts{Dropped: l.dropped.Load(), Spoofed: l.spoofed.Load()}
}

// Close ends all connections.
func (l *Link) Close() {
	l.cancel()
	l.device.Close()
	l.work.Wait()
	l.stack.Destroy()
}

var broadcast = netip.AddrFrom4([4]byte{255, 255, 255, 255})

// receive takes packets from the sandbox.
func (l *Link) receive() {
	b := make([]byte, 1<<16)
	for {
		n, err := l.device.Read(b)
		if err != nil {
			return
		}
		source, destination, number := addresses(b[:n])
		switch {
		case !destination.IsValid() || destination.Is6() && destination.IsMulticast():
			continue // what the kernel inside tells neighbours, of which there are none
		case source != Addrs[0] && source != Addrs[1]:
			l.spoofed.Add(1)
			continue
		case destination.IsMulticast() || destination == broadcast:
			l.dropped.Add(1)
			continue
		}
		p := stack.NewPacketBuffer(stack.PacketBufferOptions{Payload: buffer.MakeWithData(b[:n])})
		l.end.InjectInbound(number, p)
		p.DecRef()
	}
}

// addresses reads source and destination of a packet, and of which protocol it is.
func addresses(packet []byte) (source, destination netip.Addr, number tcpip.NetworkProtocolNumber) {
	switch {
	case len(packet) >= header.IPv4MinimumSize && packet[0]>>4 == 4:
		return netip.AddrFrom4([4]byte(packet[12:16])), netip.AddrFrom4([4]byte(packet[16:20])), ipv4.ProtocolNumber
	case len(packet) >= header.IPv6MinimumSize && packet[0]>>4 == 6:
		return netip.AddrFrom16([16]byte(packet[8:24])), netip.AddrFrom16([16]byte(packet[24:40])), ipv6.ProtocolNumber
	}
	return source, destination, 0
}

// send gives packets to the sandbox.
func (l *Link) send() {
	for {
		p := l.end.ReadContext(l.ctx)
		if p == nil {
			return
		}
		view := p.ToView()
		_, err := l.device.Write(view.AsSlice())
		view.Release()
		p.DecRef()
		if errors.Is(err, os.ErrClosed) {
			return
		} // else the packet is lost, as packets may be
	}
}
