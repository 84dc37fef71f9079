package fleet_test

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

func TestLayersThatNobodyHasAnyMoreAreDropped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(echo(0, 0))
		defer w.end(t)
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		go w.Run(ctx)
		w.layers = []string{"old", "kept"}
		w.invoke(t, "a")
		w.Retire("arn", "$LATEST", "2")
		w.function.Generation, w.layers = "2", []string{"kept", "new"}
		w.invoke(t, "b")
		time.Sleep(time.Minute)
		w.engine.mu.Lock()
		defer w.engine.mu.Unlock()
		if got := fmt.Sprint(slices.Sorted(maps.Keys(w.engine.known))); got != "[code kept new]" {
			t.Errorf("loaded are %s", got)
		}
	})
}
