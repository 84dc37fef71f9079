//go:build linux

package namespace

import (
	"fmt"
	"os"
	"strings"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// A kit is what process 1 works with once the jail is built. Besides it, its code and a piece of stack it has no memory:
// it gives back its copy of the spawner's, which would cost more than all the rest of an idle environment.
// Nothing in a kit points to what Go collects.
type kit struct {
	reports uintptr // where process 1 and its children write reports
	aside   [4]call // a child of it that is an extension changes its output
	enter   [24]call
	asides  int
	enters  int

	all      [8]byte // every signal
	none     [8]byte
	old      [8]byte
	polled   [2]unix.PollFd
	signal   [128]byte // struct signalfd_siginfo
	order    order
	report   report
	waited   uint32
	programs [maxPrograms]struct{ pid, id uint32 }

	top      uintptr // the end of what can be given back
	number   uintptr // the call that does it, and its last argument
	advice   uintptr
	kept     [3]span // what stays: code, kit and stack
	writable [4]span // of the code's, what can be made anew from its file
}

// A span is a range of addresses, whole pages.
type span struct{ begin, end uintptr }

const (
	pageSize = 4096
	kitSize  = (unsafe.Sizeof(kit{}) + pageSize - 1) &^ (pageSize - 1)
)

// newKit makes a kit in memory of its own.
func newKit(m memory) (*kit, []byte, error) {
	b, err := unix.Mmap(-1, 0, int(kitSize), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANON)
	if err != nil {
		return nil, nil, fmt.Errorf("making room for a process 1: %w", err)
	}
	k := (*kit)(unsafe.Pointer(unsafe.SliceData(b)))
	for i := range k.all {
		k.all[i] = 255
	}
	begin := uintptr(unsafe.Pointer(k))
	k.top, k.kept[0], k.kept[1], k.writable = m.top, m.program, span{begin, begin + kitSize}, m.writable
	if k.number = unix.SYS_MUNMAP; m.linked {
		// Threads of C libraries have a piece of memory that the kernel writes to (rseq): mappings stay, empty.
		k.number, k.advice = unix.SYS_MADVISE, unix.MADV_DONTNEED
	}
	return k, b, nil
}

// carry copies the calls that children of process 1 will make.
func (k *kit) carry(aside, enter sequence) {
	k.asides, k.enters = copy(k.aside[:], aside.calls), copy(k.enter[:], enter.calls)
}

// A memory says where this program itself is in its memory.
type memory struct {
	top      uintptr
	program  span
	writable [4]span
	linked   bool // dynamically
}

// findMemory reads where this program itself is: the mappings of its file, and the anonymous one right behind them.
func findMemory() (m memory, err error) {
	self, err := os.Readlink("/proc/self/exe")
	if err != nil {
		return m, err
	}
	writable := 0
	for line := range lines("/proc/self/maps") {
		var s span
		var mode string
		if strings.Contains(line, " [v") {
			break // the kernel's own pages, which may be sealed
		}
		if _, err := fmt.Sscanf(line, "%x-%x %s", &s.begin, &s.end, &mode); err != nil {
			return m, fmt.Errorf("reading a mapping %q: %w", line, err)
		}
		m.top = s.end
		m.linked = m.linked || strings.Contains(line, ".so")
		if !strings.HasSuffix(line, " "+self) && (s.begin != m.program.end || strings.Contains(line, "/")) {
			continue
		}
		if m.program.begin == 0 {
			m.program.begin = s.begin
		}
		if m.program.end = s.end; mode[1] != 'w' {
			continue
		}
		if writable == len(m.writable) {
			return m, fmt.Errorf("more than %d writable parts of this program", writable)
		}
		m.writable[writable] = s
		writable++
	}
	if m.program.begin == 0 {
		return m, fmt.Errorf("%s is nowhere in memory", self)
	}
	return m, nil
}

// forget gives back all memory but what process 1 needs. The stack is in use about here.
//
//go:noinline
//go:norace
//go:nosplit
func (k *kit) forget(here uintptr) {
	for i := range k.writable {
		if s := &k.writable[i]; s.end != 0 {
			syscall.RawSyscall6(unix.SYS_MADVISE, s.begin, s.end-s.begin, unix.MADV_DONTNEED, 0, 0, 0)
		}
	}
	here &^= pageSize - 1
	k.kept[2] = span{here - pageSize, here + 3*pageSize}
	// In the order of addresses: three exchanges sort three.
	k.sort(0, 1)
	k.sort(1, 2)
	k.sort(0, 1)
	begin := uintptr(pageSize)
	for i := range k.kept {
		if k.kept[i].begin > begin {
			syscall.RawSyscall6(k.number, begin, k.kept[i].begin-begin, k.advice, 0, 0, 0)
		}
		begin = k.kept[i].end
	}
	syscall.RawSyscall6(k.number, begin, k.top-begin, k.advice, 0, 0, 0)
}

//go:norace
//go:nosplit
func (k *kit) sort(i, j int) {
	if k.kept[i].begin > k.kept[j].begin {
		k.kept[i], k.kept[j] = k.kept[j], k.kept[i]
	}
}
