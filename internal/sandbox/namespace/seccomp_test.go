//go:build linux

package namespace

import (
	"encoding/binary"
	"slices"
	"testing"

	"golang.org/x/sys/unix"
)

// decide runs a filter as the kernel does.
func decide(t *testing.T, filter []unix.SockFilter, arch, number uint32, args ...uint32) uint32 {
	t.Helper()
	data := make([]byte, 64)
	binary.NativeEndian.PutUint32(data[offNumber:], number)
	binary.NativeEndian.PutUint32(data[offArch:], arch)
	for i, a := range args {
		binary.NativeEndian.PutUint32(data[offArgs+8*i:], a)
	}
	var value uint32
	for at := 0; ; at++ {
		c := filter[at]
		yes := false
		switch c.Code {
		case unix.BPF_LD | unix.BPF_W | unix.BPF_ABS:
			value = binary.NativeEndian.Uint32(data[c.K:])
			continue
		case unix.BPF_ALU | unix.BPF_AND | unix.BPF_K:
			value &= c.K
			continue
		case unix.BPF_RET | unix.BPF_K:
			return c.K
		case unix.BPF_JMP | unix.BPF_JA | unix.BPF_K:
			at += int(c.K)
			continue
		case unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K:
			yes = value == c.K
		case unix.BPF_JMP | unix.BPF_JGE | unix.BPF_K:
			yes = value >= c.K
		case unix.BPF_JMP | unix.BPF_JGT | unix.BPF_K:
			yes = value > c.K
		default:
			t.Fatalf("instruction %d has code %#x", at, c.Code)
		}
		if at += int(c.Jf); yes {
			at += int(c.Jt) - int(c.Jf)
		}
	}
}

func TestFilterAllowsWhatIsListedAndNothingElse(t *testing.T) {
	filter := untrusted()
	listed := append(slices.Clone(everyday), everydayHere...)
	checked := []uint32{unix.SYS_CLONE, unix.SYS_SOCKET, unix.SYS_SOCKETPAIR, unix.SYS_PERSONALITY, unix.SYS_IOCTL}
	for number := range uint32(1024) {
		if slices.Contains(checked, number) {
			continue
		}
		if got := decide(t, filter, auditArch, number); (got == retAllow) != slices.Contains(listed, number) {
			t.Errorf("system call %d: %#x", number, got)
		}
	}
	if got := decide(t, filter, auditArch^1, unix.SYS_READ); got != retKill {
		t.Errorf("another architecture: %#x", got)
	}
	if got := decide(t, filter, auditArch, 0x40000000|unix.SYS_READ); got == retAllow {
		t.Errorf("another numbering: %#x", got)
	}
}

func TestFilterLooksAtArguments(t *testing.T) {
	filter := untrusted()
	for _, c := range []struct {
		name   string
		number uint32
		args   []uint32
		want   uint32
	}{
		{"a fork", unix.SYS_CLONE, []uint32{uint32(unix.SIGCHLD)}, retAllow},
		{"a thread", unix.SYS_CLONE, []uint32{unix.CLONE_VM | unix.CLONE_THREAD | unix.CLONE_SIGHAND}, retAllow},
		{"a user namespace", unix.SYS_CLONE, []uint32{unix.CLONE_NEWUSER}, retEPERM},
		{"a namespace among others", unix.SYS_CLONE, []uint32{unix.CLONE_VM | unix.CLONE_NEWNET}, retEPERM},
		{"TCP", unix.SYS_SOCKET, []uint32{unix.AF_INET, unix.SOCK_STREAM, unix.IPPROTO_TCP}, retAllow},
		{"UDP over IPv6", unix.SYS_SOCKET, []uint32{unix.AF_INET6, unix.SOCK_DGRAM, 0}, retAllow},
		{"a unix socket", unix.SYS_SOCKET, []uint32{unix.AF_UNIX, unix.SOCK_STREAM, 0}, retAllow},
		{"netlink", unix.SYS_SOCKET, []uint32{unix.AF_NETLINK, unix.SOCK_RAW, 0}, retEPERM},
		{"SCTP", unix.SYS_SOCKET, []uint32{unix.AF_INET, unix.SOCK_STREAM, unix.IPPROTO_SCTP}, retEPERM},
		{"ICMP", unix.SYS_SOCKET, []uint32{unix.AF_INET, unix.SOCK_DGRAM, unix.IPPROTO_ICMP}, retEPERM},
		{"a pair of unix sockets", unix.SYS_SOCKETPAIR, []uint32{unix.AF_UNIX}, retAllow},
		{"a pair of others", unix.SYS_SOCKETPAIR, []uint32{unix.AF_TIPC}, retEPERM},
		{"the size of a terminal", unix.SYS_IOCTL, []uint32{0, unix.TIOCGWINSZ}, retAllow},
		{"typing", unix.SYS_IOCTL, []uint32{0, unix.TIOCSTI}, retEPERM},
		{"pasting", unix.SYS_IOCTL, []uint32{0, tioclinux}, retEPERM},
		{"asking for the personality", unix.SYS_PERSONALITY, []uint32{0xffffffff}, retAllow},
		{"addresses that do not change", unix.SYS_PERSONALITY, []uint32{0x40000}, retEPERM},
	} {
		if got := decide(t, filter, auditArch, c.number, c.args...); got != c.want {
			t.Errorf("%s: %#x, want %#x", c.name, got, c.want)
		}
	}
}
