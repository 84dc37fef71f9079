package work

import (
	"context"
	"sync"
)

// A Lease makes sure that only one node does a job at a time.
type Lease interface {
	// Hold waits until nobody holds the lease of that name, runs fn, and returns fn's error. The context of fn ends when
	// the lease is lost; fn must then stop. Hold returns ctx's error if ctx ends before fn was started.
	Hold(ctx context.Context, name string, fn func(context.Context) error) error
}

// Local is the Lease of a store that one process owns: leases are held against other goroutines only. The zero value is
// ready to use.
type Local struct {
	mu   sync.Mutex
	held map[string]chan struct{} // holds a token while the lease is free
}

// Hold implements Lease.
func (l *Local) Hold(ctx context.Context, name string, fn func(context.Context) error) error {
	lease := l.lease(name)
	select {
	case <-lease:
		defer func() { lease <- struct{}{} }()
	case <-ctx.Done():
		return ctx.Err()
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	return fn(ctx)
}

func (l *Local) lease(name string) chan struct{} {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.held == nil {
		l.held = map[string]chan struct{}{}
	}
	if l.held[name] == nil {
		l.held[name] = make(chan struct{}, 1)
		l.held[name] <- struct{}{}
	}
	return l.held[name]
}
