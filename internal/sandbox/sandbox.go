// Package sandbox runs untrusted code behind one small interface, with the strongest engine that the host can give.
package sandbox

import "redoubt/internal/sandbox/engine"

// The contract of all engines; see package engine.
type (
	Engine      = engine.Engine
	Environment = engine.Environment
	Spec        = engine.Spec
	Archive     = engine.Archive
	Exit        = engine.Exit
	Usage       = engine.Usage
	Weakness    = engine.Weakness
	Options     = engine.Options
	WeakError   = engine.WeakError
	ExecError   = engine.ExecError
)

// Errors that callers may match.
var (
	ErrNotLoaded = engine.ErrNotLoaded
	ErrClosed    = engine.ErrClosed
)
