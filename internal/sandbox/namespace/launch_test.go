//go:build linux

package namespace

import (
	"errors"
	"testing"

	"redoubt/internal/sandbox/engine"
)

// Whoever has to load code first comes back: until then nothing is made that costs time.
func TestCodeThatIsNotLoadedCostsNoControlGroup(t *testing.T) {
	s := &spawner{setup: setup{Cgroups: cgroups{V1: map[string]string{"memory": "/nowhere"}}}, slots: map[int]bool{}}
	s.library.open()
	for _, missing := range []start{{Code: "code"}, {Runtime: "runtime"}, {Layers: []string{"layer"}}} {
		if _, _, err := s.launch(&plan{start: missing}, 1); !errors.Is(err, engine.ErrNotLoaded) {
			t.Errorf("%+v: got %v", missing, err)
		}
	}
}
