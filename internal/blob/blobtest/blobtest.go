// Package blobtest is the behaviour that every store of large objects must show.
package blobtest

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"redoubt/internal/blob"
)

// Opener opens the objects below a directory, with keys that are kept there too.
type Opener func(dir string) (*blob.Store, error)

// Run checks everything.
func Run(t *testing.T, open Opener) {
	for name, test := range map[string]func(*testing.T, Opener){
		"objects come back":              testSizes,
		"objects outlive a restart":      testRestart,
		"deleted objects are gone":       testDelete,
		"ids that are none":              testIDs,
		"a failed Put leaves nothing":    testFailed,
		"damage is never data":           testDamage,
		"objects cannot be swapped":      testSwap,
		"nothing is readable on disk":    testSecrecy,
		"memory does not grow with size": testFlat,
		"Sweep removes stale orphans":    testSweep,
		"Sweep stops at an error":        testSweepError,
	} {
		t.Run(name, func(t *testing.T) { test(t, open) })
	}
}

func mustOpen(t *testing.T, open Opener, dir string) *blob.Store {
	t.Helper()
	s, err := open(dir)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func put(t *testing.T, s *blob.Store, content []byte) blob.ID {
	t.Helper()
	id, size, err := s.Put(t.Context(), bytes.NewReader(content))
	if err != nil || size != int64(len(content)) {
		t.Fatalf("put %d bytes: %d, %v", len(content), size, err)
	}
	return id
}

// read returns what can be read, and the error that ended it; nil at the end of the object.
func read(ctx context.Context, s *blob.Store, id blob.ID) ([]byte, int64, error) {
	r, size, err := s.Open(ctx, id)
	if err != nil {
		return nil, 0, err
	}
	defer r.Close()
	content, err := io.ReadAll(r)
	return content, size, err
}

func wantContent(t *testing.T, s *blob.Store, id blob.ID, want []byte) {
	t.Helper()
	got, size, err := read(t.Context(), s, id)
	if err != nil || size != int64(len(want)) || !bytes.Equal(got, want) {
		t.Errorf("object of %d bytes: %d bytes, size %d, %v", len(want), len(got), size, err)
	}
}

func random(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(rand.Uint32())
	}
	return b
}

func testSizes(t *testing.T, open Opener) {
	s := mustOpen(t, open, t.TempDir())
	const segment = 64 << 10
	for _, around := range []int{0, 1, segment - 40 - 16, segment - 16, 2*segment - 40 - 32, 3*segment - 40 - 48, 5 * segment} {
		for n := max(0, around-2); n <= around+2; n++ {
			content := random(n)
			wantContent(t, s, put(t, s, content), content)
		}
	}
	slow := random(3 * segment)
	id, _, err := s.Put(t.Context(), iotest.OneByteReader(bytes.NewReader(slow)))
	if err != nil {
		t.Fatal(err)
	}
	wantContent(t, s, id, slow)
}

func testRestart(t *testing.T, open Opener) {
	dir := t.TempDir()
	id := put(t, mustOpen(t, open, dir), []byte("kept"))
	wantContent(t, mustOpen(t, open, dir), id, []byte("kept"))
}

