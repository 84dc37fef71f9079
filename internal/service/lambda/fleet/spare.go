package fleet

import (
	"context"
	"io"
	"sync"
	"time"

	"redoubt/internal/sandbox"
)

// A spare is a sandbox that is prepared for one version of a function, with nothing that runs in it. It knows no credentials:
// the runtime gets them when it is started.
type spare struct {
	generation    string
	box           sandbox.Environment
	own, external *relay // where what it will print goes
}

const (
	stockDelay = 250 * time.Millisecond // after a start, so as not to take the processors from it
	spareAfter = time.Minute            // how long after its last event a function has one
	// spareMemory is the share of the host's memory that must be left.
	spareMemory = 2 * lowMemory
)

// An order is for a spare that is about to be prepared. A later start of the place replaces what it is for.
type order struct {
	fn   *Function
	plan *Blueprint
}

// stockSoon prepares a sandbox for the next start of the same, if there is none.
func (f *Fleet) stockSoon(fn *Function, plan *Blueprint) {
	if f.cfg.Spares == 0 || fn.provisioned {
		return
	}
	at := fn.place()
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.stopped || f.draining {
		return
	}
	if o := f.orders[at]; o != nil {
		o.fn, o.plan = fn, plan
		return
	}
	f.orders[at] = &order{fn, plan}
	time.AfterFunc(stockDelay, func() { f.stock(at) })
}

func (f *Fleet) stock(at place) {
	f.mu.Lock()
	o := *f.orders[at]
	wanted := !f.draining && !f.stopped && f.spares[at] == nil && len(f.spares) < f.cfg.Spares && f.servesLocked(at, o.fn.Generation)
	if wanted {
		f.stockers.Add(1)
		defer f.stockers.Done()
	}
	f.mu.Unlock()
	var s *spare
	if wanted && f.cfg.Memory() > spareMemory {
		s = f.prepareSpare(o.fn, o.plan)
	}
	f.mu.Lock()
	if f.orders[at].fn.Generation != o.fn.Generation { // it was changed meanwhile
		time.AfterFunc(stockDelay, func() { f.stock(at) })
	} else {
		delete(f.orders, at)
	}
	if s != nil && !f.draining && f.servesLocked(at, s.generation) {
		f.spares[at], s = s, nil
	}
	f.mu.Unlock()
	s.end()
}

// servesLocked reports whether environments of a generation are what a place has.
func (f *Fleet) servesLocked(at place, generation string) bool {
	p := f.pools[at]
	return p != nil && p.generation == generation
}

func (f *Fleet) prepareSpare(fn *Function, plan *Blueprint) *spare {
	s := &spare{generation: fn.Generation, own: &relay{}}
	spec := plan.Spec
	spec.Argv, spec.Env = nil, nil
	spec.Stdout, spec.Stderr = s.own, s.own
	if len(plan.Extensions) > 0 {
		s.external = &relay{}
		spec.ExtensionOutput = s.external
	}
	var err error
	if s.box, err = f.launch(context.Background(), plan, spec); err != nil {
		f.cfg.Log.Debug("preparing a sandbox failed", "function", fn.ARN, "error", err)
		return nil
	}
	return s
}

// open returns a sandbox for an environment: the one that is prepared, in which nothing runs yet, or a new one.
func (f *Fleet) open(ctx context.Context, e *environment, fn *Function, spec sandbox.Spec) (sandbox.Environment, error) {
	f.mu.Lock()
	s := f.spares[e.place]
	delete(f.spares, e.place)
	f.mu.Unlock()
	if s != nil && s.generation == fn.Generation {
		s.own.lead(spec.Stdout)
		s.external.lead(spec.ExtensionOutput)
		e.held = true
		return s.box, nil
	}
	s.end()
	return f.launch(ctx, e.plan, spec)
}

// sparesLocked takes out the spares that are wanted no more.
func (f *Fleet) sparesLocked(unwanted func(place, *spare) bool) (old []*spare) {
	for at, s := range f.spares {
		if unwanted(at, s) {
			old = append(old, s)
			delete(f.spares, at)
		}
	}
	return old
}

// restsLocked reports whether a place has had no event for a while.
func (f *Fleet) restsLocked(at place, now time.Time) bool {
	p := f.pools[at]
	if p == nil {
		return true
	}
	if p.busy > 0 || p.settling > 0 {
		return false
	}
	for _, e := range p.idle {
		if now.Sub(e.idleSince) < spareAfter {
			return false
		}
	}
	return true
}

// end ends a sandbox that was not used.
func (s *spare) end() {
	if s == nil {
		return
	}
	s.box.Kill()
	s.box.RuntimeAPI().Close()
	if own := s.box.ServerAPI(); own != nil {
		own.Close()
	}
	s.box.Wait()
}

func endSpares(all []*spare) {
	for _, s := range all {
		s.end()
	}
}

// A relay passes on what is written to it, from when it is known where to.
type relay struct {
	mu sync.Mutex
	to io.Writer
}

func (r *relay) lead(to io.Writer) {
	if r == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.to = to
}

func (r *relay) Write(p []byte) (int, error) {
	r.mu.Lock()
	to := r.to
	r.mu.Unlock()
	if to == nil {
		return len(p), nil
	}
	return to.Write(p)
}
