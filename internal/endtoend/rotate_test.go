//go:build linux

package endtoend

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
)

// TestRootKeyRotatesUnderARunningServer puts a new root key under a server at work, and again after it, and checks that
// all that was acknowledged before, meanwhile and after can be read by the next server.
func TestRootKeyRotatesUnderARunningServer(t *testing.T) {
	h := newHome(t, "--record-data-events")
	s := h.serve()
	b := newBook()
	b.role = s.client(b.calls).role("worker", mayLog)
	root := h.root()
	load := b.start(s, 0)
	h.rotate()
	<-load.warm
	h.rotate()
	if now := h.root(); bytes.Equal(now, root) {
		t.Error("the root key is the old one")
	}
	s.kill()
	load.wait()
	s = h.serve()
	b.check(s)
	s.stop()
	h.rotate() // with nobody there
	s = h.serve()
	b.check(s)
	s.stop()
}

func (h *home) root() []byte {
	h.Helper()
	text, err := os.ReadFile(filepath.Join(h.data, "keys", "root"))
	must(h, err)
	return text
}

func (h *home) rotate() {
	h.Helper()
	if out, err := h.program("seal", "rotate", "--data", h.data).CombinedOutput(); err != nil {
		h.Fatalf("rotating: %v: %s", err, out)
	}
}
