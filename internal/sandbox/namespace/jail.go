//go:build linux

package namespace

import (
	"encoding/binary"
	"fmt"
	"unsafe"

	"golang.org/x/sys/unix"
)

// A plan is everything that a jail's program refers to, ready before the fork.
type plan struct {
	start
	slot     int // user and group id outside
	root     int // detached mounts
	tmp      int
	code     int // -1 for none, as the next two
	opt      int
	runtime  int
	landlock int // rule set, -1 for none
	cgroup   int // directory of version 2, -1 for none

	network *network // made before, or nil

	keep   [keptFiles]int // files that process 1 keeps, in the order of their numbers there
	filter []unix.SockFilter
	loose  bool // no control group limits memory
}

// compile turns a plan into the program that performs it.
func (j *plan) compile(k *kit) *program {
	p := &program{kit: k}
	k.reports = uintptr(j.keep[reportsFile])
	p.clone = cloneArgs{flags: unix.CLONE_NEWNS | unix.CLONE_NEWPID | unix.CLONE_NEWIPC | unix.CLONE_NEWUTS, exitSignal: uint64(unix.SIGCHLD)}
	if j.cgroup >= 0 {
		p.clone.flags |= unix.CLONE_INTO_CGROUP
		p.clone.cgroup = uint64(j.cgroup)
	}
	j.files(&p.setup)
	j.confine(&p.setup)
	j.retire(&p.setup)
	p.aside.do("taking its output", unix.SYS_DUP3, extensionFile, 1, 0)
	p.aside.do("taking its output", unix.SYS_DUP3, extensionFile, 2, 0)
	become(&p.enter, k)
	k.carry(p.aside, p.enter)
	return p
}

// files builds the jail's file system and makes it the only one.
func (j *plan) files(s *sequence) {
	attach := func(fd int, target string) {
		if fd >= 0 {
			s.do("mounting /"+target, unix.SYS_MOVE_MOUNT, fd, "", at, target, unix.MOVE_MOUNT_F_EMPTY_PATH)
		}
	}
	s.do("mounting the root", unix.SYS_MOVE_MOUNT, j.root, "", at, jailDir, unix.MOVE_MOUNT_F_EMPTY_PATH)
	s.do("entering the root", unix.SYS_CHDIR, jailDir)
	attach(j.tmp, "tmp")
	attach(j.code, "var/task")
	attach(j.opt, "opt")
	attach(j.runtime, "var/runtime")
	s.do("mounting /proc", unix.SYS_MOUNT, "proc", "proc", "proc", unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC, 0)
	s.do("changing the root", unix.SYS_PIVOT_ROOT, ".", ".")
	s.do("letting go of the host's files", unix.SYS_UMOUNT2, ".", unix.MNT_DETACH)
	s.do("entering the root", unix.SYS_CHDIR, "/")
}