func testDelete(t *testing.T, open Opener) {
	s := mustOpen(t, open, t.TempDir())
	id, other := put(t, s, []byte("going")), put(t, s, []byte("staying"))
	r, _, err := s.Open(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	for range 2 {
		if err := s.Delete(t.Context(), id); err != nil {
			t.Errorf("Delete: %v", err)
		}
	}
	if content, err := io.ReadAll(r); err != nil || string(content) != "going" {
		t.Errorf("a reader that was open: %q, %v", content, err)
	}
	if _, _, err := s.Open(t.Context(), id); !errors.Is(err, blob.ErrNotFound) {
		t.Errorf("a deleted object: %v", err)
	}
	wantContent(t, s, other, []byte("staying"))
}

func testIDs(t *testing.T, open Opener) {
	s := mustOpen(t, open, t.TempDir())
	for _, id := range []blob.ID{"", "x", "../../etc/passwd", "..", blob.ID(strings.Repeat("0", 32)), blob.ID(strings.Repeat("A", 32))} {
		if _, _, err := s.Open(t.Context(), id); !errors.Is(err, blob.ErrNotFound) {
			t.Errorf("Open(%q): %v", id, err)
		}
		if err := s.Delete(t.Context(), id); err != nil {
			t.Errorf("Delete(%q): %v", id, err)
		}
	}
}

// regular returns the object files, those being written included, by path.
func regular(t *testing.T, dir string) map[string][]byte {
	t.Helper()
	found := map[string][]byte{}
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || len(entry.Name()) != 32 {
			return err
		}
		found[path], err = os.ReadFile(path)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func testFailed(t *testing.T, open Opener) {
	dir := t.TempDir()
	s := mustOpen(t, open, dir)
	broken := errors.New("the client went away")
	if _, _, err := s.Put(t.Context(), io.MultiReader(bytes.NewReader(random(1<<20)), iotest.ErrReader(broken))); !errors.Is(err, broken) {
		t.Errorf("Put from a broken reader: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	endless := io.MultiReader(bytes.NewReader(random(1<<20)), readerFunc(func(p []byte) (int, error) { cancel(); return len(p), nil }))
	if _, _, err := s.Put(ctx, endless); !errors.Is(err, context.Canceled) {
		t.Errorf("Put whose context ended: %v", err)
	}
	if left := regular(t, dir); len(left) > 0 {
		t.Errorf("%d files remain", len(left))
	}
}

type readerFunc func(p []byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

// testDamage wants every flipped bit and every cut to be an error, and what is read before it to be right.
func testDamage(t *testing.T, open Opener) {
	dir := t.TempDir()
	s := mustOpen(t, open, dir)
	content := random(200 << 10)
	id := put(t, s, content)
	for path, sealed := range regular(t, dir) {
		check := func(what string, at int, spoiled []byte) {
			t.Helper()
			if err := os.WriteFile(path, spoiled, 0o600); err != nil {
				t.Fatal(err)
			}
			got, _, err := read(t.Context(), s, id)
			if !errors.Is(err, blob.ErrCorrupt) || !bytes.HasPrefix(content, got) {
				t.Errorf("%s at %d of %d: %d bytes, %v", what, at, len(sealed), len(got), err)
			}
		}
		for _, at := range append(rand.Perm(len(sealed))[:60], 0, 1, 39, 40, len(sealed)-1) {
			flipped := bytes.Clone(sealed)
			flipped[at] ^= 1 << rand.IntN(8)
			check("a flipped bit", at, flipped)
			check("a cut", at, sealed[:at])
		}
		check("a cut between segments", 2*64<<10, sealed[:2*64<<10])
		check("an addition", len(sealed), append(bytes.Clone(sealed), 0))
		check("a doubling", len(sealed), append(bytes.Clone(sealed), sealed...))
	}
}

func testSwap(t *testing.T, open Opener) {
	dir := t.TempDir()
	s := mustOpen(t, open, dir)
	a, b := put(t, s, []byte("a")), put(t, s, []byte("b"))
	var paths []string
	for path := range regular(t, dir) {
		paths = append(paths, path)
	}
	if err := os.Rename(paths[0], paths[1]); err != nil {
		t.Fatal(err)
	}
	for _, id := range []blob.ID{a, b} {
		if content, _, err := read(t.Context(), s, id); !errors.Is(err, blob.ErrCorrupt) && !errors.Is(err, blob.ErrNotFound) {
			t.Errorf("object %s after another took its place: %q, %v", id, content, err)
		}
	}
}

func testSecrecy(t *testing.T, open Opener) {
	dir := t.TempDir()
	put(t, mustOpen(t, open, dir), bytes.Repeat([]byte("canary "), 50000))
	for path, content := range regular(t, dir) {
		if bytes.Contains(content, []byte("canary")) {
			t.Errorf("%s is readable", path)
		}
	}
}

func testFlat(t *testing.T, open Opener) {
	s := mustOpen(t, open, t.TempDir())
	const size = 32 << 20
	var id blob.ID
	zeros := readerFunc(func(p []byte) (int, error) { return len(p), nil })
	steps := map[string]func() error{
		"Open": func() error {
			r, _, err := s.Open(t.Context(), id)
			if err != nil {
				return err
			}
			defer r.Close()
			_, err = io.Copy(io.Discard, r)
			return err
		},
		"Put": func() (err error) {
			id, _, err = s.Put(t.Context(), io.LimitReader(zeros, size))
			return err
		},
	}
	for _, step := range []string{"Put", "Open"} {
		if n := allocated(t, steps[step]); n > 2<<20 {
			t.Errorf("%s of %d MiB allocates %d KiB", step, size>>20, n>>10)
		}
	}
}

func allocated(t *testing.T, fn func() error) uint64 {
	t.Helper()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	if err := fn(); err != nil {
		t.Error(err)
	}
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

func testSweep(t *testing.T, open Opener) {
	dir := t.TempDir()
	s := mustOpen(t, open, dir)
	kept, orphan := put(t, s, []byte("kept")), put(t, s, []byte("orphan"))
	interrupted := filepath.Join(dir, "incoming", strings.Repeat("ab", 16))
	for path := range regular(t, dir) { // the store may be in a directory below
		interrupted = filepath.Join(filepath.Dir(filepath.Dir(path)), "incoming", strings.Repeat("ab", 16))
	}
	if err := os.WriteFile(interrupted, []byte("half"), 0o600); err != nil {
		t.Fatal(err)
	}
	keep := func(id blob.ID) (bool, error) { return id == kept, nil }
	if n, err := s.Sweep(t.Context(), time.Now().Add(-time.Hour), keep); n != 0 || err != nil {
		t.Errorf("a sweep of young objects removed %d, %v", n, err)
	}
	if n, err := s.Sweep(t.Context(), time.Now().Add(time.Hour), keep); n != 2 || err != nil {
		t.Errorf("a sweep removed %d, %v; want the orphan and the interrupted one", n, err)
	}
	wantContent(t, s, kept, []byte("kept"))
	if _, _, err := s.Open(t.Context(), orphan); !errors.Is(err, blob.ErrNotFound) {
		t.Errorf("the orphan: %v", err)
	}
	if _, err := os.Stat(interrupted); !os.IsNotExist(err) {
		t.Errorf("the interrupted one: %v", err)
	}
}

func testSweepError(t *testing.T, open Opener) {
	s := mustOpen(t, open, t.TempDir())
	id := put(t, s, []byte("maybe in use"))
	broken := errors.New("the store is closed")
	n, err := s.Sweep(t.Context(), time.Now().Add(time.Hour), func(blob.ID) (bool, error) { return false, broken })
	if n != 0 || !errors.Is(err, broken) {
		t.Errorf("a sweep that could not ask removed %d, %v", n, err)
	}
	wantContent(t, s, id, []byte("maybe in use"))
}
