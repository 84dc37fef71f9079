package fleet_test

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"redoubt/internal/sandbox"
	"redoubt/internal/service/lambda/fleet"
)

// keep has environments of the function kept ready.
func (w *world) keep(n int) {
	fn := w.function
	w.Provision("arn", []fleet.Provision{{Function: &fn, Count: n}})
}

func (w *world) readiness() fleet.Readiness { return w.Readiness("arn", "$LATEST") }

// ended counts the sandboxes that are gone.
func (w *world) ended() (n int) {
	w.engine.mu.Lock()
	defer w.engine.mu.Unlock()
	for _, b := range w.engine.boxes {
		if strings.HasSuffix(b.seen(), "ended") {
			n++
		}
	}
	return n
}

func TestNoneIsUsedBeforeAllAreReady(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(echo(time.Second, 0))
		defer w.end(t)
		w.keep(2)
		w.invoke(t, "a") // starts its own
		time.Sleep(500 * time.Millisecond)
		if r := w.readiness(); !r.Ready || r.Allocated != 2 || r.Available != 2 || len(w.engine.boxes) != 3 {
			t.Errorf("got %+v, %d environments", r, len(w.engine.boxes))
		}
	})
}

func TestKeptEnvironmentsOutliveTheirIdleness(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := stocked(echo(0, 0))
		defer w.end(t)
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		go w.Run(ctx)
		w.keep(2)
		time.Sleep(time.Hour)
		w.leave(0.05)
		time.Sleep(time.Minute)
		if r := w.readiness(); !r.Ready || w.ended() != 0 {
			t.Errorf("got %+v, %d ended", r, w.ended())
		}
		w.keep(1)
		synctest.Wait()
		if r := w.readiness(); r.Allocated != 1 || w.ended() != 1 {
			t.Errorf("got %+v, %d ended", r, w.ended())
		}
		w.Provision("arn", nil)
		synctest.Wait()
		if w.ended() != 2 {
			t.Errorf("%d ended", w.ended())
		}
	})
}

func TestKeptEnvironmentsAreRenewedBeforeTheirCredentialsEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(echo(0, 0))
		defer w.end(t)
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		go w.Run(ctx)
		w.expires = time.Now().Add(time.Hour)
		w.keep(1)
		time.Sleep(50 * time.Minute)
		w.mu.Lock()
		w.expires = time.Now().Add(time.Hour)
		w.mu.Unlock()
		if len(w.engine.boxes) != 1 {
			t.Fatalf("%d environments after 50 minutes", len(w.engine.boxes))
		}
		for range 20 {
			time.Sleep(30 * time.Second)
			if r := w.readiness(); !r.Ready || r.Available != 1 {
				t.Fatalf("got %+v", r)
			}
		}
		if len(w.engine.boxes) != 2 || w.ended() != 1 {
			t.Errorf("%d environments, %d ended", len(w.engine.boxes), w.ended())
		}
	})
}

func TestWhatCannotBeKeptReadyIsTriedAgainLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(echo(0, 0))
		defer w.end(t)
		prepare, refused := w.function.Prepare, errors.New("no")
		var tries, open atomic.Int32
		w.function.Prepare = func(ctx context.Context) (*fleet.Blueprint, error) {
			if tries.Add(1); open.Load() == 0 {
				return nil, refused
			}
			return prepare(ctx)
		}
		w.keep(1)
		time.Sleep(10 * time.Minute)
		if r := w.readiness(); !errors.Is(r.Failure, refused) || r.Ready || tries.Load() > 12 || tries.Load() < 5 {
			t.Errorf("got %+v after %d tries", r, tries.Load())
		}
		open.Store(1)
		time.Sleep(5 * time.Minute)
		if r := w.readiness(); r.Failure != nil || !r.Ready {
			t.Errorf("got %+v", r)
		}
	})
}

func TestKeptEnvironmentsThatEndByThemselvesAreReplacedEverMoreSlowly(t *testing.T) {
	for name, life := range map[string]time.Duration{"at once": 0, "after a moment": 10 * time.Millisecond} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(func(b *box) {
					go b.call("GET", "invocation/next", "")
					b.sleep(life)
					b.exit(sandbox.Exit{Code: 1})
				})
				defer w.end(t)
				w.keep(1)
				time.Sleep(10 * time.Minute)
				if r := w.readiness(); r.Ready || r.Available != 0 || len(w.engine.boxes) > 12 || len(w.engine.boxes) < 5 {
					t.Errorf("got %+v, %d environments", r, len(w.engine.boxes))
				}
				w.engine.behave = echo(0, 0)
				w.keep(1)
				time.Sleep(100 * time.Millisecond)
				if r := w.readiness(); !r.Ready {
					t.Errorf("got %+v soon after it was asked for again", r)
				}
			})
		})
	}
}
