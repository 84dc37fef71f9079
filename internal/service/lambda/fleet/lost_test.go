package fleet_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"redoubt/internal/sandbox"
)

// dieIdle answers one event, asks for the next, and ends before it gets one.
func dieIdle(b *box) {
	h, event := b.call("GET", "invocation/next", "")
	b.call("POST", "invocation/"+h.Get("Lambda-Runtime-Aws-Request-Id")+"/response", event)
	c, err := b.listener.dial()
	if err != nil {
		return
	}
	fmt.Fprint(c, "GET /2018-06-01/runtime/invocation/next HTTP/1.1\r\nHost: api\r\n\r\n")
	b.sleep(10 * time.Millisecond)
	c.Close()
	b.sleep(time.Second)
	b.exit(sandbox.Exit{Code: 1})
}

func TestEventThatALostEnvironmentNeverTookGoesToAnother(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		first := make(chan struct{}, 1)
		first <- struct{}{}
		w := newWorld(func(b *box) {
			select {
			case <-first:
				dieIdle(b)
			default:
				echo(0, 0)(b)
			}
		})
		w.invoke(t, "a")
		time.Sleep(500 * time.Millisecond)
		if o := w.invoke(t, "b"); o.Failed || string(o.Payload) != "1" || !strings.HasPrefix(string(o.Log), "START RequestId: b Version: $LATEST\nsaw 1\nEND") {
			t.Errorf("got %s %q", o.Payload, o.Log)
		}
		w.end(t)
		if log := w.logged(); strings.Count(log, "START RequestId: b") != strings.Count(log, "END RequestId: b\nREPORT RequestId: b") {
			t.Errorf("got %q", log)
		}
	})
}
