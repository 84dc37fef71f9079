package engine

import (
	"fmt"
	"strings"

	"redoubt/internal/network"
)

// Options say how to open an engine.
type Options struct {
	// StateDir is a directory of this server alone. It tells this server's leftovers from those of others;
	// the engine writes nothing that lasts into it.
	StateDir string
	// AllowWeaker accepts an engine with weaknesses.
	AllowWeaker bool
	// MaxCode is the most bytes that one LoadCode may unpack to, 250 MB as AWS has it if 0.
	MaxCode int64
	// Egress is what sandboxes may reach beside what an Environment serves; nil means nothing.
	Egress *network.Egress
}

// WeakError refuses to run untrusted code with less protection than asked for.
type WeakError struct{ Weaknesses []Weakness }

func (e *WeakError) Error() string {
	var b strings.Builder
	b.WriteString("this host cannot isolate functions at full strength:")
	for _, w := range e.Weaknesses {
		fmt.Fprintf(&b, "\n  %s: %s. Remedy: %s", w.Layer, w.Protects, w.Remedy)
	}
	return b.String()
}

// Accept refuses weaknesses that the options do not allow.
func (o Options) Accept(weaknesses []Weakness) error {
	if len(weaknesses) == 0 || o.AllowWeaker {
		return nil
	}
	return &WeakError{weaknesses}
}

// CodeLimit is the most bytes that one LoadCode may unpack to.
// AWS: 250 MB for a deployment package unzipped, layers included (gettingstarted-limits).
func (o Options) CodeLimit() int64 {
	if o.MaxCode > 0 {
		return o.MaxCode
	}
	return 250 << 20
}
