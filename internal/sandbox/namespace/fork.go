//go:build linux

package namespace

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strconv"

	"golang.org/x/sys/unix"
	"redoubt/internal/sandbox/engine"
)

// User ids of jails outside, where the spawner is the host's root: in the range that systemd's list of user ids leaves
// to nobody (systemd.io/UIDS-GIDS).
const firstSlot, slotCount = 1_900_000_000, 1 << 16

// fork performs forks on one thread, the parent of all jails: the signal that a parent's death sends is that of a thread.
func (s *spawner) fork(ready chan<- error) {
	runtime.LockOSThread()
	err := stage()
	ready <- err
	if err != nil {
		return
	}
	for f := range s.forks {
		f()
	}
}

// stage gives the calling thread a mount namespace with next to nothing in it: each jail begins with a copy of it, and
// the host's mounts and those of the library would only be copied to be let go of.
func stage() error {
	if err := unix.Unshare(unix.CLONE_FS | unix.CLONE_NEWNS); err != nil {
		return fmt.Errorf("making a mount namespace to fork from: %w", err)
	}
	if err := unix.Mount("stage", jailDir, "tmpfs", unix.MS_NOSUID|unix.MS_NODEV, "mode=755,size=64k"); err != nil {
		return fmt.Errorf("mounting a place to fork from: %w", err)
	}
	for _, dir := range []string{jailDir, "/proc"} {
		if err := unix.Mkdir(jailDir+dir, 0o755); err != nil {
			return err
		}
	}
	// An ordinary user may mount /proc only where there is one.
	if err := unix.Mount("/proc", jailDir+"/proc", "", unix.MS_BIND|unix.MS_REC, ""); err != nil {
		return fmt.Errorf("showing /proc where jails are forked: %w", err)
	}
	err := errors.Join(unix.Chdir(jailDir), unix.PivotRoot(".", "."), unix.Unmount(".", unix.MNT_DETACH), unix.Chdir("/"))
	if err != nil {
		return fmt.Errorf("entering the place to fork from: %w", err)
	}
	return nil
}

// start builds a jail, runs its main program if it has one, and reports the files of its listeners.
func (s *spawner) start(q request) ([]*os.File, error) {
	if q.Start == nil || len(q.files) < 4 || len(q.files) > 5 {
		return nil, errors.New("incomplete request to start a jail")
	}
	p := &plan{start: *q.Start}
	p.keep[argumentsFile] = int(q.files[0].Fd())
	for i, f := range q.files[1:4] {
		p.keep[outputFile+i] = int(f.Fd())
	}
	if len(q.files) == 5 {
		var err error
		if p.network, err = madeBefore(q.files[4]); err != nil {
			return nil, err
		}
	}
	j, network, err := s.launch(p, q.Jail)
	if err != nil {
		return nil, err
	}
	if q.Start.Main {
		if err := j.run(mainProgram, false); err != nil {
			closeAll(network.listeners)
			return nil, fmt.Errorf("starting a jail: %w", err)
		}
	}
	return network.listeners, nil
}

// try sets a jail up and has it run a program that is nowhere: if it comes that far, all of them will.
func (s *spawner) try() error {
	args, err := newImage()
	if err != nil {
		return err
	}
	defer args.close()
	if err := args.write([]string{""}, "/", nil, nil); err != nil {
		return err
	}
	p := &plan{}
	for i := range p.keep {
		p.keep[i] = int(s.null.Fd())
	}
	p.keep[argumentsFile] = int(args.file.Fd())
	p.ServerPort = defaultPort
	p.limits = limits{Memory: 16 << 20, Tmp: 1 << 20, CPU: 1, Processes: 8, Files: 64}
	j, network, err := s.launch(p, 0)
	if err != nil {
		return err
	}
	defer closeAll(network.listeners)
	var refused *engine.ExecError
	if err := j.run(mainProgram, false); !errors.As(err, &refused) {
		return fmt.Errorf("running nothing in a jail: %w", err)
	}
	return nil
}

