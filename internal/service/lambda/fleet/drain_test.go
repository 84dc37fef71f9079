package fleet_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"redoubt/internal/service/lambda/fleet"
)

// drainInASecond drains without the patience for what runs.
func (w *world) drainInASecond(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	if err := w.Drain(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("drained: %v", err)
	}
}

func (w *world) logged() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.log.String()
}

func TestInvocationThatADrainCutsShortLogsItsEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(func(b *box) {
			b.call("GET", "invocation/next", "")
			b.spec.Stdout.Write([]byte("begun"))
			b.sleep(time.Hour)
		})
		w.function.Timeout = 15 * time.Minute
		done := make(chan *fleet.Outcome, 1)
		go func() { done <- w.try(t, "a") }()
		time.Sleep(time.Second)
		w.drainInASecond(t)
		log := w.logged()
		if want := "begun\nRequestId: a Error: Runtime exited with error: exit status -1\nRuntime.ExitError\nEND RequestId: a\nREPORT RequestId: a\t"; !strings.Contains(log, want) || !strings.HasSuffix(log, "\n") {
			t.Errorf("no %q in %q", want, log)
		}
		<-done
	})
}

func TestInitialisationThatADrainCutsShortIsNotTriedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(echo(time.Hour, 0))
		w.function.Timeout = 15 * time.Minute
		done := make(chan error, 1)
		go func() {
			_, err := w.Invoke(context.Background(), &w.function, &fleet.Event{RequestID: "a"})
			done <- err
		}()
		time.Sleep(time.Second)
		w.drainInASecond(t)
		if err := <-done; !errors.Is(err, fleet.ErrDraining) || len(w.engine.boxes) != 1 {
			t.Errorf("got %v and %d environments", err, len(w.engine.boxes))
		}
		if log := w.logged(); !strings.Contains(log, "Phase: init") || !strings.Contains(log, "START RequestId: a Version: $LATEST\nEND RequestId: a\nREPORT") {
			t.Errorf("got %q", log)
		}
	})
}
