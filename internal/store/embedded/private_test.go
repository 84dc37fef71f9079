package embedded_test

import (
	"os"
	"path/filepath"
	"runtime"
	"testing"
)

func TestFilesAreForTheirOwnerOnly(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("Windows has no modes; files take the access list of their directory")
	}
	dir := t.TempDir()
	db, err := open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	files, err := filepath.Glob(filepath.Join(dir, "store", "*"))
	if err != nil || len(files) == 0 {
		t.Fatalf("files are %v, %v", files, err)
	}
	for _, f := range files {
		info, err := os.Stat(f)
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s is %v", filepath.Base(f), info.Mode())
		}
	}
}
