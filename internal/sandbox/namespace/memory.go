//go:build linux

package namespace

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

// AWS gives a function its memory and its /tmp apart, but /tmp is memory here, and the kernel charges both to one
// account. The kernel's limit is therefore the sum, and the spawner watches: whoever fills /tmp is not killed for it,
// and whoever takes more memory than was given is, though /tmp be empty.

// memorySlack is how far the kernel's figures may lag behind each other.
const memorySlack = 4 << 20

// memoryPause is how often a jail is looked at while it and its /tmp are larger than its memory.
const memoryPause = 20 * time.Millisecond

// use returns what the jail uses in all and, of that, what is neither /tmp nor taken back by the kernel on its own, which
// are counted together as cache or file. Usage is read first: what is written to /tmp in between counts for the function.
func (g *group) use() (all, own int64, err error) {
	name, stat, cache := g.v1["memory"]+"/memory.usage_in_bytes", g.v1["memory"]+"/memory.stat", "cache"
	if g.has("memory") {
		name, stat, cache = g.v2+"/memory.current", g.v2+"/memory.stat", "file"
	}
	if all, err = readInt(name); err != nil {
		return 0, 0, err
	}
	return all, all - readField(stat, cache), nil
}

// watchMemory calls kill when the jail takes more memory than it was given. Closing the returned file ends the watch.
func (g *group) watchMemory(l limits, kill func()) (*os.File, error) {
	var fd int
	var err error
	notify := g.notifyV1
	switch {
	case g.has("memory"):
		notify = g.notifyV2
		fd, err = unix.InotifyInit1(unix.IN_CLOEXEC | unix.IN_NONBLOCK)
	case g.v1["memory"] != "":
		fd, err = unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK)
	default:
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("watching memory: %w", err)
	}
	events := os.NewFile(uintptr(fd), "memory events")
	go func() {
		// Not before the start: the kernel takes its time. If it cannot at all, its limit of the sum remains.
		if with(events, func(fd int) error { return notify(fd, l) }) != nil {
			return
		}
		for b := make([]byte, 4096); ; {
			g.review(l, kill)
			if _, err := events.Read(b); err != nil {
				return
			}
		}
	}()
	return events, nil
}

// with calls f with the descriptor of a file that stays open meanwhile.
func with(file *os.File, f func(fd int) error) error {
	c, err := file.SyscallConn()
	if err != nil {
		return err
	}
	var result error
	err = c.Control(func(fd uintptr) { result = f(int(fd)) })
	return errors.Join(err, result)
}

// review looks at a jail for as long as it is larger than its memory.
func (g *group) review(l limits, kill func()) {
	for {
		all, own, err := g.use()
		if err != nil || all <= l.Memory {
			return
		}
		if own > l.Memory+memorySlack {
			g.exceeded.Store(true)
			kill()
			return
		}
		if g.has("memory") {
			g.raise(l)
		}
		time.Sleep(memoryPause)
	}
}

// notifyV1 has the kernel tell when the jail becomes larger than its memory.
func (g *group) notifyV1(event int, l limits) error {
	dir := g.v1["memory"]
	usage, err := os.Open(dir + "/memory.usage_in_bytes")
	if err != nil {
		return err
	}
	defer usage.Close()
	return writeFile(dir+"/cgroup.event_control", fmt.Sprintf("%d %d %d", event, usage.Fd(), l.Memory))
}

// notifyV2 has the kernel tell when memory.high is reached, where it slows the processes down.
func (g *group) notifyV2(events int, l limits) error {
	if _, err := unix.InotifyAddWatch(events, g.v2+"/memory.events", unix.IN_MODIFY); err != nil {
		return err
	}
	g.raise(l)
	return nil
}

// raise makes memory.high follow what /tmp holds.
func (g *group) raise(l limits) {
	high := l.Memory + readField(g.v2+"/memory.stat", "shmem") + 2*memorySlack
	_ = writeFile(g.v2+"/memory.high", strconv.FormatInt(high, 10)) // an error: the jail is gone
}
