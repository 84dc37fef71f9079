package fleet_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"redoubt/internal/sandbox"
	"redoubt/internal/service/lambda/fleet"
)

// An engine whose sandboxes are goroutines, so that time can be bent. What a real one does is tested with the service.
type engine struct {
	sandbox.Engine
	behave func(*box) // a runtime's life

	extension func(*process) // that of an extension
	mu        sync.Mutex
	boxes     []*box
	known     map[string]bool
}

func (e *engine) Start(_ context.Context, s sandbox.Spec) (sandbox.Environment, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if !e.known[s.Code] {
		return nil, sandbox.ErrNotLoaded
	}
	b := &box{spec: s, listener: newListener(), exited: make(chan sandbox.Exit, 1), dead: make(chan struct{})}
	b.behave, b.extension = e.behave, e.extension
	e.boxes = append(e.boxes, b)
	if len(s.Argv) > 0 {
		go e.behave(b)
	}
	return b, nil
}

func (e *engine) load(id string) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.known[id] = true
	return nil
}

func (e *engine) isLoaded() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return len(e.known) > 0
}

func (e *engine) DropCode(id string) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	delete(e.known, id)
	return nil
}

type box struct {
	spec      sandbox.Spec
	behave    func(*box)
	extension func(*process)
	listener  *listener
	exited    chan sandbox.Exit
	once      sync.Once
	dead      chan struct{}

	mu     sync.Mutex
	events []string
}

func (b *box) note(s string) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.events = append(b.events, s)
	return nil
}

func (b *box) seen() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return strings.Join(b.events, " ")
}

func (b *box) RuntimeAPI() net.Listener              { return b.listener }
func (b *box) ServerAPI() net.Listener               { return nil }
func (b *box) Dial(string, string) (net.Conn, error) { return nil, net.ErrClosed }
func (b *box) Freeze() error                         { return b.note("frozen") }
func (b *box) Thaw() error                           { return b.note("thawed") }
func (b *box) SetCPU(float64) error                  { return nil }
func (b *box) Flush() bool                           { return false }
func (b *box) Signal(s os.Signal) error              { return b.note(s.String()) }
func (b *box) Usage() sandbox.Usage                  { return sandbox.Usage{MaxMemory: 30 << 20} }
func (b *box) Kill()                                 { b.exit(sandbox.Exit{Code: -1}) }
func (b *box) exit(x sandbox.Exit) {
	b.once.Do(func() {
		b.note("ended")
		b.exited <- x
		close(b.dead)
	})
}
func (b *box) Wait() sandbox.Exit { return <-b.exited }

// call is a request of the runtime.
func (b *box) call(method, path, body string) (http.Header, string) {
	return b.request(method, "/2018-06-01/runtime/"+path, body)
}

func (b *box) request(method, path, body string, headers ...string) (http.Header, string) {
	client := &http.Client{Transport: &http.Transport{
		DialContext: func(context.Context, string, string) (net.Conn, error) { return b.listener.dial() }, DisableKeepAlives: true,
	}}
	req, _ := http.NewRequest(method, "http://api"+path, strings.NewReader(body))
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	res, err := client.Do(req)
	if err != nil {
		return nil, ""
	}
	defer res.Body.Close()
	text, _ := io.ReadAll(res.Body)
	if res.StatusCode >= 400 {
		return nil, ""
	}
	return res.Header, string(text)
}

// sleep ends with the sandbox.
func (b *box) sleep(d time.Duration) {
	select {
	case <-time.After(d):
	case <-b.dead:
	}
}

// echo answers each event with itself after a while.
func echo(initialise, each time.Duration) func(*box) {
	return func(b *box) {
		b.sleep(initialise)
		for {
			h, event := b.call("GET", "invocation/next", "")
			if h == nil {
				return
			}
			b.sleep(each)
			fmt.Fprintf(b.spec.Stdout, "saw %s\n", event)
			b.call("POST", "invocation/"+h.Get("Lambda-Runtime-Aws-Request-Id")+"/response", event)
		}
	}
}

type listener struct {
	conns chan net.Conn
	once  sync.Once
	done  chan struct{}
}

func newListener() *listener { return &listener{conns: make(chan net.Conn), done: make(chan struct{})} }

func (l *listener) dial() (net.Conn, error) {
	ours, theirs := net.Pipe()
	select {
	case l.conns <- theirs:
		return ours, nil
	case <-l.done:
		return nil, net.ErrClosed
	}
}

