//go:build linux

package namespace

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"runtime"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"

	"redoubt/internal/network/gate"
)

// A helper is the server's hold on one spawner.
type helper struct {
	link *link
	pid  int
	done chan struct{} // closed when the spawner is gone
	thaw func()        // lets go of what it froze, so that it can die
	pool pool          // networks that lead somewhere

	mu      sync.Mutex
	seq     uint64
	waiting map[uint64]chan reply
	jails   map[uint64]*environment
}

var errLost = errors.New("the spawner is gone")

// startHelper starts a spawner and waits until it has tried a jail.
func startHelper(s setup, g *gate.Gate) (*helper, error) {
	ours, theirs, err := socketPair()
	if err != nil {
		return nil, err
	}
	defer theirs.Close()
	h := &helper{link: ours, done: make(chan struct{}), waiting: map[uint64]chan reply{}, jails: map[uint64]*environment{}, thaw: s.Cgroups.thaw}
	h.pool.gate, h.pool.helper = g, h
	if err := h.fork(s, theirs); err != nil {
		ours.conn.Close()
		return nil, err
	}
	go h.read()
	if _, err := h.call(context.Background(), request{Op: opSetup, Setup: &s}); err != nil {
		h.close()
		if errors.Is(err, errLost) {
			err = fmt.Errorf("%w (does main, or TestMain, call sandbox.Main first?)", err)
		}
		return nil, err
	}
	return h, nil
}

// fork starts the process from a thread that stays until the process ends: a parent's death is that of a thread.
func (h *helper) fork(s setup, control *os.File) error {
	started := make(chan error)
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		c := command(s, control)
		err := c.Start()
		if err == nil {
			h.pid = c.Process.Pid
		}
		started <- err
		if err == nil {
			_ = c.Wait() // how it ended says nothing that its silence does not
			close(h.done)
			h.link.conn.Close()
		}
	}()
	return <-started
}

func command(s setup, control *os.File) *exec.Cmd {
	c := &exec.Cmd{
		Path:       "/proc/self/exe",
		Args:       []string{spawnerName},
		Env:        []string{"GOMAXPROCS=2", "GOMEMLIMIT=64MiB"},
		Dir:        "/",
		Stderr:     os.Stderr,
		ExtraFiles: []*os.File{control},
		SysProcAttr: &syscall.SysProcAttr{
			Setsid:     true, // signals from the terminal are the server's business
			Pdeathsig:  syscall.SIGKILL,
			Cloneflags: unix.CLONE_NEWPID | unix.CLONE_NEWNS | unix.CLONE_NEWNET | unix.CLONE_NEWIPC | unix.CLONE_NEWUTS,
		},
	}
	if !s.Privileged {
		c.SysProcAttr.Cloneflags |= unix.CLONE_NEWUSER
		c.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{HostID: os.Geteuid(), Size: 1}}
		c.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{HostID: os.Getegid(), Size: 1}}
	}
	return c
}

func (h *helper) lost() bool {
	select {
	case <-h.done:
		return true
	default:
		return false
	}
}

// call sends a request and waits for its answer. The files of the answer are the caller's.
func (h *helper) call(ctx context.Context, q request) (reply, error) {
	answer := make(chan reply, 1)
	h.mu.Lock()
	h.seq++
	q.Seq = h.seq
	h.waiting[q.Seq] = answer
	h.mu.Unlock()
	if err := h.link.send(q, q.files); err != nil {
		h.forget(q.Seq)
		return reply{}, h.unsent(ctx, err)
	}
	select {
	case r := <-answer:
		return r, r.failure()
	case <-h.done:
		h.forget(q.Seq)
		return reply{}, errLost
	case <-ctx.Done():
		h.forget(q.Seq)
		return reply{}, ctx.Err()
	}
}

// unsent tells why a request could not be sent. Where nobody is at the other end, it waits until the spawner is known to be
// gone, so that whoever asks again asks a new one.
func (h *helper) unsent(ctx context.Context, err error) error {
	if !errors.Is(err, unix.EPIPE) && !errors.Is(err, unix.ECONNRESET) && !errors.Is(err, net.ErrClosed) && !errors.Is(err, os.ErrClosed) {
		return fmt.Errorf("asking the spawner: %w", err)
	}
	select {
	case <-h.done:
		return errLost
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (h *helper) forget(seq uint64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.waiting, seq)
}

// read delivers answers and news until the spawner is gone.
func (h *helper) read() {
	for {
		var r reply
		var err error
		if r.files, err = h.link.receive(&r); err != nil {
			break
		}
		if r.Seq == 0 {
			h.news(r)
			continue
		}
		h.mu.Lock()
		answer := h.waiting[r.Seq]
		delete(h.waiting, r.Seq)
		h.mu.Unlock()
		if answer == nil {
			closeAll(r.files) // nobody waits any more
			continue
		}
		answer <- r
	}
	unix.Kill(h.pid, unix.SIGKILL) // it cannot be talked to
	h.thaw()
	<-h.done
	h.pool.close()
	h.mu.Lock()
	orphans := h.jails
	h.jails = map[uint64]*environment{}
	h.mu.Unlock()
	for _, e := range orphans {
		e.end(&ended{Lost: true}, errLost)
	}
}

// news takes the end of a jail, or of a program in it.
func (h *helper) news(r reply) {
	if r.Ended == nil {
		return
	}
	h.mu.Lock()
	e := h.jails[r.Jail]
	if r.Program == mainProgram {
		delete(h.jails, r.Jail)
	}
	h.mu.Unlock()
	switch {
	case e == nil:
	case r.Program == mainProgram:
		e.end(r.Ended, nil)
	default:
		e.ended(r.Program, r.Ended.exit())
	}
}

// register makes an environment known before its jail starts, so that its end cannot be missed.
func (h *helper) register(e *environment) uint64 {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.seq++
	e.id = h.seq
	h.jails[e.id] = e
	return e.id
}

// unregister forgets an environment, and reports whether it was known: if not, it has ended.
func (h *helper) unregister(e *environment) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	known := h.jails[e.id] != nil
	delete(h.jails, e.id)
	return known
}

// close ends the spawner and every jail, and waits until they are gone.
func (h *helper) close() {
	h.link.conn.CloseWrite()
	<-h.done
}
