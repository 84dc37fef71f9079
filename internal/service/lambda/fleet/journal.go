package fleet

import (
	"context"
	"fmt"
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
	journalSize  = 4 << 20               // how many bytes may wait
	sinkTime     = 10 * time.Second      // how long storing them may take
)

// A journal gathers the lines of one environment and stores them in batches, away from the way of an invocation.
type journal struct {
	sink Sink
	log  *slog.Logger

	mu      sync.Mutex
	waiting []Line
	size    int
	dropped int
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
	if j.size+len(l.Text) > journalSize {
		j.dropped++
		return
	}
	j.waiting = append(j.waiting, l)
	j.size += len(l.Text)
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
	if j.dropped > 0 {
		lines = append(lines, Line{time.Now(), fmt.Sprintf("%d log lines were dropped: they came faster than they could be stored\n", j.dropped)})
	}
	j.waiting, j.size, j.dropped, j.armed = nil, 0, 0, false
	return lines
}
