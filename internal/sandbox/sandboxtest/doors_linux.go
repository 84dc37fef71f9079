package sandboxtest

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"strings"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// sys makes a raw system call.
func sys(number uintptr, args ...uintptr) func() error {
	var a [6]uintptr
	copy(a[:], args)
	return func() error {
		if _, _, errno := unix.Syscall6(number, a[0], a[1], a[2], a[3], a[4], a[5]); errno != 0 {
			return errno
		}
		return nil
	}
}

// cstring is a pointer to a string that stays.
func cstring(s string) uintptr {
	p, err := unix.BytePtrFromString(s)
	if err != nil {
		return 0
	}
	kept = append(kept, p)
	return uintptr(unsafe.Pointer(p))
}

var kept []*byte

// syscalls are the doors that must be shut.
func syscalls() map[string]func() error {
	socket := func(family, kind, protocol uintptr) func() error { return sys(unix.SYS_SOCKET, family, kind, protocol) }
	buffer := cstring(strings.Repeat(" ", 4096))
	m := map[string]func() error{
		"mount":             sys(unix.SYS_MOUNT, cstring("tmpfs"), cstring("/tmp"), cstring("tmpfs"), 0, 0),
		"remount":           sys(unix.SYS_MOUNT, 0, cstring("/"), 0, unix.MS_REMOUNT|unix.MS_BIND, 0),
		"umount":            sys(unix.SYS_UMOUNT2, cstring("/tmp"), unix.MNT_DETACH),
		"pivot_root":        sys(unix.SYS_PIVOT_ROOT, cstring("/tmp"), cstring("/tmp")),
		"chroot":            sys(unix.SYS_CHROOT, cstring("/tmp")),
		"open_tree":         sys(unix.SYS_OPEN_TREE, 0, cstring("/"), unix.OPEN_TREE_CLONE),
		"fsopen":            sys(unix.SYS_FSOPEN, cstring("tmpfs"), 0),
		"move_mount":        sys(unix.SYS_MOVE_MOUNT, 0, cstring("/tmp"), 0, cstring("/tmp"), 0),
		"mount_setattr":     sys(unix.SYS_MOUNT_SETATTR, 0, cstring("/"), 0, buffer, 32),
		"setns":             sys(unix.SYS_SETNS, 0, 0),
		"clone3":            sys(unix.SYS_CLONE3, buffer, 88),
		"ptrace":            sys(unix.SYS_PTRACE, unix.PTRACE_ATTACH, 1),
		"ptrace_traceme":    sys(unix.SYS_PTRACE, unix.PTRACE_TRACEME),
		"process_vm_readv":  sys(unix.SYS_PROCESS_VM_READV, 1, buffer, 1, buffer, 1),
		"pidfd_getfd":       sys(unix.SYS_PIDFD_GETFD, 0, 0, 0),
		"kcmp":              sys(unix.SYS_KCMP, 1, 1, 0, 0, 0),
		"bpf":               sys(unix.SYS_BPF, 0, buffer, 128),
		"perf_event_open":   sys(unix.SYS_PERF_EVENT_OPEN, buffer, 0, 0, ^uintptr(0), 0),
		"keyctl":            sys(unix.SYS_KEYCTL, 0, ^uintptr(2), 1),
		"add_key":           sys(unix.SYS_ADD_KEY, cstring("user"), cstring("k"), buffer, 1, ^uintptr(2)),
		"request_key":       sys(unix.SYS_REQUEST_KEY, cstring("user"), cstring("k"), 0, ^uintptr(2)),
		"io_uring_setup":    sys(unix.SYS_IO_URING_SETUP, 8, buffer),
		"userfaultfd":       sys(unix.SYS_USERFAULTFD, 1),
		"open_by_handle_at": sys(unix.SYS_OPEN_BY_HANDLE_AT, 0, buffer, 0),
		"name_to_handle_at": sys(unix.SYS_NAME_TO_HANDLE_AT, 0, cstring("/"), buffer, buffer, 0),
		"init_module":       sys(unix.SYS_INIT_MODULE, buffer, 1, buffer),
		"kexec_load":        sys(unix.SYS_KEXEC_LOAD, 0, 0, 0, 0),
		"reboot":            sys(unix.SYS_REBOOT, 0, 0, 0, 0),
		"swapon":            sys(unix.SYS_SWAPON, cstring("/tmp/x"), 0),
		"syslog":            sys(unix.SYS_SYSLOG, 3, buffer, 10),
		"sethostname":       sys(unix.SYS_SETHOSTNAME, cstring("x"), 1),
		"settimeofday":      sys(unix.SYS_SETTIMEOFDAY, 0, 0),
		"clock_settime":     sys(unix.SYS_CLOCK_SETTIME, 0, buffer),
		"adjtimex":          sys(unix.SYS_ADJTIMEX, buffer),
		"quotactl":          sys(unix.SYS_QUOTACTL, 0, 0, 0, 0),
		"acct":              sys(unix.SYS_ACCT, 0),
		"fanotify_init":     sys(unix.SYS_FANOTIFY_INIT, 0, 0),
		"mknod":             sys(unix.SYS_MKNODAT, uintptr(0xffffffffffffff9c), cstring("/tmp/device"), unix.S_IFBLK|0o600, 0xfe00),
		"setuid":            sys(unix.SYS_SETUID, 0),
		"setgid":            sys(unix.SYS_SETGID, 0),
		"setgroups":         sys(unix.SYS_SETGROUPS, 1, buffer),
		"capset":            gainCapability,
		"vhangup":           sys(unix.SYS_VHANGUP),
		"netlink":           socket(unix.AF_NETLINK, unix.SOCK_RAW, unix.NETLINK_ROUTE),
		"audit":             socket(unix.AF_NETLINK, unix.SOCK_RAW, unix.NETLINK_AUDIT),
		"raw_socket":        socket(unix.AF_INET, unix.SOCK_RAW, unix.IPPROTO_ICMP),
		"ping_socket":       socket(unix.AF_INET, unix.SOCK_DGRAM, unix.IPPROTO_ICMP),
		"packet_socket":     socket(unix.AF_PACKET, unix.SOCK_RAW, 0),
		"vsock":             socket(unix.AF_VSOCK, unix.SOCK_STREAM, 0),
		"crypto_socket":     socket(unix.AF_ALG, unix.SOCK_SEQPACKET, 0),
		"bluetooth":         socket(unix.AF_BLUETOOTH, unix.SOCK_RAW, 0),
		"kill_init":         killInit,
	}
	maps.Copy(m, furtherDoors(buffer))
	for name, flag := range map[string]uintptr{
		"user": unix.CLONE_NEWUSER, "mount": unix.CLONE_NEWNS, "pid": unix.CLONE_NEWPID, "net": unix.CLONE_NEWNET,
		"ipc": unix.CLONE_NEWIPC, "uts": unix.CLONE_NEWUTS, "cgroup": unix.CLONE_NEWCGROUP, "time": unix.CLONE_NEWTIME,
	} {
		m["unshare_"+name] = sys(unix.SYS_UNSHARE, flag)
		if flag != unix.CLONE_NEWTIME { // which clone takes for something else
			m["clone_"+name] = cloneWith(flag)
		}
	}
	return m
}

