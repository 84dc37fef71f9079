package work

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"redoubt/internal/store"
)

// Drain delivers the messages of a topic to fn, one at a time, until ctx ends; then it returns nil. See Drainer.
func Drain(ctx context.Context, db *store.DB, topic string, fn func(context.Context, store.Message) error) error {
	return (&Drainer{DB: db, Topic: topic, Deliver: fn}).Run(ctx)
}

// Drainer delivers the messages of a topic at least once, and those with the same key in the order in which they were
// sent. A message is removed when Deliver returns nil. If Deliver fails, or panics, the message and all later ones with
// its key wait for a retry, while other keys go on. Only one Drainer may run per topic; share the work of several nodes
// with a Lease.
type Drainer struct {
	DB      *store.DB
	Topic   string
	Deliver func(context.Context, store.Message) error
	Workers int                              // deliveries at a time, of different keys; 0 means one
	Retry   func(failures int) time.Duration // pause after so many failures in a row; nil means 1 s, doubling up to 1 min
	Poll    time.Duration                    // how often to look for messages of other nodes; 0 means once a minute
}

const (
	maxQueued  = 1024 // messages in memory
	maxPerLane = 64   // messages of one key in memory; what exceeds it is read again later
	pageSize   = 256
)

// Run delivers until ctx ends, waits for the deliveries under way, and returns nil.
func (d *Drainer) Run(ctx context.Context) error {
	events, stop := d.DB.Listen(d.Topic)
	defer stop()
	r := &run{Drainer: d, lanes: map[string]*lane{}, results: make(chan result), more: true}
	defer r.settle()
	for {
		err := r.fill(ctx)
		r.start(ctx)
		pause := r.pause(time.Now())
		if err != nil && ctx.Err() == nil {
			slog.ErrorContext(ctx, "reading the outbox failed", "topic", d.Topic, "error", err)
			pause = time.Second
		}
		timer := time.NewTimer(pause)
		select {
		case res := <-r.results:
			r.finish(ctx, res)
		case <-events:
			r.more = true
		case <-timer.C:
			r.more = true
		case <-ctx.Done():
			timer.Stop()
			return nil
		}
		timer.Stop()
	}
}

// run is the state of a Run. Only its goroutine touches it; deliveries report through results.
type run struct {
	*Drainer
	next    uint64 // the first sequence that was not looked at
	more    bool   // there may be messages from next on
	lanes   map[string]*lane
	ready   []*lane // lanes with something to deliver, none under way
	queued  int
	running int
	results chan result
}

type result struct {
	lane *lane
	err  error
}

// fill reads what there is room for: first of lanes that fell behind, then new messages.
func (r *run) fill(ctx context.Context) error {
	now := time.Now()
	for _, l := range r.lanes {
		if l.due(now) {
			if err := r.catchUp(ctx, l); err != nil {
				return err
			}
		}
	}
	for r.more && r.queued < maxQueued {
		page, err := r.DB.Messages(ctx, r.Topic, r.next, pageSize)
		if err != nil {
			return err
		}
		for _, m := range page {
			r.next = m.Sequence + 1
			r.accept(m)
		}
		r.more = len(page) == pageSize
	}
	return nil
}

// accept queues a new message, unless earlier ones of its key are not in memory.
func (r *run) accept(m store.Message) {
	l := r.lanes[m.Key]
	if l == nil {
		l = &lane{key: m.Key}
		r.lanes[m.Key] = l
	}
	switch {
	case l.behind:
	case len(l.queue) == maxPerLane:
		l.fallBehind(m.Sequence)
	default:
		r.enqueue(l, m)
	}
}

func (r *run) enqueue(l *lane, m store.Message) {
	l.queue = append(l.queue, m)
	r.queued++
	if len(l.queue) == 1 {
		r.ready = append(r.ready, l)
	}
}

// catchUp reads messages of one lane again, up to the first one that nobody has looked at.
func (r *run) catchUp(ctx context.Context, l *lane) error {
	for l.from < r.next && len(l.queue) < maxPerLane {
		page, err := r.DB.Messages(ctx, r.Topic, l.from, pageSize)
		if err != nil {
			return err
		}
		for _, m := range page {
			if m.Sequence >= r.next {
				l.from = r.next
				break
			}
			if len(l.queue) == maxPerLane {
				break
			}
			l.from = m.Sequence + 1
			if m.Key == l.key {
				r.enqueue(l, m)
			}
		}
		if len(page) < pageSize && len(l.queue) < maxPerLane {
			l.from = r.next
		}
	}
	l.behind = l.from < r.next
	r.forget(l)
	return nil
}

// start begins deliveries while there are workers.
func (r *run) start(ctx context.Context) {
	for len(r.ready) > 0 && r.running < max(1, r.Workers) && ctx.Err() == nil {
		l := r.ready[0]
		r.ready = r.ready[1:]
		l.busy = true
		r.running++
		go func(m store.Message) { r.results <- result{l, r.deliver(ctx, m)} }(l.queue[0])
	}
}

// deliver removes the message once it is delivered, even when ctx ended meanwhile. That need not be durable: at worst
// the message is delivered again.
func (r *run) deliver(ctx context.Context, m store.Message) error {
	err := attempt(ctx, func(ctx context.Context) error { return r.Deliver(ctx, m) })
	if err != nil {
		return fmt.Errorf("delivering: %w", err)
	}
	return r.DB.Update(store.Deferred(context.WithoutCancel(ctx)), func(tx *store.Tx) error { return tx.Done(m) })
}

func (r *run) finish(ctx context.Context, res result) {
	l := res.lane
	r.running--
	l.busy = false
	if res.err == nil {
		r.queued--
		l.queue = l.queue[1:]
		l.failures = 0
		if len(l.queue) > 0 {
			r.ready = append(r.ready, l)
		}
		r.forget(l)
		return
	}
	r.queued -= len(l.queue)
	failed := l.queue[0]
	l.queue = nil
	l.fallBehind(failed.Sequence)
	l.failures++
	l.retryAt = time.Now().Add(r.backoff(l.failures))
	if ctx.Err() == nil {
		slog.WarnContext(ctx, "delivery failed", "topic", r.Topic, "failures", l.failures, "error", res.err)
	}
}

// forget drops a lane of which nothing is left to know.
func (r *run) forget(l *lane) {
	if len(l.queue) == 0 && !l.behind {
		delete(r.lanes, l.key)
	}
}

// settle waits for the deliveries under way.
func (r *run) settle() {
	for ; r.running > 0; r.running-- {
		<-r.results
	}
}
