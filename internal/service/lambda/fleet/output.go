package fleet

import (
	"bytes"
	"sync"
	"time"

	"redoubt/internal/service/lambda/telemetry"
)

// markByte stands before the request id in the line with which our runtimes end the output of an invocation.
const markByte = 0

// What an invocation writes and what it answers come on two ways, so that its last lines may arrive after its answer.
const (
	markPatience  = time.Second          // for a mark that does not come
	quietPatience = 3 * time.Millisecond // for runtimes without marks, in sandboxes that cannot tell
)

// maxLine is how long a line may be: what CloudWatch Logs takes as one event.
const maxLine = 256<<10 - 26

// output puts what a sandbox writes and what Lambda itself logs in order.
type output struct {
	journal *journal
	marks   bool
	format  telemetry.Format
	hub     *telemetry.Hub // of those who want to know; may be nil
	phase   string         // in which the environment initialises

	mu       sync.Mutex
	line     []byte // not ended yet
	foreign  []byte // the same of extensions
	tail     *tail  // of the current invocation, if wanted
	marked   string // the last mark seen
	awaiting string // the mark that must come before what is held
	held     []entry
	timer    *time.Timer
}

// An entry is a line, or what Lambda tells, or the beginning or the end of an invocation's lines.
type entry struct {
	at     time.Time
	text   string           // as it is logged
	record telemetry.Record // for the hub, or nil
	source telemetry.Source // of a line that is not Lambda's own
	starts bool
	tail   *tail // with starts
	ends   bool
}

func newOutput(j *journal, plan *Blueprint, t *tail) *output {
	return &output{journal: j, marks: plan.Marks, format: plan.Format, phase: telemetry.InInit, tail: t}
}

// plain reports whether records are of no use beyond their lines.
func (o *output) plain() bool { return !o.format.JSON && o.hub.Quiet() }

// note makes the entry of what Lambda tells. Where the log is text and nobody listens, the record is but its line.
func note[R telemetry.Record](o *output, r R) entry {
	e := entry{at: time.Now()}
	if o.plain() {
		e.text = r.Line()
		return e
	}
	e.record = r
	e.text = o.format.Line(e.at, e.record)
	return e
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
		o.emitLocked(entry{at: time.Now(), text: string(o.line[:maxLine]), source: telemetry.FromFunction})
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
	o.emitLocked(entry{at: time.Now(), text: wholeLine(line), source: telemetry.FromFunction})
}

func wholeLine(line []byte) string {
	line = bytes.TrimSuffix(line, []byte{'\r'})
	text := make([]byte, len(line)+1)
	copy(text, bytes.ReplaceAll(line, []byte{'\r'}, []byte{'\n'}))
	text[len(line)] = '\n'
	return string(text)
}

func (o *output) emitLocked(e entry) {
	if e.starts {
		o.tail = e.tail
	}
	if text := o.toldLocked(&e); text != "" {
		o.journal.add(Line{e.at, text})
		o.tail.add(text)
	}
	if e.ends {
		o.tail.finish()
		o.tail = nil
	}
}

// toldLocked passes an entry on to those who listen, and returns what the log has of it.
func (o *output) toldLocked(e *entry) string {
	switch {
	case e.source != "":
		if !o.hub.Quiet() {
			o.hub.Line(e.at, e.source, e.text)
		}
		if text, logged := o.format.Function(e.at, e.text); logged {
			return text
		}
		return ""
	case e.record != nil:
		o.hub.Record(e.at, e.record)
	}
	return e.text
}

// platform logs what Lambda tells.
func (o *output) platform(r telemetry.Record) { o.put(note(o, r)) }

// start logs the first line of an invocation.
func (o *output) start(r telemetry.Start, t *tail) {
	if !o.marks {
		o.release()
	}
	e := note(o, r)
	e.starts, e.tail = true, t
	o.put(e)
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

// A completeness is what is known of the lines of an invocation that has answered.
type completeness uint8

const (
	maybeMore completeness = iota // some may come yet
	complete                      // all are there
	over                          // the sandbox has ended: nobody else stores them
)

// end logs the last lines of an invocation after all that the function has written in it.
func (o *output) end(request string, last []entry, known completeness) {
	if known == over {
		defer o.journal.flush()
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	switch {
	case known != maybeMore:
		o.releaseLocked()
	case !o.marks || o.marked != request:
		o.awaitLocked(request)
	}
	for i, e := range last {
		e.ends = i == len(last)-1
		o.putLocked(e)
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

// An extensionOutput takes what the extensions of an environment write. They have no invocations.
type extensionOutput struct{ *output }

// Write never fails.
func (x extensionOutput) Write(p []byte) (int, error) {
	x.journal.wait()
	x.mu.Lock()
	defer x.mu.Unlock()
	x.foreign = append(x.foreign, p...)
	for {
		i := bytes.IndexByte(x.foreign, '\n')
		switch {
		case i > maxLine, i < 0 && len(x.foreign) > maxLine:
			x.foreignLocked(maxLine, maxLine)
		case i >= 0:
			x.foreignLocked(i, i+1)
		default:
			return len(p), nil
		}
	}
}

// foreignLocked logs the first of what extensions have written, as a line.
func (o *output) foreignLocked(size, next int) {
	o.emitLocked(entry{at: time.Now(), text: wholeLine(o.foreign[:size]), source: telemetry.FromExtension})
	o.foreign = append(o.foreign[:0], o.foreign[next:]...)
}

// close logs what is left and stores all of it.
func (o *output) close() {
	o.release()
	o.mu.Lock()
	if n := len(o.foreign); n > 0 {
		o.foreignLocked(n, n)
	}
	o.mu.Unlock()
	o.journal.flush()
}
