package fleet

import (
	"bytes"
	"sync"
	"time"
)

// markByte stands before the request id in the line with which our runtimes end the output of an invocation.
const markByte = 0

// What an invocation writes and what it answers come on two ways, so that its last lines may arrive after its answer.
const (
	markPatience  = time.Second          // for a mark that does not come
	quietPatience = 3 * time.Millisecond // for runtimes without marks
)

// maxLine is how long a line may be: what CloudWatch Logs takes as one event.
const maxLine = 256<<10 - 26

// output puts what a sandbox writes and what Lambda itself logs in order.
type output struct {
	journal *journal
	marks   bool

	mu       sync.Mutex
	line     []byte // not ended yet
	tail     *tail  // of the current invocation, if wanted
	marked   string // the last mark seen
	awaiting string // the mark that must come before what is held
	held     []entry
	timer    *time.Timer
}

// An entry is a line, or the end or the beginning of an invocation's lines.
type entry struct {
	at     time.Time
	text   string
	starts bool
	tail   *tail // with starts
	ends   bool
}

func newOutput(j *journal, marks bool, t *tail) *output {
	return &output{journal: j, marks: marks, tail: t}
}

// Write takes what the sandbox writes. It never fails.
func (o *output) Write(p []byte) (int, error) {
	o.journal.wait()
	o.mu.Lock()
	defer o.mu.Unlock()
	for rest := p; len(rest) > 0; {
		i := bytes.IndexByte(rest, '\n')
		if i < 0 {
			o.line = append(o.line, rest...)
			o.splitLocked()
			break
		}
		o.line = append(o.line, rest[:i]...)
		o.splitLocked()
		o.lineLocked()
		rest = rest[i+1:]
	}
	return len(p), nil
}

// splitLocked breaks lines that are too long.
func (o *output) splitLocked() {
	for len(o.line) > maxLine {
		o.emitLocked(entry{at: time.Now(), text: string(o.line[:maxLine])})
		o.line = append(o.line[:0], o.line[maxLine:]...)
	}
}

// lineLocked takes a whole line: text of the function, or a mark, perhaps behind text without an end of its own.
func (o *output) lineLocked() {
	line := o.line
	o.line = o.line[:0]
	if o.marks {
		if i := bytes.LastIndexByte(line, markByte); i >= 0 && len(line)-i-1 == requestIDLength {
			o.textLocked(line[:i], i > 0)
			o.marked = string(line[i+1:])
			if o.marked == o.awaiting {
				o.releaseLocked()
			}
			return
		}
	}
	o.textLocked(line, true)
}

const requestIDLength = 36

// textLocked logs a line. Carriage returns are how runtimes keep lines that belong together in one event.
func (o *output) textLocked(line []byte, whole bool) {
	if !whole {
		return
	}
	line = bytes.TrimSuffix(line, []byte{'\r'})
	text := make([]byte, len(line)+1)
	copy(text, bytes.ReplaceAll(line, []byte{'\r'}, []byte{'\n'}))
	text[len(line)] = '\n'
	o.emitLocked(entry{at: time.Now(), text: string(text)})
}

func (o *output) emitLocked(e entry) {
	if e.starts {
		o.tail = e.tail
	}
	if e.text != "" {
		o.journal.add(Line{e.at, e.text})
		o.tail.add(e.text)
	}
	if e.ends {
		o.tail.finish()
		o.tail = nil
	}
}

// platform logs a line of Lambda's own.
func (o *output) platform(text string) { o.put(entry{at: time.Now(), text: text}) }

// start logs the first line of an invocation.
func (o *output) start(text string, t *tail) {
	if !o.marks {
		o.release()
	}
	o.put(entry{at: time.Now(), text: text, starts: true, tail: t})
}

func (o *output) put(e entry) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.putLocked(e)
}

func (o *output) putLocked(e entry) {
	if o.awaiting != "" {
		o.held = append(o.held, e)
		return
	}
	o.emitLocked(e)
}

// end logs the last lines of an invocation after all that the function has written in it. If the sandbox has ended there
// is nothing more to wait for, and nobody else who stores them.
func (o *output) end(request string, lines []string, ended bool) {
	if ended {
		defer o.journal.flush()
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if ended {
		o.releaseLocked()
	} else if !o.marks || o.marked != request {
		o.awaitLocked(request)
	}
	for i, text := range lines {
		o.putLocked(entry{at: time.Now(), text: text, ends: i == len(lines)-1})
	}
}

func (o *output) awaitLocked(request string) {
	o.awaiting = request
	patience := quietPatience
	if o.marks {
		patience = markPatience
	}
	if o.timer == nil {
		o.timer = time.AfterFunc(patience, o.release)
	} else {
		o.timer.Reset(patience)
	}
}

func (o *output) release() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.releaseLocked()
}

// releaseLocked logs what was held, after what the function has written without ending the line.
func (o *output) releaseLocked() {
	if o.timer != nil {
		o.timer.Stop()
	}
	o.awaiting = ""
	if len(o.line) > 0 {
		line := o.line
		o.line = nil
		o.textLocked(line, true)
	}
	for _, e := range o.held {
		o.emitLocked(e)
	}
	o.held = o.held[:0]
}

// close logs what is left and stores all of it.
func (o *output) close() {
	o.release()
	o.journal.flush()
}
