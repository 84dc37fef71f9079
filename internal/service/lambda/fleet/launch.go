package fleet

import (
	"context"
	"errors"
	"fmt"
	"strings"

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
		if reason, ok := cannotRun(err, spec); ok {
			return nil, &Failure{Type: "Runtime.InvalidEntrypoint", Message: reason}
		}
		if !errors.Is(err, sandbox.ErrNotLoaded) || attempt == 2 {
			return nil, fmt.Errorf("starting an execution environment: %w", err)
		}
		f.note(spec, false)
	}
}

// cannotRun finds out whether the kernel has refused to run the function's own program, and why. What happens inside a
// jail reaches us as text alone.
func cannotRun(err error, spec sandbox.Spec) (string, bool) {
	if spec.Runtime != "" || len(spec.Argv) == 0 {
		return "", false
	}
	_, reason, ok := strings.Cut(err.Error(), "running "+spec.Argv[0]+": ")
	return "fork/exec " + spec.Argv[0] + ": " + reason, ok
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
