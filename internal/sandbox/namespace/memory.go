//go:build linux

package namespace

import (
	"errors"
	"fmt"
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// AWS gives a function its memory and its /tmp apart, but /tmp is memory here, and the kernel charges both to one
// account. The kernel's limit is therefore the sum, and the spawner watches: whoever fills /tmp is not killed for it,
// and whoever takes more memory than was given is, though /tmp be empty.

// memorySlack is how far the kernel's figures may lag behind each other.
const memorySlack = 4 << 20

// charged is what the jail uses beside /tmp and what the kernel takes back by itself, which it calls cache or file.
// Usage is read first: what is written to /tmp in between then counts for the function.
func (g *group) charged() int64 {
	name, stat, cache := g.v1["memory"]+"/memory.usage_in_bytes", g.v1["memory"]+"/memory.stat", "cache"
	if g.has("memory") {
		name, stat, cache = g.v2+"/memory.current", g.v2+"/memory.stat", "file"
	}
	usage, err := readInt(name)
	if err != nil {
		return 0 // the jail is gone
	}
	return usage - readField(stat, cache)
}

// watchMemory calls kill when the jail takes more memory than it was given. Closing the file ends the watch.
func (g *group) watchMemory(l limits, kill func()) (*os.File, error) {
	var events *os.File
	var err error
	switch {
	case g.has("memory"):
		events, err = g.eventsV2(l)
	case g.v1["memory"] != "":
		events, err = g.eventsV1(l)
	default:
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("watching memory: %w", err)
	}
	go func() {
		for b := make([]byte, 4096); ; {
			if _, err := events.Read(b); err != nil {
				return
			}
			if g.charged() > l.Memory+memorySlack {
				g.exceeded.Store(true)
				kill()
			}
			if g.has("memory") {
				g.raiseV2(l)
			}
		}
	}()
	return events, nil
}

// eventsV1 has the kernel tell of every few megabytes beyond the function's memory.
func (g *group) eventsV1(l limits) (*os.File, error) {
	dir := g.v1["memory"]
	fd, err := unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK)
	if err != nil {
		return nil, err
	}
	events := os.NewFile(uintptr(fd), "memory events")
	usage, err := os.Open(dir + "/memory.usage_in_bytes")
	if err != nil {
		return nil, errors.Join(err, events.Close())
	}
	defer usage.Close()
	step := max(l.Tmp/32, 2*memorySlack)
	for above := int64(0); above < l.Tmp; above += step {
		if err := writeFile(dir+"/cgroup.event_control", fmt.Sprintf("%d %d %d", fd, usage.Fd(), l.Memory+above)); err != nil {
			return nil, errors.Join(err, events.Close())
		}
	}
	return events, nil
}

// eventsV2 has the kernel tell when memory.high is reached, where it slows the processes down.
func (g *group) eventsV2(l limits) (*os.File, error) {
	fd, err := unix.InotifyInit1(unix.IN_CLOEXEC | unix.IN_NONBLOCK)
	if err != nil {
		return nil, err
	}
	events := os.NewFile(uintptr(fd), "memory events")
	if _, err := unix.InotifyAddWatch(fd, g.v2+"/memory.events", unix.IN_MODIFY); err != nil {
		return nil, errors.Join(err, events.Close())
	}
	g.raiseV2(l)
	return events, nil
}

// raiseV2 makes memory.high follow what /tmp holds.
func (g *group) raiseV2(l limits) {
	high := l.Memory + readField(g.v2+"/memory.stat", "shmem") + 2*memorySlack
	_ = writeFile(g.v2+"/memory.high", strconv.FormatInt(high, 10)) // an error: the jail is gone
}
