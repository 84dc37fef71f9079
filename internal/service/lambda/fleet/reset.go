package fleet

import (
	"context"
	"time"
)

// A reset is what is left of an environment that broke in an invocation. On AWS its sandbox initialises again, as a part of
// the next invocation and in the same log
// (https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html#runtimes-lifecycle-invoke-with-errors). Here
// another sandbox does, with nothing of the first in its /tmp.
type reset struct {
	plan    *Blueprint
	journal *journal
}

// maxResets is how many a pool remembers.
const maxResets = 10

// broke remembers what an invocation leaves that has ended its environment.
func (f *Fleet) broke(fn *Function, r reset) {
	f.mu.Lock()
	defer f.mu.Unlock()
	p := f.pools[fn.place()]
	if fn.provisioned || f.draining || p == nil || p.generation != fn.Generation || len(p.resets) == maxResets {
		return
	}
	p.resets = append(p.resets, r)
}

// again returns what an earlier invocation has left, if it may still be used.
func (f *Fleet) again(ctx context.Context, fn *Function) (*reset, error) {
	r, ok := f.takeReset(fn)
	if !ok || !r.plan.Expires.IsZero() && time.Now().Add(fn.Timeout).After(r.plan.Expires) {
		return nil, nil
	}
	if r.plan.Check == nil {
		return &r, nil
	}
	return &r, r.plan.Check(ctx)
}

func (f *Fleet) takeReset(fn *Function) (r reset, ok bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	p := f.poolLocked(fn)
	last := len(p.resets) - 1
	if last < 0 {
		return reset{}, false
	}
	r, p.resets = p.resets[last], p.resets[:last]
	return r, true
}
