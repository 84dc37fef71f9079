package front

import (
	"sync"
	"time"
)

// The allowance of records for strangers: a hundredth of a trail at once, and in 90 days, for which events are kept, less
// than the rest of it.
const (
	strangersAtOnce = 10_000
	strangersEvery  = 10 * time.Second
)

// An allowance is how many refusals of callers that nobody knows are still recorded. The zero allowance is full.
type allowance struct {
	mu    sync.Mutex
	spent int
	since time.Time // when what was spent began to come back
}

// take uses one up, unless there is none left.
func (a *allowance) take(now time.Time) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if back := int(now.Sub(a.since) / strangersEvery); a.spent == 0 || back >= a.spent {
		a.spent, a.since = 0, now
	} else if back > 0 {
		a.spent, a.since = a.spent-back, a.since.Add(time.Duration(back)*strangersEvery)
	}
	if a.spent >= strangersAtOnce {
		return false
	}
	a.spent++
	return true
}
