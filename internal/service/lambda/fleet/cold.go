package fleet

import (
	"context"
	"errors"
	"time"

	"redoubt/internal/service/lambda/telemetry"
)

// initLimit is how long a runtime may take to initialise before an event waits for it
// (https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html#runtimes-lifecycle-ib).
const initLimit = 10 * time.Second

// cold starts an environment and runs the event in it. As on AWS, an initialisation that fails is tried once more as a
// part of the invocation, within its time.
func (f *Fleet) cold(ctx context.Context, fn *Function, ev *Event) (*Outcome, error) {
	left, err := f.again(ctx, fn)
	if err != nil {
		return nil, err
	}
	if left != nil {
		c := &attempt{fleet: f, fn: fn, ev: ev, plan: left.plan, journal: left.journal, tail: newTail(ev.Tail)}
		return c.again(ctx)
	}
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
		return c.again(ctx)
	}
	i := c.invocation(e, e.out)
	i.init = took
	return i.serve(fn.Timeout), nil
}

// An attempt is one event that has no environment yet, or none at all.
type attempt struct {
	fleet   *Fleet
	fn      *Function
	ev      *Event
	plan    *Blueprint
	journal *journal
	tail    *tail
	phase   string // of the initialisation, the first if it is not said
}

func (c *attempt) output() *output {
	o := newOutput(c.journal, c.plan, c.tail)
	if c.phase != "" {
		o.phase = c.phase
	}
	return o
}

func (c *attempt) invocation(e *environment, out *output) *invocation {
	return &invocation{fleet: c.fleet, env: e, out: out, fn: c.fn, ev: c.ev, plan: c.plan, tail: c.tail}
}

// broken is the outcome where there is nothing that could start.
func (c *attempt) broken(why *Failure) *Outcome {
	out := c.output()
	defer out.close()
	i := c.invocation(nil, out)
	i.started()
	return i.finish(&result{failure: why, kind: why.Type})
}

// initialise starts an environment and waits for its programs. An environment that fails is ended.
func (c *attempt) initialise(ctx context.Context, limit time.Duration) (*environment, *result, time.Duration, error) {
	begin := time.Now()
	e, err := c.fleet.start(ctx, c.fn, c.plan, c.output())
	if err != nil {
		return nil, nil, 0, err
	}
	failed := e.initialise(limit)
	took := time.Since(begin)
	switch {
	case failed == nil:
		e.box.Flush() // what was printed meanwhile is no event's
		e.out.platform(e.initReport(took, nil))
		go e.limitCPU() // the event need not wait for it
	case e.extended.Load(): // which want to know
		e.out.platform(e.initReport(took, failed))
		e.endNow(failed.reason())
	default:
		e.endNow(failed.reason())
		e.out.platform(e.initReport(took, failed))
	}
	return e, failed, took, nil
}

// again initialises after an environment has failed. This time it is a part of the invocation, which begins in the log when
// it is done.
func (c *attempt) again(ctx context.Context) (*Outcome, error) {
	begin := time.Now()
	c.phase = telemetry.InInvoke
	e, failed, _, err := c.initialise(ctx, c.fn.Timeout)
	if err != nil {
		return c.cut(begin, err)
	}
	i := c.invocation(e, e.out)
	if failed != nil {
		i.env = nil // it has ended
		i.started()
		failed.took = min(time.Since(begin), c.fn.Timeout)
		o := i.finish(failed)
		e.out.close()
		return o, nil
	}
	i.began = begin
	return i.serve(c.fn.Timeout - time.Since(begin)), nil
}

// cut logs an invocation that had no sandbox, after an earlier one has logged that it failed.
func (c *attempt) cut(begin time.Time, err error) (*Outcome, error) {
	var broken *Failure
	if errors.As(err, &broken) {
		return c.broken(broken), nil
	}
	out := c.output()
	i := c.invocation(nil, out)
	i.started()
	out.end(c.ev.RequestID, i.last(&result{took: time.Since(begin)}), over)
	out.close()
	return nil, err
}
