package work_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"redoubt/internal/seal"
	"redoubt/internal/store"
	"redoubt/internal/store/embedded"
	"redoubt/internal/work"
)

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

func TestDrain(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		db := open(t, dir)
		defer db.Close()
		var mu sync.Mutex
		var got []string
		failures := 2
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() {
			done <- work.Drain(ctx, db, "topic", func(_ context.Context, m store.Message) error {
				mu.Lock()
				defer mu.Unlock()
				if m.Key == "bad" && failures > 0 {
					failures--
					return errors.New("not yet")
				}
				got = append(got, m.Key+string(m.Payload))
				return nil
			})
		}()
		send(t, db, "bad", "1", "2")
		send(t, db, "good", "1", "2")
		time.Sleep(10 * time.Second)
		synctest.Wait()
		cancel()
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		if want := "[good1 good2 bad1 bad2]"; fmt.Sprint(got) != want {
			t.Errorf("delivered %v, want %v", got, want)
		}
	})
}
