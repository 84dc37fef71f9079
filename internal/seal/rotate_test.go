package seal

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"redoubt/internal/disk"
)

func mustOpen(t *testing.T, dir string) *Ring {
	t.Helper()
	r, err := Open(t.Context(), "", dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	return r
}

// sealIn seals one message with each of two services.
func sealIn(t *testing.T, dir string) map[string][]byte {
	t.Helper()
	r, sealed := mustOpen(t, dir), map[string][]byte{}
	for _, name := range []string{"kms", "iam"} {
		b, err := r.Box(name)
		if err != nil {
			t.Fatal(err)
		}
		if sealed[name], err = b.Seal([]byte(name), nil); err != nil {
			t.Fatal(err)
		}
	}
	return sealed
}

func wantReadable(t *testing.T, r *Ring, sealed map[string][]byte) {
	t.Helper()
	for name, s := range sealed {
		b, err := r.Box(name)
		if err != nil {
			t.Errorf("the key of %s: %v", name, err)
			continue
		}
		if plain, err := b.Open(s, nil); err != nil || string(plain) != name {
			t.Errorf("the message of %s: %q, %v", name, plain, err)
		}
	}
}

func contents(t *testing.T, dir string) map[string][]byte {
	t.Helper()
	files, err := dataKeys(filepath.Join(dir, "keys"))
	if err != nil {
		t.Fatal(err)
	}
	found := map[string][]byte{}
	for _, file := range append(files, rootName) {
		if found[file], err = os.ReadFile(filepath.Join(dir, "keys", file)); err != nil {
			t.Fatal(err)
		}
	}
	return found
}

func TestRotationReplacesEveryWrapAndKeepsData(t *testing.T) {
	dir := t.TempDir()
	sealed := sealIn(t, dir)
	before := contents(t, dir)
	if err := mustOpen(t, dir).RotateRoot(t.Context()); err != nil {
		t.Fatal(err)
	}
	for file, content := range contents(t, dir) {
		if bytes.Equal(content, before[file]) {
			t.Errorf("%s is as before", file)
		}
	}
	r := mustOpen(t, dir)
	wantReadable(t, r, sealed)
	if r.root.Len() != 1 {
		t.Errorf("%d root keys remain", r.root.Len())
	}
	for file, content := range before {
		if _, err := r.unwrapLocked(file, content); err == nil {
			t.Errorf("the new root opens the old %s", file)
		}
	}
}

func TestInterruptedRotationLosesNothing(t *testing.T) {
	for done := range 4 {
		t.Run(fmt.Sprintf("after %d steps", done), func(t *testing.T) {
			dir := t.TempDir()
			sealed := sealIn(t, dir)
			before := contents(t, dir)
			r := mustOpen(t, dir)
			for _, step := range []func(context.Context) error{r.addRootLocked, r.rewrapLocked, r.dropOldRootsLocked}[:done] {
				if err := step(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
			if done == 2 { // as if the crash came between two files
				if err := disk.Replace(filepath.Join(dir, "keys", "box.kms"), before["box.kms"]); err != nil {
					t.Fatal(err)
				}
			}
			r = mustOpen(t, dir)
			wantReadable(t, r, sealed)
			if err := r.RotateRoot(t.Context()); err != nil {
				t.Fatal(err)
			}
			r = mustOpen(t, dir)
			wantReadable(t, r, sealed)
			if r.root.Len() != 1 {
				t.Errorf("%d root keys remain", r.root.Len())
			}
		})
	}
}

func TestRotationByAnotherProcessIsNoticed(t *testing.T) {
	dir := t.TempDir()
	sealed := sealIn(t, dir)
	server := mustOpen(t, dir) // has opened no box yet
	if err := mustOpen(t, dir).RotateRoot(t.Context()); err != nil {
		t.Fatal(err)
	}
	wantReadable(t, server, sealed)
	b, err := server.Box("new")
	if err != nil {
		t.Fatal(err)
	}
	s, err := b.Seal([]byte("new"), nil)
	if err != nil {
		t.Fatal(err)
	}
	wantReadable(t, mustOpen(t, dir), map[string][]byte{"new": s})
}
