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
func first(k *kit, setup []call) {
	perform(k, setup, mainProgram, partSetup)
	k.reports = reportsFile
	var here byte
	k.forget(uintptr(unsafe.Pointer(&here)))
	tell(k, reportReady, mainProgram, 0, 0)
	k.polled[0] = unix.PollFd{Fd: signalsFile, Events: unix.POLLIN}
	k.polled[1] = unix.PollFd{Fd: ordersFile, Events: unix.POLLIN}
	for {
		k.polled[0].Revents, k.polled[1].Revents = 0, 0
		syscall.RawSyscall6(unix.SYS_PPOLL, uintptr(unsafe.Pointer(&k.polled)), 2, 0, 0, 8, 0)
		if k.polled[0].Revents != 0 {
			syscall.RawSyscall6(unix.SYS_READ, signalsFile, uintptr(unsafe.Pointer(&k.signal)), 128, 0, 0, 0)
			reap(k)
		}
		if k.polled[1].Revents == 0 {
			continue
		}
		n, _, errno := syscall.RawSyscall6(unix.SYS_READ, ordersFile, uintptr(unsafe.Pointer(&k.order)), unsafe.Sizeof(k.order), 0, 0, 0)
		if n == 0 && errno == 0 {
			exit() // the spawner is gone
		}
		if n == unsafe.Sizeof(k.order) {
			obey(k, k.order.kind, k.order.program, uintptr(k.order.value))
		}
	}
}

//go:noinline
//go:norace
//go:nosplit
func obey(k *kit, kind, id uint32, value uintptr) {
	switch kind {
	case orderRun, orderExtension:
		run(k, id, kind == orderExtension)
	case orderStop:
		syscall.RawSyscall6(unix.SYS_KILL, ^uintptr(0), uintptr(unix.SIGSTOP), 0, 0, 0, 0)
		awaitStop(k)
		tell(k, reportStarted, id, 0, 0)
	case orderContinue:
		syscall.RawSyscall6(unix.SYS_KILL, ^uintptr(0), uintptr(unix.SIGCONT), 0, 0, 0, 0)
		tell(k, reportStarted, id, 0, 0)
	case orderSignal:
		for i := range k.programs {
			if k.programs[i].pid != 0 && k.programs[i].id == id {
				syscall.RawSyscall6(unix.SYS_KILL, uintptr(k.programs[i].pid), value, 0, 0, 0, 0)
			}
		}
	}
}

// awaitStop waits until the programs have stopped: they go on until the kernel has told all their threads.
//
//go:noinline
//go:norace
//go:nosplit
func awaitStop(k *kit) {
	for i := range k.programs {
		if pid := k.programs[i].pid; pid != 0 {
			syscall.RawSyscall6(unix.SYS_WAITID, unix.P_PID, uintptr(pid), uintptr(unsafe.Pointer(&k.signal)), unix.WSTOPPED|unix.WEXITED|unix.WNOWAIT, 0, 0)
		}
	}
}

// run forks a child that becomes a program. The fork returns once it has, or has failed and said so.
//
//go:noinline
//go:norace
//go:nosplit
func run(k *kit, id uint32, extension bool) {
	free := 0
	for free < maxPrograms-1 && k.programs[free].pid != 0 {
		free++
	}
	if k.programs[free].pid != 0 {
		tell(k, reportFailed, id, partFork, uint32(unix.EAGAIN))
		return
	}
	pid, _, errno := syscall.RawSyscall6(unix.SYS_CLONE, unix.CLONE_VFORK|uintptr(unix.SIGCHLD), 0, 0, 0, 0, 0)
	if errno != 0 {
		tell(k, reportFailed, id, partFork, uint32(errno))
		if id == mainProgram {
			exit()
		}
		return
	}
	if pid == 0 {
		if extension {
			perform(k, k.aside[:k.asides], id, partAside)
		}
		perform(k, k.enter[:k.enters], id, partEnter)
		exit()
	}
	k.programs[free].pid, k.programs[free].id = uint32(pid), id
	tell(k, reportStarted, id, 0, 0)
}

// reap collects who has ended. Process 1 ends with the main program, and everything with it.
//
//go:noinline
//go:norace
//go:nosplit
func reap(k *kit) {
	for {
		pid, _, errno := syscall.RawSyscall6(unix.SYS_WAIT4, ^uintptr(0), uintptr(unsafe.Pointer(&k.waited)), unix.WNOHANG, 0, 0, 0)
		if errno != 0 || pid == 0 {
			return
		}
		for i := range k.programs {
			if uintptr(k.programs[i].pid) != pid {
				continue
			}
			k.programs[i].pid = 0
			tell(k, reportEnded, k.programs[i].id, 0, k.waited)
			if k.programs[i].id == mainProgram {
				exit()
			}
		}
	}
}
