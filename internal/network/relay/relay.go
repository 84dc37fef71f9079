// Package relay carries bytes between a sandbox and an address of the host.
package relay

import (
	"context"
	"errors"
	"io"
	"net"
	"sync"
	"time"
)

// A Dialer connects to a fixed place on the host.
type Dialer func(ctx context.Context) (net.Conn, error)

// To returns a dialer of one address.
func To(network, address string) Dialer {
	return func(ctx context.Context) (net.Conn, error) {
		d := net.Dialer{Timeout: dialTime}
		return d.DialContext(ctx, network, address)
	}
}

// Limits of one relay: what it holds are files of the server's.
const (
	maxStreams = 256
	maxFlows   = 256
	dialTime   = 10 * time.Second
	maxPacket  = 1 << 16
)

// FlowIdle is how long a UDP flow is kept that is not in use: as long as translators must at least (RFC 4787).
const FlowIdle = 2 * time.Minute

// Streams relays the connections of a listener until it is closed, then ends those it has.
func Streams(l net.Listener, dial Dialer) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	slots := make(chan struct{}, maxStreams)
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}
		select {
		case slots <- struct{}{}:
		default:
			reset(c)
			c.Close()
			continue
		}
		go func() {
			defer func() { <-slots }()
			defer c.Close()
			host, err := dial(ctx)
			if err != nil {
				reset(c)
				return
			}
			Pipe(ctx, c, host)
		}()
	}
}

// reset lets a connection that was accepted too early fail at once, rather than end.
func reset(c net.Conn) {
	if t, ok := c.(*net.TCPConn); ok {
		_ = t.SetLinger(0) // the next best is that it ends
	}
}

// Pipe copies both ways until both have ended or ctx has, each end passed on by itself, and closes both.
func Pipe(ctx context.Context, a, b net.Conn) {
	stop := context.AfterFunc(ctx, func() { a.Close(); b.Close() })
	defer stop()
	var both sync.WaitGroup
	both.Go(func() { oneWay(a, b) })
	both.Go(func() { oneWay(b, a) })
	both.Wait()
	a.Close()
	b.Close()
}

// oneWay copies until the source ends, which it passes on; a failure ends both.
func oneWay(to, from net.Conn) {
	_, err := io.Copy(to, from)
	half, ok := to.(interface{ CloseWrite() error })
	if err != nil || !ok || half.CloseWrite() != nil {
		to.Close()
		from.Close()
	}
}

// Packets relays what comes to a socket until it is closed, each sender having a socket of its own on the host.
func Packets(c net.PacketConn, dial Dialer) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	flows := flows{conns: map[string]net.Conn{}}
	b := make([]byte, maxPacket)
	for {
		n, from, err := c.ReadFrom(b)
		if errors.Is(err, net.ErrClosed) {
			flows.close()
			return
		}
		if err != nil {
			continue // an answer that nobody took any more
		}
		host := flows.find(from, func() (net.Conn, error) { return dial(ctx) }, func(answer []byte) error {
			_, err := c.WriteTo(answer, from)
			return err
		})
		if host != nil {
			_ = host.SetReadDeadline(time.Now().Add(FlowIdle)) // an error shows where it is read
			_, _ = host.Write(b[:n])                           // packets may get lost
		}
	}
}

// flows are the sockets of one relay, by sender.
type flows struct {
	mu     sync.Mutex
	conns  map[string]net.Conn
	closed bool
}

func (f *flows) find(from net.Addr, dial func() (net.Conn, error), answer func([]byte) error) net.Conn {
	f.mu.Lock()
	defer f.mu.Unlock()
	key := from.String()
	if c := f.conns[key]; c != nil || len(f.conns) >= maxFlows || f.closed {
		return c
	}
	c, err := dial()
	if err != nil {
		return nil
	}
	f.conns[key] = c
	go func() {
		Answers(c, answer)
		f.mu.Lock()
		delete(f.conns, key)
		f.mu.Unlock()
	}()
	return c
}

func (f *flows) close() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.closed = true
	for _, c := range f.conns {
		c.Close()
	}
}

// Answers hands every packet that comes on, and closes the socket after none came for a while.
func Answers(c net.Conn, answer func([]byte) error) {
	defer c.Close()
	b := make([]byte, maxPacket)
	_ = c.SetReadDeadline(time.Now().Add(FlowIdle)) // an error shows in what follows
	for {
		n, err := c.Read(b)
		if err != nil || answer(b[:n]) != nil {
			return
		}
		_ = c.SetReadDeadline(time.Now().Add(FlowIdle))
	}
}
