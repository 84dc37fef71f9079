package storetest

import (
	"slices"
	"testing"

	"redoubt/internal/store"
)

// In order.
func awkward() []store.Key {
	return []store.Key{
		{""},
		{"", ""},
		{"", "\x00"},
		{"", "a"},
		{"\x00"},
		{"\x00", ""},
		{"\x00\x00"},
		{"\x00\x01"},
		{"\x00\xff"},
		{"\x01"},
		{"a"},
		{"a", ""},
		{"a", "", "b"},
		{"a", "\x00"},
		{"a", "b"},
		{"a", "b", "c"},
		{"a", "\xff"},
		{"a\x00"},
		{"a\x00", "b"},
		{"a\x00\x01", "b"},
		{"a\x00\xff"},
		{"a\x01"},
		{"aa"},
		{"ab", "a"},
		{"b"},
		{"ä"},
		{"世界"},
		{"\xff"},
		{"\xff", "\xff"},
		{"\xff\x00"},
		{"\xff\xff"},
	}
}

func testKeys(t *testing.T, open Opener) {
	db := mustOpen(t, open, t.TempDir())
	table := store.NewTable[string](db, "test", "keys")
	for _, neighbour := range []string{"", "key", "keys\x00", "keyss", "keyt", "\xff"} {
		put(t, db, store.NewTable[string](db, "test", neighbour), store.Key{"not", "mine"})
	}
	shuffled := slices.Clone(awkward())
	slices.Reverse(shuffled)
	put(t, db, table, shuffled...)

	wantKeys(t, scan(t, db, table, store.Range{}), awkward()...)
	wantKeys(t, scan(t, db, table, store.Range{Reverse: true}), shuffled...)
	for i, k := range awkward() {
		v, ok, err := get(t.Context(), db, table, k...)
		if err != nil || !ok || v != show(k) {
			t.Errorf("Get(%q) = %q, %v, %v", k, v, ok, err)
		}
		wantKeys(t, scan(t, db, table, store.Range{After: k}), awkward()[i+1:]...)
		wantKeys(t, scan(t, db, table, store.Range{From: k}), awkward()[i:]...)
		wantKeys(t, scan(t, db, table, store.Range{Before: k}), awkward()[:i]...)
		wantKeys(t, scan(t, db, table, store.Range{After: k, Reverse: true}), shuffled[len(shuffled)-i:]...)
		var below []store.Key
		for _, other := range awkward() {
			if len(other) >= len(k) && slices.Equal(other[:len(k)], k) {
				below = append(below, other)
			}
		}
		wantKeys(t, scan(t, db, table, store.Range{Prefix: k}), below...)
	}
}

func testRanges(t *testing.T, open Opener) {
	db := mustOpen(t, open, t.TempDir())
	table := store.NewTable[string](db, "test", "ranges")
	put(t, db, table,
		store.Key{"1", "a"}, store.Key{"1", "photos/1"}, store.Key{"1", "photos/2"}, store.Key{"1", "photos/2", "v"},
		store.Key{"1", "photosx"}, store.Key{"2", "photos/1"}, store.Key{"10", "photos/1"})
	photos := store.Range{Prefix: []string{"1"}, StartsWith: "photos/"}
	want := []store.Key{{"1", "photos/1"}, {"1", "photos/2"}, {"1", "photos/2", "v"}}
	wantKeys(t, scan(t, db, table, photos), want...)
	wantKeys(t, scan(t, db, table, store.Range{Prefix: []string{"3"}}))
	wantKeys(t, scan(t, db, table, store.Range{Prefix: []string{"1"}, After: store.Key{"2"}}))
	wantKeys(t, scan(t, db, table, store.Range{Prefix: []string{"1"}, From: store.Key{"1", "b"}, Before: store.Key{"1", "photos/2"}}),
		store.Key{"1", "photos/1"})
	for _, reverse := range []bool{false, true} {
		photos.Reverse, photos.After = reverse, nil
		var paged []store.Key
		for page := scan(t, db, table, photos); len(page) > 0; page = scan(t, db, table, photos) {
			paged = append(paged, page[0])
			photos.After = page[0]
		}
		wantKeys(t, paged, want...)
		slices.Reverse(want)
	}
}
