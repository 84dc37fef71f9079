package fleet_test

import (
	"context"
	"errors"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"redoubt/internal/sandbox"
	"redoubt/internal/service/lambda/fleet"
)

// A process is an extension, or a runtime beside extensions.
type process struct {
	*box
	name    string
	id      string
	signals chan os.Signal
	ended   chan struct{}
	once    sync.Once
	how     sandbox.Exit
}

func (b *box) Run(p sandbox.Program) (sandbox.Process, error) {
	r := &process{box: b, name: p.Argv[0], signals: make(chan os.Signal, 9), ended: make(chan struct{})}
	go func() {
		<-b.dead
		r.quit(sandbox.Exit{Signal: syscall.SIGKILL})
	}()
	if p.Extension {
		go b.extension(r)
	} else {
		go b.behave(b)
	}
	return r, nil
}

// Signal kills by SIGKILL. Others are for the process to hear.
func (p *process) Signal(s os.Signal) error {
	p.note(p.name + " " + s.String())
	if s == os.Kill {
		p.quit(sandbox.Exit{Signal: syscall.SIGKILL})
	}
	return nil
}

func (p *process) Wait() sandbox.Exit {
	<-p.ended
	return p.how
}

func (p *process) quit(x sandbox.Exit) {
	p.once.Do(func() {
		p.how = x
		close(p.ended)
	})
}

func (p *process) register(events string) {
	h, _ := p.request("POST", "/2020-01-01/extension/register", `{"events":[`+events+`]}`, "Lambda-Extension-Name", strings.TrimPrefix(p.name, "/opt/extensions/"))
	p.id = h.Get("Lambda-Extension-Identifier")
}

func (p *process) next() string {
	_, event := p.request("GET", "/2020-01-01/extension/event/next", "", "Lambda-Extension-Identifier", p.id)
	return event
}

// takes is an extension that takes a while for each event, and obeys when it is told to end.
func takes(each time.Duration) func(*process) {
	return func(p *process) {
		p.register(`"INVOKE","SHUTDOWN"`)
		for {
			switch event := p.next(); {
			case strings.Contains(event, "SHUTDOWN"):
				p.note(event[strings.Index(event, "shutdownReason")+17 : len(event)-2])
				p.quit(sandbox.Exit{})
				return
			case event == "":
				return
			}
			p.sleep(each)
		}
	}
}

// extendedWorld is a world whose function has an extension.
func extendedWorld(runtime func(*box), extension func(*process)) *world {
	w := newWorld(runtime)
	w.extensions, w.engine.extension = []string{"x"}, extension
	return w
}

func TestAnswerDoesNotWaitForExtensionsButTheyCount(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := extendedWorld(echo(0, 0), takes(2*time.Second))
		defer w.end(t)
		w.function.Unreserved = 1
		begin := time.Now()
		o, err := w.Invoke(t.Context(), &w.function, &fleet.Event{RequestID: "a", Payload: []byte("1")})
		if err != nil || string(o.Payload) != "1" || time.Since(begin) > 0 {
			t.Errorf("got %+v, %v after %v", o, err, time.Since(begin))
		}
		var throttled *fleet.Throttled
		if _, err := w.Invoke(t.Context(), &w.function, &fleet.Event{RequestID: "b"}); !errors.As(err, &throttled) {
			t.Errorf("got %v", err)
		}
		time.Sleep(2100 * time.Millisecond)
		w.invoke(t, "c")
		if len(w.engine.boxes) != 1 || !strings.Contains(w.logged(), "REPORT RequestId: a\tDuration: 2000.00 ms\tBilled Duration: 2000 ms") {
			t.Errorf("%d environments, %s", len(w.engine.boxes), w.logged())
		}
	})
}

func TestExtensionsHaveTheTimeOfTheFunction(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := extendedWorld(echo(0, 0), takes(time.Hour))
		defer w.end(t)
		if o, err := w.Invoke(t.Context(), &w.function, &fleet.Event{RequestID: "a", Payload: []byte("1")}); err != nil || o.Failed {
			t.Errorf("got %+v, %v", o, err)
		}
		time.Sleep(time.Minute)
		for _, part := range []string{" a Task timed out after 3.00 seconds\n\nEND RequestId: a\n", "\tDuration: 3000.00 ms", "\tStatus: timeout\n"} {
			if !strings.Contains(w.logged(), part) {
				t.Errorf("no %q in %s", part, w.logged())
			}
		}
	})
}

