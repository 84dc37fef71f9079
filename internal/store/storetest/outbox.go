package storetest

import (
	"fmt"
	"testing"

	"redoubt/internal/store"
)

func sendAll(t *testing.T, db *store.DB, topic string, payloads ...string) {
	t.Helper()
	update(t, db, func(tx *store.Tx) error {
		for _, p := range payloads {
			if err := tx.Send(topic, "key\x00"+p[:1], []byte(p)); err != nil {
				return err
			}
		}
		return nil
	})
}

func wantMessages(t *testing.T, db *store.DB, topic string, from uint64, limit int, want ...string) []store.Message {
	t.Helper()
	messages, err := db.Messages(t.Context(), topic, from, limit)
	must(t, err)
	var got []string
	for i, m := range messages {
		got = append(got, string(m.Payload))
		if m.Topic != topic || m.Key != "key\x00"+got[i][:1] || i > 0 && m.Sequence <= messages[i-1].Sequence {
			t.Errorf("message %+v after %+v", m, messages[:i])
		}
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("messages of %q from %d: got %q, want %q", topic, from, got, want)
	}
	return messages
}

// Messages stay, in order, until they are done, across restarts and whatever was done before.
func testOutbox(t *testing.T, open Opener) {
	dir := t.TempDir()
	db := mustOpen(t, open, dir)
	events, stop := db.Listen("orders")
	sendAll(t, db, "orders", "a1", "b1", "a2")
	sendAll(t, db, "order", "x")
	sendAll(t, db, "orders2", "y")
	select {
	case <-events:
	default:
		t.Error("the listener was not told")
	}
	stop()
	must(t, db.Close())

	db = mustOpen(t, open, dir)
	sendAll(t, db, "orders", "b2")
	first := wantMessages(t, db, "orders", 0, 10, "a1", "b1", "a2", "b2")
	wantMessages(t, db, "orders", 0, 2, "a1", "b1")
	wantMessages(t, db, "orders", first[1].Sequence+1, 10, "a2", "b2")
	update(t, db, func(tx *store.Tx) error { return tx.Done(first[1]) })
	wantMessages(t, db, "orders", 0, 10, "a1", "a2", "b2")
	for _, m := range first {
		update(t, db, func(tx *store.Tx) error { return tx.Done(m) })
	}
	wantMessages(t, db, "orders", 0, 10)
	must(t, db.Close())

	db = mustOpen(t, open, dir)
	sendAll(t, db, "orders", "a3")
	wantMessages(t, db, "orders", first[3].Sequence+1, 10, "a3")
	wantMessages(t, db, "order", 0, 10, "x")
}
