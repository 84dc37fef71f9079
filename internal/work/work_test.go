package work_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"redoubt/internal/work"
)

func TestEveryRunsAtOnceAndAgainWhateverHappens(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		start := time.Now()
		var runs []time.Duration
		err := work.Every(ctx, time.Minute, func(context.Context) error {
			runs = append(runs, time.Since(start))
			switch len(runs) {
			case 1:
				time.Sleep(time.Second)
			case 2:
				return errors.New("failed")
			case 3:
				panic("oops")
			case 4:
				cancel()
			}
			return nil
		})
		if err != nil || fmt.Sprint(runs) != "[0s 1m1s 2m1s 3m1s]" {
			t.Errorf("ran at %v, %v", runs, err)
		}
	})
}

func TestLeaseIsHeldByOneAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var leases work.Local
		var lease work.Lease = &leases
		holders := 0
		for range 3 {
			go lease.Hold(t.Context(), "job", func(context.Context) error {
				holders++
				if holders != 1 {
					t.Errorf("%d hold the lease", holders)
				}
				time.Sleep(time.Second)
				holders--
				return nil
			})
		}
		time.Sleep(500 * time.Millisecond)
		other := errors.New("from the other job")
		if err := lease.Hold(t.Context(), "other", func(context.Context) error { return other }); err != other {
			t.Errorf("another lease: %v", err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		err := lease.Hold(ctx, "job", func(context.Context) error { t.Error("ran"); return nil })
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("a lease that was not free in time: %v", err)
		}
		time.Sleep(3 * time.Second)
		if err := lease.Hold(t.Context(), "job", func(context.Context) error { return nil }); err != nil {
			t.Errorf("a free lease: %v", err)
		}
	})
}
