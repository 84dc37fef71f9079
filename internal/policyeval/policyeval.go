// Package policyeval decides requests offline: it reads one request with its policies a line and writes one decision
// a line. It is what `redoubt policy eval` runs, so that policies can be tested without a server.
package policyeval

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"runtime"
)

// MaxLine is the longest line that is read, in bytes. A longer one is malformed.
const MaxLine = 4 << 20

// chunkSize is about how many bytes of lines a worker takes at a time.
const chunkSize = 128 << 10

// Run decides every line of in and writes the decisions to out, in order. Empty lines are skipped. A malformed line
// gets an object with its id and an error, and is counted. The error is that of reading, writing or ctx; when ctx
// ends Run returns at once, though a read that is under way goes on until in gives something.
//
// The condition keys of a request are those of its context and no others: what is not given is absent.
func Run(ctx context.Context, in io.Reader, out io.Writer) (malformed int, err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	todo, ordered := make(chan *chunk), make(chan *chunk, 2*runtime.GOMAXPROCS(0))
	for range runtime.GOMAXPROCS(0) {
		go work(todo)
	}
	failed := make(chan error, 1)
	go func() { failed <- feed(ctx, in, todo, ordered) }()

	if malformed, err = collect(ctx, out, ordered); err != nil {
		return malformed, err // feed and the workers end with the context
	}
	return malformed, <-failed
}

// chunk is some lines on their way from the reader to the writer.
type chunk struct {
	lines     []line
	text      []byte // the lines, one after the other
	out       []byte
	malformed int
	done      chan struct{}
}

// line is where a line stands in its chunk. Of a line that is too long there is no text.
type line struct {
	start, end int
	tooLong    bool
}

// feed cuts the input into chunks and hands them to the workers and, in order, to the writer.
func feed(ctx context.Context, in io.Reader, todo, ordered chan<- *chunk) error {
	defer close(ordered)
	defer close(todo)
	r := bufio.NewReaderSize(in, 64<<10)
	for {
		c := &chunk{done: make(chan struct{})}
		err := c.fill(r)
		if len(c.lines) > 0 {
			if sendErr := send(ctx, c, todo, ordered); sendErr != nil {
				return sendErr
			}
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return fmt.Errorf("reading requests: %w", err)
		}
	}
}

func send(ctx context.Context, c *chunk, todo, ordered chan<- *chunk) error {
	for _, to := range []chan<- *chunk{ordered, todo} {
		select {
		case to <- c:
		case <-ctx.Done():
			close(c.done) // it may have been handed to the writer, who must not wait for it
			return ctx.Err()
		}
	}
	return nil
}

// fill reads lines until the chunk is large enough.
func (c *chunk) fill(r *bufio.Reader) error {
	for len(c.text) < chunkSize {
		if err := c.readLine(r); err != nil {
			return err
		}
	}
	return nil
}

// readLine appends one line. What is beyond MaxLine is read and forgotten.
func (c *chunk) readLine(r *bufio.Reader) error {
	l := line{start: len(c.text)}
	for {
		part, err := r.ReadSlice('\n')
		if !l.tooLong {
			c.text = append(c.text, part...)
			if len(c.text)-l.start > MaxLine {
				l.tooLong = true
				c.text = c.text[:l.start]
			}
		}
		if err == bufio.ErrBufferFull {
			continue
		}
		l.end = len(c.text)
		if l.tooLong || !blank(c.text[l.start:l.end]) {
			c.lines = append(c.lines, l)
		}
		return err
	}
}

func blank(text []byte) bool {
	for _, b := range text {
		if b != ' ' && b != '\t' && b != '\r' && b != '\n' {
			return false
		}
	}
	return true
}

// work decides chunks, each worker with documents of its own.
func work(todo <-chan *chunk) {
	w := worker{documents: newDocuments()}
	for c := range todo {
		c.out = make([]byte, 0, 128*len(c.lines))
		for _, l := range c.lines {
			var ok bool
			if c.out, ok = w.decide(c.out, c.text[l.start:l.end], l.tooLong); !ok {
				c.malformed++
			}
		}
		close(c.done)
	}
}

// collect writes the decisions of chunk after chunk.
func collect(ctx context.Context, out io.Writer, ordered <-chan *chunk) (malformed int, err error) {
	for {
		select {
		case c, more := <-ordered:
			if !more {
				return malformed, nil
			}
			<-c.done
			malformed += c.malformed
			if _, err := out.Write(c.out); err != nil {
				return malformed, fmt.Errorf("writing decisions: %w", err)
			}
		case <-ctx.Done():
			return malformed, ctx.Err()
		}
	}
}
