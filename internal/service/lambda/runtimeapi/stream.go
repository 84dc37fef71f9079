package runtimeapi

import (
	"context"
	"encoding/base64"
	"io"
	"net/http"
	"time"
)

// A Stream takes a response as it comes.
type Stream interface {
	// Begin is called once, before the first chunk, with the type of what follows, if the runtime gives one. It is not
	// called if the function fails before it answers.
	Begin(contentType string)
	// Write passes a chunk on. It returns when that is taken and p may be reused, or when ctx ends. After an error nothing
	// more is written, but the function is not disturbed: AWS lets it finish too.
	Write(ctx context.Context, p []byte) error
}

// Limits of streams (https://docs.aws.amazon.com/lambda/latest/dg/configuration-response-streaming.html).
const (
	MaxStream   = 200 << 20
	streamBurst = 6 << 20 // is passed on as fast as it comes
	streamRate  = 2 << 20 // bytes a second from then on
)

// contentType is what the runtime says of its response.
func contentType(r *http.Request) string {
	if given := r.Header.Get("Content-Type"); given != "" {
		return oneLine(given)
	}
	return "application/octet-stream"
}

// stream passes the response on while it comes.
func (d *delivery) stream(r *http.Request, a *Answer) error {
	a.Streamed = true
	d.begin(contentType(r))
	b := bucket{tokens: streamBurst, last: time.Now()}
	buf := make([]byte, 32<<10)
	for {
		n, err := r.Body.Read(buf)
		if a.Size += int64(n); a.Size > MaxStream {
			return errTooLarge
		}
		if n > 0 {
			b.take(d.ctx, n)
			d.chunk(buf[:n])
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// pass gives a response that came in one piece to a stream.
func (d *delivery) pass(r *http.Request, a *Answer) {
	d.begin(contentType(r))
	d.chunk(a.Payload)
	a.Payload, a.Streamed = nil, true
}

func (d *delivery) begin(contentType string) {
	d.writing.Lock()
	defer d.writing.Unlock()
	if d.ctx.Err() == nil {
		d.begun = true
		d.event.Stream.Begin(contentType)
	}
}

// chunk passes a chunk on, if anybody is left who wants it.
func (d *delivery) chunk(p []byte) {
	d.writing.Lock()
	defer d.writing.Unlock()
	if len(p) == 0 || d.lost || d.ctx.Err() != nil {
		return
	}
	d.lost = d.event.Stream.Write(d.ctx, p) != nil
}

// trailers take over what a runtime says of an error after it has begun to answer.
func (a *Answer) trailers(h http.Header) {
	kind := h.Get(headerErrorType)
	if kind == "" {
		return
	}
	a.Failed, a.ErrorType = true, trailerType(kind)
	if text, err := base64.StdEncoding.DecodeString(h.Get(headerErrorBody)); err == nil && (a.Streamed || len(text) > 0) {
		a.Payload = text
	}
}

// trailerType keeps what can be the name of an error: Lambda passes on any.
func trailerType(given string) string {
	for _, c := range []byte(given) {
		if c <= ' ' || c >= 0x7f {
			return "Function.Unknown"
		}
	}
	return given[:min(len(given), 256)]
}

// A bucket bounds a rate.
type bucket struct {
	tokens float64
	last   time.Time
}

// take waits until n more bytes may pass, or ctx ends.
func (b *bucket) take(ctx context.Context, n int) {
	now := time.Now()
	b.tokens = min(b.tokens+now.Sub(b.last).Seconds()*streamRate, streamBurst) - float64(n)
	b.last = now
	if b.tokens >= 0 {
		return
	}
	timer := time.NewTimer(time.Duration(-b.tokens / streamRate * float64(time.Second)))
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
