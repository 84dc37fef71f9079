//go:build linux

package endtoend

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io/fs"
	"maps"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/iam"
)

// TestTerminationDrains ends a server with an invocation in flight: that one is answered, with its log written and its
// calls of the server's API done, and nothing new begins.
func TestTerminationDrains(t *testing.T) {
	h := newHome(t)
	s := h.serve()
	calls := newLedger()
	c, idle := s.client(calls), s.client(nil)
	_, err := c.lambda.CreateFunction(c.ctx, h.functionInput("slow", c.role("slow", mayLog), nil))
	must(t, err)
	_, err = idle.iam.GetUser(idle.ctx, &iam.GetUserInput{}) // it has a connection now
	must(t, err)
	type result struct {
		answered
		err error
	}
	done := make(chan result, 1)
	go func() {
		a, err := c.invoke("slow", `{"say": "done", "print": "has begun", "wait": 3000000000, "after": "has ended", "who": true}`)
		done <- result{a, err}
	}()
	eventually(t, func() bool { return strings.Contains(logOf(idle, "slow"), "has begun") }, func() string { return "the invocation does not begin" })
	s.terminate()
	at, err := url.Parse(s.connect["AWS_ENDPOINT_URL"])
	must(t, err)
	eventually(t, func() bool {
		conn, err := net.Dial("tcp", at.Host)
		if err == nil {
			conn.Close()
		}
		return err != nil
	}, func() string { return "a draining server takes new connections" })
	if _, err = idle.iam.GetUser(idle.ctx, &iam.GetUserInput{}); err == nil {
		t.Error("a draining server answers new calls")
	}
	r := <-done
	if want := ":assumed-role/slow/slow"; r.err != nil || r.Said != "done" || !strings.HasSuffix(r.ARN, want) {
		t.Errorf("the invocation in flight: %+v, want it done by %s", r, want)
	}
	s.wait()
	if s.code() != 0 || s.err.String() != "" {
		t.Errorf("a drained server ends with code %d: %s", s.code(), s.err)
	}
	s = h.serve()
	again := s.client(nil)
	if text := logOf(again, "slow"); !strings.Contains(text, "has ended\n") || !strings.Contains(text, "REPORT RequestId") {
		t.Errorf("the log lacks its end:\n%s", text)
	}
	for id, name := range calls.missing(again, "Invoke") {
		t.Errorf("%s, request %s, is not recorded", name, id)
	}
}

// TestDrainIsBounded ends a server whose function takes longer than a server waits. Its caller is told.
func TestDrainIsBounded(t *testing.T) {
	t.Parallel() // it mostly waits
	h := newHome(t)
	s := h.serve()
	c, watcher := s.client(nil), s.client(nil)
	_, err := c.lambda.CreateFunction(c.ctx, h.functionInput("slow", c.role("slow", mayLog), nil))
	must(t, err)
	done := make(chan error, 1)
	go func() {
		_, err := c.invoke("slow", `{"print": "has begun", "wait": 55000000000}`)
		done <- err
	}()
	eventually(t, func() bool { return strings.Contains(logOf(watcher, "slow"), "has begun") }, func() string { return "the invocation does not begin" })
	s.stop()
	var failed *functionFailed
	if err := <-done; !errors.As(err, &failed) {
		t.Errorf("the caller is told %v, want that the function failed", err)
	}
}

// logOf is what a function has logged until now.
func logOf(c *client, function string) string {
	c.Helper()
	group := "/aws/lambda/" + function
	out, err := c.logs.FilterLogEvents(c.ctx, &cloudwatchlogs.FilterLogEventsInput{LogGroupName: &group})
	if err != nil {
		return "" // not there yet
	}
	var text strings.Builder
	for _, e := range out.Events {
		text.WriteString(*e.Message)
	}
	return text.String()
}

// TestOneServerHoldsADataDirectory starts a second one on it.
func TestOneServerHoldsADataDirectory(t *testing.T) {
	h := newHome(t)
	s := h.serve()
	c := s.client(nil)
	said := h.refusal()
	for _, want := range []string{"another redoubt serve uses the data directory " + h.data, "--data DIR"} {
		if !strings.Contains(said, want) {
			t.Errorf("the second server does not say %q: %s", want, said)
		}
	}
	if _, err := c.iam.GetUser(c.ctx, &iam.GetUserInput{}); err != nil {
		t.Errorf("after the second one the first does not answer: %v", err)
	}
	if got := h.endpoint(); got != s.connect["AWS_ENDPOINT_URL"] {
		t.Errorf("clients are sent to %s, the server is at %s", got, s.connect["AWS_ENDPOINT_URL"])
	}
	s.stop()
}

func (h *home) endpoint() string {
	h.Helper()
	text, err := h.program("env", "--data", h.data).Output()
	must(h, err)
	_, rest, _ := strings.Cut(string(text), "AWS_ENDPOINT_URL=")
	at, _, _ := strings.Cut(rest, "\n")
	return at
}

// TestWrongSealKeyTouchesNothing offers keys that did not seal the data, and takes the right one away.
func TestWrongSealKeyTouchesNothing(t *testing.T) {
	h := newHome(t)
	h.serve().stop()
	other := newHome(t)
	other.serve().stop()
	h.env = append(h.env, "REDOUBT_SEAL_PASSPHRASE=a passphrase that sealed nothing")
	before := digests(t, h.data)
	for name, seal := range map[string]string{
		"of another directory": "file://" + other.data + "/seal.key",
		"a passphrase":         "passphrase:",
		"not there":            "file://" + t.TempDir() + "/lost.key",
	} {
		t.Run(name, func(t *testing.T) {
			said := h.refusal("--seal", seal)
			if !strings.Contains(said, "seal") || strings.Count(said, "\n") != 1 {
				t.Errorf("unclear: %s", said)
			}
			t.Log(said)
			mustEqual(t, digests(t, h.data), before)
		})
	}
	key := filepath.Join(h.data, "seal.key")
	must(t, os.Rename(key, key+".away"))
	t.Log(h.refusal())
	must(t, os.Rename(key+".away", key))
	mustEqual(t, digests(t, h.data), before)
	h.serve().stop()
}

// digests are what a directory holds, by path.
func digests(t testing.TB, dir string) map[string]string {
	t.Helper()
	all := map[string]string{}
	must(t, filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if !d.Type().IsRegular() {
			all[path] = d.Type().String()
			return nil
		}
		text, err := os.ReadFile(path)
		sum := sha256.Sum256(text)
		all[path] = hex.EncodeToString(sum[:])
		return err
	}))
	return all
}

func mustEqual(t *testing.T, got, want map[string]string) {
	t.Helper()
	if maps.Equal(got, want) {
		return
	}
	for path := range maps.All(got) {
		if got[path] != want[path] {
			t.Errorf("%s was written", path)
		}
	}
	for path := range want {
		if _, ok := got[path]; !ok {
			t.Errorf("%s was removed", path)
		}
	}
}
