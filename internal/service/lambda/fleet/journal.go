package fleet

import (
	"context"
	"log/slog"
	"sync"
	"time"
)

// A Line is one entry of a function's log.
type Line struct {
	Time time.Time
	Text string
}

// A Sink stores lines. It is called for one batch at a time.
type Sink func(ctx context.Context, lines []Line) error

const (
	journalDelay = 50 * time.Millisecond // how long lines gather
	journalSize  = 4 << 20               // how many bytes may wait before the function does
	sinkTime     = 10 * time.Second      // how long storing them may take
)

// A journal gathers the lines of one environment and stores them in batches, away from the way of an invocation.
type journal struct {
	sink Sink
	log  *slog.Logger

	mu      sync.Mutex
	waiting []Line
	size    int
	room    chan struct{} // closed when there is room again, nil while there is
	timer   *time.Timer
	armed   bool

	storing sync.Mutex // held while a batch is stored, so that batches keep their order
}

func newJournal(sink Sink, log *slog.Logger) *journal { return &journal{sink: sink, log: log} }

func (j *journal) add(l Line) {
	if j.sink == nil {
		return
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	j.waiting = append(j.waiting, l)
	j.size += len(l.Text)
	if j.size > journalSize && j.room == nil {
		j.room = make(chan struct{})
	}
	if j.armed {
		return
	}
	if j.armed = true; j.timer == nil {
		j.timer = time.AfterFunc(journalDelay, j.flush)
	} else {
		j.timer.Reset(journalDelay)
	}
}

// flush stores what waits, and returns when it is stored.
func (j *journal) flush() {
	j.storing.Lock()
	defer j.storing.Unlock()
	lines := j.take()
	if len(lines) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), sinkTime)
	defer cancel()
	if err := j.sink(ctx, lines); err != nil {
		j.log.Debug("storing a function's log failed", "error", err)
	}
}

func (j *journal) take() []Line {
	j.mu.Lock()
	defer j.mu.Unlock()
	lines := j.waiting
	j.waiting, j.size, j.armed = nil, 0, false
	if j.room != nil {
		close(j.room)
		j.room = nil
	}
	return lines
}

// wait returns when there is room: a function that writes faster than its log can be stored has to wait, and loses nothing.
func (j *journal) wait() {
	j.mu.Lock()
	room := j.room
	j.mu.Unlock()
	if room != nil {
		<-room
	}
}
