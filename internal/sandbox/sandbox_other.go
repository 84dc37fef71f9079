//go:build !linux

package sandbox

import (
	"redoubt/internal/sandbox/engine"
	"redoubt/internal/sandbox/process"
)

// Main does nothing on this system: its engine needs no helper process.
func Main() {}

// Open returns the engine of plain processes, the only one of this system. It refuses, with a *WeakError, unless the options allow it.
func Open(o Options) (Engine, error) {
	missing := []Weakness{{
		Layer:    "isolation",
		Protects: "functions run as plain processes and can read, change and reach all that this user can",
		Remedy:   "run Redoubt on Linux, or accept it with --allow-weaker-sandbox",
	}}
	if err := o.Accept(missing); err != nil {
		return nil, err
	}
	return process.Open(o, missing)
}

// Interpreter finds what a sandbox must see of the host to run the program at path: its real path and the directories to bind.
func Interpreter(path string) (argv0 string, roots []string, err error) {
	return engine.Interpreter(path)
}
