//go:build linux

package namespace

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
)

func makeGroup(t *testing.T, path ...string) string {
	t.Helper()
	dir := filepath.Join(path...)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Skip("this user makes no control groups:", err)
	}
	return dir
}

func isThere(path string) bool {
	_, err := os.Lstat(path)
	return !errors.Is(err, fs.ErrNotExist)
}

func TestLeftoversAreFoundUnderEveryParent(t *testing.T) {
	mount := t.TempDir()
	ours := []string{
		makeGroup(t, mount, "redoubt-ours", "jail-1"), makeGroup(t, mount, "a", "b", "redoubt-ours", "jail-2"), makeGroup(t, mount, "a", "redoubt-ours-server"),
	}
	others := []string{makeGroup(t, mount, "a", "redoubt-theirs", "jail-1"), makeGroup(t, mount, "a", "redoubt-ours2"), makeGroup(t, mount, "jail-1")}
	sweep(mount, "redoubt-ours")
	for _, dir := range append(ours, filepath.Dir(ours[0]), filepath.Dir(ours[1])) {
		if isThere(dir) {
			t.Errorf("%s was left", dir)
		}
	}
	for _, dir := range others {
		if !isThere(dir) {
			t.Errorf("%s was removed", dir)
		}
	}
}

func TestServerThatStartsElsewhereRemovesItsGroups(t *testing.T) {
	name := groupName(t.TempDir())
	for _, h := range hierarchies() {
		if len(h.useful()) == 0 && h.controllers != nil {
			continue
		}
		parent := makeGroup(t, h.mount, name+"-parent")
		defer os.Remove(parent)
		makeGroup(t, parent, name, "jail-1")
	}
	c := findCgroups(name)
	defer c.remove()
	for _, h := range hierarchies() {
		if isThere(filepath.Join(h.mount, name+"-parent", name)) {
			t.Errorf("a group is left in %s", h.mount)
		}
	}
}

func TestGroupsOfTwoStateDirectoriesDiffer(t *testing.T) {
	parent := t.TempDir()
	one, two := makeGroup(t, parent, "one"), makeGroup(t, parent, "two")
	before := groupName(one)
	if again := groupName(one); again != before {
		t.Errorf("%s, then %s", before, again)
	}
	if err := errors.Join(os.Rename(one, filepath.Join(parent, "old")), os.Rename(two, one)); err != nil {
		t.Fatal(err)
	}
	if groupName(one) == before {
		t.Error("another directory at the same path has the same groups, as in two containers")
	}
}
