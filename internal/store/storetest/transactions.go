package storetest

import (
	"context"
	"errors"
	"strconv"
	"sync"
	"testing"

	"redoubt/internal/store"
)

func testTransactions(t *testing.T, open Opener) {
	for name, test := range map[string]func(*testing.T, *store.DB){
		"a failed update changes nothing":           testAbort,
		"an overlooked error fails the update":      testOverlooked,
		"an update reads its own writes":            testOwnWrites,
		"a view sees one moment":                    testSnapshot,
		"a view cannot write":                       testReadOnly,
		"concurrent updates lose nothing":           testCounter,
		"updates of different records serialize":    testWriteSkew,
		"deferred writes are visible before Sync":   testDeferred,
		"an ended context starts nothing":           testEnded,
		"a panic in an update leaves it undone":     testPanic,
		"a scan does not see the loop's own writes": testScanStable,
	} {
		t.Run(name, func(t *testing.T) { test(t, mustOpen(t, open, t.TempDir())) })
	}
}

func testAbort(t *testing.T, db *store.DB) {
	table := store.NewTable[string](db, "test", "t")
	put(t, db, table, store.Key{"kept"})
	err := db.Update(t.Context(), func(tx *store.Tx) error {
		return errors.Join(table.Put(tx, "x", "new"), table.Delete(tx, "kept"), tx.Send("topic", "k", nil), errAbort)
	})
	if !errors.Is(err, errAbort) {
		t.Errorf("Update returned %v", err)
	}
	wantKeys(t, scan(t, db, table, store.Range{}), store.Key{"kept"})
	if messages, err := db.Messages(t.Context(), "topic", 0, 10); err != nil || len(messages) > 0 {
		t.Errorf("messages %v, %v", messages, err)
	}
}

func testOverlooked(t *testing.T, db *store.DB) {
	written := store.NewTable[string](db, "test", "t")
	put(t, db, written, store.Key{"k"})
	read := store.NewTable[int](db, "test", "t") // a string is no number
	err := db.Update(t.Context(), func(tx *store.Tx) error {
		for range read.Scan(tx, store.Range{}) {
		}
		written.Put(tx, "x", "other")
		return nil
	})
	if err == nil {
		t.Error("the update succeeded")
	}
	wantKeys(t, scan(t, db, written, store.Range{}), store.Key{"k"})
}

func testOwnWrites(t *testing.T, db *store.DB) {
	table := store.NewTable[string](db, "test", "t")
	put(t, db, table, store.Key{"a"}, store.Key{"b"})
	update(t, db, func(tx *store.Tx) error {
		must(t, table.Put(tx, "c", "c"))
		must(t, table.Put(tx, "changed", "a"))
		must(t, table.Delete(tx, "b"))
		if v, _, err := table.Get(tx, "a"); v != "changed" || err != nil {
			t.Errorf("a = %q, %v", v, err)
		}
		var seen string
		for rec, err := range table.Scan(tx, store.Range{}) {
			must(t, err)
			seen += rec.Key[0]
		}
		if seen != "ac" {
			t.Errorf("scanned %q", seen)
		}
		return nil
	})
}

func testSnapshot(t *testing.T, db *store.DB) {
	table := store.NewTable[string](db, "test", "t")
	put(t, db, table, store.Key{"a"})
	must(t, db.View(t.Context(), func(tx *store.Tx) error {
		put(t, db, table, store.Key{"b"})
		must(t, table.Append(t.Context(), "c", "c"))
		update(t, db, func(tx *store.Tx) error { return table.Delete(tx, "a") })
		if _, ok, err := table.Get(tx, "a"); !ok || err != nil {
			t.Errorf("a was deleted under the view's feet: %v", err)
		}
		if ok, err := table.Has(tx, "b"); ok || err != nil {
			t.Errorf("b came from the future: %v", err)
		}
		for rec, err := range table.Scan(tx, store.Range{}) {
			if err != nil || rec.Key[0] != "a" {
				t.Errorf("scanned %q, %v", rec.Key, err)
			}
		}
		return nil
	}))
	wantKeys(t, scan(t, db, table, store.Range{Before: store.Key{"c"}}), store.Key{"b"})
}