// confine takes every power away, in an order in which each step still has what it needs.
func (j *plan) confine(s *sequence) {
	s.do("naming the host", unix.SYS_SETHOSTNAME, jailHost, len(jailHost))
	s.do("hiding control groups", unix.SYS_UNSHARE, unix.CLONE_NEWCGROUP).lax = true
	s.write("/proc/self/oom_score_adj", "1000", true) // before anybody else where the host runs out of memory
	s.do("leaving groups", unix.SYS_SETGROUPS, 0, 0).lax = true
	s.do("becoming the group", unix.SYS_SETRESGID, j.slot, j.slot, j.slot)
	s.do("becoming the user", unix.SYS_SETRESUID, j.slot, j.slot, j.slot)
	// To map its own ids a process must own its files in /proc, which the change of ids took away.
	s.do("opening its own /proc", unix.SYS_PRCTL, unix.PR_SET_DUMPABLE, 1)
	s.do("making a user namespace", unix.SYS_UNSHARE, unix.CLONE_NEWUSER)
	s.write("/proc/self/setgroups", "deny", false)
	s.write("/proc/self/uid_map", fmt.Sprintf("%d %d 1\n", jailUser, j.slot), false)
	s.write("/proc/self/gid_map", fmt.Sprintf("%d %d 1\n", jailGroup, j.slot), false)
	j.bound(s)                                               // from here on, what is counted by user is counted for this jail alone
	s.write("/proc/sys/user/max_user_namespaces", "0", true) // none below this one, for whoever finds a way to ask
	for capability := range 64 {
		s.do("dropping a capability", unix.SYS_PRCTL, unix.PR_CAPBSET_DROP, capability).lax = capability > unix.CAP_LAST_CAP
	}
	s.do("dropping ambient capabilities", unix.SYS_PRCTL, unix.PR_CAP_AMBIENT, unix.PR_CAP_AMBIENT_CLEAR_ALL).lax = true
	header := &unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	s.do("dropping capabilities", unix.SYS_CAPSET, ref(s, header), ref(s, &[2]unix.CapUserData{}))
	s.do("refusing new privileges", unix.SYS_PRCTL, unix.PR_SET_NO_NEW_PRIVS, 1)
	if j.landlock >= 0 {
		s.do("entering landlock", unix.SYS_LANDLOCK_RESTRICT_SELF, j.landlock, 0)
	}
	// This process has the spawner's memory: nobody may look into it.
	s.do("closing its own /proc", unix.SYS_PRCTL, unix.PR_SET_DUMPABLE, 0)
}

// looseMemory is what a process may have beyond the memory of its function where only its own address space can be
// limited: language runtimes set aside more than they use.
const looseMemory = 256 << 20

// bound sets the limits that the kernel keeps by process and by user.
func (j *plan) bound(s *sequence) {
	limit := func(name string, resource int, value uint64) {
		s.do("limiting "+name, unix.SYS_PRLIMIT64, 0, resource, ref(s, &unix.Rlimit{Cur: value, Max: value}), 0)
	}
	limit("open files", unix.RLIMIT_NOFILE, uint64(j.Files))
	limit("core dumps", unix.RLIMIT_CORE, 0)
	limit("processes", unix.RLIMIT_NPROC, uint64(j.Processes+1)) // and process 1
	limit("locked memory", unix.RLIMIT_MEMLOCK, 64<<10)
	limit("message queues", unix.RLIMIT_MSGQUEUE, 0)
	if j.loose {
		limit("memory", unix.RLIMIT_DATA, uint64(j.Memory+looseMemory))
	}
}

// The files of process 1. Programs inherit the first three.
const (
	inputFile = iota
	outputFile
	errorFile
	extensionFile // the output of extensions
	ordersFile
	reportsFile
	argumentsFile
	keptFiles
	signalsFile = keptFiles // made by itself
)

// retire leaves process 1 with what it needs to run programs and to reap them. Its filter is that of all programs.
func (j *plan) retire(s *sequence) {
	for to, from := range j.keep {
		flags := unix.O_CLOEXEC
		if to <= errorFile {
			flags = 0
		}
		s.do("keeping a file", unix.SYS_DUP3, from, to, flags)
	}
	s.do("closing files", unix.SYS_CLOSE_RANGE, keptFiles, ^uintptr(0)>>33, 0)
	children := &[8]byte{}
	binary.NativeEndian.PutUint64(children[:], 1<<(unix.SIGCHLD-1))
	s.do("watching children", unix.SYS_SIGNALFD4, ^uintptr(0), ref(s, children), 8, unix.SFD_CLOEXEC)
	s.do("taking a name", unix.SYS_PRCTL, unix.PR_SET_NAME, "init").lax = true
	s.install(j.filter)
}

// become turns a child of process 1 into the untrusted program.
func become(s *sequence, k *kit) {
	s.do("leading a session", unix.SYS_SETSID)
	s.do("unblocking signals", unix.SYS_RT_SIGPROCMASK, unix.SIG_SETMASK, uintptr(unsafe.Pointer(&k.none)), 0, 8)
	s.execute(argumentsFile)
}
