//go:build linux

package namespace

import (
	"errors"
	"fmt"
	"iter"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

// cpuPeriod is what processor time is shared out in, in microseconds. Short periods make short pauses.
const cpuPeriod = 20_000

// A group is the control groups of one jail, one directory per hierarchy.
type group struct {
	v2          string
	controllers []string
	v1          map[string]string
	memory      int64       // what was given
	exceeded    atomic.Bool // more was taken
}

// newGroup makes the groups of a jail and sets its limits. root is where the host's file system is.
func newGroup(c cgroups, root, name string, l limits) (*group, error) {
	g := &group{v1: map[string]string{}, controllers: c.Controllers, memory: l.Memory}
	if c.V2 != "" {
		g.v2 = filepath.Join(root, c.V2, name)
		if err := os.Mkdir(g.v2, 0o755); err != nil {
			return nil, fmt.Errorf("making a control group: %w", err)
		}
	}
	for controller, dir := range c.V1 {
		if controller == "freezer" && g.v2 != "" {
			continue
		}
		g.v1[controller] = filepath.Join(root, dir, name)
		if err := os.Mkdir(g.v1[controller], 0o755); err != nil && !errors.Is(err, os.ErrExist) {
			g.remove()
			return nil, fmt.Errorf("making a control group: %w", err)
		}
	}
	if err := g.limit(l); err != nil {
		g.remove()
		return nil, fmt.Errorf("limiting a jail: %w", err)
	}
	return g, nil
}

func (g *group) limit(l limits) error {
	memory, processes := strconv.FormatInt(l.Memory+l.Tmp, 10), strconv.Itoa(l.Processes+1) // and process 1
	if g.has("memory") {
		if err := writeFile(g.v2+"/memory.max", memory); err != nil {
			return err
		}
		// Without swap accounting there is no such file, and without a process 1 to lose the other is a nicety.
		_ = writeFile(g.v2+"/memory.swap.max", "0")
		_ = writeFile(g.v2+"/memory.oom.group", "1")
	} else if dir := g.v1["memory"]; dir != "" {
		if err := writeFile(dir+"/memory.limit_in_bytes", memory); err != nil {
			return err
		}
		_ = writeFile(dir+"/memory.memsw.limit_in_bytes", memory)
		_ = writeFile(dir+"/memory.swappiness", "0")
	}
	if g.has("pids") {
		if err := writeFile(g.v2+"/pids.max", processes); err != nil {
			return err
		}
	} else if dir := g.v1["pids"]; dir != "" {
		if err := writeFile(dir+"/pids.max", processes); err != nil {
			return err
		}
	}
	return g.setCPU(l.CPU)
}

// setCPU lets the jail use that many processors in each period.
func (g *group) setCPU(vcpus float64) error {
	quota := max(int(vcpus*cpuPeriod), 1000) // the kernel's smallest
	if g.has("cpu") {
		return writeFile(g.v2+"/cpu.max", fmt.Sprintf("%d %d", quota, cpuPeriod))
	}
	if dir := g.v1["cpu"]; dir != "" {
		if err := writeFile(dir+"/cpu.cfs_period_us", strconv.Itoa(cpuPeriod)); err != nil {
			return err
		}
		return writeFile(dir+"/cpu.cfs_quota_us", strconv.Itoa(quota))
	}
	return nil
}

func (g *group) has(controller string) bool {
	return g.v2 != "" && slices.Contains(g.controllers, controller)
}

// freeze stops or continues all processes. It reports false if no control group can.
func (g *group) freeze(stop bool) (bool, error) {
	switch {
	case g.v2 != "":
		if err := writeFile(g.v2+"/cgroup.freeze", map[bool]string{true: "1", false: "0"}[stop]); err != nil {
			return true, err
		}
	case g.v1["freezer"] != "":
		if err := writeFile(g.v1["freezer"]+"/freezer.state", map[bool]string{true: "FROZEN", false: "THAWED"}[stop]); err != nil {
			return true, err
		}
	default:
		return false, nil
	}
	return true, g.settled(stop)
}

// settled waits until the kernel has stopped every process: freezing only begins when it is asked for.
func (g *group) settled(stop bool) error {
	if !stop {
		return nil
	}
	for range 1000 {
		if g.v2 != "" && readField(g.v2+"/cgroup.events", "frozen") == 1 {
			return nil
		}
		if w := words(g.v1["freezer"] + "/freezer.state"); g.v2 == "" && len(w) == 1 && w[0] == "FROZEN" {
			return nil
		}
		time.Sleep(200 * time.Microsecond)
	}
	return errors.New("processes did not stop")
}

// usage reads what the jail has used.
func (g *group) usage() usage {
	var u usage
	for _, f := range []string{g.v2 + "/memory.peak", g.v1["memory"] + "/memory.max_usage_in_bytes"} {
		if n, err := readInt(f); err == nil {
			u.MaxMemory = max(u.MaxMemory, n)
		}
	}
	u.MaxMemory = min(u.MaxMemory, g.memory) // the rest was /tmp
	for _, f := range []string{g.v2 + "/pids.current", g.v1["pids"] + "/pids.current"} {
		if n, err := readInt(f); err == nil {
			u.Processes = max(int(n)-1, 0) // without process 1
		}
	}
	return u
}

// oomKills counts the processes that the memory limit ended.
func (g *group) oomKills() int64 {
	return readField(g.v2+"/memory.events", "oom_kill") + readField(g.v1["memory"]+"/memory.oom_control", "oom_kill")
}

// oom reports whether the memory limit ended a process.
func (g *group) oom() bool {
	return g.exceeded.Load() || g.oomKills() > 0
}

// remove gives the groups back. They may be busy for a moment after their last process.
func (g *group) remove() {
	dirs := []string{g.v2}
	for _, d := range g.v1 {
		dirs = append(dirs, d)
	}
	for _, d := range dirs {
		for range 500 {
			if d == "" || unix.Rmdir(d) != unix.EBUSY {
				break
			}
			time.Sleep(2 * time.Millisecond)
		}
	}
}

// doors opens the files by which a thread enters the groups of version 1.
func (g *group) doors() ([]*os.File, error) { return openTasks(maps.Values(g.v1)) }

// homes opens the files by which it comes back.
func (c cgroups) homes(root string) ([]*os.File, error) {
	homes := map[string]string{}
	for controller := range c.V1 {
		homes[controller] = filepath.Join(root, c.Home[controller])
	}
	return openTasks(maps.Values(homes))
}

func openTasks(dirs iter.Seq[string]) (files []*os.File, err error) {
	for _, dir := range slices.Compact(slices.Sorted(dirs)) {
		f, err := os.OpenFile(dir+"/tasks", os.O_WRONLY, 0)
		if err != nil {
			closeAll(files)
			return nil, fmt.Errorf("opening a control group: %w", err)
		}
		files = append(files, f)
	}
	return files, nil
}

// enter moves the calling thread, alone, into groups of version 1, so that what it forks is born there: to move a
// process that lives costs an RCU grace period, to move oneself does not. Version 2 is entered by clone3 itself.
func enter(doors []*os.File) error {
	var errs []error
	for _, f := range doors {
		if _, err := f.WriteAt([]byte("0"), 0); err != nil {
			errs = append(errs, fmt.Errorf("entering a control group: %w", err))
		}
	}
	return errors.Join(errs...)
}
