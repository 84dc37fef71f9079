package engine_test

import (
	"archive/zip"
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"redoubt/internal/sandbox/engine"
	"redoubt/internal/sandbox/sandboxtest"
)

func unpack(t *testing.T, files ...sandboxtest.File) (string, error) {
	t.Helper()
	dir := t.TempDir()
	archive := sandboxtest.Zip(t, files...)
	err := engine.Unpack(dir, 1<<20, bytes.NewReader(archive))
	if checked := check(t, archive); (checked == nil) != (err == nil) {
		t.Errorf("checked: %v, unpacked: %v", checked, err)
	}
	return dir, err
}

func check(t *testing.T, archive []byte) error {
	t.Helper()
	r, err := zip.NewReader(bytes.NewReader(archive), int64(len(archive)))
	if err != nil {
		t.Fatal(err)
	}
	return engine.Check(1<<20, r)
}

func TestWhatCannotBeUnpackedIsKnownBefore(t *testing.T) {
	const link = fs.ModeSymlink | 0o777
	for name, files := range map[string][]sandboxtest.File{
		"a name that climbs out":   {{Name: "a/../../x", Mode: 0o644}},
		"an absolute name":         {{Name: "/tmp/x", Mode: 0o644}},
		"a link that leaves":       {{Name: "a/x", Mode: link, Text: "../../etc/passwd"}},
		"a file below a link":      {{Name: "x", Mode: link, Text: "y"}, {Name: "x/z", Mode: 0o644}},
		"a file below a file":      {{Name: "x", Mode: 0o644}, {Name: "x/z", Mode: 0o644}},
		"a link for a directory":   {{Name: "x/y", Mode: 0o644}, {Name: "x", Mode: link, Text: "z"}},
		"a device":                 {{Name: "x", Mode: fs.ModeDevice | 0o666}},
		"a sum too large":          {{Name: "x", Mode: 0o644, Claim: 1 << 20}, {Name: "y", Mode: 0o644, Claim: 1}},
		"a name of 4,000 bytes":    {{Name: strings.Repeat("x/", 2000), Mode: fs.ModeDir | 0o755}},
		"directories without end":  manyDirectories(),
		"a claim beyond any ratio": {{Name: "x", Mode: 0o644, Text: "x", Claim: 2 << 20}},
	} {
		if err := check(t, sandboxtest.Zip(t, files...)); err == nil {
			t.Errorf("%s was accepted", name)
		}
	}
}

// manyDirectories need few bytes: each name stands for two thousand of them.
func manyDirectories() (files []sandboxtest.File) {
	for i := range 150 {
		files = append(files, sandboxtest.File{Name: strconv.Itoa(i) + strings.Repeat("/x", 1800), Mode: 0o644})
	}
	return files
}

func TestModesSurviveButForWriting(t *testing.T) {
	dir, err := unpack(t, sandboxtest.File{Name: "bin/tool", Mode: 0o777, Text: "x"}, sandboxtest.File{Name: "secret", Mode: 0o600, Text: "x"})
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]fs.FileMode{"bin/tool": 0o755, "secret": 0o600, "bin": fs.ModeDir | 0o755} {
		if info, err := os.Stat(filepath.Join(dir, name)); err != nil || info.Mode() != want {
			t.Errorf("%s: %v, %v, want %v", name, info.Mode(), err, want)
		}
	}
}

func TestLaterArchivesWin(t *testing.T) {
	dir := t.TempDir()
	first := sandboxtest.Zip(t, sandboxtest.File{Name: "a", Mode: 0o644, Text: "first"}, sandboxtest.File{Name: "b", Mode: 0o644, Text: "first"})
	second := sandboxtest.Zip(t, sandboxtest.File{Name: "a", Mode: 0o644, Text: "second"})
	if err := engine.Unpack(dir, 1<<20, bytes.NewReader(first), bytes.NewReader(second)); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"a": "second", "b": "first"} {
		if b, err := os.ReadFile(filepath.Join(dir, name)); err != nil || string(b) != want {
			t.Errorf("%s: %q, %v", name, b, err)
		}
	}
}

func TestLinks(t *testing.T) {
	for target, ok := range map[string]bool{
		"sibling": true, "../top": true, "./x": true, "/opt/lib/x": true, "/var/task/x": true, "/tmp/x": true,
		"../../out": false, "/etc/passwd": false, "/opt/../etc": false, "/": false, "": false, "/proc/self/root": false,
	} {
		_, err := unpack(t, sandboxtest.File{Name: "dir/link", Mode: fs.ModeSymlink | 0o777, Text: target})
		if (err == nil) != ok {
			t.Errorf("link to %q: %v", target, err)
		}
	}
}

func TestSizeIsBounded(t *testing.T) {
	exact := sandboxtest.File{Name: "x", Mode: 0o644, Text: string(make([]byte, 1<<20))}
	if _, err := unpack(t, exact); err != nil {
		t.Errorf("exactly the limit: %v", err)
	}
	if _, err := unpack(t, exact, sandboxtest.File{Name: "y", Mode: 0o644, Text: "y"}); err == nil {
		t.Error("a byte more was accepted")
	}
}

func FuzzUnpack(f *testing.F) {
	f.Add(sandboxtest.Zip(f, sandboxtest.File{Name: "a/b", Mode: 0o644, Text: "x"}, sandboxtest.File{Name: "l", Mode: fs.ModeSymlink | 0o777, Text: "a"}))
	f.Fuzz(func(t *testing.T, archive []byte) {
		outer := t.TempDir()
		dir := filepath.Join(outer, "in")
		if err := os.Mkdir(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		_ = engine.Unpack(dir, 1<<16, bytes.NewReader(archive)) // whatever it says, it stays inside
		if entries, err := os.ReadDir(outer); err != nil || len(entries) != 1 {
			t.Errorf("%v, %v", entries, err)
		}
	})
}
