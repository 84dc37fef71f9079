package engine_test

import (
	"archive/zip"
	"bytes"
	"compress/flate"
	"encoding/binary"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"redoubt/internal/sandbox/engine"
	"redoubt/internal/sandbox/sandboxtest"
)

// unpackBytes unpacks an archive that no writer makes.
func unpackBytes(t *testing.T, archive []byte) (string, error) {
	t.Helper()
	dir := t.TempDir()
	return dir, engine.Unpack(dir, 1<<20, bytes.NewReader(archive))
}

func deflated(t *testing.T, text string) string {
	t.Helper()
	var b bytes.Buffer
	w, err := flate.NewWriter(&b, flate.BestCompression)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(w, text); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// raw makes an archive of one entry whose header says what it likes.
func raw(t *testing.T, packed string, claim uint64) []byte {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	out, err := w.CreateRaw(&zip.FileHeader{Name: "x", Method: zip.Deflate, CompressedSize64: uint64(len(packed)), UncompressedSize64: claim})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(out, packed); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// sizeOf adds up what is in a directory.
func sizeOf(t *testing.T, dir string) (n int64) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if info, infoErr := d.Info(); err == nil && infoErr == nil && !d.IsDir() {
			n += info.Size()
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestSizesThatLieAreRefused(t *testing.T) {
	packed := deflated(t, strings.Repeat("x", 8<<20))
	for name, claim := range map[string]uint64{
		"nothing": 0, "one byte": 1, "just the limit": 1 << 20, "four gigabytes and a bit": 5 << 30, "all there is": 1<<64 - 1, "a negative number": 1 << 63,
	} {
		dir, err := unpackBytes(t, raw(t, packed, claim))
		if err == nil {
			t.Errorf("8 MB that claim to be %s were accepted", name)
		}
		if n := sizeOf(t, dir); n > 1<<20+1 {
			t.Errorf("8 MB that claim to be %s left %d bytes", name, n)
		}
	}
}

// overlapping makes an archive whose directory names the same data many times, as the most efficient bombs do.
func overlapping(t *testing.T, size, times int) []byte {
	t.Helper()
	archive := sandboxtest.Zip(t, sandboxtest.File{Name: "x", Mode: 0o644, Text: strings.Repeat("x", size)})
	const endSize = 22
	end := archive[len(archive)-endSize:]
	length, offset := binary.LittleEndian.Uint32(end[12:]), binary.LittleEndian.Uint32(end[16:])
	entry := archive[offset : offset+length]
	out := bytes.Clone(archive[:offset])
	for i := range times {
		e := bytes.Clone(entry)
		e[46] = byte('0' + i) // the name
		out = append(out, e...)
	}
	end = bytes.Clone(end)
	binary.LittleEndian.PutUint16(end[8:], uint16(times))
	binary.LittleEndian.PutUint16(end[10:], uint16(times))
	binary.LittleEndian.PutUint32(end[12:], length*uint32(times))
	return append(out, end...)
}

func TestEntriesThatShareTheirDataCountEach(t *testing.T) {
	if dir, err := unpackBytes(t, overlapping(t, 1<<18, 4)); err != nil || sizeOf(t, dir) != 1<<20 {
		t.Errorf("exactly the limit: %v", err)
	}
	dir, err := unpackBytes(t, overlapping(t, 1<<18, 60))
	if err == nil {
		t.Error("sixty times a quarter of the limit was accepted")
	}
	if n := sizeOf(t, dir); n > 1<<20 {
		t.Errorf("left %d bytes", n)
	}
}

func TestArchivesInArchivesStayPacked(t *testing.T) {
	inner := sandboxtest.Zip(t, sandboxtest.File{Name: "inner", Mode: 0o644, Text: strings.Repeat("x", 1<<20)})
	dir, err := unpack(t, sandboxtest.File{Name: "bomb.zip", Mode: 0o644, Text: string(inner)})
	if n := sizeOf(t, dir); err != nil || n != int64(len(inner)) {
		t.Errorf("%d bytes, %v", n, err)
	}
}

func TestOddNames(t *testing.T) {
	for name, ok := range map[string]bool{
		"a\x00b": false, "": false, "..": false, "a/..": false, "a//b": false, "./a": true, "a/./b": false, `C:\x`: false, "C:/x": true, "...": true, "-rf": true,
		strings.Repeat("n", 255): true, strings.Repeat("n", 256): false, strings.Repeat("n", 70_000-5000): false, "caf\u00e9": true, "caf\xe9": false, "a\nb": true,
	} {
		if _, err := unpack(t, sandboxtest.File{Name: name, Mode: 0o644, Text: "x"}); (err == nil) != ok {
			t.Errorf("%.20q: %v", name, err)
		}
	}
}

func TestNamesThatDifferInCaseAreTwo(t *testing.T) {
	dir, err := unpack(t, sandboxtest.File{Name: "File", Mode: 0o644, Text: "upper"}, sandboxtest.File{Name: "file", Mode: 0o644, Text: "lower"})
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"File": "upper", "file": "lower"} {
		if b, err := os.ReadFile(filepath.Join(dir, name)); err != nil || string(b) != want {
			t.Errorf("%s: %q, %v", name, b, err)
		}
	}
}

func TestTheLastOfEntriesWithOneNameStays(t *testing.T) {
	const link = os.ModeSymlink | 0o777
	dir, err := unpack(t,
		sandboxtest.File{Name: "x", Mode: link, Text: "/tmp/elsewhere"}, sandboxtest.File{Name: "x", Mode: 0o644, Text: "first"}, sandboxtest.File{Name: "x", Mode: 0o600, Text: "second"})
	if err != nil {
		t.Fatal(err)
	}
	info, err := os.Lstat(filepath.Join(dir, "x"))
	if err != nil || info.Mode() != 0o600 {
		t.Errorf("%v, %v", info, err)
	}
	if b, err := os.ReadFile(filepath.Join(dir, "x")); err != nil || string(b) != "second" {
		t.Errorf("%q, %v", b, err)
	}
}
