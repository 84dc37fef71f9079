package fleet

import (
	"context"
	"errors"
	"maps"
	"math"
	"runtime"
	"slices"
	"time"
)

// A Provision is environments of one version that are to be ready before there is an event.
type Provision struct {
	Function *Function
	Count    int
}

// A Readiness tells how many of them there are.
type Readiness struct {
	Allocated int   // initialised
	Available int   // of these, that events may use: none before all were there once
	Ready     bool  // all are there
	Failure   error // why the last one could not be started, if it could not
}

// A keeper keeps the environments of one provision ready. The fleet's mutex guards it.
type keeper struct {
	fn       *Function
	want     int
	envs     map[*environment]time.Time // those that are ready, with the time from which each should be replaced
	starting int
	open     bool
	failure  error
	patience time.Duration // before the next try after failures
	failed   time.Time     // when the last one was
	retry    *time.Timer   // for when that time is over, or nil
}

// Times of keepers.
const (
	firstPatience = time.Second
	maxPatience   = 5 * time.Minute
	renewLead     = 2 * time.Minute
	// Initialisation may take longer than where an event waits for it (lambda-runtime-environment, "Init phase").
	minProvisionedInit = 130 * time.Second
)

var errMemory = errors.New("the host has not enough memory left")

// Provision sets what is kept ready of a function; what is not wanted any more ends.
func (f *Fleet) Provision(arn string, wanted []Provision) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, k := range f.keepers {
		if k.fn.ARN == arn {
			k.want = 0
		}
	}
	for _, w := range wanted {
		fn := *w.Function
		fn.provisioned = true
		k := f.keepers[fn.place()]
		if k == nil {
			k = &keeper{envs: map[*environment]time.Time{}}
			f.keepers[fn.place()] = k
		}
		k.fn, k.want = &fn, k.want+w.Count
	}
	for _, k := range f.keepers {
		if k.fn.ARN == arn {
			k.failure, k.failed = nil, time.Time{}
			if k.retry != nil {
				k.retry.Stop()
				k.retry = nil
			}
			f.keepLocked(k, time.Now())
		}
	}
}

// Readiness tells how far what is provisioned of a version is.
func (f *Fleet) Readiness(arn, version string) Readiness {
	f.mu.Lock()
	defer f.mu.Unlock()
	k := f.keepers[place{arn: arn, version: version, provisioned: true}]
	if k == nil {
		return Readiness{Ready: true}
	}
	r := Readiness{Allocated: min(len(k.envs), k.want), Failure: k.failure}
	r.Ready = r.Allocated == k.want
	if k.open {
		r.Available = r.Allocated
	}
	return r
}

// readyLocked is how many events can run in environments that are kept ready for fn.
func (f *Fleet) readyLocked(fn *Function) int32 {
	if k := f.keepers[fn.place()]; k != nil && k.open {
		return int32(min(len(k.envs), k.want))
	}
	return 0
}

// keepLocked starts what is missing, and ends what is too much.
func (f *Fleet) keepLocked(k *keeper, now time.Time) {
	if f.draining || f.stopped || f.keepers[k.fn.place()] != k {
		return
	}
	fresh := 0
	for _, renew := range k.envs {
		if now.Before(renew) {
			fresh++
		}
	}
	if fresh >= k.want && k.want > 0 {
		k.open = true
	}
	for ; k.retry == nil && fresh+k.starting < k.want; k.starting++ {
		go f.startKept(k)
	}
	for _, e := range slices.Collect(maps.Keys(k.envs)) {
		if e.state == idle && f.surplusLocked(e) {
			f.unkeepLocked(e)
			e.pool.removeLocked(e)
			e.state = ended
			go e.kill()
		}
	}
	if k.want == 0 && len(k.envs) == 0 && k.starting == 0 {
		delete(f.keepers, k.fn.place())
	}
}

// surplusLocked reports whether an environment that is kept ready is one too many: the oldest goes first.
func (f *Fleet) surplusLocked(e *environment) bool {
	if !e.place.provisioned {
		return false
	}
	k := f.keepers[e.place]
	if k == nil {
		return true
	}
	renew, kept := k.envs[e]
	if !kept {
		return true
	}
	if len(k.envs) <= k.want {
		return false
	}
	older := 0
	for _, r := range k.envs {
		if r.Before(renew) {
			older++
		}
	}
	return older < len(k.envs)-k.want
}

// unkeepLocked forgets an environment that has ended, or is about to.
func (f *Fleet) unkeepLocked(e *environment) {
	if !e.place.provisioned {
		return
	}
	if k := f.keepers[e.place]; k != nil {
		delete(k.envs, e)
	}
}

