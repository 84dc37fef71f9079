package storetest

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"redoubt/internal/store"
)

func testInUse(t *testing.T, open Opener) {
	dir := t.TempDir()
	db := mustOpen(t, open, dir)
	again, err := open(dir)
	if !errors.Is(err, store.ErrInUse) || !strings.Contains(fmt.Sprint(err), dir) {
		t.Errorf("opening a store twice: %v", err)
	}
	if again != nil {
		again.Close()
	}
	put(t, db, store.NewTable[string](db, "test", "t"), store.Key{"still works"})
}

func eachFile(t *testing.T, dir string, fn func(path string, content []byte)) {
	t.Helper()
	must(t, filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return gone(err)
		}
		content, err := os.ReadFile(path)
		if err == nil {
			fn(path, content)
		}
		return gone(err)
	}))
}

// gone forgives that an open store removes files.
func gone(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// Nothing that was ever stored can be read in the directory, in the log or in tables: no name, no key, no value.
func testSecrecy(t *testing.T, open Opener) {
	const canary = "canary"
	dir := t.TempDir()
	db := mustOpen(t, open, dir)
	look := func(when string) {
		eachFile(t, dir, func(path string, content []byte) {
			if bytes.Contains(content, []byte(canary)) || strings.Contains(path, canary) {
				t.Errorf("%s, %s holds readable data", when, path)
			}
		})
	}
	table := store.NewTable[map[string]string](db, "test", canary+"-table")
	for i := range 20000 { // enough for tables to be written
		must(t, db.Update(store.Deferred(t.Context()), func(tx *store.Tx) error {
			v := map[string]string{canary + "-field": canary + strings.Repeat(" value", 200)}
			return errors.Join(table.Put(tx, v, canary+"-key", fmt.Sprint(i)), tx.Send(canary+"-topic", canary, []byte(canary)))
		}))
	}
	must(t, db.Flush(t.Context()))
	look("while open")
	must(t, db.Close())
	look("after Close")
	must(t, mustOpen(t, open, dir).Close())
	look("after a restart")
}

// testOtherKey puts the data of one store beside the keys of another.
func testOtherKey(t *testing.T, open Opener) {
	mine, other := t.TempDir(), t.TempDir()
	for _, dir := range []string{mine, other} {
		db := mustOpen(t, open, dir)
		put(t, db, store.NewTable[string](db, "test", "t"), store.Key{"k"})
		must(t, db.Close())
	}
	before := map[string][]byte{}
	eachFile(t, other, func(path string, content []byte) {
		name, err := filepath.Rel(other, path)
		must(t, err)
		if strings.HasPrefix(name, "keys") || name == "seal.key" {
			must(t, os.WriteFile(filepath.Join(mine, name), content, 0o600))
		}
	})
	eachFile(t, mine, func(path string, content []byte) { before[path] = content })
	if db, err := open(mine); !errors.Is(err, store.ErrCorrupt) {
		t.Errorf("opening with another key: %v", err)
		if db != nil {
			db.Close()
		}
	}
	eachFile(t, mine, func(path string, content []byte) {
		if !bytes.Equal(before[path], content) {
			t.Errorf("opening with another key changed %s", path)
		}
	})
}

// fill makes a store whose latest data is in the log only, and returns the keys in the order in which they were put.
func fill(t *testing.T, open Opener, dir string) (keys []store.Key) {
	t.Helper()
	db := mustOpen(t, open, dir)
	table := store.NewTable[string](db, "test", "t")
	for i := range 200 {
		k := store.Key{fmt.Sprintf("%03d", i)}
		put(t, db, table, k)
		keys = append(keys, k)
	}
	must(t, db.Close())
	return keys
}

// damaged opens a copy of dir in which change was applied to a file. It returns the keys that are there, or the error.
func damaged(t *testing.T, open Opener, dir, file string, change func([]byte) []byte) ([]store.Key, error) {
	t.Helper()
	clone := t.TempDir()
	must(t, os.CopyFS(clone, os.DirFS(dir)))
	must(t, os.Chmod(filepath.Join(clone, "seal.key"), 0o600))
	content, err := os.ReadFile(filepath.Join(clone, file))
	must(t, err)
	must(t, os.WriteFile(filepath.Join(clone, file), change(content), 0o600))
	db, err := open(clone)
	if err != nil {
		return nil, err
	}
	defer db.Close()
	table := store.NewTable[string](db, "test", "t")
	var keys []store.Key
	return keys, db.View(t.Context(), func(tx *store.Tx) error {
		for rec, err := range table.Scan(tx, store.Range{}) {
			if err != nil {
				return err
			}
			if rec.Value != show(rec.Key) {
				t.Errorf("damage in %s became data: %q = %q", file, rec.Key, rec.Value)
			}
			keys = append(keys, rec.Key)
		}
		return nil
	})
}

// largestLog returns the largest write-ahead log: the one that holds the records of fill.
func largestLog(t *testing.T, dir string) (file string, size int) {
	t.Helper()
	eachFile(t, dir, func(path string, content []byte) {
		if strings.HasSuffix(path, ".log") && len(content) > size {
			name, err := filepath.Rel(dir, path)
			must(t, err)
			file, size = name, len(content)
		}
	})
	if size == 0 {
		t.Fatal("there is no log")
	}
	return file, size
}

// A log that ends too early, as after a power cut, costs the records at its end and nothing else.
func testTruncated(t *testing.T, open Opener) {
	dir := t.TempDir()
	all := fill(t, open, dir)
	file, size := largestLog(t, dir)
	for _, cut := range []int{1, 7, 17, 100, 1000, size / 2} {
		for name, change := range map[string]func(b []byte) []byte{
			"cut off":                func(b []byte) []byte { return b[:size-cut] },
			"in sectors not written": func(b []byte) []byte { clear(b[(size-cut)/512*512:]); return b },
		} {
			keys, err := damaged(t, open, dir, file, change)
			switch {
			case err != nil:
				t.Errorf("%d bytes %s: %v", cut, name, err)
			case len(keys) < len(all)*(size-cut-512)/size-5:
				t.Errorf("%d bytes of %d %s left %d records of %d", cut, size, name, len(keys), len(all))
			default:
				wantKeys(t, keys, all[:len(keys)]...)
			}
		}
	}
}

// A flipped bit, wherever, is an error or has no effect. It never changes, adds or hides a record.
func testFlipped(t *testing.T, open Opener) {
	dir := t.TempDir()
	flipEverywhere(t, open, dir, fill(t, open, dir))
}

// The same with data that has left the log for tables.
func testFlippedTables(t *testing.T, open Opener) {
	dir := t.TempDir()
	all := fill(t, open, dir)
	for range 2 { // a restart replays the log into a table
		must(t, mustOpen(t, open, dir).Close())
	}
	flipEverywhere(t, open, dir, all)
}

func flipEverywhere(t *testing.T, open Opener, dir string, all []store.Key) {
	t.Helper()
	eachFile(t, dir, func(path string, content []byte) {
		name, err := filepath.Rel(dir, path)
		must(t, err)
		for range min(len(content), 12) {
			bit := rand.IntN(len(content) * 8)
			keys, err := damaged(t, open, dir, name, func(b []byte) []byte {
				b[bit/8] ^= 1 << (bit % 8)
				return b
			})
			if err == nil && !slices.EqualFunc(keys, all, func(a, b store.Key) bool { return slices.Equal(a, b) }) {
				t.Errorf("bit %d of %s (%d bytes) flipped: %d records of %d, and no error", bit, name, len(content), len(keys), len(all))
			}
		}
	})
}
