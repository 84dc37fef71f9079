//go:build linux

package endtoend

import (
	"os"
	"strings"
	"syscall"
	"testing"
)

// nobody is an ordinary user: the one who owns nothing.
const nobody = 65534

// ordinary is a home of an ordinary user.
func ordinary(t *testing.T) *home {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("only root can become somebody else; as an ordinary user the other tests are this test")
	}
	dir, err := os.MkdirTemp("", "ordinary")
	must(t, err)
	t.Cleanup(func() { os.RemoveAll(dir) })
	must(t, os.Chown(dir, nobody, nobody))
	h := newHome(t)
	h.data, h.tmp = dir+"/data", dir
	h.env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + dir, "TMPDIR=" + dir}
	h.user = &syscall.Credential{Uid: nobody, Gid: nobody}
	return h
}

// TestOrdinaryUserIsToldWhatIsMissing starts as an ordinary user. Where the kernel gives every layer the server comes up;
// where it does not, the server says what is missing and the way out.
func TestOrdinaryUserIsToldWhatIsMissing(t *testing.T) {
	h := ordinary(t)
	s := h.launch()
	select {
	case <-s.out.seen:
		if strings.Contains(s.out.String(), "WEAKER") {
			t.Errorf("it starts with less than full strength: %s", s.out)
		}
		s.terminate()
		s.wait()
		return
	case <-s.ended:
	}
	said := s.err.String()
	t.Log(said)
	if s.code() != 1 || !strings.Contains(said, "--allow-weaker-sandbox") {
		t.Errorf("it ends with code %d, without the way out: %s", s.code(), said)
	}
	weak := h.serve("--allow-weaker-sandbox")
	t.Log(weak.out)
	for line := range strings.Lines(weak.out.String()) {
		_, layer, announced := strings.Cut(strings.TrimSpace(line), "WEAKER SANDBOX ")
		if announced && !strings.Contains(said, strings.TrimSpace(layer)) {
			t.Errorf("the refusal does not name %q: %s", layer, said)
		}
	}
	if !strings.Contains(weak.out.String(), "WEAKER SANDBOX") {
		t.Errorf("it does not say that it is weaker: %s", weak.out)
	}
	c := weak.client(nil)
	_, err := c.lambda.CreateFunction(c.ctx, h.functionInput("hello", c.role("hello", mayLog), map[string]string{"VALUE": "v"}))
	must(t, err)
	a, err := c.invoke("hello", `{"say": "hello", "who": true}`)
	if err != nil || a.Said != "hello" || a.Value != "v" || !strings.HasSuffix(a.ARN, ":assumed-role/hello/hello") {
		t.Errorf("got %+v, %v", a, err)
	}
	children := descendants(t, weak.pid())
	weak.kill()
	eventually(t, func() bool { return len(alive(children)) == 0 }, func() string { return "an environment outlives its server" })
	h.serve("--allow-weaker-sandbox").stop()
}
