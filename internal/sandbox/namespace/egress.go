//go:build linux

package namespace

import (
	"context"
	"errors"
	"os"
	"slices"
	"sync"

	"golang.org/x/sys/unix"

	"redoubt/internal/network/gate"
	"redoubt/internal/sandbox/engine"
)

// Where functions may reach more than nothing, the server has the spawner make networks before it starts jails in them, so
// that it can connect them in between.

// openGate makes ready what the options let functions reach.
func (e *Engine) openGate() (err error) {
	if e.options.Egress == nil {
		return nil
	}
	e.gate, err = gate.Open(gate.Config{
		Egress: *e.options.Egress, ID: e.name(), Root: e.setup.Privileged, Reserved: []uint16{runtimePort, defaultPort},
	})
	return err
}

func (e *Engine) closeGate() error {
	if e.gate == nil {
		return nil
	}
	return e.gate.Close()
}

// network is the spawner's part: the namespace of a new network, its listeners, and what the shape adds.
func (s *spawner) network(q *shape) ([]*os.File, error) {
	if q == nil {
		return nil, errors.New("incomplete request for a network")
	}
	q.home = s.home
	n, err := newNetwork(*q)
	if err != nil {
		return nil, err
	}
	return slices.Insert(n.listeners, 0, os.NewFile(uintptr(n.namespace), "network")), nil
}

// networkOf returns the network of a plan, one of the spares unless it came with one.
func (s *spawner) networkOf(p *plan) (*network, error) {
	if p.network != nil {
		return p.network, nil
	}
	return s.networks.take(p.ServerPort)
}

func madeBefore(namespace *os.File) (*network, error) {
	fd, err := unix.FcntlInt(namespace.Fd(), unix.F_DUPFD_CLOEXEC, 0)
	return &network{namespace: fd}, err
}

// A connected network is one that a jail can be started in. Its connection lasts as long as the jail.
type connected struct {
	*gate.Connection
	namespace *os.File
	listeners []*os.File
}

// disconnect ends it all.
func (c *connected) disconnect() {
	c.namespace.Close()
	closeAll(c.listeners)
	c.Close()
}

// A pool connects networks ahead of their use, for the port that was last asked for. Those of a lost spawner are of no use
// to the next.
type pool struct {
	gate   *gate.Gate // nil if nothing can be reached
	helper *helper

	mu     sync.Mutex
	port   int
	spare  []*connected
	making sync.WaitGroup
	coming int
	closed bool
}

// take returns a network that is open, nil if nothing can be reached.
func (p *pool) take(port int) (*connected, error) {
	if p.gate == nil {
		return nil, nil
	}
	c, err := p.find(port)
	if err != nil {
		return nil, err
	}
	if err := c.Admit(); err != nil {
		c.disconnect()
		return nil, err
	}
	return c, nil
}

func (p *pool) find(port int) (*connected, error) {
	p.mu.Lock()
	if p.closed {
		p.mu.Unlock()
		return nil, engine.ErrClosed
	}
	unfit := p.spare
	if p.port == port {
		unfit = nil
	} else {
		p.port, p.spare = port, nil
	}
	var taken *connected
	if last := len(p.spare) - 1; last >= 0 {
		taken, p.spare = p.spare[last], p.spare[:last]
	}
	missing := spareNetworks - len(p.spare) - p.coming
	p.coming += missing
	p.making.Add(1)
	p.mu.Unlock()
	for _, c := range unfit {
		c.disconnect()
	}
	go p.fill(port, missing)
	if taken != nil {
		return taken, nil
	}
	return p.connect(port)
}

func (p *pool) fill(port, missing int) {
	defer p.making.Done()
	for range missing {
		c, err := p.connect(port) // who needs one will see the reason
		p.mu.Lock()
		p.coming--
		if keep := err == nil && !p.closed && p.port == port; keep {
			p.spare, c = append(p.spare, c), nil
		}
		p.mu.Unlock()
		if c != nil {
			c.disconnect()
		}
	}
}

// try connects one network: if that works, all of them will be.
func (p *pool) try() error {
	if p.gate == nil {
		return nil
	}
	c, err := p.connect(defaultPort)
	if err != nil {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.port, p.spare = defaultPort, append(p.spare, c)
	return nil
}

// connect has the spawner make a network, and the gate connect it.
func (p *pool) connect(port int) (*connected, error) {
	s := shape{Port: port, Plants: p.gate.Plants(), Device: p.gate.Device()}
	r, err := p.helper.call(context.Background(), request{Op: opNetwork, Network: &s})
	if err != nil {
		return nil, err
	}
	planted := 3 + len(s.Plants)
	if len(r.files) < planted {
		closeAll(r.files)
		return nil, errors.New("no network")
	}
	c := &connected{namespace: r.files[0], listeners: r.files[1:3]}
	var device *os.File
	if s.Device && len(r.files) > planted {
		if device, err = pollable(r.files[planted]); err != nil {
			closeAll(r.files)
			return nil, err
		}
	}
	if c.Connection, err = p.gate.Connect(c.namespace, r.files[3:planted], device); err != nil {
		c.namespace.Close()
		closeAll(c.listeners)
		return nil, err
	}
	return c, nil
}

// pollable returns a file that can be closed while it is read, in the place of one that cannot.
func pollable(f *os.File) (*os.File, error) {
	defer f.Close()
	fd, err := unix.FcntlInt(f.Fd(), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	if err := unix.SetNonblock(fd, true); err != nil {
		unix.Close(fd)
		return nil, err
	}
	return os.NewFile(uintptr(fd), f.Name()), nil
}

// close lets go of the spares.
func (p *pool) close() {
	p.mu.Lock()
	p.closed = true
	spare := p.spare
	p.spare = nil
	p.mu.Unlock()
	for _, c := range spare {
		c.disconnect()
	}
	p.making.Wait()
}
