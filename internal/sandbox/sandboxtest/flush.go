package sandboxtest

import (
	"fmt"
	"testing"
)

// tell is a probe that prints something, and then speaks to its Runtime API.
func tell([]string) {
	fmt.Print("told")
	hold()
	sleep()
}

// flush sees that what was printed before a program has spoken is there when the engine says so.
func (s *suite) flush(t *testing.T) {
	for range 20 {
		var out text
		spec := probe("tell")
		spec.Stdout = &out
		v := s.start(t, spec)
		accept(t, v.RuntimeAPI())
		if v.Flush() && out.String() != "told" {
			t.Fatalf("got %q", out.String())
		}
		v.Kill()
	}
}
