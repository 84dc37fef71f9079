package fleet

import (
	"context"
	"errors"
	"fmt"

	"redoubt/internal/sandbox"
)

// launch starts the sandbox, and loads the code where the engine does not have it, or has lost it.
func (f *Fleet) launch(ctx context.Context, plan *Blueprint, spec sandbox.Spec) (sandbox.Environment, error) {
	for attempt := 0; ; attempt++ {
		for _, id := range f.missing(spec) {
			if err := plan.Load(ctx, id); err != nil {
				return nil, err
			}
			f.note(id)
		}
		box, err := f.cfg.Engine.Start(ctx, spec)
		if err == nil {
			return box, nil
		}
		var refused *sandbox.ExecError
		if spec.Runtime == "" && errors.As(err, &refused) { // else it is the interpreter, which is not the function's
			return nil, &Failure{Type: "Runtime.InvalidEntrypoint", Message: "fork/exec " + refused.Program + ": " + refused.Err.Error()}
		}
		if !errors.Is(err, sandbox.ErrNotLoaded) || attempt == 2 {
			return nil, fmt.Errorf("starting an execution environment: %w", err)
		}
		f.unload(spec)
	}
}

// parts are the ids of the code that an environment needs.
func parts(spec sandbox.Spec) []string {
	all := append([]string{spec.Code}, spec.Layers...)
	if spec.Runtime != "" {
		all = append(all, spec.Runtime)
	}
	return all
}

func (f *Fleet) missing(spec sandbox.Spec) (ids []string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, id := range parts(spec) {
		if !f.loaded[id] {
			ids = append(ids, id)
		}
	}
	return ids
}

func (f *Fleet) note(id string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.loaded[id] = true
}

// unload forgets what the engine has lost.
func (f *Fleet) unload(spec sandbox.Spec) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, id := range parts(spec) {
		delete(f.loaded, id)
	}
}

// unusedLocked finds the code that no pool has: of functions that nobody calls, and layers that none of them has any more.
func (f *Fleet) unusedLocked() (ids []string) {
	used := map[string]bool{}
	for _, p := range f.pools {
		for _, id := range p.code {
			used[id] = true
		}
	}
	for id := range f.loaded {
		if !used[id] {
			ids = append(ids, id)
		}
	}
	return ids
}

// DropCode frees code that is hardly needed any more. Environments that run keep it, and whoever needs it loads it again.
func (f *Fleet) DropCode(id string) {
	f.mu.Lock()
	had := f.loaded[id]
	delete(f.loaded, id)
	f.mu.Unlock()
	if !had {
		return
	}
	if err := f.cfg.Engine.DropCode(id); err != nil {
		f.cfg.Log.Debug("dropping code failed", "error", err)
	}
}
