// Package storetest is the behaviour that every engine of the store must show.
package storetest

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"redoubt/internal/store"
)

// Opener opens the store in a directory with keys that are kept in the same directory. A second call with the same
// directory, after Close, opens the same store.
type Opener func(dir string) (*store.DB, error)

// Run checks what holds for every engine.
func Run(t *testing.T, open Opener) {
	for name, test := range map[string]func(*testing.T, Opener){
		"records":      testRecords,
		"keys":         testKeys,
		"ranges":       testRanges,
		"transactions": testTransactions,
		"versions":     testVersions,
		"outbox":       testOutbox,
		"histories":    testHistories,
	} {
		t.Run(name, func(t *testing.T) { test(t, open) })
	}
}

// RunFiles checks what holds for every engine that keeps its data in the directory. The test binary must call Child
// first thing in TestMain.
func RunFiles(t *testing.T, open Opener) {
	for name, test := range map[string]func(*testing.T, Opener){
		"one process":         testInUse,
		"secrecy":             testSecrecy,
		"other key":           testOtherKey,
		"crashes":             testCrashes,
		"truncated log":       testTruncated,
		"flipped bits at end": testFlipped,
		"flipped bits":        testFlippedTables,
	} {
		t.Run(name, func(t *testing.T) { test(t, open) })
	}
}

// mustOpen opens a store and closes it with the test.
func mustOpen(t *testing.T, open Opener, dir string) *store.DB {
	t.Helper()
	db, err := open(dir)
	if err != nil {
		t.Fatalf("opening the store: %v", err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func update(t *testing.T, db *store.DB, fn func(tx *store.Tx) error) {
	t.Helper()
	must(t, db.Update(t.Context(), fn))
}

// put stores text under each key, the key's own text if it is empty.
func put(t *testing.T, db *store.DB, table *store.Table[string], keys ...store.Key) {
	t.Helper()
	update(t, db, func(tx *store.Tx) error {
		for _, k := range keys {
			if err := table.Put(tx, show(k), k...); err != nil {
				return err
			}
		}
		return nil
	})
}

func show(k store.Key) string { return strings.Join(k, "|") }

// scan returns the keys of a range, and checks that each has its own value.
func scan(t *testing.T, db *store.DB, table *store.Table[string], r store.Range) (keys []store.Key) {
	t.Helper()
	must(t, db.View(t.Context(), func(tx *store.Tx) error {
		for rec, err := range table.Scan(tx, r) {
			if err != nil {
				return err
			}
			if rec.Value != show(rec.Key) {
				t.Errorf("key %q has the value of %q", rec.Key, rec.Value)
			}
			keys = append(keys, rec.Key)
		}
		return nil
	}))
	return keys
}

func wantKeys(t *testing.T, got []store.Key, want ...store.Key) {
	t.Helper()
	if !slices.EqualFunc(got, want, func(a, b store.Key) bool { return slices.Equal(a, b) }) {
		t.Errorf("got keys\n%q, want\n%q", got, want)
	}
}

// get reads one record in its own transaction.
func get[T any](ctx context.Context, db *store.DB, table *store.Table[T], key ...string) (v T, ok bool, err error) {
	err = db.View(ctx, func(tx *store.Tx) error {
		v, ok, err = table.Get(tx, key...)
		return err
	})
	return v, ok, err
}

var errAbort = errors.New("changed my mind")
