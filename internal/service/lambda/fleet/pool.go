package fleet

import (
	"context"
	"slices"
	"time"
)

// A place is what environments belong to: they serve one version of a function, and one tenant where tenants are isolated.
type place struct {
	arn, version, tenant string
	provisioned          bool // they are kept ready
}

func (fn *Function) place() place { return place{fn.ARN, fn.Version, fn.Tenant, fn.provisioned} }

// A pool is the environments of one place. The fleet's mutex guards it.
type pool struct {
	generation string
	since      time.Time
	code       []string       // ids of what its environments run
	idle       []*environment // the most recently used last
	busy       int            // environments with an event in them
	settling   int            // environments that have answered, and whose runtime has not asked for the next event yet
	waiting    []seat         // events that wait for one that settles, who waits longest first
	resets     []reset        // left by environments that broke
}

func newPool(generation string, since time.Time) *pool {
	return &pool{generation: generation, since: since}
}

// settleTime is how long to wait for a runtime that has answered to ask again, rather than start another environment, which
// would take as long.
const settleTime = 50 * time.Millisecond

// warm takes an idle environment that may be used, or returns nil if there is none.
func (f *Fleet) warm(ctx context.Context, fn *Function) (*environment, error) {
	for {
		e := f.take(fn)
		if e == nil {
			return nil, nil
		}
		if !e.thaw() {
			continue
		}
		if err := e.check(ctx); err != nil {
			e.kill()
			return nil, err
		}
		return e, nil
	}
}

// take removes the most recently used environment from its pool, or waits for one that is about to become idle.
func (f *Fleet) take(fn *Function) *environment {
	must := time.Now().Add(fn.Timeout)
	for {
		e := f.takeOrWait(fn)
		if e == nil || e.plan.Expires.IsZero() || must.Before(e.plan.Expires) {
			return e
		}
		e.kill() // its credentials end before the event may
	}
}

func (f *Fleet) takeOrWait(fn *Function) *environment {
	f.mu.Lock()
	p := f.poolLocked(fn)
	if last := len(p.idle) - 1; last >= 0 {
		e := p.idle[last]
		p.idle = p.idle[:last]
		p.takeLocked(e)
		f.mu.Unlock()
		return e
	}
	s := p.queueLocked()
	f.mu.Unlock()
	if s == nil {
		return nil
	}
	return f.wait(p, s)
}

// poolLocked returns the pool for a function; that of a generation that is past ends. An event that was about to run when
// something newer was deployed gets a pool that nobody else finds.
func (f *Fleet) poolLocked(fn *Function) *pool {
	p := f.pools[fn.place()]
	switch {
	case p == nil:
	case p.generation == fn.Generation:
		return p
	case fn.Since.Before(p.since):
		return newPool(fn.Generation, fn.Since)
	default:
		for _, e := range p.retireLocked(fn.Generation) {
			go e.kill()
		}
	}
	p = newPool(fn.Generation, fn.Since)
	f.pools[fn.place()] = p
	return p
}

// retireLocked makes the pool forget its idle environments if they are not of the generation.
func (p *pool) retireLocked(keep string) []*environment {
	if p.generation == keep {
		return nil
	}
	old := p.idle
	p.idle = nil
	for _, e := range old {
		e.state = ended
	}
	return old
}

// expiredLocked takes out what was idle for long, or has credentials that end soon.
func (p *pool) expiredLocked(now time.Time) (old []*environment) {
	p.idle = slices.DeleteFunc(p.idle, func(e *environment) bool {
		gone := !e.place.provisioned && now.Sub(e.idleSince) > reclaimAfter || !e.plan.Expires.IsZero() && now.After(e.plan.Expires)
		if gone {
			e.state = ended
			old = append(old, e)
		}
		return gone
	})
	return old
}

// The states of an environment, in the order in which it goes through them, again and again.
type state uint8

const (
	busy     state = iota // has an event, or is about to get one
	settling              // has answered
	idle                  // waits for an event
	ended
)

// answered is called when an environment has given its answer and is still alive.
func (f *Fleet) answered(e *environment) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.answeredLocked(e)
}

func (f *Fleet) answeredLocked(e *environment) {
	if e.state != busy {
		go e.kill() // a program of it has ended; perhaps others have not
		return
	}
	e.pool.busy--
	if e.polls { // it was fast, and asks already
		f.idleLocked(e)
		return
	}
	e.state = settling
	e.pool.settling++
}

// delivering is called before an environment gets an event.
func (f *Fleet) delivering(e *environment) {
	f.mu.Lock()
	defer f.mu.Unlock()
	e.polls = false
}

// polling is called when a runtime asks for an event.
func (f *Fleet) polling(e *environment) {
	f.mu.Lock()
	defer f.mu.Unlock()
	e.polls = true
	if e.state == settling {
		e.pool.settling--
		f.idleLocked(e)
	}
}

// idleLocked puts an environment back, or ends it if it is outdated.
func (f *Fleet) idleLocked(e *environment) {
	if f.draining || f.pools[e.place] != e.pool || f.surplusLocked(e) {
		e.state = ended
		e.pool.unseatLocked()
		go e.kill()
		return
	}
	if e.pool.seatLocked(e) {
		return
	}
	e.state, e.idleSince = idle, time.Now()
	e.pool.idle = append(e.pool.idle, e)
	e.freezeSoon()
}

// forget is called when nothing of an environment is left, its log included.
func (f *Fleet) forget(e *environment) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.all, e)
}

// lost takes an environment that has ended out of its pool, and tells in which state it was.
func (f *Fleet) lost(e *environment) (was state) {
	f.mu.Lock()
	defer f.mu.Unlock()
	was = e.state
	switch was {
	case busy:
		e.pool.busy--
	case settling:
		e.pool.settling--
		e.pool.unseatLocked()
	case idle:
		e.pool.removeLocked(e)
	}
	e.state = ended
	f.replaceLocked(e, was)
	return was
}
