package fleet

import (
	"slices"
	"time"
)

// A seat is what an event waits on for an environment that is about to become idle. It gets that environment, already busy
// for the event, or nil if there will be none.
type seat chan *environment

// queueLocked gives an event a seat if more environments settle than events wait for them: then it is one of these
// environments that the event gets, and nobody who comes later.
func (p *pool) queueLocked() seat {
	if p.settling <= len(p.waiting) {
		return nil
	}
	s := make(seat, 1)
	p.waiting = append(p.waiting, s)
	return s
}

// seatLocked hands an environment that has become idle to who has waited longest. It reports false if nobody waits.
func (p *pool) seatLocked(e *environment) bool {
	if len(p.waiting) == 0 {
		return false
	}
	s := p.waiting[0]
	p.waiting = slices.Delete(p.waiting, 0, 1)
	p.takeLocked(e)
	s <- e
	return true
}

// unseatLocked sends away who has waited least, if fewer environments settle than events wait for them.
func (p *pool) unseatLocked() {
	if last := len(p.waiting) - 1; last >= p.settling {
		p.waiting[last] <- nil
		p.waiting = p.waiting[:last]
	}
}

// takeLocked makes an environment busy.
func (p *pool) takeLocked(e *environment) {
	e.state = busy
	p.busy++
}

// wait waits on a seat, for no longer than another environment would take to start.
func (f *Fleet) wait(p *pool, s seat) *environment {
	timer := time.NewTimer(settleTime)
	defer timer.Stop()
	select {
	case e := <-s:
		return e
	case <-timer.C:
	}
	f.mu.Lock()
	if i := slices.Index(p.waiting, s); i >= 0 {
		p.waiting = slices.Delete(p.waiting, i, i+1)
		s <- nil
	}
	f.mu.Unlock()
	return <-s
}

func waitFor(c <-chan struct{}, d time.Duration) bool {
	if d <= 0 {
		return false
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-c:
		return true
	case <-timer.C:
		return false
	}
}
