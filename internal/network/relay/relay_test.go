package relay

import (
	"io"
	"net"
	"testing"
)

// echo serves TCP and UDP on the loopback, and returns where.
func echo(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	c, err := net.ListenPacket("udp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close(); c.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() { io.Copy(c, c); c.Close() }()
		}
	}()
	go func() {
		b := make([]byte, 2048)
		for {
			n, from, err := c.ReadFrom(b)
			if err != nil {
				return
			}
			c.WriteTo(b[:n], from)
		}
	}()
	return l.Addr().String()
}

func TestStreamsArriveWithTheirEnds(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan bool)
	go func() { Streams(l, To("tcp", echo(t))); close(ended) }()
	c, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	io.WriteString(c, "hello")
	c.(*net.TCPConn).CloseWrite()
	if b, err := io.ReadAll(c); string(b) != "hello" || err != nil {
		t.Errorf("%q, %v", b, err)
	}
	open, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer open.Close()
	io.WriteString(open, "x")
	io.ReadFull(open, make([]byte, 1)) // it is through
	l.Close()
	<-ended
	if n, err := open.Read(make([]byte, 1)); err == nil {
		t.Errorf("a connection outlives its relay: %d bytes", n)
	}
}

func TestAConnectionToNobodyFails(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	nobody, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	nobody.Close()
	go Streams(l, To("tcp", nobody.Addr().String()))
	c, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		return // reset already
	}
	defer c.Close()
	if _, err := c.Read(make([]byte, 1)); err == nil || err == io.EOF {
		t.Errorf("ended with %v, want a failure", err)
	}
}

func TestPacketsAreAnsweredToWhoSentThem(t *testing.T) {
	p, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	go Packets(p, To("udp", echo(t)))
	var conns []net.Conn
	for _, text := range []string{"one", "two"} {
		c, err := net.Dial("udp", p.LocalAddr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		io.WriteString(c, text)
		conns = append(conns, c)
	}
	for i, want := range []string{"one", "two"} {
		b := make([]byte, 16)
		if n, err := conns[i].Read(b); err != nil || string(b[:n]) != want {
			t.Errorf("%q, %v, want %q", b[:n], err, want)
		}
	}
}
