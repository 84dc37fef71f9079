// Package sandbox runs untrusted code behind one small interface, with the strongest engine that the host can give.
package sandbox

import (
	"archive/zip"

	"redoubt/internal/sandbox/engine"
)

// The contract of all engines; see package engine.
type (
	Engine      = engine.Engine
	Environment = engine.Environment
	Spec        = engine.Spec
	Program     = engine.Program
	Process     = engine.Process
	Archive     = engine.Archive
	Exit        = engine.Exit
	Usage       = engine.Usage
	Weakness    = engine.Weakness
	Options     = engine.Options
	WeakError   = engine.WeakError
	ExecError   = engine.ExecError
)

// MaxEntries is how many entries an archive may have.
const MaxEntries = engine.MaxEntries

// CheckArchive tells why LoadCode would refuse an archive, as far as its directory and its links say.
func CheckArchive(limit int64, archive *zip.Reader) error { return engine.Check(limit, archive) }

// Errors that callers may match.
var (
	ErrNotLoaded = engine.ErrNotLoaded
	ErrClosed    = engine.ErrClosed
)
