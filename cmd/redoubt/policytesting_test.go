package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"
)

// TestPolicyTestingPage writes the files that docs/policy-testing.md shows, and runs its check.
func TestPolicyTestingPage(t *testing.T) {
	if _, err := exec.LookPath("python3"); err != nil {
		t.Skip("python3 is not installed")
	}
	page, err := os.ReadFile("../../docs/policy-testing.md")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for _, block := range regexp.MustCompile("(?s)```\\w+ (\\S+)\n(.*?)```").FindAllSubmatch(page, -1) {
		if err := os.WriteFile(filepath.Join(dir, string(block[1])), block[2], 0o644); err != nil {
			t.Fatal(err)
		}
	}
	check := exec.CommandContext(t.Context(), "sh", "check.sh")
	check.Dir = dir
	if out, err := check.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}