func (l *listener) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.done:
		return nil, net.ErrClosed
	}
}
func (l *listener) Close() error   { l.once.Do(func() { close(l.done) }); return nil }
func (l *listener) Addr() net.Addr { return &net.TCPAddr{} }

// A world is a fleet on such an engine, with one function.
type world struct {
	*fleet.Fleet
	engine   *engine
	function fleet.Function
	mu       sync.Mutex
	log      strings.Builder
	prepared int
	expires  time.Time
	memory   float64

	extensions []string
	layers     []string
}

func newWorld(behave func(*box)) *world {
	w := &world{engine: &engine{behave: behave, known: map[string]bool{}}, memory: 1}
	w.Fleet = fleet.New(fleet.Config{Engine: w.engine, Log: slog.New(slog.DiscardHandler), Memory: func() float64 { return w.memory }})
	w.function = fleet.Function{
		ARN: "arn", Scope: "account", Generation: "1", Version: "$LATEST", Timeout: 3 * time.Second, MemoryMB: 128, Unreserved: 1000, Prepare: w.prepare,
	}
	return w
}

func (w *world) prepare(context.Context) (*fleet.Blueprint, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.prepared++
	return &fleet.Blueprint{
		Spec: sandbox.Spec{Code: "code", Layers: w.layers, Argv: []string{"runtime"}}, Expires: w.expires, Extensions: w.extensions,
		Load: func(_ context.Context, id string) error { return w.engine.load(id) },
		Sink: func(_ context.Context, lines []fleet.Line) error {
			w.mu.Lock()
			defer w.mu.Unlock()
			for _, l := range lines {
				w.log.WriteString(l.Text)
			}
			return nil
		},
	}, nil
}

func (w *world) invoke(t *testing.T, id string) *fleet.Outcome {
	t.Helper()
	o := w.try(t, id)
	if o == nil {
		t.FailNow()
	}
	return o
}

// try is invoke for other goroutines.
func (w *world) try(t *testing.T, id string) *fleet.Outcome {
	t.Helper()
	o, err := w.Invoke(t.Context(), &w.function, &fleet.Event{RequestID: id, Payload: []byte("1"), Tail: true})
	if err != nil {
		t.Error(err)
	}
	return o
}

// end lets nothing run past the test.
func (w *world) end(t *testing.T) {
	if err := w.Drain(context.Background()); err != nil {
		t.Error(err)
	}
}

func TestIdleEnvironmentFreezesAndThaws(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(echo(0, 0))
		defer w.end(t)
		w.invoke(t, "a")
		w.invoke(t, "b")
		time.Sleep(time.Second)
		w.invoke(t, "c")
		if got := w.engine.boxes[0].seen(); got != "frozen thawed" || len(w.engine.boxes) != 1 {
			t.Errorf("got %q in %d environments", got, len(w.engine.boxes))
		}
	})
}

func TestUnusedEnvironmentIsReclaimed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(echo(0, 0))
		defer w.end(t)
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		go w.Run(ctx)
		w.invoke(t, "a")
		time.Sleep(11 * time.Minute)
		if got := w.engine.boxes[0].seen(); got != "frozen ended" || w.engine.isLoaded() {
			t.Errorf("got %q, code loaded: %v", got, w.engine.isLoaded())
		}
		w.invoke(t, "b")
	})
}

func TestIdleEnvironmentsGiveWayWhenMemoryIsShort(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(echo(0, time.Second))
		defer w.end(t)
		var group sync.WaitGroup
		for range 4 {
			group.Go(func() {
				if _, err := w.Invoke(context.Background(), &w.function, &fleet.Event{RequestID: "a"}); err != nil {
					t.Error(err)
				}
			})
		}
		group.Wait()
		w.memory = 0.05
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		go w.Run(ctx)
		time.Sleep(16 * time.Second)
		ended := 0
		for _, b := range w.engine.boxes {
			if strings.HasSuffix(b.seen(), "ended") {
				ended++
			}
		}
		if ended != 2 || len(w.engine.boxes) != 4 {
			t.Errorf("%d of %d ended", ended, len(w.engine.boxes))
		}
	})
}

