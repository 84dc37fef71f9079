//go:build linux

package namespace

import (
	"slices"
	"unsafe"

	"golang.org/x/sys/unix"
)

// A filter is a seccomp program under construction. What it does not allow answers ENOSYS, as on a kernel without it:
// programs are ready for that, and fall back.
type filter struct {
	allowed []uint32      // system calls allowed with any arguments
	checked []checkedCall // system calls allowed with some
	refused []uint32      // system calls that answer EPERM, where programs take ENOSYS for a broken kernel
}

// A checkedCall is allowed if all its tests hold, or else answers EPERM.
type checkedCall struct {
	number uint32
	tests  []test
}

// A test holds if the low half of an argument, masked, is one of the values or, where it forbids, none of them.
type test struct {
	arg     uint32
	mask    uint32
	values  []uint32
	forbids bool
}

const whole = ^uint32(0)

const (
	retAllow  = unix.SECCOMP_RET_ALLOW
	retEPERM  = unix.SECCOMP_RET_ERRNO | uint32(unix.EPERM)
	retENOSYS = unix.SECCOMP_RET_ERRNO | uint32(unix.ENOSYS)
	retKill   = unix.SECCOMP_RET_KILL_PROCESS

	offNumber = 0  // of struct seccomp_data
	offArch   = 4  // of struct seccomp_data
	offArgs   = 16 // of struct seccomp_data, 8 bytes each
)

func load(offset uint32) unix.SockFilter {
	return unix.SockFilter{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, K: offset}
}

func ret(action uint32) unix.SockFilter {
	return unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K, K: action}
}

func and(mask uint32) unix.SockFilter {
	return unix.SockFilter{Code: unix.BPF_ALU | unix.BPF_AND | unix.BPF_K, K: mask}
}

func jump(test uint16, value uint32, yes, no uint8) unix.SockFilter {
	return unix.SockFilter{Code: unix.BPF_JMP | test | unix.BPF_K, K: value, Jt: yes, Jf: no}
}

// assemble returns the program. Another architecture's calls kill the process: their numbers mean other things.
func (f *filter) assemble() []unix.SockFilter {
	p := []unix.SockFilter{
		load(offArch), jump(unix.BPF_JEQ, auditArch, 1, 0), ret(retKill),
		load(offNumber),
	}
	if x32Bit != 0 {
		p = append(p, jump(unix.BPF_JGE, x32Bit, 0, 1), ret(retENOSYS))
	}
	allowed := search(ranges(f.allowed))
	for i, c := range allowed {
		if c == missed {
			allowed[i] = jump(unix.BPF_JA, uint32(len(allowed)-i-1), 0, 0) // behind the search
		}
	}
	p = append(p, allowed...)
	for _, n := range f.refused {
		p = append(p, jump(unix.BPF_JEQ, n, 0, 1), ret(retEPERM))
	}
	for _, c := range f.checked {
		p = append(p, c.assemble()...)
	}
	return append(p, ret(retENOSYS))
}

// missed stands for the way on when a number is in no range.
var missed = jump(unix.BPF_JA, 1<<31, 0, 0)

// search allows numbers in ranges. It halves them again and again: the kernel tries each number there is when a filter is
// installed, which happens at every start.
func search(ranges [][2]uint32) (p []unix.SockFilter) {
	if len(ranges) > 2 {
		half := len(ranges) / 2
		low := search(ranges[:half])
		p = append(p, jump(unix.BPF_JGE, ranges[half][0], uint8(len(low)), 0))
		return append(append(p, low...), search(ranges[half:])...)
	}
	for _, r := range ranges {
		if r[0] == r[1] {
			p = append(p, jump(unix.BPF_JEQ, r[0], 0, 1), ret(retAllow))
			continue
		}
		p = append(p, jump(unix.BPF_JGE, r[0], 0, 2), jump(unix.BPF_JGT, r[1], 1, 0), ret(retAllow))
	}
	return append(p, missed)
}

func (c checkedCall) assemble() []unix.SockFilter {
	var body []unix.SockFilter
	for _, t := range c.tests {
		body = append(body, t.assemble()...)
	}
	body = append(body, ret(retAllow))
	return append([]unix.SockFilter{jump(unix.BPF_JEQ, c.number, 0, uint8(len(body)))}, body...)
}

// assemble returns what goes on after itself if the test holds, and ends the call if not.
func (t test) assemble() []unix.SockFilter {
	body := []unix.SockFilter{load(offArgs + 8*t.arg), and(t.mask)}
	for i, v := range t.values {
		body = append(body, jump(unix.BPF_JEQ, v, uint8(len(t.values)-i), 0)) // behind the next but those of values
	}
	if t.forbids {
		body = append(body, jump(unix.BPF_JA, 1, 0, 0))
	}
	return append(body, ret(retEPERM))
}

// ranges joins numbers that follow each other.
func ranges(numbers []uint32) [][2]uint32 {
	sorted := slices.Compact(slices.Sorted(slices.Values(numbers)))
	var out [][2]uint32
	for _, n := range sorted {
		if last := len(out) - 1; last >= 0 && out[last][1]+1 == n {
			out[last][1] = n
			continue
		}
		out = append(out, [2]uint32{n, n})
	}
	return out
}

// install adds the calls that put the filter in force.
func (s *sequence) install(program []unix.SockFilter) {
	prog := &unix.SockFprog{Len: uint16(len(program)), Filter: unsafe.SliceData(program)}
	s.do("installing the seccomp filter", unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, 0, ref(s, prog))
}

// namespaceFlags of clone(2): all kinds of namespaces.
const namespaceFlags = unix.CLONE_NEWNS | unix.CLONE_NEWCGROUP | unix.CLONE_NEWUTS | unix.CLONE_NEWIPC |
	unix.CLONE_NEWUSER | unix.CLONE_NEWPID | unix.CLONE_NEWNET

// tioclinux is TIOCLINUX of ioctl_console(2).
const tioclinux = 0x541c

// untrusted is the filter of functions. Process 1, which runs none of their code, makes do with it as well.
func untrusted() []unix.SockFilter {
	f := filter{
		allowed: append(slices.Clone(everyday), everydayHere...),
		refused: []uint32{unix.SYS_UNSHARE, unix.SYS_SETNS, unix.SYS_MOUNT, unix.SYS_PTRACE, unix.SYS_BPF, unix.SYS_KEYCTL, unix.SYS_PERF_EVENT_OPEN},
		checked: []checkedCall{
			{unix.SYS_CLONE, []test{{arg: 0, mask: namespaceFlags, values: []uint32{0}}}},
			// No AF_NETLINK: C libraries and Go resolve names and connect without it; only lists of interfaces stay empty.
			// No protocols but those of the internet: the kernel would load modules for others.
			{unix.SYS_SOCKET, []test{
				{arg: 0, mask: whole, values: []uint32{unix.AF_UNIX, unix.AF_INET, unix.AF_INET6}},
				{arg: 2, mask: whole, values: []uint32{0, unix.IPPROTO_TCP, unix.IPPROTO_UDP}},
			}},
			{unix.SYS_SOCKETPAIR, []test{{arg: 0, mask: whole, values: []uint32{unix.AF_UNIX}}}},
			{unix.SYS_PERSONALITY, []test{{arg: 0, mask: whole, values: []uint32{0, 0x0008, 0x20000, 0x20008, 0xffffffff}}}},
			// Nobody types in another's name.
			{unix.SYS_IOCTL, []test{{arg: 1, mask: whole, values: []uint32{unix.TIOCSTI, tioclinux}, forbids: true}}},
		},
	}
	return f.assemble()
}
