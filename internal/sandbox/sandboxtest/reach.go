package sandboxtest

import (
	"bytes"
	"strings"
	"testing"

	"redoubt/internal/sandbox/engine"
)

// Reached runs the probe in an environment of e, in which it was loaded, and returns what it got from each target, of the
// form network!address, or why it got nothing.
func Reached(t testing.TB, e engine.Engine, targets ...string) map[string]string {
	t.Helper()
	var out bytes.Buffer
	spec := probe("dial", targets...)
	spec.Stdout, spec.Stderr = &out, &out
	v, err := e.Start(t.Context(), spec)
	if err != nil {
		t.Fatal(err)
	}
	defer v.RuntimeAPI().Close()
	defer v.ServerAPI().Close()
	v.Wait()
	answers := map[string]string{}
	for line := range strings.Lines(out.String()) {
		if target, answer, ok := strings.Cut(strings.TrimSpace(line), ": "); ok {
			answers[target] = answer
		}
	}
	return answers
}
