package lambda_test

import (
	"fmt"
	"io"
	"net"
	"testing"

	"redoubt/internal/app"
	"redoubt/redoubttest"
)

// connecting is a function that says what it gets from an address, and what it may do to its network.
const connecting = `
import fcntl, socket, struct

def attempt(what):
    try:
        return what()
    except OSError as e:
        return type(e).__name__

def talk(event):
    with socket.create_connection((event["host"], event["port"]), timeout=2) as s:
        return s.makefile().read()

def change(request):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        fcntl.ioctl(s, request, struct.pack("16sH14s", b"lo", socket.AF_INET, bytes(14)))
        return "changed"

def handler(event, context):
    return {
        "got": attempt(lambda: talk(event)),
        "raw": attempt(lambda: str(socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_TCP))),
        "packet": attempt(lambda: str(socket.socket(17, socket.SOCK_RAW, 0))),
        "netlink": attempt(lambda: str(socket.socket(16, socket.SOCK_RAW, 0))),
        "address": attempt(lambda: change(0x8916)),
        "down": attempt(lambda: change(0x8914)),
    }
`

func TestAFunctionReachesTheLoopbackOfTheHostByARuleAlone(t *testing.T) {
	needs(t, "python3")
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			io.WriteString(c, "hello from the host")
			c.Close()
		}
	}()
	port := l.Addr().(*net.TCPAddr).Port
	for _, c := range []struct {
		rules []string
		want  string
	}{
		{nil, "ConnectionRefusedError"},
		{[]string{fmt.Sprintf("127.0.0.1:%d", port)}, "hello from the host"},
		{[]string{fmt.Sprintf("127.0.0.1:%d/udp", port)}, "ConnectionRefusedError"},
	} {
		w := worldOf(t, redoubttest.Run(t, app.Config{Egress: c.rules}).Account(t))
		in := python(connecting)
		w.create("connecting", in)
		got := fields(t, w.invoke("connecting", fmt.Sprintf(`{"host": "127.0.0.1", "port": %d}`, port)).payload)
		if got["got"] != c.want {
			t.Errorf("with %q: %q, want %q", c.rules, got["got"], c.want)
		}
		for _, power := range []string{"raw", "packet", "netlink", "address", "down"} {
			if got[power] != "PermissionError" {
				t.Errorf("%s: %q", power, got[power])
			}
		}
	}
}
