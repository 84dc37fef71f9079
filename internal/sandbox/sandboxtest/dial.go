package sandboxtest

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/netip"
	"strings"
	"testing"
)

// listen is a probe that serves whoever connects to it, under the name by which an environment knows itself if it has one.
func listen(args []string) {
	l, err := net.Listen("tcp", args[0]+":0")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(l.Addr())
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}
		io.WriteString(c, "hello from inside")
		c.Close()
	}
}

// dialled connects to what listens inside, and returns what it says.
func (s *suite) dialled(t *testing.T, name string) string {
	t.Helper()
	read, write := io.Pipe()
	spec := probe("listen", name)
	spec.Stdout = write
	v := s.start(t, spec)
	line, err := bufio.NewReader(read).ReadString('\n')
	go io.Copy(io.Discard, read)
	address, parseErr := netip.ParseAddrPort(strings.TrimSpace(line))
	if err != nil || parseErr != nil {
		t.Fatalf("listens on %q, %v", line, err)
	}
	c, err := v.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", address.Port()))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	said, err := io.ReadAll(c)
	if err != nil {
		t.Error(err)
	}
	if c, err := v.Dial("tcp", "127.0.0.1:1"); err == nil {
		c.Close()
		t.Error("connected to a port on which nobody listens")
	}
	return string(said)
}

func (s *suite) dial(t *testing.T) {
	if said := s.dialled(t, "127.0.0.1"); said != "hello from inside" {
		t.Errorf("got %q", said)
	}
}

// names sees that programs find their own environment as they do on AWS, and that nothing else can be dialled.
func (s *suite) names(t *testing.T) {
	if said := s.dialled(t, "sandbox.localdomain"); said != "hello from inside" {
		t.Errorf("got %q", said)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	v := s.start(t, probe("wait"))
	for _, address := range []string{l.Addr().String(), "10.0.0.1:80", "[::1]:80", "odd"} {
		if c, err := v.Dial("tcp", address); err == nil {
			c.Close()
			t.Errorf("dialled %s", address)
		}
	}
}
