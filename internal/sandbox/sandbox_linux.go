package sandbox

import (
	"errors"

	"redoubt/internal/sandbox/engine"
	"redoubt/internal/sandbox/namespace"
	"redoubt/internal/sandbox/process"
)

// Main must be the first call of main and of TestMain: in a process that an engine started as its helper it never returns.
func Main() { namespace.Main() }

// Open picks the strongest engine of this host. It refuses a weak one, with a *WeakError, unless the options allow it.
func Open(o Options) (Engine, error) {
	e, err := namespace.Open(o)
	if err == nil {
		return e, nil
	}
	var none *namespace.Unavailable
	if !errors.As(err, &none) {
		return nil, err
	}
	missing := []Weakness{none.Weakness}
	if err := o.Accept(missing); err != nil {
		return nil, err
	}
	return process.Open(o, missing)
}

// Interpreter finds what a sandbox must see of the host to run the program at path: its real path and the directories to bind.
func Interpreter(path string) (argv0 string, roots []string, err error) {
	return engine.Interpreter(path)
}
