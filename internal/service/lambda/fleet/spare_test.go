package fleet_test

import (
	"context"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"redoubt/internal/service/lambda/fleet"
)

// stocked is a world that prepares sandboxes.
func stocked(behave func(*box)) *world {
	w := newWorld(behave)
	w.Fleet = fleet.New(fleet.Config{Engine: w.engine, Log: slog.New(slog.DiscardHandler), Memory: w.left, Spares: 1})
	return w
}

func (w *world) left() float64 {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.memory
}

// leave sets the share of the memory that is left.
func (w *world) leave(share float64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.memory = share
}

// both runs two events at the same time.
func (w *world) both(t *testing.T) {
	t.Helper()
	var group sync.WaitGroup
	for _, id := range []string{"a", "b"} {
		group.Go(func() { w.try(t, id) })
	}
	group.Wait()
}

// held counts the sandboxes in which nothing was run when they started.
func (w *world) held() (n int) {
	w.engine.mu.Lock()
	defer w.engine.mu.Unlock()
	for _, b := range w.engine.boxes {
		if len(b.spec.Argv) == 0 {
			n++
			if len(b.spec.Env) != 0 {
				panic("a prepared sandbox knows " + strings.Join(b.spec.Env, " "))
			}
		}
	}
	return n
}

// made counts all sandboxes.
func (w *world) made() int {
	w.engine.mu.Lock()
	defer w.engine.mu.Unlock()
	return len(w.engine.boxes)
}

func TestNextEnvironmentIsPrepared(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := stocked(echo(0, 100*time.Millisecond))
		defer w.end(t)
		prepare := w.function.Prepare
		w.function.Prepare = func(ctx context.Context) (*fleet.Blueprint, error) {
			p, err := prepare(ctx)
			p.Spec.Env = []string{"AWS_SECRET_ACCESS_KEY=x"}
			return p, err
		}
		w.invoke(t, "first")
		time.Sleep(time.Second)
		if w.held() != 1 || w.made() != 2 {
			t.Fatalf("%d of %d are prepared", w.held(), w.made())
		}
		w.both(t)
		if w.made() != 2 {
			t.Errorf("%d environments", w.made())
		}
		time.Sleep(time.Second)
		if w.held() != 2 {
			t.Errorf("%d are prepared", w.held())
		}
		if log := w.logged(); strings.Count(log, "saw 1\n") != 3 || strings.Count(log, "REPORT ") != 3 {
			t.Errorf("log is %s", log)
		}
	})
}

func TestPreparedSandboxesAreGivenUp(t *testing.T) {
	for name, act := range map[string]func(w *world){
		"of a function without events":  func(*world) { time.Sleep(90 * time.Second) },
		"of another version":            func(w *world) { w.Retire("arn", "$LATEST", "2") },
		"of a function that is deleted": func(w *world) { w.RetireAll("arn") },
		"when memory is short":          func(w *world) { w.leave(0.05); time.Sleep(20 * time.Second) },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := stocked(echo(0, 0))
				defer w.end(t)
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				go w.Run(ctx)
				w.invoke(t, "a")
				time.Sleep(time.Second)
				act(w)
				synctest.Wait()
				if got := w.engine.boxes[1].seen(); w.held() != 1 || got != "ended" {
					t.Errorf("%d are prepared, %s", w.held(), got)
				}
			})
		})
	}
}

func TestPreparedIsWhatWasDeployedLast(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := stocked(echo(0, 100*time.Millisecond))
		defer w.end(t)
		w.invoke(t, "a")
		w.Retire("arn", "$LATEST", "2")
		w.function.Generation = "2"
		w.invoke(t, "b") // before a sandbox was prepared for the first
		time.Sleep(time.Second)
		if w.held() != 1 || w.made() != 3 {
			t.Fatalf("%d of %d are prepared", w.held(), w.made())
		}
		w.both(t)
		if w.made() != 3 {
			t.Errorf("%d environments", w.made())
		}
	})
}

func TestNothingIsPreparedBeyondItsMeasure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := stocked(echo(0, 0))
		defer w.end(t)
		w.invoke(t, "a")
		other := w.function
		other.ARN = "other"
		time.Sleep(time.Second)
		if _, err := w.Invoke(t.Context(), &other, &fleet.Event{RequestID: "b"}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		if w.held() != 1 {
			t.Errorf("%d are prepared", w.held())
		}
	})
}
