//go:build linux

package namespace

import (
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"slices"
	"strconv"

	"golang.org/x/sys/unix"
)

// User ids of jails outside, where the spawner is the host's root: in the range that systemd's list of user ids leaves
// to nobody (systemd.io/UIDS-GIDS).
const firstSlot, slotCount = 1_900_000_000, 1 << 16

// fork performs forks on one thread, the parent of all jails: the signal that a parent's death sends is that of a thread.
func (s *spawner) fork() {
	runtime.LockOSThread()
	for f := range s.forks {
		f()
	}
}

// start builds a jail and reports the files of its listeners.
func (s *spawner) start(q request) ([]*os.File, error) {
	if q.Start == nil || len(q.files) != 3 {
		return nil, errors.New("incomplete request to start a jail")
	}
	args, err := mapArguments(q.files[0])
	if err != nil {
		return nil, err
	}
	defer args.close()
	p := &plan{start: *q.Start, args: args, stdout: int(q.files[1].Fd()), stderr: int(q.files[2].Fd())}
	network, err := s.launch(p, q.Jail)
	if err != nil {
		return nil, err
	}
	return network.listeners, nil
}

// try sets a jail up without running anything in it: if that works, all of them will.
func (s *spawner) try() error {
	p := &plan{trial: true, stdout: int(s.null.Fd()), stderr: int(s.null.Fd()), args: &arguments{}}
	p.ServerPort = defaultPort
	p.limits = limits{Memory: 16 << 20, Tmp: 1 << 20, CPU: 1, Processes: 8, Files: 64}
	network, err := s.launch(p, 0)
	if err != nil {
		return err
	}
	closeAll(network.listeners)
	return nil
}

// launch collects what a plan needs, forks, and waits until the program runs or has failed.
func (s *spawner) launch(p *plan, id uint64) (_ *network, err error) {
	var undo undoing
	defer func() {
		if err != nil {
			undo.all()
		}
	}()
	// What the child inherits, and the parent needs no more once it is forked.
	var mine undoing
	defer mine.all()

	j := &jail{id: id}
	if p.slot, err = s.takeSlot(); err != nil {
		return nil, err
	}
	j.slot = p.slot
	undo.add(func() { s.mu.Lock(); delete(s.slots, j.slot); s.mu.Unlock() })
	// First what may not be there: nothing that costs more is made for code that has to be loaded first.
	if j.release, err = s.mounts(p, &mine); err != nil {
		return nil, err
	}
	undo.add(j.release)
	if j.group, err = newGroup(s.Cgroups, hostDir, "jail-"+strconv.FormatUint(id, 10), p.limits); err != nil {
		return nil, err
	}
	undo.add(j.group.remove)
	if j.memory, err = j.group.watchMemory(p.limits, func() { _ = s.kill(j) }); err != nil {
		return nil, err
	}
	undo.add(func() { j.memory.Close() })
	network, err := s.networks.take(p.ServerPort)
	if err != nil {
		return nil, err
	}
	mine.add(func() { unix.Close(network.namespace) })
	undo.add(func() { closeAll(network.listeners) })
	failure, err := s.pipes(p, j, &mine)
	if err != nil {
		return nil, err
	}
	defer failure.Close()
	undo.add(func() { j.status.Close() })
	p.cgroup = -1
	if j.group.v2 != "" {
		if p.cgroup, err = unix.Open(j.group.v2, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0); err != nil {
			return nil, fmt.Errorf("opening a control group: %w", err)
		}
		mine.add(func() { unix.Close(p.cgroup) })
	}
	p.null, p.filters, p.loose = int(s.null.Fd()), s.filters, slices.Contains(s.Cgroups.missing(), "memory")
	program := p.compile()
	if err := s.forkInto(j, program, network.namespace); err != nil {
		return nil, err
	}
	mine.all()
	undo = undoing{func() { closeAll(network.listeners) }} // bury sees to the rest
	if err := awaitStart(failure, program); err != nil {
		return nil, fmt.Errorf("starting a jail: %w", err)
	}
	return network, nil
}