// launch collects what a plan needs, forks, and waits until the jail is built or has failed.
func (s *spawner) launch(p *plan, id uint64) (_ *jail, _ *network, err error) {
	var undo undoing
	defer func() {
		if err != nil {
			undo.all()
		}
	}()
	// What the child inherits, and the parent needs no more once it is forked.
	var mine undoing
	defer mine.all()

	j := &jail{id: id, attended: make(chan struct{}), waiting: map[uint32]chan error{}, failed: map[uint32]bool{}}
	if p.slot, err = s.takeSlot(); err != nil {
		return nil, nil, err
	}
	j.slot = p.slot
	undo.add(func() { s.mu.Lock(); delete(s.slots, j.slot); s.mu.Unlock() })
	// First what may not be there: nothing that costs more is made for code that has to be loaded first.
	if j.release, err = s.mounts(p, &mine); err != nil {
		return nil, nil, err
	}
	undo.add(j.release)
	if j.group, err = newGroup(s.Cgroups, hostDir, "jail-"+strconv.FormatUint(id, 10), p.limits); err != nil {
		return nil, nil, err
	}
	undo.add(j.group.remove)
	if j.memory, err = j.group.watchMemory(p.limits, func() { _ = s.kill(j) }); err != nil {
		return nil, nil, err
	}
	undo.add(func() { j.memory.Close() })
	network, err := s.networkOf(p)
	if err != nil {
		return nil, nil, err
	}
	mine.add(func() { unix.Close(network.namespace) })
	undo.add(func() { closeAll(network.listeners) })
	if err := j.pipes(p, &mine); err != nil {
		return nil, nil, err
	}
	undo.add(func() { j.reports.Close(); j.orders.Close() })
	p.cgroup = -1
	if j.group.v2 != "" {
		if p.cgroup, err = unix.Open(j.group.v2, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0); err != nil {
			return nil, nil, fmt.Errorf("opening a control group: %w", err)
		}
		mine.add(func() { unix.Close(p.cgroup) })
	}
	p.keep[inputFile], p.filter, p.loose = int(s.null.Fd()), s.filter, slices.Contains(s.Cgroups.missing(), "memory")
	kit, memory, err := newKit(s.memory)
	if err != nil {
		return nil, nil, err
	}
	mine.add(func() { unix.Munmap(memory) })
	program := p.compile(kit)
	ready := j.expect(mainProgram)
	if err := s.forkInto(j, program, network.namespace); err != nil {
		return nil, nil, err
	}
	mine.all()
	undo = undoing{func() { closeAll(network.listeners) }} // bury sees to the rest
	go s.attend(j, program)
	if err := <-ready; err != nil {
		return nil, nil, fmt.Errorf("starting a jail: %w", err)
	}
	return j, network, nil
}

// forkInto forks from a thread that sits in the jail's network and control groups, so that the child is born there.
func (s *spawner) forkInto(j *jail, p *program, network int) error {
	doors, err := j.group.doors()
	if err != nil {
		return err
	}
	defer closeAll(doors)
	done := make(chan error)
	s.forks <- func() {
		done <- func() error {
			if err := unix.Setns(network, unix.CLONE_NEWNET); err != nil {
				return fmt.Errorf("entering a network namespace: %w", err)
			}
			if err := enter(doors); err != nil {
				return errors.Join(err, enter(s.homes))
			}
			s.mu.Lock()
			defer s.mu.Unlock()
			pid, errno := launch(p)
			err := errors.Join(enter(s.homes), unix.Setns(int(s.home.Fd()), unix.CLONE_NEWNET))
			if errno != 0 {
				return fmt.Errorf("forking a jail: %w", errno)
			}
			j.pid = int(pid)
			var unheld error
			if j.pidfd, unheld = unix.PidfdOpen(j.pid, 0); unheld != nil {
				j.pidfd = -1
				_ = unix.Kill(j.pid, unix.SIGKILL) // it could not be ended later; that it has ended is seen like that of any other
			}
			s.jails[j.id], s.byPID[j.pid] = j, j
			return err
		}()
	}
	return <-done
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
