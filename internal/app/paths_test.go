package app

import (
	"os"
	"path/filepath"
	"testing"
)

func TestDataDirectoryIsClosedToOthers(t *testing.T) {
	t.Parallel()
	for mode, want := range map[os.FileMode]os.FileMode{0o777: 0o770, 0o775: 0o775, 0o700: 0o700} {
		data := filepath.Join(t.TempDir(), "data")
		if err := os.Mkdir(data, 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(data, mode); err != nil {
			t.Fatal(err)
		}
		if err := makeData(data); err != nil {
			t.Fatal(err)
		}
		info, err := os.Stat(data)
		if err != nil {
			t.Fatal(err)
		}
		if got := info.Mode().Perm(); got != want {
			t.Errorf("%v became %v, want %v", mode, got, want)
		}
	}
}
