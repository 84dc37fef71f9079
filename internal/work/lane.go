package work

import (
	"time"

	"redoubt/internal/store"
)

// lane is the messages of one key.
type lane struct {
	key      string
	queue    []store.Message // the first is under way if busy
	busy     bool
	behind   bool   // messages from sequence from on were looked at but are not in the queue
	from     uint64 // if behind
	failures int    // in a row
	retryAt  time.Time
}

func (l *lane) fallBehind(from uint64) {
	if !l.behind || from < l.from {
		l.from = from
	}
	l.behind = true
}

// due says whether the lane should read its messages now.
func (l *lane) due(now time.Time) bool {
	return l.behind && !l.busy && len(l.queue) == 0 && !now.Before(l.retryAt)
}

// pause is how long to wait for something to happen.
func (r *run) pause(now time.Time) time.Duration {
	pause := r.Poll
	if pause == 0 {
		pause = time.Minute
	}
	for _, l := range r.lanes {
		if l.behind && !l.busy && len(l.queue) == 0 {
			pause = min(pause, max(0, l.retryAt.Sub(now)))
		}
	}
	return pause
}

func (r *run) backoff(failures int) time.Duration {
	if r.Retry != nil {
		return r.Retry(failures)
	}
	return min(time.Minute, time.Second<<min(failures-1, 6))
}
