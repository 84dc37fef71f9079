package fleet

import "time"

// Throttled means that as many events run as may, or come as fast as they may.
type Throttled struct {
	Reserved bool          // the limit is the function's own
	Rate     bool          // it is a limit of events in a second
	After    time.Duration // how long to wait before another try; 0 if that does not help
}

func (t *Throttled) Error() string { return "Rate Exceeded." }

// retryAfter is how long to wait where nobody knows when an event will end.
const retryAfter = time.Second

// enter counts an event against its limit. It returns the function as it is to be run: in environments kept ready, if one of
// them is to be had.
// https://docs.aws.amazon.com/lambda/latest/dg/lambda-concurrency.html
func (f *Fleet) enter(fn *Function) (admitted *Function, leave func(), err error) {
	key, limit := fn.Scope, fn.Unreserved
	if fn.Reserved != nil {
		key, limit = fn.ARN, *fn.Reserved
	}
	now := time.Now()
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.draining {
		return nil, nil, ErrDraining
	}
	ready := *fn
	ready.provisioned = true
	if own, n := ready.place().key(), f.readyLocked(&ready); f.running[own] < n && f.rateLocked(own, n, now) == 0 {
		return &ready, f.admitLocked(own), nil
	}
	if f.running[key] >= limit {
		t := &Throttled{Reserved: fn.Reserved != nil}
		if limit > 0 {
			t.After = retryAfter
		}
		return nil, nil, t
	}
	if wait := f.rateLocked(key, limit, now); wait > 0 {
		return nil, nil, &Throttled{Reserved: fn.Reserved != nil, Rate: true, After: wait}
	}
	return fn, f.admitLocked(key), nil
}

func (f *Fleet) admitLocked(key string) (leave func()) {
	f.running[key]++
	f.active++
	return func() { f.leave(key) }
}

func (f *Fleet) leave(key string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.running[key]--; f.running[key] == 0 {
		delete(f.running, key)
	}
	if f.active--; f.active == 0 && f.draining {
		close(f.idle)
	}
}

// perSecond is how many events may come in a second for each that may run at once.
const perSecond = 10

// A bucket holds what is left of a second's events.
type bucket struct {
	left float64
	at   time.Time
}

// rateLocked takes an event out of the bucket of a limit, or tells how long until it holds one.
func (f *Fleet) rateLocked(key string, limit int32, now time.Time) (wait time.Duration) {
	rate := float64(limit) * perSecond
	b, ok := f.rates[key]
	if !ok {
		b = &bucket{left: rate, at: now}
		f.rates[key] = b
	}
	b.left = min(rate, b.left+rate*now.Sub(b.at).Seconds())
	b.at = now
	if b.left < 1 {
		return time.Duration((1 - b.left) / rate * float64(time.Second))
	}
	b.left--
	return 0
}

// fullLocked forgets buckets that are full again.
func (f *Fleet) fullLocked(now time.Time) {
	for key, b := range f.rates {
		if now.Sub(b.at) > time.Second {
			delete(f.rates, key)
		}
	}
}
