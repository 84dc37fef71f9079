// Package work runs what Redoubt does in the background: periodic jobs, delivery of the outbox, and jobs that only one
// node may do at a time.
package work

import (
	"context"
	"fmt"
	"log/slog"
	"runtime/debug"
	"time"
)

// Every runs fn at once and then again each time d has passed since it returned, until ctx ends; then it returns nil.
// An error or a panic of fn is logged, and is no reason to stop.
func Every(ctx context.Context, d time.Duration, fn func(context.Context) error) error {
	for {
		if err := attempt(ctx, fn); err != nil && ctx.Err() == nil {
			slog.ErrorContext(ctx, "background work failed", "error", err)
		}
		if !sleep(ctx, d) {
			return nil
		}
	}
}

// attempt turns a panic of a job into its error, so that one job cannot take the server down.
func attempt(ctx context.Context, fn func(context.Context) error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v\n%s", p, debug.Stack())
		}
	}()
	return fn(ctx)
}

// sleep reports whether ctx outlived it.
func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return ctx.Err() == nil
	case <-ctx.Done():
		return false
	}
}
