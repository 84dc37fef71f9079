//go:build linux

package namespace

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// cgroups says where the jails' control groups live: the directories that hold one group per jail.
// A host has either version, or both side by side: then the controllers usually are with version 1, while freezing and
// killing, which version 2 has without any controller, are done there.
type cgroups struct {
	V2          string            // directory in the unified hierarchy, empty if there is none
	Controllers []string          // controllers of version 2 that work there
	V1          map[string]string // controller to directory
	Home        map[string]string // controller to this process's own group of version 1
}

// wanted are the controllers that limit jails.
var wanted = []string{"memory", "cpu", "pids"}

// missing lists the controllers that neither version gives.
func (c cgroups) missing() []string {
	var out []string
	for _, w := range wanted {
		if _, v1 := c.V1[w]; !v1 && !slices.Contains(c.Controllers, w) {
			out = append(out, w)
		}
	}
	return out
}

// A hierarchy is a mounted cgroup file system and this process's place in it.
type hierarchy struct {
	mount       string
	own         string
	controllers []string // of version 1; nil for version 2
}

// findCgroups makes the directories that will hold the jails' groups, named name, under this process's own group where
// the kernel lets it, or else under the root, and removes what an earlier run left in them.
func findCgroups(name string) cgroups {
	c := cgroups{V1: map[string]string{}, Home: map[string]string{}}
	for _, h := range hierarchies() {
		if h.controllers == nil {
			c.openV2(h, name)
			continue
		}
		c.openV1(h, name)
	}
	return c
}

func (c *cgroups) openV1(h hierarchy, name string) {
	useful := h.useful()
	if len(useful) == 0 {
		return
	}
	sweep(h.mount, name)
	for _, parent := range []string{h.own, h.mount} {
		dir := filepath.Join(parent, name)
		if err := os.Mkdir(dir, 0o755); err != nil && !errors.Is(err, fs.ErrExist) {
			continue
		}
		for _, controller := range useful {
			c.V1[controller], c.Home[controller] = dir, h.own
		}
		return
	}
}

// useful lists the controllers of version 1 that are of use to jails.
func (h hierarchy) useful() []string {
	var out []string
	for _, controller := range h.controllers {
		if slices.Contains(wanted, controller) || controller == "freezer" {
			out = append(out, controller)
		}
	}
	return out
}

func (c *cgroups) openV2(h hierarchy, name string) {
	sweep(h.mount, name)
	for _, parent := range []string{h.own, h.mount} {
		dir := filepath.Join(parent, name)
		if err := os.Mkdir(dir, 0o755); err != nil && !errors.Is(err, fs.ErrExist) {
			continue
		}
		enable(parent, name)
		for _, w := range wanted {
			// An error is a controller that this host does not delegate: it is then reported as missing.
			_ = writeFile(filepath.Join(dir, "cgroup.subtree_control"), "+"+w)
		}
		c.V2, c.Controllers = dir, words(filepath.Join(dir, "cgroup.subtree_control"))
		if len(c.Controllers) == len(wanted) || parent == h.mount {
			return
		}
	}
}

// enable hands the controllers of a group down. A group with processes of its own cannot: they first move into a leaf,
// which is only ours to do in a group that was delegated to this process.
func enable(group, name string) {
	for _, w := range wanted {
		err := writeFile(filepath.Join(group, "cgroup.subtree_control"), "+"+w)
		if err == nil || !delegated(group) {
			continue
		}
		leaf := filepath.Join(group, name+serverSuffix)
		if err := os.Mkdir(leaf, 0o755); err != nil && !errors.Is(err, fs.ErrExist) {
			return
		}
		for _, pid := range words(filepath.Join(group, "cgroup.procs")) {
			// A process that is gone meanwhile need not move.
			_ = writeFile(filepath.Join(leaf, "cgroup.procs"), pid)
		}
		_ = writeFile(filepath.Join(group, "cgroup.subtree_control"), "+"+w)
	}
}

// hierarchies reads where cgroup file systems are mounted and where this process is in them.
func hierarchies() []hierarchy {
	own := map[string]string{} // by comma-joined controllers, "" for version 2
	for line := range lines("/proc/self/cgroup") {
		if f := strings.SplitN(line, ":", 3); len(f) == 3 {
			own[f[1]] = f[2]
		}
	}
	var out []hierarchy
	seen := map[string]bool{}
	for line := range lines("/proc/self/mountinfo") {
		before, after, _ := strings.Cut(line, " - ")
		place, kind := strings.Fields(before), strings.Fields(after)
		if len(place) < 5 || len(kind) < 3 || !strings.HasPrefix(kind[0], "cgroup") {
			continue
		}
		root, mount := unescape(place[3]), unescape(place[4])
		for key, path := range own {
			if !matches(kind, key) || seen[key] {
				continue
			}
			rel, err := filepath.Rel(root, path)
			if err != nil || strings.HasPrefix(rel, "..") {
				rel = "."
			}
			h := hierarchy{mount: mount, own: filepath.Join(mount, rel)}
			if key != "" {
				h.controllers = strings.Split(key, ",")
			}
			seen[key] = true
			out = append(out, h)
		}
	}
	return out
}

// matches reports whether a mount's type and super options are those of the hierarchy with these controllers.
func matches(kind []string, controllers string) bool {
	if controllers == "" {
		return kind[0] == "cgroup2"
	}
	if kind[0] != "cgroup" {
		return false
	}
	options := strings.Split(kind[2], ",")
	for c := range strings.SplitSeq(controllers, ",") {
		if !slices.Contains(options, c) {
			return false
		}
	}
	return true
}

// unescape undoes the octal escapes of mountinfo.
func unescape(s string) string {
	if !strings.Contains(s, `\`) {
		return s
	}
	if u, err := strconv.Unquote(`"` + s + `"`); err == nil {
		return u
	}
	return s
}

// delegated reports whether a group of version 2 is this process's to divide.
func delegated(group string) bool {
	if os.Geteuid() != 0 {
		return writable(group)
	}
	return xattr(group, "trusted.delegate") == "1" || xattr(group, "user.delegate") == "1"
}

func lines(path string) func(func(string) bool) {
	return func(yield func(string) bool) {
		f, err := os.Open(path)
		if err != nil {
			return
		}
		defer f.Close()
		for s := bufio.NewScanner(f); s.Scan(); {
			if !yield(s.Text()) {
				return
			}
		}
	}
}

func words(path string) []string {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil
	}
	return strings.Fields(string(b))
}

func writeFile(path, text string) error {
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = f.WriteString(text)
	return errors.Join(err, f.Close())
}

func readInt(path string) (int64, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return 0, err
	}
	n, err := strconv.ParseInt(strings.TrimSpace(string(b)), 10, 64)
	if err != nil {
		return 0, fmt.Errorf("reading %s: %w", path, err)
	}
	return n, nil
}

// readField reads one line "name value" of a file such as memory.events.
func readField(path, name string) int64 {
	for line := range lines(path) {
		if k, v, ok := strings.Cut(line, " "); ok && k == name {
			n, _ := strconv.ParseInt(v, 10, 64)
			return n
		}
	}
	return 0
}
