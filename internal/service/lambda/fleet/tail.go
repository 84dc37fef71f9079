package fleet

import (
	"sync"
	"time"
)

// tailSize is how much of a log Invoke returns (API_Invoke, LogType).
const tailSize = 4 << 10

// tailPatience bounds how long an answer waits for its log.
const tailPatience = 1500 * time.Millisecond

// A tail is the end of the log of one invocation. A nil tail is one that nobody wants.
type tail struct {
	mu   sync.Mutex
	text []byte
	once sync.Once
	done chan struct{}
}

func newTail(wanted bool) *tail {
	if !wanted {
		return nil
	}
	return &tail{done: make(chan struct{})}
}

func (t *tail) add(text string) {
	if t == nil {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.text = append(t.text, text...)
	if extra := len(t.text) - tailSize; extra > 0 {
		t.text = append(t.text[:0], t.text[extra:]...)
	}
}

func (t *tail) finish() {
	if t != nil {
		t.once.Do(func() { close(t.done) })
	}
}

// wait returns the text once the log is complete.
func (t *tail) wait() []byte {
	timer := time.NewTimer(tailPatience)
	defer timer.Stop()
	select {
	case <-t.done:
	case <-timer.C:
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	return append([]byte(nil), t.text...)
}
