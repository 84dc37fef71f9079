//go:build linux

package namespace

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"
	"redoubt/internal/sandbox/engine"
)

// Server and spawner talk in JSON packets over a socket pair; files travel beside them.

type op string

const (
	opSetup   op = "setup"   // first: what the server knows of the host
	opLoad    op = "load"    // unpack archives (files) under a name
	opDrop    op = "drop"    // forget a name
	opStart   op = "start"   // start a jail; files: arguments, and the outputs stdout, stderr, of extensions; reply's files: the two listeners. Or one more, the network; and no listeners
	opRun     op = "run"     // run a program, whose image is in the arguments file
	opDial    op = "dial"    // connect to a port in a jail; reply's file: the connection
	opNetwork op = "network" // make a network for a jail to come; reply's files: its namespace, the two listeners, what the shape adds
	opKill    op = "kill"    // kill a jail
	opSignal  op = "signal"  // signal a program of a jail
	opFreeze  op = "freeze"  // stop a jail
	opThaw    op = "thaw"    // let it go on
	opCPU     op = "cpu"     // change its share of processors
	opUsage   op = "usage"   // ask what it used
)

// A request goes from the server to the spawner.
type request struct {
	Seq       uint64
	Op        op
	Jail      uint64  `json:",omitempty"`
	Program   uint32  `json:",omitempty"`
	Extension bool    `json:",omitempty"`
	Code      string  `json:",omitempty"`
	Limit     int64   `json:",omitempty"`
	Signal    int     `json:",omitempty"`
	Port      int     `json:",omitempty"`
	CPU       float64 `json:",omitempty"`
	Sizes     []int64 `json:",omitempty"`
	Start     *start  `json:",omitempty"`
	Setup     *setup  `json:",omitempty"`
	Network   *shape  `json:",omitempty"`
	files     []*os.File
}

// A reply goes the other way: the answer to the request Seq or, if Seq is 0, the news that a jail or a program of it ended.
type reply struct {
	Seq       uint64
	Error     string        `json:",omitempty"`
	NotLoaded bool          `json:",omitempty"`
	Gone      bool          `json:",omitempty"` // what was asked about has ended
	Refused   syscall.Errno `json:",omitempty"` // why the kernel does not execute a program
	Jail      uint64        `json:",omitempty"`
	Program   uint32        `json:",omitempty"`
	Ended     *ended        `json:",omitempty"`
	Usage     *usage        `json:",omitempty"`
	files     []*os.File
}

// setError says in a reply what callers may match of an error, and the rest as text.
func (r *reply) setError(err error) {
	r.Error, r.NotLoaded, r.Gone = err.Error(), errors.Is(err, engine.ErrNotLoaded), errors.Is(err, os.ErrProcessDone)
	var exec *engine.ExecError
	if errors.As(err, &exec) {
		errors.As(exec.Err, &r.Refused)
	}
}

// failure is the error of a reply, or nil. The program that was refused is the caller's to name.
func (r *reply) failure() error {
	switch {
	case r.NotLoaded:
		return fmt.Errorf("%w: %s", engine.ErrNotLoaded, r.Error)
	case r.Refused != 0:
		return &engine.ExecError{Err: r.Refused}
	case r.Gone:
		return os.ErrProcessDone
	case r.Error != "":
		return errors.New(r.Error)
	}
	return nil
}

// setup is what the spawner cannot find out by itself.
type setup struct {
	Dir        string // an empty directory to mount on
	Privileged bool   // the host's root, so that every jail gets a user id of its own
	Cgroups    cgroups
	Features   features
}

// start describes one jail.
type start struct {
	Main       bool // run the program whose image is in the arguments file, and end with it
	Code       string
	Layers     []string
	Runtime    string
	Roots      []string // paths of the host, read-only
	ServerPort int
	limits
}

// limits bound one jail.
type limits struct {
	Memory, Tmp      int64
	CPU              float64
	Processes, Files int
}

type usage struct {
	MaxMemory int64
	Processes int
}

// ended tells how a jail, or a program of it, ended: the wait status of the program, or Lost if process 1 was killed first.
type ended struct {
	Status uint32
	Lost   bool
	OOM    bool
	Usage  usage
}

const (
	maxPacket = 128 << 10
	maxFiles  = 64
)

// A link is one end of the socket pair.
type link struct {
	conn *net.UnixConn
	mu   sync.Mutex // one packet at a time
}

func newLink(f *os.File) (*link, error) {
	defer f.Close()
	c, err := net.FileConn(f)
	if err != nil {
		return nil, err
	}
	u, ok := c.(*net.UnixConn)
	if !ok {
		c.Close()
		return nil, errors.New("not a unix socket")
	}
	return &link{conn: u}, nil
}

// socketPair returns the server's link and the file that the spawner makes its own link of.
func socketPair() (*link, *os.File, error) {
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, nil, err
	}
	theirs := os.NewFile(uintptr(fds[1]), "spawner")
	ours, err := newLink(os.NewFile(uintptr(fds[0]), "server"))
	if err != nil {
		theirs.Close()
		return nil, nil, err
	}
	return ours, theirs, nil
}

// send writes one packet. It does not close the files.
func (l *link) send(v any, files []*os.File) error {
	b, err := json.Marshal(v)
	if err != nil {
		return err
	}
	if len(b) > maxPacket || len(files) > maxFiles {
		return fmt.Errorf("request of %d bytes and %d files is too large", len(b), len(files))
	}
	return held(files, nil, func(fds []int) error {
		var rights []byte
		if len(fds) > 0 {
			rights = unix.UnixRights(fds...)
		}
		l.mu.Lock()
		defer l.mu.Unlock()
		_, _, err := l.conn.WriteMsgUnix(b, rights, nil)
		return err
	})
}

// held calls do with the numbers of files, none of which is closed meanwhile: who loses the spawner closes what others may
// just be sending, and the number of a closed file is soon another's.
func held(files []*os.File, fds []int, do func(fds []int) error) error {
	if len(files) == 0 {
		return do(fds)
	}
	c, err := files[0].SyscallConn()
	if err != nil {
		return err
	}
	var done error
	if err := c.Control(func(fd uintptr) { done = held(files[1:], append(fds, int(fd)), do) }); err != nil {
		return err
	}
	return done
}

// receive reads one packet into v and returns the files that came with it, which the caller closes.
func (l *link) receive(v any) ([]*os.File, error) {
	b := make([]byte, maxPacket)
	oob := make([]byte, unix.CmsgSpace(4*maxFiles))
	n, oobn, flags, _, err := l.conn.ReadMsgUnix(b, oob)
	if err != nil {
		return nil, err
	}
	if n == 0 {
		return nil, net.ErrClosed
	}
	files, err := receivedFiles(oob[:oobn])
	if err == nil && flags&(unix.MSG_TRUNC|unix.MSG_CTRUNC) != 0 {
		err = errors.New("packet was cut short")
	}
	if err == nil {
		err = json.Unmarshal(b[:n], v)
	}
	if err != nil {
		closeAll(files)
		return nil, err
	}
	return files, nil
}

func receivedFiles(oob []byte) ([]*os.File, error) {
	messages, err := unix.ParseSocketControlMessage(oob)
	if err != nil {
		return nil, err
	}
	var files []*os.File
	for _, m := range messages {
		fds, err := unix.ParseUnixRights(&m)
		if err != nil {
			return files, err
		}
		for _, fd := range fds {
			files = append(files, os.NewFile(uintptr(fd), "received"))
		}
	}
	return files, nil
}

func closeAll(files []*os.File) {
	for _, f := range files {
		f.Close()
	}
}
