package seal_test

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"redoubt/internal/seal"
)

func open(t *testing.T, keeperURL, dir string) *seal.Ring {
	t.Helper()
	r, err := seal.Open(t.Context(), keeperURL, dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	return r
}

func box(t *testing.T, r *seal.Ring, name string) *seal.Box {
	t.Helper()
	b, err := r.Box(name)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func sealed(t *testing.T, b *seal.Box, plain, ad string) []byte {
	t.Helper()
	s, err := b.Seal([]byte(plain), []byte(ad))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func wantOpens(t *testing.T, b *seal.Box, s []byte, plain, ad string) {
	t.Helper()
	got, err := b.Open(s, []byte(ad))
	if err != nil || string(got) != plain {
		t.Errorf("opened %q, %v; want %q", got, err, plain)
	}
}

// files returns the content of every file below dir.
func files(t *testing.T, dir string) map[string]string {
	t.Helper()
	found := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := os.ReadFile(path)
		found[path] = string(content)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func wantSameFiles(t *testing.T, dir string, before map[string]string) {
	t.Helper()
	after := files(t, dir)
	for path, content := range after {
		if old, ok := before[path]; !ok || old != content {
			t.Errorf("%s was created or changed", path)
		}
	}
	if len(after) != len(before) {
		t.Errorf("%d files became %d", len(before), len(after))
	}
}

func TestKeysStayTheSameAcrossRestarts(t *testing.T) {
	dir := t.TempDir()
	first := open(t, "", dir)
	s := sealed(t, box(t, first, "kms"), "secret", "place")
	raw, err := first.Raw("store", 32)
	if err != nil {
		t.Fatal(err)
	}
	second := open(t, "", dir)
	wantOpens(t, box(t, second, "kms"), s, "secret", "place")
	again, err := second.Raw("store", 32)
	if err != nil || !bytes.Equal(raw, again) || len(raw) != 32 {
		t.Errorf("raw key %x became %x, %v", raw, again, err)
	}
	if other, _ := second.Raw("other", 32); bytes.Equal(raw, other) {
		t.Error("two names have one raw key")
	}
}

func TestBoxOpensOnlyWhatItSealedThere(t *testing.T) {
	r := open(t, "", t.TempDir())
	b := box(t, r, "kms")
	s := sealed(t, b, "secret", "place")
	wantOpens(t, b, s, "secret", "place")
	flipped := bytes.Clone(s)
	flipped[len(flipped)/2] ^= 1
	for name, open := range map[string]func() ([]byte, error){
		"another place": func() ([]byte, error) { return b.Open(s, []byte("elsewhere")) },
		"a flipped bit": func() ([]byte, error) { return b.Open(flipped, []byte("place")) },
		"a cut":         func() ([]byte, error) { return b.Open(s[:len(s)-1], []byte("place")) },
		"nothing":       func() ([]byte, error) { return b.Open(nil, []byte("place")) },
		"another box":   func() ([]byte, error) { return box(t, r, "iam").Open(s, []byte("place")) },
	} {
		if got, err := open(); !errors.Is(err, seal.ErrUnsealable) || got != nil {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
}

func TestKeyFilesCannotBeSwapped(t *testing.T) {
	dir := t.TempDir()
	r := open(t, "", dir)
	box(t, r, "kms")
	if err := os.Rename(filepath.Join(dir, "keys", "box.kms"), filepath.Join(dir, "keys", "box.iam")); err != nil {
		t.Fatal(err)
	}
	if _, err := open(t, "", dir).Box("iam"); !errors.Is(err, seal.ErrUnsealable) {
		t.Errorf("the key of another service: %v", err)
	}
}

func TestNamesOfKeysCannotLeaveTheDirectory(t *testing.T) {
	r := open(t, "", t.TempDir())
	for _, name := range []string{"", "../x", "a/b", "A", ".", "a.b", "a\x00"} {
		if _, err := r.Box(name); err == nil {
			t.Errorf("%q became a key", name)
		}
	}
}

func TestFilesAreForTheOwnerOnlyAndHoldNoKeyInClear(t *testing.T) {
	dir := t.TempDir()
	r := open(t, "", dir)
	box(t, r, "kms")
	for path := range files(t, dir) {
		info, err := os.Stat(path)
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %v, %v", path, info.Mode(), err)
		}
	}
}

func TestWrongKeyTouchesNothing(t *testing.T) {
	t.Setenv(seal.PassphraseVariable, "right")
	other := t.TempDir()
	open(t, "", other)
	for _, keeperURL := range []string{"", "passphrase:"} {
		for name, spoil := range map[string]func(dir string) (url string){
			"another file": func(string) string { return "file://" + filepath.Join(other, "seal.key") },
			"no file":      func(dir string) string { os.Remove(filepath.Join(dir, "seal.key")); return "" },
			"passphrase": func(dir string) string {
				file := filepath.Join(t.TempDir(), "passphrase")
				os.WriteFile(file, []byte("wrong\n"), 0o600)
				return "passphrase://" + file
			},
		} {
			dir := t.TempDir()
			box(t, open(t, keeperURL, dir), "kms")
			url := spoil(dir)
			before := files(t, dir)
			_, err := seal.Open(t.Context(), url, dir)
			if !errors.Is(err, seal.ErrWrongKey) {
				t.Errorf("sealed with %q, opened with %s: %v", keeperURL, name, err)
			}
			wantSameFiles(t, dir, before)
		}
	}
}

func TestUnusableKeeperCreatesNothing(t *testing.T) {
	t.Setenv(seal.PassphraseVariable, "")
	t.Setenv("VAULT_ADDR", "")
	dir := t.TempDir()
	open0 := filepath.Join(t.TempDir(), "open")
	os.WriteFile(open0, []byte("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n"), 0o644)
	os.Chmod(open0, 0o644)
	short := filepath.Join(t.TempDir(), "short")
	os.WriteFile(short, []byte("AAAA\n"), 0o600)
	for _, url := range []string{
		"nonsense", "ftp://x", "file://host/path", "file://" + open0, "file://" + short,
		"passphrase:", "passphrase:///nowhere", "hashivault://key", "://",
	} {
		if _, err := seal.Open(t.Context(), url, dir); err == nil {
			t.Errorf("%s: opened", url)
		}
	}
	wantSameFiles(t, dir, map[string]string{})
}

func TestLostRootKeyIsNotReplaced(t *testing.T) {
	dir := t.TempDir()
	box(t, open(t, "", dir), "kms")
	os.Remove(filepath.Join(dir, "keys", "root"))
	before := files(t, dir)
	if _, err := seal.Open(t.Context(), "", dir); !errors.Is(err, seal.ErrUnsealable) || !strings.Contains(err.Error(), "backup") {
		t.Errorf("without the root key: %v", err)
	}
	wantSameFiles(t, dir, before)
}

func TestDamagedKeysAreErrors(t *testing.T) {
	dir := t.TempDir()
	box(t, open(t, "", dir), "kms")
	for path, content := range files(t, filepath.Join(dir, "keys")) {
		for _, at := range []int{0, len(content) / 2, len(content) - 1} {
			if content == "" { // the lock
				continue
			}
			spoiled := []byte(content)
			spoiled[at] ^= 0x10
			os.WriteFile(path, spoiled, 0o600)
			r, err := seal.Open(t.Context(), "", dir)
			if err == nil {
				_, err = r.Box("kms")
			}
			if err == nil && at != 0 {
				t.Errorf("byte %d of %s was damaged unnoticed", at, path)
			}
		}
		os.WriteFile(path, []byte(content), 0o600)
	}
	box(t, open(t, "", dir), "kms")
}

func TestManyOpenersOfANewDirectoryAgree(t *testing.T) {
	dir := t.TempDir()
	rings := make([]*seal.Ring, 8)
	var wg sync.WaitGroup
	for i := range rings {
		wg.Go(func() {
			var err error
			if rings[i], err = seal.Open(context.Background(), "", dir); err != nil {
				t.Error(err)
				return
			}
			if _, err := rings[i].Box("kms"); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if t.Failed() {
		return
	}
	s := sealed(t, box(t, rings[0], "kms"), "secret", "")
	for _, r := range rings {
		wantOpens(t, box(t, r, "kms"), s, "secret", "")
	}
}

func BenchmarkBox(b *testing.B) {
	r, err := seal.Open(b.Context(), "", b.TempDir())
	if err != nil {
		b.Fatal(err)
	}
	x, err := r.Box("bench")
	if err != nil {
		b.Fatal(err)
	}
	plain, ad := make([]byte, 256), []byte("bench/row/0123456789")
	s, _ := x.Seal(plain, ad)
	b.Run("Seal 256 B", func(b *testing.B) {
		for b.Loop() {
			x.Seal(plain, ad)
		}
	})
	b.Run("Open 256 B", func(b *testing.B) {
		for b.Loop() {
			x.Open(s, ad)
		}
	})
}
