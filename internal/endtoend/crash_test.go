//go:build linux

package endtoend

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"
)

// TestAcknowledgedChangesSurviveKill kills a busy server again and again. What was acknowledged is there when it comes
// back, down to the records, and nothing that it started lives on.
func TestAcknowledgedChangesSurviveKill(t *testing.T) {
	h := newHome(t, "--record-data-events")
	b := newBook()
	s := h.serve()
	b.role = s.client(b.calls).role("worker", mayLog)
	group, rounds := "", 0
	for end := time.Now().Add(campaign(t, 8*time.Second)); rounds < 3 || time.Now().Before(end); rounds++ {
		load := b.start(s, rounds)
		<-load.warm
		<-time.After(time.Duration(300+rand.IntN(900)) * time.Millisecond) // the moment is of no matter
		children := descendants(t, s.pid())
		if group == "" {
			group = groupName(t, s)
		}
		s.kill()
		load.wait()
		eventually(t, func() bool { return len(alive(children)) == 0 && len(inside(groups(t, group))) == 0 }, func() string {
			return fmt.Sprintf("round %d: %v live on, %v in control groups", rounds, alive(children), inside(groups(t, group)))
		})
		s = h.serve()
		if left := groups(t, group); len(left) > 0 {
			t.Errorf("round %d: control groups outlive the server that made them: %v", rounds, left)
		}
		b.check(s)
	}
	t.Logf("%d rounds, %d acknowledged changes, %d calls", rounds, len(b.facts), len(b.calls.calls))
	s.stop()
	if left := groups(t, group); len(left) > 0 {
		t.Errorf("control groups are left: %v", left)
	}
}

// A fact is what must be true of a server since it acknowledged a change.
type fact func(c *client) error

// A book holds what a server has acknowledged in all its runs.
type book struct {
	calls *ledger
	role  string

	mu    sync.Mutex
	facts map[string]fact // by what they are about: a later fact replaces an earlier one
}

func newBook() *book { return &book{calls: newLedger(), facts: map[string]fact{}} }

// pending takes back what is known of a thing that is about to change: until the change is acknowledged, either may be true.
func (b *book) pending(about string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.facts, about)
}

// since notes an acknowledged change.
func (b *book) since(about string, holds fact) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.facts[about] = holds
}

// check looks for every change and every record.
func (b *book) check(s *server) {
	s.Helper()
	c := s.client(nil)
	var group errgroup.Group
	group.SetLimit(16)
	for about, holds := range b.facts {
		group.Go(func() error {
			if err := holds(c); err != nil {
				s.Errorf("%s: %v", about, err)
			}
			return nil
		})
	}
	must(s, group.Wait())
	for id, name := range b.calls.missing(c) {
		s.Errorf("%s, request %s, was acknowledged but is not recorded", name, id)
	}
}

// A load is workers that change things until the server is gone.
type load struct {
	all  sync.WaitGroup
	warm chan struct{} // closed when each worker has done its work once
}

func (l *load) wait() { l.all.Wait() }

func (b *book) start(s *server, round int) *load {
	l := &load{warm: make(chan struct{})}
	var first sync.WaitGroup
	for kind, act := range map[string]func(*client, string) error{
		"user": b.changeUser, "key": b.changeKey, "function": b.changeFunction, "log": b.changeLog,
	} {
		for n := range 2 {
			first.Add(1)
			l.all.Go(func() { b.work(s, fmt.Sprintf("%s-%d-%d", kind, round, n), act, first.Done) })
		}
	}
	go func() {
		first.Wait()
		close(l.warm)
	}()
	return l
}

// work changes things until it fails, which it may not do while the server is there.
func (b *book) work(s *server, prefix string, act func(*client, string) error, first func()) {
	c := s.client(b.calls)
	defer c.http.CloseIdleConnections()
	for i := 0; ; i++ {
		err := act(c, fmt.Sprintf("%s-%d", prefix, i))
		if i == 0 {
			first()
		}
		if err == nil {
			continue
		}
		if _, _, there := stat(s.pid()); there && !refused(c) {
			s.Errorf("%s: %v", prefix, err)
		}
		return
	}
}

// refused reports whether the server is past answering. One that is being killed may be seen for a moment longer.
func refused(c *client) bool {
	select {
	case <-c.ended:
		return true
	case <-time.After(time.Second):
		return false
	}
}
