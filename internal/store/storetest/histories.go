package storetest

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"redoubt/internal/store"
)

// model is a sorted map, slow and obvious.
type model map[string]string

// The separator sorts below all else, so that joined keys sort as tuples.
func join(k store.Key) string { return strings.Join(k, "\x00") }

func (m model) scan(r store.Range) (keys []store.Key) {
	for joined := range m {
		k := store.Key(strings.Split(joined, "\x00"))
		if inRange(k, r) {
			keys = append(keys, k)
		}
	}
	slices.SortFunc(keys, func(a, b store.Key) int { return slices.Compare(a, b) })
	if r.Reverse {
		slices.Reverse(keys)
	}
	return keys
}

func inRange(k store.Key, r store.Range) bool {
	n := len(r.Prefix)
	switch {
	case len(k) < n || !slices.Equal(k[:n], r.Prefix):
		return false
	case r.StartsWith != "" && (len(k) == n || !strings.HasPrefix(k[n], r.StartsWith)):
		return false
	case r.From != nil && slices.Compare(k, r.From) < 0, r.Before != nil && slices.Compare(k, r.Before) >= 0:
		return false
	case r.After != nil && r.Reverse:
		return slices.Compare(k, r.After) < 0
	case r.After != nil:
		return slices.Compare(k, r.After) > 0
	}
	return true
}

// testHistories compares the store with the model under random transactions, some of which fail, and restarts.
func testHistories(t *testing.T, open Opener) {
	for seed := range uint64(4) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			random := rand.New(rand.NewPCG(seed, 0))
			dir, want := t.TempDir(), model{}
			for range 4 {
				db := mustOpen(t, open, dir)
				table := store.NewTable[string](db, "test", "history")
				for range 40 {
					want = transact(t, random, db, table, want)
					compare(t, random, db, table, want)
				}
				must(t, db.Close())
			}
		})
	}
}

// transact runs one random transaction and returns what should be there after it.
func transact(t *testing.T, random *rand.Rand, db *store.DB, table *store.Table[string], before model) model {
	t.Helper()
	after := model{}
	for k, v := range before {
		after[k] = v
	}
	abort := random.IntN(4) == 0
	err := db.Update(t.Context(), func(tx *store.Tx) error {
		for range random.IntN(20) {
			k := randomKey(random)
			v, ok, err := table.Get(tx, k...)
			if want, there := after[join(k)]; err != nil || ok != there || v != want {
				t.Errorf("Get(%q) = %q, %v, %v; want %q, %v", k, v, ok, err, want, there)
			}
			if random.IntN(3) == 0 {
				delete(after, join(k))
				must(t, table.Delete(tx, k...))
			} else {
				after[join(k)] = show(k)
				must(t, table.Put(tx, show(k), k...))
			}
		}
		if abort {
			return errAbort
		}
		return nil
	})
	if abort {
		if !errors.Is(err, errAbort) {
			t.Errorf("Update returned %v", err)
		}
		return before
	}
	must(t, err)
	return after
}

func compare(t *testing.T, random *rand.Rand, db *store.DB, table *store.Table[string], want model) {
	t.Helper()
	wantKeys(t, scan(t, db, table, store.Range{}), want.scan(store.Range{})...)
	r := store.Range{Reverse: random.IntN(2) == 0}
	for _, part := range []*[]string{&r.Prefix, (*[]string)(&r.From), (*[]string)(&r.Before), (*[]string)(&r.After)} {
		if random.IntN(3) == 0 {
			*part = randomKey(random)
		}
	}
	if random.IntN(3) == 0 {
		r.StartsWith = "b"
	}
	wantKeys(t, scan(t, db, table, r), want.scan(r)...)
}

func randomKey(random *rand.Rand) store.Key {
	components := []string{"", "a", "b", "ba", "bb", "\x01", "\xff", "ä"}
	k := make(store.Key, 1+random.IntN(3))
	for i := range k {
		k[i] = components[random.IntN(len(components))]
	}
	return k
}
