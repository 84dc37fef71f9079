//go:build linux

package namespace

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
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

	null, stdout, stderr int
	failure, status      int
	args                 *arguments
	filters              [2][]unix.SockFilter // of the program and of process 1
	loose                bool                 // no control group limits memory
	trial                bool                 // set everything up, then end without running anything
}

// compile turns a plan into the program that performs it.
func (j *plan) compile() *program {
	p := &program{failure: uintptr(j.failure), status: statusFile}
	p.all = [8]byte{255, 255, 255, 255, 255, 255, 255, 255}
	p.clone = cloneArgs{flags: unix.CLONE_NEWNS | unix.CLONE_NEWPID | unix.CLONE_NEWIPC | unix.CLONE_NEWUTS, exitSignal: uint64(unix.SIGCHLD)}
	if j.cgroup >= 0 {
		p.clone.flags |= unix.CLONE_INTO_CGROUP
		p.clone.cgroup = uint64(j.cgroup)
	}
	j.files(&p.setup)
	j.confine(&p.setup)
	j.become(&p.enter)
	j.retire(&p.stay)
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

// become turns the child of process 1 into the untrusted program.
func (j *plan) become(s *sequence) {
	if j.trial {
		s.install(j.filters[0])
		s.do("ending", unix.SYS_EXIT_GROUP, 0)
		return
	}
	s.do("leading a session", unix.SYS_SETSID)
	for to, from := range []int{j.null, j.stdout, j.stderr} {
		s.do("taking its output", unix.SYS_DUP3, from, to, 0)
	}
	s.do("closing files", unix.SYS_CLOSE_RANGE, 3, ^uintptr(0)>>33, unix.CLOSE_RANGE_CLOEXEC)
	s.do("entering "+j.Dir, unix.SYS_CHDIR, j.Dir)
	s.do("unblocking signals", unix.SYS_RT_SIGPROCMASK, unix.SIG_SETMASK, ref(s, &[8]byte{}), 0, 8)
	s.install(j.filters[0])
	for i, path := range j.Paths {
		s.do(path, unix.SYS_EXECVE, path, j.args.argv(s), j.args.envp(s)).lax = i < len(j.Paths)-1
	}
}

// statusFile is the only file that process 1 keeps.
const statusFile = 3

// retire leaves process 1 with what it needs to reap.
func (j *plan) retire(s *sequence) {
	if j.status != statusFile {
		s.do("keeping the status pipe", unix.SYS_DUP3, j.status, statusFile, 0)
	}
	s.do("closing files", unix.SYS_CLOSE_RANGE, statusFile+1, ^uintptr(0)>>33, 0)
	s.do("closing files", unix.SYS_CLOSE_RANGE, 0, statusFile-1, 0)
	s.do("taking a name", unix.SYS_PRCTL, unix.PR_SET_NAME, "init").lax = true
	s.install(j.filters[1])
}

// arguments are the argument and environment strings of a program, in a mapping that is gone when the program has them:
// environments hold secrets, and the spawner's memory is copied into every process 1.
type arguments struct {
	mapping []byte
	args    []uintptr
	env     []uintptr
}

// encodeArguments writes what mapArguments reads.
func encodeArguments(argv, env []string) ([]byte, error) {
	b := binary.NativeEndian.AppendUint32(nil, uint32(len(argv)))
	for _, list := range [][]string{argv, env} {
		for _, s := range list {
			for i := range len(s) {
				if s[i] == 0 {
					return nil, errors.New("an argument or environment variable contains a zero byte")
				}
			}
			b = append(append(b, s...), 0)
		}
	}
	return b, nil
}

func mapArguments(f *os.File) (*arguments, error) {
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if info.Size() < 5 || info.Size() > 8<<20 {
		return nil, errors.New("arguments are missing or too long")
	}
	b, err := unix.Mmap(int(f.Fd()), 0, int(info.Size()), unix.PROT_READ, unix.MAP_PRIVATE)
	if err != nil {
		return nil, fmt.Errorf("mapping the arguments: %w", err)
	}
	a := &arguments{mapping: b}
	count := int(binary.NativeEndian.Uint32(b))
	for i, begin := 4, 4; i < len(b); i++ {
		if b[i] != 0 {
			continue
		}
		word := uintptr(unsafe.Pointer(&b[begin]))
		if len(a.args) < count {
			a.args = append(a.args, word)
		} else {
			a.env = append(a.env, word)
		}
		begin = i + 1
	}
	a.args, a.env = append(a.args, 0), append(a.env, 0)
	return a, nil
}

func (a *arguments) argv(s *sequence) uintptr { return ref(s, &a.args[0]) }
func (a *arguments) envp(s *sequence) uintptr { return ref(s, &a.env[0]) }

func (a *arguments) close() { unix.Munmap(a.mapping) }
