// Package fleet keeps the execution environments of functions: it starts them, gives each one event at a time, freezes
// the idle ones and ends those that are outdated, expired or unused.
package fleet

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"net"
	"slices"
	"sync"
	"time"

	"redoubt/internal/sandbox"
	"redoubt/internal/service/lambda/runtimeapi"
	"redoubt/internal/service/lambda/telemetry"
)

// ErrDraining means that the server is about to stop. Another one, or this one after its restart, can do the work.
var ErrDraining = errors.New("the server is shutting down")

// Config is what a fleet is made of.
type Config struct {
	Engine sandbox.Engine
	Serve  func(l net.Listener, functionARN string) // the server's own API inside a sandbox; may be nil
	Log    *slog.Logger
	Spares int            // how many sandboxes are prepared for further environments of functions that were just started
	Memory func() float64 // the share of the host's memory that is left; by default the kernel is asked
}

// A Function is what the fleet needs to know for one invocation.
type Function struct {
	ARN        string // unqualified
	Scope      string // account and region, whose concurrency is limited
	Version    string
	Tenant     string    // whose environments are kept apart from those of others; "" where tenants are not isolated
	Generation string    // of code and configuration: environments of another one are not used
	Since      time.Time // when the generation was made
	Timeout    time.Duration
	MemoryMB   int
	Reserved   *int32 // concurrency of this function alone
	Unreserved int32  // concurrency shared by all functions of the scope without a reservation

	provisioned bool // to be run in an environment that is kept ready

	// Prepare makes what a new environment needs. Its errors are answered to the caller as they are.
	Prepare func(ctx context.Context) (*Blueprint, error)
}

// A Blueprint is what one environment is made from.
type Blueprint struct {
	Spec    sandbox.Spec                               // with the processors for the initialisation
	CPU     float64                                    // processors from then on
	Load    func(ctx context.Context, id string) error // loads code that Spec names
	Check   func(ctx context.Context) error            // tells before each further event whether the environment may still be used
	Expires time.Time                                  // of its credentials
	Marks   bool                                       // the runtime marks in its output where an invocation ends
	Format  telemetry.Format                           // of its log
	Sink    Sink                                       // where its output goes; may be nil
	Broken  *Failure                                   // why it cannot start, if that is known

	// RuntimeVersion and its ARN are for the log, where Lambda keeps the runtime.
	RuntimeVersion, RuntimeVersionARN string

	// Extensions are the names of the programs in /opt/extensions, which run beside the runtime.
	Extensions []string
}

// A Failure is an invocation that failed for a reason that is not the function's answer.
type Failure struct {
	Type, Message string // message without the request id before it
}

func (f *Failure) Error() string { return f.Type + ": " + f.Message }

// An Event is what a function is invoked with.
type Event struct {
	RequestID     string
	FunctionARN   string // as the caller qualified it
	ClientContext string // JSON
	TraceID       string // the X-Ray header of the caller, or ""
	Payload       []byte
	Tail          bool   // the end of the log is wanted
	Stream        Stream // takes the response as it comes, if it is wanted so
}

// A Stream takes a response as it comes.
type Stream = runtimeapi.Stream

// An Outcome is the function's answer, or how it failed.
type Outcome struct {
	Payload   []byte // with Event.Stream, the error of a function that failed
	Failed    bool
	ErrorType string // where Failed, but for errors that the function reports before it answers
	Streamed  bool   // Event.Stream got the response, or a part of it
	Log       []byte // with Event.Tail

	tail *tail
	rest func() // what is left to do while extensions go on, or nil
}

// Fleet is all environments. Its methods may be called concurrently.
type Fleet struct {
	cfg Config

	mu       sync.Mutex
	pools    map[place]*pool
	running  map[string]int32 // events in environments, by ARN for reservations and by scope for the rest
	all      map[*environment]bool
	loaded   map[string]bool // code that the engine has, unless it has lost it
	keepers  map[place]*keeper
	spares   map[place]*spare
	orders   map[place]*order   // for spares
	rates    map[string]*bucket // of events in a second, by the keys of running
	draining bool
	stopped  bool          // nothing starts any more
	idle     chan struct{} // closed when draining and nothing runs
	active   int

	stockers sync.WaitGroup
	starts   chan struct{} // holds as many as are prepared at the same time
}

// New returns an empty fleet.
func New(cfg Config) *Fleet {
	if cfg.Memory == nil {
		cfg.Memory = memoryLeft
	}
	return &Fleet{
		cfg: cfg, pools: map[place]*pool{}, running: map[string]int32{}, all: map[*environment]bool{},
		loaded: map[string]bool{}, idle: make(chan struct{}), keepers: map[place]*keeper{}, spares: map[place]*spare{}, orders: map[place]*order{},
		rates:  map[string]*bucket{},
		starts: make(chan struct{}, startsAtOnce()),
	}
}

