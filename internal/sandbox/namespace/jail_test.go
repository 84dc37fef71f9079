//go:build linux

package namespace

import (
	"os/exec"
	"testing"

	"golang.org/x/sys/unix"
)

func TestWhoKillsABuriedJailKillsNoOther(t *testing.T) {
	open := func() (*exec.Cmd, int) {
		c := exec.Command("sleep", "1000")
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			c.Process.Kill()
			c.Wait()
		})
		fd, err := unix.PidfdOpen(c.Process.Pid, 0)
		if err != nil {
			t.Fatal(err)
		}
		return c, fd
	}
	_, fd := open()
	j, s := &jail{pidfd: fd, group: &group{}}, &spawner{}
	j.letGo()
	_, another := open()
	defer unix.Close(another)
	if err := unix.Dup3(another, fd, unix.O_CLOEXEC); err != nil && another != fd { // its number is given again
		t.Fatal(err)
	}
	if err := s.kill(j); err != nil {
		t.Error(err)
	}
	if _, err := j.dial(1); err == nil {
		t.Error("a buried jail is dialled")
	}
	ended := []unix.PollFd{{Fd: int32(another), Events: unix.POLLIN}}
	if n, err := unix.Poll(ended, 100); n != 0 || err != nil {
		t.Errorf("the other has ended: %d, %v", n, err)
	}
}
