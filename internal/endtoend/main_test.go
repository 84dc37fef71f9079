//go:build linux

package endtoend

import (
	"archive/zip"
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"
)

// built is where the programs of this process's tests are. Everybody may execute them: some tests are not root.
var built string

func TestMain(m *testing.M) {
	code, err := withPrograms(m.Run)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

func withPrograms(run func() int) (int, error) {
	var err error
	if built, err = os.MkdirTemp("", "endtoend"); err != nil {
		return 0, err
	}
	defer os.RemoveAll(built)
	if err := os.Chmod(built, 0o755); err != nil {
		return 0, err
	}
	return run(), nil
}

// redoubt is the program under test.
var redoubt = sync.OnceValues(func() (string, error) { return build("redoubt", "redoubt/cmd/redoubt") })

// worker is the package of the function that the tests invoke.
var worker = sync.OnceValues(func() ([]byte, error) {
	program, err := build("bootstrap", "./testdata/worker")
	if err != nil {
		return nil, err
	}
	text, err := os.ReadFile(program)
	return packed("bootstrap", text, zip.Deflate), err
})

func build(name, pkg string) (string, error) {
	program := filepath.Join(built, name)
	cmd := exec.Command("go", "build", "-ldflags=-s -w", "-o", program, pkg)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", errors.New(string(out))
	}
	return program, os.Chmod(program, 0o755)
}

// packed is a zip file with one file in it. Nothing that writes to memory can fail.
func packed(name string, text []byte, method uint16) []byte {
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	h := &zip.FileHeader{Name: name, Method: method}
	h.SetMode(0o755)
	f, _ := w.CreateHeader(h)
	f.Write(text)
	w.Close()
	return b.Bytes()
}

// campaign is how long a test lasts that gets better with time.
func campaign(t testing.TB, short time.Duration) time.Duration {
	t.Helper()
	text := os.Getenv("REDOUBT_CAMPAIGN")
	if text == "" {
		return short
	}
	d, err := time.ParseDuration(text)
	if err != nil {
		t.Fatalf("REDOUBT_CAMPAIGN: %v", err)
	}
	return d
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
