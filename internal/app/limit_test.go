package app

import (
	"net"
	"testing"
)

func TestListenerWaitsForAPlace(t *testing.T) {
	t.Parallel()
	inner, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l := limited(inner, 2)
	accepted := make(chan net.Conn)
	go func() {
		defer close(accepted)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			accepted <- c
		}
	}()
	for range 3 {
		c, err := net.Dial("tcp", inner.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
	}
	first, second := <-accepted, <-accepted
	select {
	case <-accepted:
		t.Fatal("a third connection has a place")
	default:
	}
	first.Close()
	first.Close() // twice gives one place back
	third := <-accepted
	second.Close()
	third.Close()
	l.Close()
	if _, more := <-accepted; more {
		t.Error("a closed listener accepts")
	}
}

// A listener whose places are all taken ends when it is closed.
func TestFullListenerCanBeClosed(t *testing.T) {
	t.Parallel()
	inner, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l := limited(inner, 0)
	done := make(chan error)
	go func() {
		_, err := l.Accept()
		done <- err
	}()
	l.Close()
	if err := <-done; err == nil {
		t.Error("it accepted")
	}
}
