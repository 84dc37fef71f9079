//go:build linux

package namespace

import (
	"errors"
	"io"
	"os"
	"sync"

	"golang.org/x/sys/unix"
)

// outputs carry what an environment prints to the writers of its Spec.
type outputs struct {
	all     []*output
	copying sync.WaitGroup
}

// An output is a pipe that several programs may write to.
type output struct {
	from *os.File
	mu   sync.Mutex // from reading to having written
	to   io.Writer
}

// open makes an output for each writer, one for those that are the same, and returns the files to write to.
func (o *outputs) open(writers ...io.Writer) (files []*os.File, err error) {
	defer func() {
		if err != nil {
			closeAll(files)
		}
	}()
	for i, w := range writers {
		f, err := o.file(w, writers[:i], files)
		if err != nil {
			return files, err
		}
		files = append(files, f)
	}
	return files, nil
}

func (o *outputs) file(w io.Writer, before []io.Writer, files []*os.File) (*os.File, error) {
	if w == nil {
		return os.OpenFile("/dev/null", os.O_WRONLY, 0)
	}
	for i, b := range before {
		if same(w, b) {
			return duplicate(files[i])
		}
	}
	read, write, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	out := &output{from: read, to: w}
	o.all = append(o.all, out)
	o.copying.Go(out.copy)
	return write, nil
}

// wait returns when everything was written, and nobody can write more.
func (o *outputs) wait() { o.copying.Wait() }

// flush returns when what was printed until now was written.
func (o *outputs) flush() {
	for _, out := range o.all {
		out.flush()
	}
}

// outputBuffers are as large as a pipe. Idle environments hold none.
var outputBuffers = sync.Pool{New: func() any { return new([64 << 10]byte) }}

func (o *output) copy() {
	defer o.from.Close()
	c, err := o.from.SyscallConn()
	for more := true; more && err == nil; {
		err = c.Read(func(fd uintptr) (ready bool) {
			ready, more = o.pass(int(fd))
			return ready
		})
	}
}

// flush passes on what is in the pipe. An error means that it was closed, after its end.
func (o *output) flush() {
	if c, err := o.from.SyscallConn(); err == nil {
		_ = c.Control(func(fd uintptr) { o.pass(int(fd)) })
	}
}

// pass reads once, and writes. It reports whether there was anything to read, and whether there may be more.
func (o *output) pass(fd int) (ready, more bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	b := outputBuffers.Get().(*[64 << 10]byte)
	defer outputBuffers.Put(b)
	n, err := unix.Read(fd, b[:])
	switch {
	case errors.Is(err, unix.EAGAIN):
		return false, true
	case errors.Is(err, unix.EINTR):
		return true, true
	case err != nil || n <= 0:
		return true, false
	}
	if _, err := o.to.Write(b[:n]); err != nil {
		// The writer is broken; programs must not block on it, nor die of it.
		o.to = io.Discard
	}
	return true, true
}

// same reports whether two writers are one. Writers that cannot be compared are not.
func same(a, b io.Writer) bool {
	defer func() { _ = recover() }()
	return a == b
}

func duplicate(f *os.File) (*os.File, error) {
	fd, err := unix.FcntlInt(f.Fd(), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	return os.NewFile(uintptr(fd), f.Name()), nil
}
