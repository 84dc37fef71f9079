//go:build linux

package namespace

import (
	"encoding/binary"
	"fmt"
	"io"
	"os"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"
)

// A jail is one that runs.
type jail struct {
	id      uint64
	pid     int
	held    sync.RWMutex // guards pidfd
	pidfd   int          // -1 once the jail is buried: another file may have the number then
	slot    int
	group   *group
	memory  *os.File // events of the memory limit, or nil
	release func()

	orders    *os.File      // to process 1
	reports   *os.File      // from it, and from its children that are not yet programs
	attended  chan struct{} // closed when the last report was taken; then the next two say how the main program ended
	concluded bool
	status    uint32
	kills     int64 // processes that the memory limit had ended when it was last looked

	stopping sync.Mutex // one order to all at a time

	mu      sync.Mutex
	waiting map[uint32]chan error // for what programs were told to do
	failed  map[uint32]bool       // programs that never ran, though a process ends for them
	gone    bool
}

// hold calls f with the file of process 1, which stays open meanwhile.
func (j *jail) hold(f func(pidfd int) error) error {
	j.held.RLock()
	defer j.held.RUnlock()
	if j.pidfd < 0 {
		return os.ErrProcessDone
	}
	return f(j.pidfd)
}

// letGo closes the file of process 1.
func (j *jail) letGo() {
	j.held.Lock()
	defer j.held.Unlock()
	unix.Close(j.pidfd)
	j.pidfd = -1
}

// pipes makes the pipes by which the spawner and process 1 speak.
func (j *jail) pipes(p *plan, mine *undoing) error {
	theirs, orders, err := os.Pipe()
	if err != nil {
		return err
	}
	mine.add(func() { theirs.Close() })
	reports, write, err := os.Pipe()
	if err != nil {
		orders.Close()
		return err
	}
	mine.add(func() { write.Close() })
	j.orders, j.reports = orders, reports
	p.keep[ordersFile], p.keep[reportsFile] = int(theirs.Fd()), int(write.Fd())
	return nil
}

// tell gives process 1 an order.
func (j *jail) tell(o order) error {
	b := binary.NativeEndian.AppendUint32(nil, o.kind)
	b = binary.NativeEndian.AppendUint32(b, o.program)
	b = binary.NativeEndian.AppendUint32(b, o.value)
	if _, err := j.orders.Write(append(b, 0, 0, 0, 0)); err != nil {
		return os.ErrProcessDone
	}
	return nil
}

// run has process 1 run a program, and waits until that is executed or has failed.
func (j *jail) run(id uint32, extension bool) error {
	kind := uint32(orderRun)
	if extension {
		kind = orderExtension
	}
	return j.obey(kind, id)
}

// stop stops all processes, or lets them go on, by the signals that nobody can catch.
func (j *jail) stop(stop bool) error {
	j.stopping.Lock()
	defer j.stopping.Unlock()
	if stop {
		return j.obey(orderStop, allPrograms)
	}
	return j.obey(orderContinue, allPrograms)
}

// obey gives an order and waits until it was carried out.
func (j *jail) obey(kind, id uint32) error {
	done := j.expect(id)
	if err := j.tell(order{kind: kind, program: id}); err != nil {
		return err
	}
	return <-done
}

// expect returns a channel that tells what becomes of the next order under an id or, at first, of the jail.
func (j *jail) expect(id uint32) <-chan error {
	c := make(chan error, 1)
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.gone {
		c <- os.ErrProcessDone
		return c
	}
	j.waiting[id] = c
	return c
}

// started tells who waits for a start how it went. Only the first word counts.
func (j *jail) started(id uint32, err error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if c := j.waiting[id]; c != nil {
		delete(j.waiting, id)
		c <- err
	}
}

// attend takes the reports of a jail until its end.
func (s *spawner) attend(j *jail, p *program) {
	defer close(j.attended)
	defer j.reports.Close()
	var b [16]byte
	for {
		if _, err := io.ReadFull(j.reports, b[:]); err != nil {
			j.silent()
			return
		}
		word := func(i int) uint32 { return binary.NativeEndian.Uint32(b[4*i:]) }
		r := report{word(0), word(1), word(2), word(3)}
		switch r.kind {
		case reportReady, reportStarted:
			j.started(r.program, nil)
		case reportFailed:
			j.failed[r.program] = r.where&^0xffff != partFork
			j.started(r.program, p.failed(r))
		case reportEnded:
			s.ended(j, r.program, r.value)
		}
	}
}

// silent tells all who wait that no more is to come.
func (j *jail) silent() {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.gone = true
	for id, c := range j.waiting {
		delete(j.waiting, id)
		c <- fmt.Errorf("the jail ended: %w", os.ErrProcessDone)
	}
}

// ended tells the server that a program ended, unless it never was one. The main program's end is told with the jail's.
func (s *spawner) ended(j *jail, id, status uint32) {
	if j.failed[id] {
		delete(j.failed, id)
		return
	}
	if id == mainProgram {
		j.concluded, j.status = true, status
		return
	}
	e := &ended{Status: status}
	if w := syscall.WaitStatus(status); w.Signaled() && w.Signal() == unix.SIGKILL {
		kills := j.group.oomKills()
		e.OOM, j.kills = kills > j.kills, kills
	}
	// As in serve: if the server is gone, the reading side ends everything.
	_ = s.link.send(reply{Jail: j.id, Program: id, Ended: e}, nil)
}