// cloneWith forks with a flag; a child that comes to be ends at once.
func cloneWith(flag uintptr) func() error {
	return func() error {
		pid, _, errno := syscall.RawSyscall6(unix.SYS_CLONE, flag|uintptr(unix.SIGCHLD), 0, 0, 0, 0, 0)
		if errno != 0 {
			return errno
		}
		if pid == 0 {
			syscall.RawSyscall6(unix.SYS_EXIT_GROUP, 0, 0, 0, 0, 0, 0)
		}
		return nil
	}
}

func gainCapability() error {
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	data := [2]unix.CapUserData{{Effective: 1 << unix.CAP_SYS_ADMIN, Permitted: 1 << unix.CAP_SYS_ADMIN}}
	return unix.Capset(&header, &data[0])
}

// killInit is refused if this process lives to tell.
func killInit() error {
	if err := unix.Kill(1, unix.SIGKILL); err != nil {
		return err
	}
	return errors.New("process 1 does not mind")
}

// furtherDoors are those that few think of.
func furtherDoors(buffer uintptr) map[string]func() error {
	socket := func(family, kind, protocol uintptr) func() error { return sys(unix.SYS_SOCKET, family, kind, protocol) }
	return map[string]func() error{
		"mount_cgroup":      sys(unix.SYS_MOUNT, cstring("cgroup"), cstring("/tmp"), cstring("cgroup2"), 0, 0),
		"mount_proc":        sys(unix.SYS_MOUNT, cstring("proc"), cstring("/tmp"), cstring("proc"), 0, 0),
		"fspick":            sys(unix.SYS_FSPICK, 0, cstring("/"), 0),
		"fsconfig":          sys(unix.SYS_FSCONFIG, 0, 0, 0, 0, 0),
		"fsmount":           sys(unix.SYS_FSMOUNT, 0, 0, 0),
		"io_uring_enter":    sys(unix.SYS_IO_URING_ENTER, 0, 0, 0, 0, 0),
		"io_uring_register": sys(unix.SYS_IO_URING_REGISTER, 0, 0, 0, 0),
		"process_vm_writev": sys(unix.SYS_PROCESS_VM_WRITEV, 1, buffer, 1, buffer, 1),
		"process_madvise":   sys(unix.SYS_PROCESS_MADVISE, 0, buffer, 1, unix.MADV_COLD, 0),
		"process_mrelease":  sys(unix.SYS_PROCESS_MRELEASE, 0, 0),
		"files_of_init":     filesOfInit,
		"seccomp":           sys(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, unix.SECCOMP_FILTER_FLAG_NEW_LISTENER, buffer),
		"finit_module":      sys(unix.SYS_FINIT_MODULE, 0, buffer, 0),
		"delete_module":     sys(unix.SYS_DELETE_MODULE, cstring("tcp"), 0),
		"kexec_file_load":   sys(unix.SYS_KEXEC_FILE_LOAD, 0, 0, 0, 0, 0),
		"swapoff":           sys(unix.SYS_SWAPOFF, cstring("/tmp/x")),
		"mq_open":           sys(unix.SYS_MQ_OPEN, cstring("queue"), unix.O_RDWR|unix.O_CREAT, 0o600, 0),
		"mq_unlink":         sys(unix.SYS_MQ_UNLINK, cstring("queue")),
		"mbind":             sys(unix.SYS_MBIND, 0, 0, 0, 0, 0, 0),
		"set_mempolicy":     sys(unix.SYS_SET_MEMPOLICY, 0, 0, 0),
		"migrate_pages":     sys(unix.SYS_MIGRATE_PAGES, 1, 0, 0, 0),
		"move_pages":        sys(unix.SYS_MOVE_PAGES, 1, 0, 0, 0, 0, 0),
		"memfd_secret":      sys(unix.SYS_MEMFD_SECRET, 0),
		"vmsplice":          sys(unix.SYS_VMSPLICE, 0, buffer, 0, 0),
		"remap_file_pages":  sys(unix.SYS_REMAP_FILE_PAGES, 0, 0, 0, 0, 0),
		"quotactl_fd":       sys(unix.SYS_QUOTACTL_FD, 0, 0, 0, 0),
		"fanotify_mark":     sys(unix.SYS_FANOTIFY_MARK, 0, 0, 0, 0, 0),
		"sched_setattr":     sys(unix.SYS_SCHED_SETATTR, 0, buffer, 0),
		"setdomainname":     sys(unix.SYS_SETDOMAINNAME, cstring("x"), 1),
		"personality":       sys(unix.SYS_PERSONALITY, 0x0040000), // the same addresses each time
		"tiocsti":           sys(unix.SYS_IOCTL, 0, unix.TIOCSTI, buffer),
		"tioclinux":         sys(unix.SYS_IOCTL, 0, 0x541c, buffer),
		"loopback_down":     loopbackDown,
		"socket_mark":       socketMark,
		"sctp":              socket(unix.AF_INET, unix.SOCK_STREAM, unix.IPPROTO_SCTP),
		"dccp":              socket(unix.AF_INET, unix.SOCK_DCCP, unix.IPPROTO_DCCP),
		"mptcp":             socket(unix.AF_INET, unix.SOCK_STREAM, unix.IPPROTO_MPTCP),
		"udplite":           socket(unix.AF_INET6, unix.SOCK_DGRAM, unix.IPPROTO_UDPLITE),
		"raw_socket_ipv6":   socket(unix.AF_INET6, unix.SOCK_RAW, unix.IPPROTO_ICMPV6),
		"xdp_socket":        socket(unix.AF_XDP, unix.SOCK_RAW, 0),
		"key_socket":        socket(unix.AF_KEY, unix.SOCK_RAW, 2),
		"smc_socket":        socket(unix.AF_SMC, unix.SOCK_STREAM, 0),
		"netlink_netfilter": socket(unix.AF_NETLINK, unix.SOCK_RAW, unix.NETLINK_NETFILTER),
		"tipc_pair":         sys(unix.SYS_SOCKETPAIR, unix.AF_TIPC, unix.SOCK_STREAM, 0, buffer),
	}
}

// filesOfInit tries to take a file of process 1: its orders, its reports, another program's arguments.
func filesOfInit() error {
	init, err := unix.PidfdOpen(1, 0)
	if err != nil {
		return err
	}
	defer unix.Close(init)
	for fd := range 16 {
		if taken, err := unix.PidfdGetfd(init, fd, 0); err == nil {
			return unix.Close(taken)
		}
		if f, err := os.Open(fmt.Sprintf("/proc/1/fd/%d", fd)); err == nil {
			return f.Close()
		}
	}
	_, err = unix.PidfdGetfd(init, 0, 0)
	return err
}

func loopbackDown() error {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	ifr, err := unix.NewIfreq("lo")
	if err != nil {
		return err
	}
	return unix.IoctlIfreq(fd, unix.SIOCSIFFLAGS, ifr)
}

func socketMark() error {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	return unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_MARK, 1)
}
