package fleet_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"redoubt/internal/sandbox"
)

func TestEnvironmentThatBrokeInitialisesWithinTheNextInvocation(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		broken := false
		w := newWorld(func(b *box) {
			b.sleep(time.Second)
			if broken {
				echo(0, 0)(b)
				return
			}
			broken = true
			b.call("GET", "invocation/next", "")
			b.exit(sandbox.Exit{Code: 7})
		})
		defer w.end(t)
		if o := w.invoke(t, "a"); !strings.Contains(string(o.Payload), "exit status 7") || !strings.Contains(string(o.Log), "Init Duration: 1000.00 ms") {
			t.Errorf("got %s %s", o.Payload, o.Log)
		}
		o := w.invoke(t, "b")
		want := "START RequestId: b Version: $LATEST\nsaw 1\nEND RequestId: b\nREPORT RequestId: b\tDuration: 1000.00 ms\tBilled Duration: 1000 ms\tMemory Size: 128 MB\tMax Memory Used: 30 MB\t\n"
		if string(o.Log) != want || w.prepared != 1 {
			t.Errorf("prepared %d times, logged %s", w.prepared, o.Log)
		}
		if o := w.invoke(t, "c"); !strings.Contains(string(o.Log), "Duration: 0.00 ms") {
			t.Errorf("logged %s", o.Log)
		}
	})
}

func TestWhatABrokenEnvironmentLeavesIsNotUsedBeyondItsTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(func(b *box) {
			b.call("GET", "invocation/next", "")
			b.exit(sandbox.Exit{Code: 7})
		})
		defer w.end(t)
		w.expires = time.Now().Add(time.Hour)
		w.invoke(t, "a")
		time.Sleep(time.Hour)
		w.expires = time.Time{}
		w.invoke(t, "b")
		w.function.Generation = "2"
		w.invoke(t, "c")
		if w.prepared != 3 {
			t.Errorf("prepared %d times", w.prepared)
		}
	})
}