// replaceLocked starts another one for an environment that has ended: not at once for one that ended though nobody used it,
// which the next may do as well.
func (f *Fleet) replaceLocked(e *environment, was state) {
	k := f.keepers[e.place]
	if k == nil {
		return
	}
	if _, kept := k.envs[e]; kept && was == idle {
		f.laterLocked(k)
	}
	f.unkeepLocked(e)
	f.keepLocked(k, time.Now())
}

// renewLocked replaces what gets too old.
func (f *Fleet) renewLocked(now time.Time) {
	for _, k := range f.keepers {
		f.keepLocked(k, now)
	}
}

// startKept starts one environment of a keeper, and gives it to it.
func (f *Fleet) startKept(k *keeper) {
	f.starts <- struct{}{}
	f.mu.Lock()
	fn, still := k.fn, f.keepers[k.fn.place()] == k && len(k.envs)+k.starting <= k.want+k.outdated(time.Now())
	f.mu.Unlock()
	var e *environment
	var err error
	if still {
		e, err = f.prepare(fn)
	}
	<-f.starts
	f.mu.Lock()
	defer f.mu.Unlock()
	k.starting--
	switch {
	case errors.Is(err, ErrDraining):
		return
	case err != nil:
		f.cfg.Log.Warn("preparing an environment failed", "function", fn.ARN, "version", fn.Version, "error", err)
		k.failure = err
		f.laterLocked(k)
	case e != nil && e.state != busy: // it has ended meanwhile
		f.laterLocked(k)
	case e != nil:
		k.failure = nil
		k.envs[e] = e.renewAt(time.Now(), fn.Timeout)
	}
	f.keepLocked(k, time.Now())
	if e != nil {
		f.answeredLocked(e)
	}
}

// outdated is how many environments are to be replaced.
func (k *keeper) outdated(now time.Time) (n int) {
	for _, renew := range k.envs {
		if !now.Before(renew) {
			n++
		}
	}
	return n
}

// laterLocked has the keeper try again after a while, a longer one each time until nothing has failed for long.
func (f *Fleet) laterLocked(k *keeper) {
	now := time.Now()
	if k.retry != nil {
		return
	}
	if k.patience = min(2*k.patience, maxPatience); now.Sub(k.failed) > 2*maxPatience {
		k.patience = firstPatience
	}
	k.failed = now
	var timer *time.Timer
	timer = time.AfterFunc(k.patience, func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		if k.retry == timer { // else somebody had it try earlier
			k.retry = nil
			f.keepLocked(k, time.Now())
		}
	})
	k.retry = timer
}

// prepare starts an environment and initialises it.
func (f *Fleet) prepare(fn *Function) (*environment, error) {
	if f.cfg.Memory() < lowMemory {
		return nil, errMemory
	}
	ctx := context.Background()
	plan, err := fn.Prepare(ctx)
	if err != nil {
		return nil, err
	}
	if plan.Broken != nil {
		return nil, plan.Broken
	}
	c := &attempt{fleet: f, fn: fn, plan: plan, journal: newJournal(plan.Sink, f.cfg.Log)}
	e, failed, _, err := c.initialise(ctx, max(minProvisionedInit, fn.Timeout))
	if err != nil {
		return nil, err
	}
	if failed != nil {
		return nil, failed.asFailure()
	}
	return e, nil
}

// asFailure is why an initialisation failed.
func (r *result) asFailure() *Failure {
	switch {
	case r.failure != nil:
		return r.failure
	case r.timedOut:
		return &Failure{Type: "Sandbox.Timedout", Message: "the initialisation took too long"}
	}
	return &Failure{Type: r.kind, Message: string(r.payload)}
}

// renewAt is when another environment should take the place of this one, whose credentials end.
func (e *environment) renewAt(now time.Time, longest time.Duration) time.Time {
	if e.plan.Expires.IsZero() {
		return now.Add(math.MaxInt64)
	}
	useful := e.plan.Expires.Sub(now)
	return now.Add(max(useful/2, useful-longest-renewLead))
}

// startsAtOnce is how many environments are prepared at the same time.
func startsAtOnce() int { return 2 * runtime.GOMAXPROCS(0) }

// onDemand is the function without environments that are kept ready.
func (fn *Function) onDemand() *Function {
	plain := *fn
	plain.provisioned = false
	return &plain
}

// key tells the events that run in a place kept ready from those under other limits.
func (p place) key() string { return p.arn + ":" + p.version + " provisioned" }

// removeLocked takes an environment out of those that wait for events.
func (p *pool) removeLocked(e *environment) {
	p.idle = slices.DeleteFunc(p.idle, func(x *environment) bool { return x == e })
}
