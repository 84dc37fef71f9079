package work_test

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"redoubt/internal/seal"
	"redoubt/internal/store"
	"redoubt/internal/store/embedded"
	"redoubt/internal/work"
)

// open must run in the bubble of the test: the engine's goroutines belong to it.
func open(t *testing.T, dir string) *store.DB {
	t.Helper()
	ring, err := seal.Open(context.Background(), "", dir)
	if err != nil {
		t.Fatal(err)
	}
	engine, err := embedded.Open(dir+"/store", ring)
	if err != nil {
		t.Fatal(err)
	}
	db, err := store.Open(engine, ring)
	if err != nil {
		t.Fatal(err)
	}
	return db
}

func send(t *testing.T, db *store.DB, key string, payloads ...string) {
	t.Helper()
	err := db.Update(context.Background(), func(tx *store.Tx) error {
		for _, p := range payloads {
			if err := tx.Send("topic", key, []byte(p)); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// mailbox notes deliveries as key:payload.
type mailbox struct {
	mu  sync.Mutex
	got []string
}

func (b *mailbox) add(m store.Message) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.got = append(b.got, m.Key+":"+string(m.Payload))
}

func (b *mailbox) text() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return strings.Join(b.got, " ")
}

// of returns the payloads of one key.
func (b *mailbox) of(key string) (payloads []string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, m := range b.got {
		if p, ok := strings.CutPrefix(m, key+":"); ok {
			payloads = append(payloads, p)
		}
	}
	return payloads
}

// drained runs test beside d in a bubble, and stops d afterwards.
func drained(t *testing.T, d work.Drainer, test func(t *testing.T, db *store.DB)) {
	t.Helper()
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		db := open(t, dir)
		defer db.Close()
		d.DB, d.Topic = db, "topic"
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- d.Run(ctx) }()
		test(t, db)
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

func wantEmpty(t *testing.T, db *store.DB) {
	t.Helper()
	if left, err := db.Messages(t.Context(), "topic", 0, 10); err != nil || len(left) > 0 {
		t.Errorf("the outbox still has %v, %v", left, err)
	}
}

func TestMessagesArriveInOrderAndAreRemoved(t *testing.T) {
	var box mailbox
	deliver := func(_ context.Context, m store.Message) error { box.add(m); return nil }
	drained(t, work.Drainer{Deliver: deliver}, func(t *testing.T, db *store.DB) {
		send(t, db, "a", "1", "2")
		send(t, db, "b", "1")
		send(t, db, "a", "3")
		time.Sleep(time.Millisecond)
		if want := "a:1 a:2 a:3"; "a:"+strings.Join(box.of("a"), " a:") != want {
			t.Errorf("delivered %s", box.text())
		}
		if len(box.of("b")) != 1 {
			t.Errorf("delivered %s", box.text())
		}
		wantEmpty(t, db)
	})
}

func TestFailingKeyIsRetriedInOrderAndHoldsUpNoOther(t *testing.T) {
	var box mailbox
	start := time.Now()
	var attempts []time.Duration
	deliver := func(_ context.Context, m store.Message) error {
		if m.Key == "bad" && string(m.Payload) == "2" && len(attempts) < 3 {
			attempts = append(attempts, time.Since(start).Round(time.Second))
			if len(attempts) == 2 {
				panic("oops")
			}
			return errors.New("not yet")
		}
		box.add(m)
		return nil
	}
	drained(t, work.Drainer{Deliver: deliver}, func(t *testing.T, db *store.DB) {
		start = time.Now()
		send(t, db, "bad", "1", "2", "3")
		send(t, db, "good", "1", "2")
		time.Sleep(500 * time.Millisecond)
		if got := len(box.of("good")); got != 2 {
			t.Errorf("%d good messages got past the bad one", got)
		}
		send(t, db, "bad", "4")
		time.Sleep(time.Minute)
		if got := fmt.Sprint(box.of("bad")); got != "[1 2 3 4]" {
			t.Errorf("bad messages arrived as %s", got)
		}
		if got := fmt.Sprint(attempts); got != "[0s 1s 3s]" {
			t.Errorf("attempts after %s", got)
		}
		wantEmpty(t, db)
	})
}

func TestUndeliveredMessagesAreDeliveredAfterRestart(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		db := open(t, dir)
		send(t, db, "a", "1", "2")
		ctx, cancel := context.WithCancel(t.Context())
		stopped := func(context.Context, store.Message) error { cancel(); return errors.New("stopping") }
		if err := work.Drain(ctx, db, "topic", stopped); err != nil {
			t.Error(err)
		}
		db.Close()

		db = open(t, dir)
		defer db.Close()
		ctx, cancel = context.WithCancel(t.Context())
		var box mailbox
		deliver := func(_ context.Context, m store.Message) error {
			if box.add(m); string(m.Payload) == "2" {
				cancel()
			}
			return nil
		}
		if err := work.Drain(ctx, db, "topic", deliver); err != nil || box.text() != "a:1 a:2" {
			t.Errorf("delivered %s, %v", box.text(), err)
		}
		wantEmpty(t, db) // the last one was delivered, though the context ended
	})
}

func TestManyMessagesOfManyKeysWithWorkers(t *testing.T) {
	const keys, each = 7, 300 // more than fit in memory
	var box mailbox
	var mu sync.Mutex
	busy, most, failed := map[string]bool{}, 0, 0
	deliver := func(_ context.Context, m store.Message) error {
		mu.Lock()
		if busy[m.Key] {
			t.Errorf("two deliveries of key %s at a time", m.Key)
		}
		busy[m.Key] = true
		most = max(most, len(busy))
		fail := m.Sequence%97 == 0 && failed < 40
		if fail {
			failed++
		}
		mu.Unlock()
		time.Sleep(time.Millisecond)
		mu.Lock()
		delete(busy, m.Key)
		mu.Unlock()
		if fail {
			return errors.New("unlucky")
		}
		box.add(m)
		return nil
	}
	drained(t, work.Drainer{Deliver: deliver, Workers: 4}, func(t *testing.T, db *store.DB) {
		for i := range each {
			for k := range keys {
				send(t, db, strconv.Itoa(k), strconv.Itoa(i))
			}
		}
		time.Sleep(time.Hour)
		for k := range keys {
			got := box.of(strconv.Itoa(k))
			if len(got) != each {
				t.Errorf("key %d got %d messages of %d", k, len(got), each)
			}
			for i, p := range got {
				if p != strconv.Itoa(i) {
					t.Fatalf("key %d got message %s in place of %d", k, p, i)
				}
			}
		}
		if most != 4 {
			t.Errorf("at most %d deliveries at a time, want 4", most)
		}
		wantEmpty(t, db)
	})
}
