//go:build linux

package namespace

import (
	"fmt"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
	"redoubt/internal/sandbox/engine"
)

// A call is one system call of a program.
type call struct {
	number uintptr
	args   [6]uintptr
	lax    bool // it may fail: a layer more where the kernel has it
	keep   bool // its result is a file that later calls use
	kept   bool // its first argument is that file
}

// A sequence is a list of calls, with the memory they point to and what each of them is for.
type sequence struct {
	calls []call
	names []string
	held  []any
}

// do adds a call. Arguments are integers, strings, or pointers and slices made by ref.
func (s *sequence) do(name string, number uintptr, args ...any) *call {
	c := call{number: number}
	for i, a := range args {
		c.args[i] = s.word(a)
	}
	s.calls = append(s.calls, c)
	s.names = append(s.names, name)
	return &s.calls[len(s.calls)-1]
}

func (s *sequence) word(arg any) uintptr {
	switch a := arg.(type) {
	case int:
		return uintptr(a)
	case uintptr:
		return a
	case string:
		b := append([]byte(a), 0)
		s.held = append(s.held, b)
		return uintptr(unsafe.Pointer(&b[0]))
	}
	panic(fmt.Sprintf("namespace: a system call cannot take a %T", arg))
}

// ref holds on to what p points to for as long as the sequence lives, and returns its address.
func ref[T any](s *sequence, p *T) uintptr {
	s.held = append(s.held, p)
	return uintptr(unsafe.Pointer(p))
}

// write puts text into a file of /proc.
func (s *sequence) write(path, text string, lax bool) {
	c := s.do("opening "+path, unix.SYS_OPENAT, at, path, unix.O_WRONLY|unix.O_CLOEXEC)
	c.keep, c.lax = true, lax
	c = s.do("writing "+path, unix.SYS_WRITE, 0, text, len(text))
	c.kept, c.lax = true, lax
	c = s.do("closing "+path, unix.SYS_CLOSE)
	c.kept, c.lax = true, lax
}

// at is AT_FDCWD as an argument: paths are relative to the working directory.
const at = unix.AT_FDCWD

// A program is the whole life of a jail's process 1.
type program struct {
	clone cloneArgs
	setup sequence // process 1 builds the jail around itself
	enter sequence // its child becomes the untrusted program
	stay  sequence // process 1 gives up what it no longer needs

	failure uintptr // where a failed call is reported
	status  uintptr // where process 1 writes how the untrusted program ended

	all    [8]byte // every signal
	old    [8]byte
	report [2]uint32
	waited uint32
}

// cloneArgs is struct clone_args of clone3(2).
type cloneArgs struct {
	flags, pidfd, childTID, parentTID, exitSignal, stack, stackSize, tls, setTID, setTIDSize, cgroup uint64
}

// The parts of a program, as they are reported.
const (
	partSetup = iota << 16
	partEnter
	partStay
	partFork
)

// failed says in words which call failed.
func (p *program) failed(report [2]uint32) error {
	part, i := report[0]&^0xffff, int(report[0]&0xffff)
	for _, s := range []struct {
		part uint32
		*sequence
	}{{partSetup, &p.setup}, {partEnter, &p.enter}, {partStay, &p.stay}} {
		if s.part != part || i >= len(s.names) {
			continue
		}
		if s.calls[i].number == unix.SYS_EXECVE {
			return &engine.ExecError{Program: s.names[i], Err: syscall.Errno(report[1])}
		}
		return fmt.Errorf("%s: %w", s.names[i], syscall.Errno(report[1]))
	}
	return fmt.Errorf("forking inside the jail: %w", syscall.Errno(report[1]))
}

