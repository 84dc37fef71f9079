package sandboxtest

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

func detach(c *exec.Cmd) { c.SysProcAttr = &syscall.SysProcAttr{Setsid: true} }

// addSystemProbes adds what only exists here.
func addSystemProbes(all map[string]func([]string)) {
	all["status"] = status
	all["processes"] = processes
	all["call"] = each(func(name string) error { return syscalls()[name]() })
	all["bomb"] = bomb
	all["orphans"] = orphans
}

// status prints the fields of its own status.
func status(fields []string) {
	b, err := os.ReadFile("/proc/self/status")
	if err != nil {
		fmt.Println(err)
	}
	for line := range strings.Lines(string(b)) {
		k, v, _ := strings.Cut(strings.TrimSpace(line), ":")
		for _, f := range fields {
			if f == k {
				fmt.Printf("%s: %s\n", k, strings.TrimSpace(v))
			}
		}
	}
}

// processes prints the ids of all processes that it can see.
func processes([]string) {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		fmt.Println(err)
	}
	for _, e := range entries {
		if n, err := strconv.Atoi(e.Name()); err == nil && n != os.Getpid() {
			fmt.Print(n, " ")
		}
	}
}

// bomb forks until it cannot, and prints how often it could.
func bomb([]string) {
	null, err := os.OpenFile("/dev/null", os.O_RDWR, 0)
	if err != nil {
		fmt.Print(err)
		return
	}
	for n := 0; ; n++ {
		c := exec.Command(os.Args[0], probeMark, "child")
		c.Stdin, c.Stdout, c.Stderr = null, null, null
		if err := c.Start(); err != nil || n > 5000 {
			fmt.Print(n)
			os.Exit(0) // a Go program that cannot have a thread dies on its own soon
		}
	}
}

// orphans leaves children to process 1, and waits until it has buried them.
func orphans([]string) {
	for range 20 {
		if err := exec.Command("/bin/sh", "-c", "(true &) ; (true &)").Run(); err != nil {
			fmt.Println(err)
		}
	}
	for adopted() > 0 {
		time.Sleep(time.Millisecond)
	}
	fmt.Print("buried")
}

// adopted counts the children of process 1 but for this process.
func adopted() int {
	n := 0
	entries, _ := os.ReadDir("/proc")
	for _, e := range entries {
		b, err := os.ReadFile("/proc/" + e.Name() + "/stat")
		_, after, found := strings.Cut(string(b), ") ")
		if _, number := strconv.Atoi(e.Name()); number == nil && err == nil && found && strings.HasPrefix(after[1:], " 1 ") {
			n++
		}
	}
	return n - 1
}

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
