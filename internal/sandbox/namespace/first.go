//go:build linux

package namespace

import (
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// The functions of this file run in a jail's process 1, and under the rules that launch names.

// first is process 1: it builds the jail, then runs programs at the spawner's word, and collects what ends.
//
//go:noinline
//go:norace
//go:nosplit
func first(p *program) {
	perform(p, p.setup.calls, mainProgram, partSetup)
	p.reports = reportsFile
	tell(p, reportReady, mainProgram, 0, 0)
	p.polled[0] = unix.PollFd{Fd: signalsFile, Events: unix.POLLIN}
	p.polled[1] = unix.PollFd{Fd: ordersFile, Events: unix.POLLIN}
	for {
		p.polled[0].Revents, p.polled[1].Revents = 0, 0
		syscall.RawSyscall6(unix.SYS_PPOLL, uintptr(unsafe.Pointer(&p.polled)), 2, 0, 0, 8, 0)
		if p.polled[0].Revents != 0 {
			syscall.RawSyscall6(unix.SYS_READ, signalsFile, uintptr(unsafe.Pointer(&p.signal)), 128, 0, 0, 0)
			reap(p)
		}
		if p.polled[1].Revents == 0 {
			continue
		}
		n, _, errno := syscall.RawSyscall6(unix.SYS_READ, ordersFile, uintptr(unsafe.Pointer(&p.order)), unsafe.Sizeof(p.order), 0, 0, 0)
		if n == 0 && errno == 0 {
			exit() // the spawner is gone
		}
		if n == unsafe.Sizeof(p.order) {
			obey(p, p.order.kind, p.order.program, uintptr(p.order.value))
		}
	}
}

//go:noinline
//go:norace
//go:nosplit
func obey(p *program, kind, id uint32, value uintptr) {
	switch kind {
	case orderRun, orderExtension:
		run(p, id, kind == orderExtension)
	case orderStop:
		syscall.RawSyscall6(unix.SYS_KILL, ^uintptr(0), uintptr(unix.SIGSTOP), 0, 0, 0, 0)
		awaitStop(p)
		tell(p, reportStarted, id, 0, 0)
	case orderContinue:
		syscall.RawSyscall6(unix.SYS_KILL, ^uintptr(0), uintptr(unix.SIGCONT), 0, 0, 0, 0)
		tell(p, reportStarted, id, 0, 0)
	case orderSignal:
		for i := range p.programs {
			if p.programs[i].pid != 0 && p.programs[i].id == id {
				syscall.RawSyscall6(unix.SYS_KILL, uintptr(p.programs[i].pid), value, 0, 0, 0, 0)
			}
		}
	}
}

// awaitStop waits until the programs have stopped: they go on until the kernel has told all their threads.
//
//go:noinline
//go:norace
//go:nosplit
func awaitStop(p *program) {
	for i := range p.programs {
		if pid := p.programs[i].pid; pid != 0 {
			syscall.RawSyscall6(unix.SYS_WAITID, unix.P_PID, uintptr(pid), uintptr(unsafe.Pointer(&p.signal)), unix.WSTOPPED|unix.WEXITED|unix.WNOWAIT, 0, 0)
		}
	}
}

// run forks a child that becomes a program. The fork returns once it has, or has failed and said so.
//
//go:noinline
//go:norace
//go:nosplit
func run(p *program, id uint32, extension bool) {
	free := 0
	for free < maxPrograms-1 && p.programs[free].pid != 0 {
		free++
	}
	if p.programs[free].pid != 0 {
		tell(p, reportFailed, id, partFork, uint32(unix.EAGAIN))
		return
	}
	pid, _, errno := syscall.RawSyscall6(unix.SYS_CLONE, unix.CLONE_VFORK|uintptr(unix.SIGCHLD), 0, 0, 0, 0, 0)
	if errno != 0 {
		tell(p, reportFailed, id, partFork, uint32(errno))
		if id == mainProgram {
			exit()
		}
		return
	}
	if pid == 0 {
		if extension {
			perform(p, p.aside.calls, id, partAside)
		}
		perform(p, p.enter.calls, id, partEnter)
		exit()
	}
	p.programs[free].pid, p.programs[free].id = uint32(pid), id
	tell(p, reportStarted, id, 0, 0)
}

// reap collects who has ended. Process 1 ends with the main program, and everything with it.
//
//go:noinline
//go:norace
//go:nosplit
func reap(p *program) {
	for {
		pid, _, errno := syscall.RawSyscall6(unix.SYS_WAIT4, ^uintptr(0), uintptr(unsafe.Pointer(&p.waited)), unix.WNOHANG, 0, 0, 0)
		if errno != 0 || pid == 0 {
			return
		}
		for i := range p.programs {
			if uintptr(p.programs[i].pid) != pid {
				continue
			}
			p.programs[i].pid = 0
			tell(p, reportEnded, p.programs[i].id, 0, p.waited)
			if p.programs[i].id == mainProgram {
				exit()
			}
		}
	}
}