// launch forks process 1 of the jail. The calling goroutine must be locked to its thread.
//
// From the clone on, the child is alone with a copy of memory in which any lock may be held by a thread that does
// not exist there. It therefore never returns to Go: all it does is in functions that make raw system calls, that
// cannot grow the stack and that never meet the garbage collector. Signals are blocked around the clone so that no
// handler of the Go runtime ever runs in the child.
//
//go:noinline
//go:norace
//go:nosplit
func launch(p *program) (pid uintptr, errno syscall.Errno) {
	syscall.RawSyscall6(unix.SYS_RT_SIGPROCMASK, unix.SIG_SETMASK, uintptr(unsafe.Pointer(&p.all)), uintptr(unsafe.Pointer(&p.old)), 8, 0, 0)
	pid, _, errno = syscall.RawSyscall6(unix.SYS_CLONE3, uintptr(unsafe.Pointer(&p.clone)), unsafe.Sizeof(p.clone), 0, 0, 0, 0)
	if errno == 0 && pid == 0 {
		first(p)
	}
	syscall.RawSyscall6(unix.SYS_RT_SIGPROCMASK, unix.SIG_SETMASK, uintptr(unsafe.Pointer(&p.old)), 0, 8, 0, 0)
	return pid, errno
}

// first is process 1: it builds the jail, forks the untrusted program, and outlives it.
//
//go:noinline
//go:norace
//go:nosplit
func first(p *program) {
	perform(p, p.setup.calls, partSetup)
	pid, _, errno := syscall.RawSyscall6(unix.SYS_CLONE, uintptr(unix.SIGCHLD), 0, 0, 0, 0, 0)
	if errno != 0 {
		giveUp(p, partFork, errno)
	}
	if pid == 0 {
		perform(p, p.enter.calls, partEnter)
		exit()
	}
	perform(p, p.stay.calls, partStay)
	reap(p, pid)
}

// perform makes the calls one after the other and ends the process at the first that fails.
//
//go:noinline
//go:norace
//go:nosplit
func perform(p *program, calls []call, part uint32) {
	var file uintptr
	for i := range calls {
		c := &calls[i]
		arg0 := c.args[0]
		if c.kept {
			arg0 = file
		}
		r, _, errno := syscall.RawSyscall6(c.number, arg0, c.args[1], c.args[2], c.args[3], c.args[4], c.args[5])
		if c.keep {
			file = r
		}
		if errno != 0 && !c.lax {
			giveUp(p, part+uint32(i), errno)
		}
	}
}

//go:noinline
//go:norace
//go:nosplit
func giveUp(p *program, where uint32, errno syscall.Errno) {
	p.report[0], p.report[1] = where, uint32(errno)
	syscall.RawSyscall6(unix.SYS_WRITE, p.failure, uintptr(unsafe.Pointer(&p.report)), 8, 0, 0, 0)
	exit()
}

//go:noinline
//go:norace
//go:nosplit
func exit() {
	for {
		syscall.RawSyscall6(unix.SYS_EXIT_GROUP, 0, 0, 0, 0, 0, 0)
	}
}

// forwarded is added to the number of a signal that process 1 is asked to pass on, so that it comes as one that means
// nothing else to a process 1. Signals are real-time ones from there on, hence queued.
const forwarded = 32

// reap is the life of process 1: collect children, pass signals on, end with the program.
//
//go:noinline
//go:norace
//go:nosplit
func reap(p *program, program uintptr) {
	for {
		signal, _, errno := syscall.RawSyscall6(unix.SYS_RT_SIGTIMEDWAIT, uintptr(unsafe.Pointer(&p.all)), 0, 0, 8, 0, 0)
		if errno != 0 {
			continue
		}
		switch {
		case signal == forwarded+uintptr(unix.SIGSTOP), signal == forwarded+uintptr(unix.SIGCONT):
			syscall.RawSyscall6(unix.SYS_KILL, ^uintptr(0), signal-forwarded, 0, 0, 0, 0)
		case signal > forwarded:
			syscall.RawSyscall6(unix.SYS_KILL, program, signal-forwarded, 0, 0, 0, 0)
		}
		for {
			pid, _, errno := syscall.RawSyscall6(unix.SYS_WAIT4, ^uintptr(0), uintptr(unsafe.Pointer(&p.waited)), unix.WNOHANG, 0, 0, 0)
			if errno != 0 || pid == 0 {
				break
			}
			if pid == program {
				syscall.RawSyscall6(unix.SYS_WRITE, p.status, uintptr(unsafe.Pointer(&p.waited)), 4, 0, 0, 0)
				exit()
			}
		}
	}
}
