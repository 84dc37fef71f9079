package fleet

// Throttled means that as many events run as may.
type Throttled struct {
	Reserved bool // the limit is the function's own
}

func (t *Throttled) Error() string { return "Rate Exceeded." }

// enter counts an event against its limit.
// https://docs.aws.amazon.com/lambda/latest/dg/lambda-concurrency.html
func (f *Fleet) enter(fn *Function) (leave func(), err error) {
	key, limit := fn.Scope, fn.Unreserved
	if fn.Reserved != nil {
		key, limit = fn.ARN, *fn.Reserved
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.draining {
		return nil, ErrDraining
	}
	if f.running[key] >= limit {
		return nil, &Throttled{Reserved: fn.Reserved != nil}
	}
	f.running[key]++
	f.active++
	return func() { f.leave(key) }, nil
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
