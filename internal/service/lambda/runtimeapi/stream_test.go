package runtimeapi_test

import (
	"context"
	"errors"
	"io"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"redoubt/internal/service/lambda/runtimeapi"
)

// A sink takes a stream. Its gate, if it has one, opens for each chunk.
type sink struct {
	mu   sync.Mutex
	kind string
	text strings.Builder
	gate chan struct{}
	fail error
}

func (s *sink) Begin(contentType string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.kind += contentType
}

func (s *sink) Write(ctx context.Context, p []byte) error {
	if s.gate != nil {
		select {
		case <-s.gate:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.text.Write(p)
	return s.fail
}

func (s *sink) got() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String()
}

func TestStreamIsPassedOnAsItComes(t *testing.T) {
	r := start(t)
	s := &sink{gate: make(chan struct{})}
	answer := r.give(&runtimeapi.Event{RequestID: "id", Stream: s})
	r.call("GET", base+"invocation/next", "")
	body, write := io.Pipe()
	go func() {
		for _, part := range []string{"a", "b"} {
			io.WriteString(write, part)
			s.gate <- struct{}{} // the next part is written after this one has arrived
		}
		write.Close()
	}()
	r.stream(body, "", "")
	if a := <-answer; a.Failed || !a.Streamed || a.Size != 2 || len(a.Payload) != 0 || s.got() != "ab" || s.kind != "text/odd" {
		t.Errorf("got %+v, %q of type %s", a, s.got(), s.kind)
	}
}

func TestStreamThatFailsMidwayKeepsWhatItSaid(t *testing.T) {
	r := start(t)
	for kind, want := range map[string]string{"TypeError": "TypeError", "a\tb": "Function.Unknown"} {
		s := &sink{}
		answer := r.give(&runtimeapi.Event{RequestID: "id", Stream: s})
		r.call("GET", base+"invocation/next", "")
		r.stream(strings.NewReader("half"), kind, `{"errorType":"E"}`)
		if a := <-answer; !a.Failed || !a.Streamed || a.ErrorType != want || string(a.Payload) != `{"errorType":"E"}` || s.got() != "half" {
			t.Errorf("got %+v after %q", a, s.got())
		}
	}
}

func TestResponseInOnePieceIsOneChunkOfAStream(t *testing.T) {
	r := start(t)
	s := &sink{}
	answer := r.give(&runtimeapi.Event{RequestID: "id", Stream: s})
	r.call("GET", base+"invocation/next", "")
	r.want(202, "OK", "POST", base+"invocation/id/response", "whole")
	if a := <-answer; a.Failed || !a.Streamed || len(a.Payload) != 0 || s.got() != "whole" || s.kind != "application/octet-stream" {
		t.Errorf("got %+v, %q of type %s", a, s.got(), s.kind)
	}
	answer = r.give(&runtimeapi.Event{RequestID: "id", Stream: s})
	r.call("GET", base+"invocation/next", "")
	r.want(202, "OK", "POST", base+"invocation/id/error", "{}")
	if a := <-answer; !a.Failed || a.Streamed || string(a.Payload) != "{}" || s.got() != "whole" {
		t.Errorf("got %+v, %q", a, s.got())
	}
}

func TestFunctionIsNotDisturbedByAClientThatGoesAway(t *testing.T) {
	r := start(t)
	s := &sink{fail: errors.New("gone")}
	answer := r.give(&runtimeapi.Event{RequestID: "id", Stream: s})
	r.call("GET", base+"invocation/next", "")
	r.stream(io.MultiReader(strings.NewReader("a"), strings.NewReader("b")), "", "")
	if a := <-answer; a.Failed || a.Size != 2 {
		t.Errorf("got %+v", a)
	}
}

func TestNothingIsWrittenToAStreamAfterItsTime(t *testing.T) {
	r := start(t)
	s := &sink{gate: make(chan struct{})}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() {
		_, err := r.api.Invoke(ctx, &runtimeapi.Event{RequestID: "id", Stream: s})
		done <- err
	}()
	r.call("GET", base+"invocation/next", "")
	body, write := io.Pipe()
	go func() {
		io.WriteString(write, "a")
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
		close(s.gate)
		io.WriteString(write, "b")
		write.Close()
	}()
	r.stream(body, "", "")
	if s.got() != "" {
		t.Errorf("got %q", s.got())
	}
}

func TestStreamsHaveABandwidth(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begin := time.Now()
		runtimeapi.Pace(t.Context(), 10<<20)
		if took := time.Since(begin); took != 2*time.Second { // the first 6 MiB are free
			t.Errorf("took %v", took)
		}
	})
}
