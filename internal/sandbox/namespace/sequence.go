//go:build linux

package namespace

import (
	"fmt"
	"unsafe"

	"golang.org/x/sys/unix"
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