// Invoke runs one event in an environment of its own while it lasts. The end of ctx does not stop an invocation: Lambda
// finishes what it began. The answer does not wait for extensions, but they count: the invocation is over when they are done.
func (f *Fleet) Invoke(ctx context.Context, fn *Function, ev *Event) (*Outcome, error) {
	fn, leave, err := f.enter(fn)
	if err != nil {
		return nil, err
	}
	o, err := f.invoke(context.WithoutCancel(ctx), fn, ev)
	if err != nil {
		leave()
		return nil, err
	}
	if o.rest == nil {
		defer leave()
	} else {
		go func() {
			defer leave()
			o.rest()
		}()
	}
	if o.tail != nil {
		o.Log = o.tail.wait()
	}
	return o, nil
}

func (f *Fleet) invoke(ctx context.Context, fn *Function, ev *Event) (*Outcome, error) {
	for {
		env, err := f.warm(ctx, fn)
		if err != nil {
			return nil, err
		}
		if env == nil && fn.provisioned { // it has just ended
			fn = fn.onDemand()
			continue
		}
		if env == nil {
			return f.cold(ctx, fn, ev)
		}
		i := &invocation{fleet: f, env: env, out: env.out, fn: fn, ev: ev, plan: env.plan, tail: newTail(ev.Tail)}
		i.started()
		r := i.run(fn.Timeout)
		if !r.untaken {
			return i.finish(r), nil
		}
		// It ended while it was idle, which the event has nothing to do with.
		env.kill()
		i.out.end(ev.RequestID, i.last(&result{took: r.took}), over)
	}
}

// Retire ends the environments of a version but those of one generation: idle ones at once, busy ones after their event.
func (f *Fleet) Retire(arn, version, keep string) {
	f.retire(func(at place) bool { return at.arn == arn && at.version == version }, keep)
}

// RetireAll ends the environments of all versions of a function.
func (f *Fleet) RetireAll(arn string) { f.retire(func(at place) bool { return at.arn == arn }, "") }

func (f *Fleet) retire(which func(place) bool, keep string) {
	f.mu.Lock()
	var old []*environment
	for at, p := range f.pools {
		if !which(at) || p.generation == keep {
			continue
		}
		old = append(old, p.retireLocked(keep)...)
		delete(f.pools, at)
	}
	spares := f.sparesLocked(func(at place, s *spare) bool { return which(at) && s.generation != keep })
	f.mu.Unlock()
	endSpares(spares)
	for _, e := range old {
		e.kill()
	}
}

// reclaimAfter is how long an environment may be idle, reclaimEvery how often that is looked at.
const (
	reclaimAfter = 10 * time.Minute
	reclaimEvery = 15 * time.Second
)

// Run ends environments that are idle for long, until ctx ends.
func (f *Fleet) Run(ctx context.Context) error {
	tick := time.NewTicker(reclaimEvery)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			f.reclaim(time.Now())
		case <-ctx.Done():
			return nil
		}
	}
}

func (f *Fleet) reclaim(now time.Time) {
	low := f.cfg.Memory() < lowMemory
	f.mu.Lock()
	f.renewLocked(now)
	f.fullLocked(now)
	var old []*environment
	if low {
		old = f.oldestLocked()
	}
	for at, p := range f.pools {
		old = append(old, p.expiredLocked(now)...)
		if len(p.idle) == 0 && p.settling == 0 && p.busy == 0 {
			delete(f.pools, at)
		}
	}
	spares := f.sparesLocked(func(at place, _ *spare) bool { return low || f.restsLocked(at, now) })
	unused := f.unusedLocked()
	f.mu.Unlock()
	endSpares(spares)
	for _, e := range old {
		e.kill()
	}
	for _, id := range unused {
		f.DropCode(id)
	}
}

// Drain refuses new events, waits for those under way until ctx ends, and ends all environments with what they still
// have to log.
func (f *Fleet) Drain(ctx context.Context) error {
	f.mu.Lock()
	if !f.draining {
		f.draining = true
		if f.active == 0 {
			close(f.idle)
		}
	}
	f.mu.Unlock()
	var err error
	select {
	case <-f.idle:
	case <-ctx.Done():
		err = context.Cause(ctx)
	}
	// An invocation that is cut short logs how it ended once its environment is gone.
	ended := f.endAll()
	waitFor(f.idle, endPatience)
	for _, e := range append(ended, f.endAll()...) {
		e.out.close()
	}
	return err
}

// endAll lets nothing start any more, ends all environments and returns them when nothing is left of them.
func (f *Fleet) endAll() []*environment {
	f.mu.Lock()
	f.stopped = true
	all := slices.Collect(maps.Keys(f.all))
	spares := f.sparesLocked(func(place, *spare) bool { return true })
	f.mu.Unlock()
	endSpares(spares)
	f.stockers.Wait()
	for _, e := range all {
		e.kill()
	}
	for _, e := range all {
		<-e.gone
	}
	return all
}

func (f *Fleet) isStopped() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.stopped
}
