package fleet

import (
	"context"
	"errors"
	"time"
)

// initLimit is how long a runtime may take to initialise before an event waits for it
// (https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html#runtimes-lifecycle-ib).
const initLimit = 10 * time.Second

// cold starts an environment and runs the event in it. As on AWS, an initialisation that fails is tried once more as a
// part of the invocation, within its time.
func (f *Fleet) cold(ctx context.Context, fn *Function, ev *Event) (*Outcome, error) {
	plan, err := fn.Prepare(ctx)
	if err != nil {
		return nil, err
	}
	c := &attempt{fleet: f, fn: fn, ev: ev, plan: plan, journal: newJournal(plan.Sink, f.cfg.Log), tail: newTail(ev.Tail)}
	if plan.Broken != nil {
		return c.broken(plan.Broken), nil
	}
	e, failed, took, err := c.initialise(ctx, initLimit)
	var broken *Failure
	if errors.As(err, &broken) {
		return c.broken(broken), nil
	}
	if err != nil {
		return nil, err
	}
	if failed != nil {
		e.out.platform(initReport(took, "init", failed))
		return c.again(ctx, e)
	}
	e.out.start(startLine(ev.RequestID, fn.Version), c.tail)
	return f.finish(e, e.out, fn, ev, e.run(fn, ev, fn.Timeout), took, c.tail), nil
}

// An attempt is one event that has no environment yet.
type attempt struct {
	fleet   *Fleet
	fn      *Function
	ev      *Event
	plan    *Blueprint
	journal *journal
	tail    *tail
}

func (c *attempt) output() *output { return newOutput(c.journal, c.plan.Marks, c.tail) }

// broken is the outcome where there is nothing that could start.
func (c *attempt) broken(why *Failure) *Outcome {
	out := c.output()
	defer out.close()
	out.start(startLine(c.ev.RequestID, c.fn.Version), c.tail)
	return c.fleet.finish(nil, out, c.fn, c.ev, &result{failure: why, kind: why.Type}, 0, c.tail)
}

// initialise starts an environment and waits for its runtime. An environment that fails is ended.
func (c *attempt) initialise(ctx context.Context, limit time.Duration) (*environment, *result, time.Duration, error) {
	begin := time.Now()
	e, err := c.fleet.start(ctx, c.fn, c.plan, c.output())
	if err != nil {
		return nil, nil, 0, err
	}
	failed := e.initialise(limit)
	took := time.Since(begin)
	if failed != nil {
		e.endNow()
	} else if err := e.box.SetCPU(c.plan.CPU); err != nil {
		c.fleet.cfg.Log.Warn("limiting the processors of an environment failed", "function", e.place.arn, "error", err)
	}
	return e, failed, took, nil
}

// again initialises once more after first has failed.
func (c *attempt) again(ctx context.Context, first *environment) (*Outcome, error) {
	begin := time.Now()
	first.out.start(startLine(c.ev.RequestID, c.fn.Version), c.tail)
	e, failed, took, err := c.initialise(ctx, c.fn.Timeout)
	if err != nil {
		c.fleet.finish(nil, first.out, c.fn, c.ev, &result{took: time.Since(begin)}, 0, nil)
		first.out.close()
		return nil, err
	}
	if failed != nil {
		e.out.platform(initReport(took, "invoke", failed))
		failed.took = min(time.Since(begin), c.fn.Timeout)
		return c.fleet.finish(e, e.out, c.fn, c.ev, failed, 0, c.tail), nil
	}
	r := e.run(c.fn, c.ev, c.fn.Timeout-time.Since(begin))
	r.took = min(time.Since(begin), c.fn.Timeout)
	return c.fleet.finish(e, e.out, c.fn, c.ev, r, 0, c.tail), nil
}
