//go:build linux

package namespace

import (
	"fmt"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
	"redoubt/internal/sandbox/engine"
)

// A program is the whole life of a jail's process 1, and of what it forks until that is an untrusted program.
type program struct {
	clone cloneArgs
	setup sequence // process 1 builds the jail around itself, and gives up what it no longer needs
	aside sequence // a child of it that is an extension changes its output
	enter sequence // a child of it becomes an untrusted program
	kit   *kit
}

// maxPrograms is how many programs can run side by side in one jail. AWS: a runtime and ten extensions.
const maxPrograms = 32

// Ids of programs: the one that a jail ends with, and all together.
const (
	mainProgram = 0
	allPrograms = 1<<32 - 1
)

// cloneArgs is struct clone_args of clone3(2).
type cloneArgs struct {
	flags, pidfd, childTID, parentTID, exitSignal, stack, stackSize, tls, setTID, setTIDSize, cgroup uint64
}

// An order is what the spawner tells process 1.
type order struct{ kind, program, value, _ uint32 }

const (
	orderRun       = iota + 1 // run the program whose image is in the arguments file
	orderExtension            // the same, as an extension
	orderSignal               // send the signal value to a program
	orderStop                 // stop everything
	orderContinue             // let it go on
)

// A report is what process 1 and its children tell the spawner.
type report struct{ kind, program, where, value uint32 }

const (
	reportReady   = iota + 1 // the jail is built
	reportStarted            // a program runs, if nothing was said of a failure; or all have been stopped, or continued
	reportFailed             // the call where failed, with the error value
	reportEnded              // a program ended with the wait status value
)

// The parts of a program, as failures name them.
const (
	partSetup = iota << 16
	partAside
	partEnter
	partFork
)

// failed says in words which call failed.
func (p *program) failed(r report) error {
	part, i := r.where&^0xffff, int(r.where&0xffff)
	for _, s := range []struct {
		part uint32
		*sequence
	}{{partSetup, &p.setup}, {partAside, &p.aside}, {partEnter, &p.enter}} {
		if s.part != part || i >= len(s.names) {
			continue
		}
		if s.calls[i].number == unix.SYS_EXECVE {
			return &engine.ExecError{Err: syscall.Errno(r.value)}
		}
		return fmt.Errorf("%s: %w", s.names[i], syscall.Errno(r.value))
	}
	return fmt.Errorf("forking inside the jail: %w", syscall.Errno(r.value))
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
	syscall.RawSyscall6(unix.SYS_RT_SIGPROCMASK, unix.SIG_SETMASK, uintptr(unsafe.Pointer(&p.kit.all)), uintptr(unsafe.Pointer(&p.kit.old)), 8, 0, 0)
	pid, _, errno = syscall.RawSyscall6(unix.SYS_CLONE3, uintptr(unsafe.Pointer(&p.clone)), unsafe.Sizeof(p.clone), 0, 0, 0, 0)
	if errno == 0 && pid == 0 {
		first(p.kit, p.setup.calls)
	}
	syscall.RawSyscall6(unix.SYS_RT_SIGPROCMASK, unix.SIG_SETMASK, uintptr(unsafe.Pointer(&p.kit.old)), 0, 8, 0, 0)
	return pid, errno
}

// perform makes the calls one after the other and ends the process at the first that fails.
//
//go:noinline
//go:norace
//go:nosplit
func perform(k *kit, calls []call, id, part uint32) {
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
			tell(k, reportFailed, id, part+uint32(i), uint32(errno))
			exit()
		}
	}
}

//go:noinline
//go:norace
//go:nosplit
func tell(k *kit, kind, id, where, value uint32) {
	k.report = report{kind, id, where, value}
	syscall.RawSyscall6(unix.SYS_WRITE, k.reports, uintptr(unsafe.Pointer(&k.report)), unsafe.Sizeof(k.report), 0, 0, 0)
}

//go:noinline
//go:norace
//go:nosplit
func exit() {
	for {
		syscall.RawSyscall6(unix.SYS_EXIT_GROUP, 0, 0, 0, 0, 0, 0)
	}
}
