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
		if !f.has(spec) {
			if err := plan.Load(ctx); err != nil {
				return nil, err
			}
			f.note(spec, true)
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
		f.note(spec, false)
	}
}

func (f *Fleet) has(spec sandbox.Spec) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.loaded[spec.Code] && (spec.Runtime == "" || f.loaded[spec.Runtime])
}

func (f *Fleet) note(spec sandbox.Spec, loaded bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, id := range []string{spec.Code, spec.Runtime} {
		if loaded {
			f.loaded[id] = true
		} else {
			delete(f.loaded, id)
		}
	}
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