func testReadOnly(t *testing.T, db *store.DB) {
	table := store.NewTable[string](db, "test", "t")
	for name, write := range map[string]func(tx *store.Tx) error{
		"Put":    func(tx *store.Tx) error { return table.Put(tx, "v", "k") },
		"Delete": func(tx *store.Tx) error { return table.Delete(tx, "k") },
		"Send":   func(tx *store.Tx) error { return tx.Send("topic", "k", nil) },
		"Done":   func(tx *store.Tx) error { return tx.Done(store.Message{}) },
	} {
		if err := db.View(t.Context(), write); !errors.Is(err, store.ErrReadOnly) {
			t.Errorf("%s in a view: %v", name, err)
		}
	}
}

func testCounter(t *testing.T, db *store.DB) {
	const writers, times = 8, 50
	table := store.NewTable[int](db, "test", "t")
	var wg sync.WaitGroup
	for range writers {
		wg.Go(func() {
			for range times {
				err := db.Update(t.Context(), func(tx *store.Tx) error {
					n, _, err := table.Get(tx, "n")
					return errors.Join(err, table.Put(tx, n+1, "n"))
				})
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	if n, _, err := get(t.Context(), db, table, "n"); n != writers*times || err != nil {
		t.Errorf("counted %d, %v; want %d", n, err, writers*times)
	}
}

// Each of two doctors may leave if the other stays. Under mere snapshot isolation both leave.
func testWriteSkew(t *testing.T, db *store.DB) {
	onCall := store.NewTable[bool](db, "test", "t")
	for night := range 30 {
		key := strconv.Itoa(night)
		update(t, db, func(tx *store.Tx) error {
			return errors.Join(onCall.Put(tx, true, key, "a"), onCall.Put(tx, true, key, "b"))
		})
		leave := func(me, other string) {
			err := db.Update(t.Context(), func(tx *store.Tx) error {
				stays, _, err := onCall.Get(tx, key, other)
				if err != nil || !stays {
					return err
				}
				return onCall.Put(tx, false, key, me)
			})
			if err != nil {
				t.Error(err)
			}
		}
		var wg sync.WaitGroup
		wg.Go(func() { leave("a", "b") })
		wg.Go(func() { leave("b", "a") })
		wg.Wait()
		a, _, errA := get(t.Context(), db, onCall, key, "a")
		b, _, errB := get(t.Context(), db, onCall, key, "b")
		if !a && !b || errA != nil || errB != nil {
			t.Fatalf("nobody is on call: %v, %v", errA, errB)
		}
	}
}

func testDeferred(t *testing.T, db *store.DB) {
	table := store.NewTable[string](db, "test", "t")
	ctx := store.Deferred(t.Context())
	must(t, db.Update(ctx, func(tx *store.Tx) error { return table.Put(tx, "a", "a") }))
	must(t, table.Append(ctx, "b", "b"))
	wantKeys(t, scan(t, db, table, store.Range{}), store.Key{"a"}, store.Key{"b"})
	must(t, db.Sync(ctx))
	must(t, db.Sync(ctx))
	must(t, db.Sync(t.Context()))
	must(t, db.Flush(t.Context()))
}

func testEnded(t *testing.T, db *store.DB) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	table := store.NewTable[string](db, "test", "t")
	never := func(*store.Tx) error { t.Error("ran"); return nil }
	for name, err := range map[string]error{
		"Update": db.Update(ctx, never),
		"View":   db.View(ctx, never),
		"Append": table.Append(ctx, "v", "k"),
	} {
		if !errors.Is(err, context.Canceled) {
			t.Errorf("%s: %v", name, err)
		}
	}
	wantKeys(t, scan(t, db, table, store.Range{}))
}

func testPanic(t *testing.T, db *store.DB) {
	table := store.NewTable[string](db, "test", "t")
	func() {
		defer func() { recover() }()
		db.Update(t.Context(), func(tx *store.Tx) error {
			table.Put(tx, "v", "lost")
			panic("oops")
		})
	}()
	put(t, db, table, store.Key{"next"}) // and the store is not locked
	wantKeys(t, scan(t, db, table, store.Range{}), store.Key{"next"})
}

func testScanStable(t *testing.T, db *store.DB) {
	table := store.NewTable[string](db, "test", "t")
	put(t, db, table, store.Key{"a"}, store.Key{"b"})
	update(t, db, func(tx *store.Tx) error {
		for rec, err := range table.Scan(tx, store.Range{}) {
			must(t, err)
			next := rec.Key[0] + rec.Key[0]
			must(t, table.Put(tx, next, next))
			must(t, table.Delete(tx, rec.Key...))
		}
		return nil
	})
	wantKeys(t, scan(t, db, table, store.Range{}), store.Key{"aa"}, store.Key{"bb"})
}
