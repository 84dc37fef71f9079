//go:build linux

package namespace

import (
	"errors"
	"fmt"
	"os"
	"os/signal"
	"runtime/debug"
	"sync"

	"golang.org/x/sys/unix"
)

// A spawner unpacks code and forks jails at the server's word.
type spawner struct {
	link *link
	setup
	null     *os.File
	home     *os.File   // its own network namespace
	homes    []*os.File // its own control groups of version 1
	filter   []unix.SockFilter
	memory   memory
	forks    chan func() // performed one by one on one thread that lives as long as the spawner
	library  library
	networks networks

	mu    sync.Mutex
	jails map[uint64]*jail
	byPID map[int]*jail
	slots map[int]bool
	next  int
}

// spawn serves the server until it closes its end, and then takes every jail down.
func spawn(control *os.File) error {
	l, err := newLink(control)
	if err != nil {
		return err
	}
	s := &spawner{link: l, forks: make(chan func()), jails: map[uint64]*jail{}, byPID: map[int]*jail{}, slots: map[int]bool{}}
	var first request
	if _, err := l.receive(&first); err != nil {
		return err
	}
	r := reply{Seq: first.Seq}
	if err := s.open(first.Setup); err != nil {
		r.Error = err.Error()
	}
	if err := l.send(r, nil); err != nil || r.Error != "" {
		return err
	}
	for {
		var q request
		q.files, err = l.receive(&q)
		if err != nil {
			s.close()
			return nil
		}
		go s.serve(q)
	}
}

// open prepares everything that jails share, and tries one.
func (s *spawner) open(c *setup) error {
	if c == nil {
		return errors.New("first request is not the setup")
	}
	s.setup = *c
	if err := unix.Prctl(unix.PR_SET_PDEATHSIG, uintptr(unix.SIGKILL), 0, 0, 0); err != nil {
		return err
	}
	if err := isolate(c.Dir, c.Privileged); err != nil {
		return err
	}
	s.library.open()
	s.filter = untrusted()
	if err := fillLowFiles(); err != nil {
		return err
	}
	var err error
	if s.memory, err = findMemory(); err != nil {
		return err
	}
	if s.null, err = os.OpenFile(hostDir+"/dev/null", os.O_RDWR, 0); err != nil {
		return err
	}
	if s.home, err = os.Open("/proc/self/ns/net"); err != nil {
		return err
	}
	ended := make(chan os.Signal, 1)
	signal.Notify(ended, unix.SIGCHLD)
	signal.Ignore(unix.SIGINT, unix.SIGTERM, unix.SIGHUP) // the server says when it ends
	go s.collect(ended)
	if s.homes, err = s.Cgroups.homes(hostDir); err != nil {
		return err
	}
	staged := make(chan error)
	go s.fork(staged)
	if err := <-staged; err != nil {
		return err
	}
	return s.try()
}

// serve answers one request.
func (s *spawner) serve(q request) {
	defer closeAll(q.files)
	r, files, err := s.answer(q)
	r.Seq = q.Seq
	if err != nil {
		r.setError(err)
	}
	// An error means that the server is gone: the reading side sees that too, and ends everything.
	_ = s.link.send(r, files)
	closeAll(files)
}

func (s *spawner) answer(q request) (r reply, files []*os.File, err error) {
	switch q.Op {
	case opLoad:
		defer debug.FreeOSMemory() // every fork copies the page tables of what is left
		return r, nil, s.library.load(q.Code, q.Limit, q.files, q.Sizes)
	case opDrop:
		return r, nil, s.library.drop(q.Code)
	case opStart:
		files, err = s.start(q)
		return r, files, err
	case opNetwork:
		files, err = s.network(q.Network)
		return r, files, err
	}
	j := s.jail(q.Jail)
	if j == nil {
		return r, nil, os.ErrProcessDone
	}
	switch q.Op {
	case opDial:
		files, err = j.dial(q.Port)
		return r, files, err
	case opKill:
		return r, nil, s.kill(j)
	case opRun:
		return r, nil, j.run(q.Program, q.Extension)
	case opSignal:
		return r, nil, j.tell(order{kind: orderSignal, program: q.Program, value: uint32(q.Signal)})
	case opFreeze:
		return r, nil, s.freeze(j, true)
	case opThaw:
		return r, nil, s.freeze(j, false)
	case opCPU:
		return r, nil, j.group.setCPU(q.CPU)
	case opUsage:
		u := j.group.usage()
		r.Usage = &u
		return r, nil, nil
	}
	return r, nil, fmt.Errorf("unknown request %q", q.Op)
}

func (s *spawner) jail(id uint64) *jail {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.jails[id]
}

// kill ends process 1 and with it all others. What version 1 froze dies only when it thaws.
func (s *spawner) kill(j *jail) error {
	err := j.hold(func(pidfd int) error { return unix.PidfdSendSignal(pidfd, unix.SIGKILL, nil, 0) })
	if j.group.v2 == "" {
		_, thaw := j.group.freeze(false)
		err = errors.Join(err, thaw)
	}
	if errors.Is(err, unix.ESRCH) || errors.Is(err, os.ErrProcessDone) {
		return nil
	}
	return err
}

// freeze stops or continues a jail; without a control group, by the signals that nobody can catch.
func (s *spawner) freeze(j *jail, stop bool) error {
	done, err := j.group.freeze(stop)
	if done {
		return err
	}
	return j.stop(stop)
}

// lowFiles are the numbers of files below that of every file that a jail may keep, so that in process 1 none of those is
// in the place of another.
const lowFiles = 16

// fillLowFiles sees to it that no file will have a low number from now on.
func fillLowFiles() error {
	for {
		fd, err := unix.FcntlInt(0, unix.F_DUPFD_CLOEXEC, 0)
		if err != nil {
			return fmt.Errorf("reserving files: %w", err)
		}
		if fd >= lowFiles {
			return unix.Close(fd)
		}
	}
}

// collect waits for jails that end.
func (s *spawner) collect(ended <-chan os.Signal) {
	for range ended {
		for {
			pid, err := unix.Wait4(-1, nil, unix.WNOHANG, nil)
			if err == unix.EINTR {
				continue
			}
			if err != nil || pid <= 0 {
				break
			}
			s.mu.Lock()
			j := s.byPID[pid]
			delete(s.byPID, pid)
			s.mu.Unlock()
			if j != nil {
				go s.bury(j)
			}
		}
	}
}

// bury tells the server that a jail ended and frees what it held.
func (s *spawner) bury(j *jail) {
	<-j.attended
	e := &ended{Lost: !j.concluded, Status: j.status, OOM: j.group.oom(), Usage: j.group.usage()}
	s.mu.Lock()
	delete(s.jails, j.id)
	s.mu.Unlock()
	// As in serve: if the server is gone, the reading side ends everything.
	_ = s.link.send(reply{Jail: j.id, Ended: e}, nil)
	j.orders.Close()
	j.memory.Close()
	j.letGo()
	j.release()
	j.group.remove()
	s.mu.Lock()
	delete(s.slots, j.slot) // its user id may be another's only now
	s.mu.Unlock()
}

// close kills all jails. The kernel would too, once this process 1 of theirs is gone, but not what version 1 froze.
func (s *spawner) close() {
	s.mu.Lock()
	all := s.jails
	s.jails = map[uint64]*jail{}
	s.mu.Unlock()
	for _, j := range all {
		_ = s.kill(j) // best effort: the end of this process does the rest
	}
	for _, j := range all {
		j.group.remove()
	}
	for _, dir := range s.Cgroups.dirs() {
		_ = unix.Rmdir(hostDir + dir) // the next start finds what is left
	}
}