// forkInto forks from a thread that sits in the jail's network and control groups, so that the child is born there.
func (s *spawner) forkInto(j *jail, p *program, network int) error {
	done := make(chan error)
	s.forks <- func() {
		done <- func() error {
			if err := unix.Setns(network, unix.CLONE_NEWNET); err != nil {
				return fmt.Errorf("entering a network namespace: %w", err)
			}
			if err := j.group.enter(); err != nil {
				return errors.Join(err, leave(s.Cgroups, hostDir))
			}
			s.mu.Lock()
			defer s.mu.Unlock()
			pid, errno := launch(p)
			err := errors.Join(leave(s.Cgroups, hostDir), unix.Setns(int(s.home.Fd()), unix.CLONE_NEWNET))
			if errno != 0 {
				return fmt.Errorf("forking a jail: %w", errno)
			}
			j.pid = int(pid)
			j.pidfd, _ = unix.PidfdOpen(j.pid, 0)
			s.jails[j.id], s.byPID[j.pid] = j, j
			return err
		}()
	}
	return <-done
}

// awaitStart reads how the start went: nothing if the program runs, or which call failed.
func awaitStart(failure *os.File, p *program) error {
	var b [8]byte
	n, err := io.ReadFull(failure, b[:])
	if n == 0 {
		return nil
	}
	if err != nil {
		return fmt.Errorf("reading how it went: %w", err)
	}
	word := func(i int) uint32 {
		return uint32(b[i]) | uint32(b[i+1])<<8 | uint32(b[i+2])<<16 | uint32(b[i+3])<<24
	}
	return p.failed([2]uint32{word(0), word(4)})
}

// pipes makes the pipes by which a jail tells of its start and of its end.
func (s *spawner) pipes(p *plan, j *jail, mine *undoing) (failure *os.File, err error) {
	read, write, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	mine.add(func() { write.Close() })
	status, statusWrite, err := os.Pipe()
	if err != nil {
		read.Close()
		return nil, err
	}
	mine.add(func() { statusWrite.Close() })
	j.status = status
	p.failure, p.status = int(write.Fd()), int(statusWrite.Fd())
	return read, nil
}

// mounts makes the detached mounts of a jail and its landlock rules. The release gives the code back.
func (s *spawner) mounts(p *plan, mine *undoing) (_ func(), err error) {
	dirs, release, err := s.library.use(p.start)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			release()
		}
	}()
	tree := func(path string, attr uint64) int {
		if path == "" || err != nil {
			return -1
		}
		var fd int
		if fd, err = cloneTree(unix.AT_FDCWD, path, attr); err != nil {
			return -1
		}
		mine.add(func() { unix.Close(fd) })
		return fd
	}
	const readOnly = unix.MOUNT_ATTR_RDONLY | unix.MOUNT_ATTR_NOSUID | unix.MOUNT_ATTR_NODEV
	p.root = tree(dirs.root, 0)
	p.code, p.opt, p.runtime = tree(dirs.code, readOnly), tree(dirs.opt, readOnly), tree(dirs.runtime, readOnly)
	if err != nil {
		return nil, err
	}
	if p.tmp, err = newTmp(p.Tmp, p.slot, p.slot); err != nil {
		return nil, err
	}
	mine.add(func() { unix.Close(p.tmp) })
	p.landlock = -1
	if s.Features.Landlock == 0 {
		return release, nil
	}
	dev, err := unix.Openat(p.root, "dev", unix.O_PATH|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	defer unix.Close(dev)
	if p.landlock, err = landlock(s.Features.Landlock, p.root, dev, p.tmp); err != nil {
		return nil, err
	}
	mine.add(func() { unix.Close(p.landlock) })
	return release, nil
}

// takeSlot picks a user id that no other jail has; an ordinary user has only one to give.
func (s *spawner) takeSlot() (int, error) {
	if !s.Privileged {
		return 0, nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for range slotCount {
		slot := firstSlot + s.next
		s.next = (s.next + 1) % slotCount
		if !s.slots[slot] {
			s.slots[slot] = true
			return slot, nil
		}
	}
	return 0, errors.New("more environments than user ids")
}

// undoing remembers what to undo, last first.
type undoing []func()

func (u *undoing) add(f func()) { *u = append(*u, f) }

func (u *undoing) all() {
	for i := len(*u) - 1; i >= 0; i-- {
		(*u)[i]()
	}
	*u = nil
}