func TestEndOfAnEnvironmentTakesAsLongAsOnAWS(t *testing.T) {
	stubborn := func(b *box) { // a runtime that does not hear
		b.call("GET", "invocation/next", "")
		b.sleep(24 * time.Hour)
	}
	deaf := func(p *process) { // so is an extension
		p.register(`"SHUTDOWN"`)
		p.next()
		p.next()
	}
	inner := func(b *box) {
		h, _ := b.request("POST", "/2020-01-01/extension/register", `{"events":["INVOKE"]}`, "Lambda-Extension-Name", "inner")
		go b.request("GET", "/2020-01-01/extension/event/next", "", "Lambda-Extension-Identifier", h.Get("Lambda-Extension-Identifier"))
		stubborn(b)
	}
	for name, c := range map[string]struct {
		runtime   func(*box)
		extension func(*process)
		took      time.Duration
		seen      string
	}{
		"alone":    {stubborn, nil, 0, "ended"},
		"internal": {inner, nil, 500 * time.Millisecond, "terminated ended"},
		"external": {stubborn, deaf, 2 * time.Second, "runtime terminated runtime killed ended"},
		"obedient": {stubborn, takes(0), 600 * time.Millisecond, "runtime terminated runtime killed timeout ended"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(c.runtime)
				if c.extension != nil {
					w = extendedWorld(c.runtime, c.extension)
				}
				o, err := w.Invoke(t.Context(), &w.function, &fleet.Event{RequestID: "a"})
				if err != nil {
					t.Fatal(err)
				}
				begin := time.Now()
				w.end(t)
				if took := time.Since(begin); !o.Failed || took != c.took {
					t.Errorf("took %v: %s", took, o.Payload)
				}
				if got := w.engine.boxes[0].seen(); got != c.seen {
					t.Errorf("saw %s, want %s", got, c.seen)
				}
			})
		})
	}
}

func TestEnvironmentIsReplacedWhenAnIdleExtensionEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		die := make(chan struct{})
		w := extendedWorld(echo(0, 0), func(p *process) {
			go takes(0)(p)
			select {
			case <-die:
				p.quit(sandbox.Exit{Code: 1})
			case <-p.dead:
			}
		})
		defer w.end(t)
		w.invoke(t, "a")
		synctest.Wait()
		die <- struct{}{}
		time.Sleep(3 * time.Second)
		w.invoke(t, "b")
		if got := w.engine.boxes[0].seen(); !strings.Contains(got, "ended") || len(w.engine.boxes) != 2 {
			t.Errorf("saw %q in %d environments", got, len(w.engine.boxes))
		}
	})
}

func TestExtensionThatNeverRegistersKeepsTheRuntimeFromStarting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		started := 0
		w := extendedWorld(func(*box) { started++ }, func(*process) {})
		defer w.end(t)
		begin := time.Now()
		o := w.invoke(t, "a")
		if took := time.Since(begin); !strings.Contains(string(o.Payload), "Task timed out after 3.00 seconds") || took < 13*time.Second || started > 0 {
			t.Errorf("got %s after %v, %d started", o.Payload, took, started)
		}
		log := w.logged()
		for _, part := range []string{
			"EXTENSION\tName: x\tState: Started\tEvents: []\nINIT_REPORT Init Duration: 10000.00 ms\tPhase: init\tStatus: timeout\n",
			"INIT_REPORT Init Duration: 3000.00 ms\tPhase: invoke\tStatus: timeout\nSTART RequestId: a Version: $LATEST\n", "\tStatus: timeout\n",
		} {
			if !strings.Contains(log, part) {
				t.Errorf("no %q in %s", part, log)
			}
		}
	})
}

func TestDrainWaitsForExtensions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := extendedWorld(echo(0, 0), takes(2*time.Second))
		if _, err := w.Invoke(t.Context(), &w.function, &fleet.Event{RequestID: "a", Payload: []byte("1")}); err != nil {
			t.Fatal(err)
		}
		begin := time.Now()
		if err := w.Drain(context.Background()); err != nil || time.Since(begin) < 2*time.Second {
			t.Errorf("drained in %v, %v", time.Since(begin), err)
		}
		if got := w.engine.boxes[0].seen(); !strings.HasSuffix(got, "spindown ended") || !strings.Contains(w.logged(), "REPORT RequestId: a") {
			t.Errorf("saw %s, logged %s", got, w.logged())
		}
	})
}
