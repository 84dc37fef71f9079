package userspace

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"syscall"
	"time"

	"gvisor.dev/gvisor/pkg/tcpip/adapters/gonet"
	"gvisor.dev/gvisor/pkg/tcpip/stack"
	"gvisor.dev/gvisor/pkg/tcpip/transport/tcp"
	"gvisor.dev/gvisor/pkg/tcpip/transport/udp"
	"gvisor.dev/gvisor/pkg/waiter"

	"redoubt/internal/network"
	"redoubt/internal/network/relay"
)

// dialTime is how long a connection may take to be made: as long as a kernel tries (tcp_syn_retries), programs give up
// earlier.
const dialTime = 2 * time.Minute

// decide asks the rules about a connection, and counts what they do not allow. What the stack calls local is where the
// sandbox wants to go.
func (l *Link) decide(id stack.TransportEndpointID, p network.Protocol) (netip.AddrPort, bool) {
	a, _ := netip.AddrFromSlice(id.LocalAddress.AsSlice())
	to := netip.AddrPortFrom(a.Unmap(), id.LocalPort)
	d := network.Destination{Addr: to.Addr(), Port: to.Port(), Protocol: p, Own: l.fabric.Own.Has(to.Addr())}
	if !l.fabric.Policy.Decide(d, time.Now()).Allowed {
		l.dropped.Add(1)
		return to, false
	}
	return to, true
}

// stream makes the connection outside before it accepts the one inside, so that a refusal is one for both.
func (l *Link) stream(r *tcp.ForwarderRequest) {
	to, ok := l.decide(r.ID(), network.TCP)
	if !ok || !take(l.streams) {
		r.Complete(false) // dropped, as a firewall does
		return
	}
	defer func() { <-l.streams }()
	d := net.Dialer{Timeout: dialTime}
	outside, err := d.DialContext(l.ctx, "tcp", to.String())
	if err != nil {
		r.Complete(errors.Is(err, syscall.ECONNREFUSED) || errors.Is(err, syscall.ECONNRESET) || unreachable(err))
		return
	}
	var queue waiter.Queue
	end, problem := r.CreateEndpoint(&queue)
	r.Complete(problem != nil)
	if problem != nil {
		outside.Close()
		return
	}
	end.SocketOptions().SetKeepAlive(true)
	relay.Pipe(l.ctx, gonet.NewTCPConn(&queue, end), outside)
}

func unreachable(err error) bool {
	return errors.Is(err, syscall.EHOSTUNREACH) || errors.Is(err, syscall.ENETUNREACH)
}

func take(slots chan struct{}) bool {
	select {
	case slots <- struct{}{}:
		return true
	default:
		return false
	}
}

// flow gives the packets of one socket inside to one destination a socket outside.
func (l *Link) flow(r *udp.ForwarderRequest) bool {
	to, ok := l.decide(r.ID(), network.UDP)
	if !ok || !take(l.flows) {
		return true // dropped: nobody is told
	}
	var queue waiter.Queue
	end, problem := r.CreateEndpoint(&queue)
	if problem != nil {
		<-l.flows
		return true
	}
	go func() {
		defer func() { <-l.flows }()
		l.carry(gonet.NewUDPConn(&queue, end), to)
	}()
	return true
}

func (l *Link) carry(inside *gonet.UDPConn, to netip.AddrPort) {
	defer inside.Close()
	var d net.Dialer
	outside, err := d.DialContext(l.ctx, "udp", to.String())
	if err != nil {
		return
	}
	stop := context.AfterFunc(l.ctx, func() { inside.Close(); outside.Close() })
	defer stop()
	go relay.Answers(inside, func(b []byte) error {
		_, err := outside.Write(b)
		if err == nil {
			err = outside.SetReadDeadline(time.Now().Add(relay.FlowIdle))
		}
		return ignoreRefusal(err)
	})
	relay.Answers(outside, func(b []byte) error {
		_, err := inside.Write(b)
		if err == nil {
			err = inside.SetReadDeadline(time.Now().Add(relay.FlowIdle))
		}
		return err
	})
}

// ignoreRefusal lets a flow live though nobody answered its last packet: somebody may, the next.
func ignoreRefusal(err error) error {
	if errors.Is(err, syscall.ECONNREFUSED) {
		return nil
	}
	return err
}