func TestOutdatedEnvironmentIsNotUsed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(echo(0, 0))
		defer w.end(t)
		w.invoke(t, "a")
		w.function.Generation = "2"
		w.invoke(t, "b")
		w.Retire("arn", "$LATEST", "2")
		w.invoke(t, "c")
		synctest.Wait()
		if len(w.engine.boxes) != 2 || w.engine.boxes[0].seen() != "ended" || w.engine.boxes[1].seen() != "" {
			t.Errorf("%d environments", len(w.engine.boxes))
		}
	})
}

func TestCredentialsOutliveEachEvent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(echo(0, 0))
		defer w.end(t)
		w.expires = time.Now().Add(time.Minute)
		w.invoke(t, "a")
		time.Sleep(57*time.Second + time.Millisecond)
		w.expires = time.Time{}
		w.invoke(t, "b")
		if w.prepared != 2 {
			t.Errorf("prepared %d environments", w.prepared)
		}
	})
}

func TestSlowInitialisationIsTriedAgainWithinTheTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(echo(12*time.Second, time.Second))
		defer w.end(t)
		w.function.Timeout = 30 * time.Second
		o := w.invoke(t, "a")
		want := "INIT_REPORT Init Duration: 10000.00 ms\tPhase: init\tStatus: timeout\nSTART RequestId: a Version: $LATEST\nsaw 1\nEND RequestId: a\n" +
			"REPORT RequestId: a\tDuration: 13000.00 ms\tBilled Duration: 13000 ms\tMemory Size: 128 MB\tMax Memory Used: 30 MB\t\n"
		if o.Failed || string(o.Payload) != "1" || string(o.Log) != want {
			t.Errorf("got %s %q", o.Payload, o.Log)
		}
	})
}

func TestInitialisationBeyondTheTimeoutTimesOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(echo(time.Hour, 0))
		defer w.end(t)
		o := w.invoke(t, "a")
		if !o.Failed || string(o.Payload) != `{"errorType":"Sandbox.Timedout","errorMessage":"RequestId: a Error: Task timed out after 3.00 seconds"}` {
			t.Errorf("got %s", o.Payload)
		}
		for _, part := range []string{"Phase: init\tStatus: timeout\n", "Phase: invoke\tStatus: timeout\n", " a Task timed out after 3.00 seconds\n\nEND", "\tStatus: timeout\n"} {
			if !strings.Contains(string(o.Log), part) {
				t.Errorf("no %q in %q", part, o.Log)
			}
		}
	})
}

func TestDrainWaitsForWhatRunsAndStoresItsLog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(echo(0, 2*time.Second))
		done := make(chan *fleet.Outcome, 1)
		go func() { done <- w.try(t, "a") }()
		time.Sleep(time.Second)
		begin := time.Now()
		w.end(t)
		if took := time.Since(begin); took < time.Second || took > 2*time.Second {
			t.Errorf("drained in %v", took)
		}
		if o := <-done; o.Failed || !strings.Contains(w.log.String(), "saw 1\nEND RequestId: a\nREPORT") {
			t.Errorf("got %+v, log %q", o, w.log.String())
		}
		if _, err := w.Invoke(t.Context(), &w.function, &fleet.Event{}); !errors.Is(err, fleet.ErrDraining) {
			t.Errorf("afterwards: %v", err)
		}
	})
}

func TestDrainGivesUpWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(echo(0, time.Hour))
		w.function.Timeout = 15 * time.Minute
		done := make(chan *fleet.Outcome, 1)
		go func() { done <- w.try(t, "a") }()
		time.Sleep(time.Second)
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		if err := w.Drain(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v", err)
		}
		if o := <-done; !o.Failed || !strings.Contains(string(o.Payload), "Runtime.ExitError") {
			t.Errorf("got %s", o.Payload)
		}
	})
}

func TestConcurrencyIsLimited(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(echo(0, time.Second))
		defer w.end(t)
		one := int32(1)
		for _, c := range []struct {
			reserved   *int32
			unreserved int32
		}{{&one, 1000}, {nil, 1}} {
			w.function.Reserved, w.function.Unreserved = c.reserved, c.unreserved
			first := make(chan *fleet.Outcome, 1)
			go func() { first <- w.try(t, "a") }()
			time.Sleep(time.Millisecond)
			_, err := w.Invoke(t.Context(), &w.function, &fleet.Event{RequestID: "b"})
			var throttled *fleet.Throttled
			if !errors.As(err, &throttled) || throttled.Reserved != (c.reserved != nil) {
				t.Errorf("got %v", err)
			}
			<-first
			w.invoke(t, "c")
		}
	})
}
