//go:build linux

package namespace

import (
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

// serverSuffix is added to the name of the group that the server itself moves to.
const serverSuffix = "-server"

// sweep removes what an earlier run left anywhere in a hierarchy: it may have been started from another place than this one.
func sweep(mount, name string) {
	// What cannot be read is not ours, or gone meanwhile.
	_ = filepath.WalkDir(mount, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil || !d.IsDir():
			return nil
		case d.Name() == name:
			removeLeftovers(path)
			return fs.SkipDir
		case d.Name() == name+serverSuffix:
			os.Remove(path) // unless it is in use
			return fs.SkipDir
		}
		return nil
	})
}

// removeLeftovers ends what an earlier run left in its groups, and removes them. The directory's name is made of the
// state directory, which one server holds at a time: what is in there is ours and nobody's.
func removeLeftovers(dir string) {
	groups, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil {
		return
	}
	for _, g := range groups {
		if info, err := os.Stat(g); err == nil && info.IsDir() {
			empty(g)
			os.Remove(g)
		}
	}
	os.Remove(dir)
}

// empty kills all processes of a group and waits until they are gone, two seconds at most.
func empty(group string) {
	for range 200 {
		pids := words(filepath.Join(group, "cgroup.procs"))
		if len(pids) == 0 {
			return
		}
		for _, p := range pids {
			if pid, err := strconv.Atoi(p); err == nil && pid > 1 {
				unix.Kill(pid, unix.SIGKILL)
			}
		}
		// A frozen process of version 1 dies when it thaws.
		_ = writeFile(filepath.Join(group, "freezer.state"), "THAWED")
		time.Sleep(10 * time.Millisecond)
	}
}

// thaw lets all jails go on that version 1 froze: those do not even die otherwise, and their spawner waits for them.
func (c cgroups) thaw() {
	if c.V2 != "" || c.V1["freezer"] == "" {
		return
	}
	states, err := filepath.Glob(filepath.Join(c.V1["freezer"], "*", "freezer.state"))
	if err != nil {
		return
	}
	for _, s := range states {
		_ = writeFile(s, "THAWED") // an error: gone meanwhile
	}
}

func writable(path string) bool { return unix.Access(path, unix.W_OK) == nil }

func xattr(path, name string) string {
	b := make([]byte, 8)
	n, err := unix.Getxattr(path, name, b)
	if err != nil {
		return ""
	}
	return string(b[:n])
}
