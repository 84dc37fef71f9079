package telemetry

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"time"
)

// A subscriber gets batches, one after the other.
type subscriber struct {
	*subscription
	hub  *Hub
	name string
	sender

	mu      sync.Mutex
	waiting []json.RawMessage
	size    int
	due     time.Time     // when what waits is to be sent; zero while nothing waits
	wake    chan struct{} // holds one
	sending bool
	idle    []chan struct{} // to close when nothing waits or is sent
	dropped LogsDropped
}

// A sender is the way to a subscriber. It is used by one goroutine.
type sender interface {
	send(ctx context.Context, batch []json.RawMessage) error
	close()
}

// slowConsumer is what Lambda tells those who do not keep up.
const slowConsumer = "Some logs were dropped because the downstream consumer is slower than the logs production rate"

func newSubscriber(h *Hub, name string, s *subscription) *subscriber {
	r := &subscriber{subscription: s, hub: h, name: name, wake: make(chan struct{}, 1)}
	if s.Destination.Protocol == "TCP" {
		r.sender = &tcp{dial: h.dial, address: s.address}
	} else {
		r.sender = newHTTP(h.dial, s)
	}
	return r
}

// same reports whether two subscriptions ask for the same.
func (s *subscriber) same(other *subscription) bool {
	return s.Version == other.Version && s.Destination == other.Destination && slices.Equal(s.Types, other.Types) &&
		s.items == other.items && s.bytes == other.bytes && s.timeout == other.timeout
}

// add takes an item if it is of a wanted type. What does not fit while an earlier batch is on its way is lost, and counted.
func (s *subscriber) add(i item) {
	if !slices.Contains(s.Types, string(i.source)) {
		return
	}
	b := s.encode(i, s.hub.json)
	if b == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.waiting) >= s.items || s.size >= 2*s.bytes {
		s.dropped.Records++
		s.dropped.Bytes += len(b)
		return
	}
	s.waiting, s.size = append(s.waiting, b), s.size+len(b)
	if s.due.IsZero() {
		s.due = time.Now().Add(s.timeout)
		s.rouse()
	}
	if s.fullLocked() {
		s.due = time.Now()
		s.rouse()
	}
}

func (s *subscriber) fullLocked() bool { return len(s.waiting) >= s.items || s.size >= s.bytes }

func (s *subscriber) rouse() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// flush makes what waits due, and waits until it is gone.
func (s *subscriber) flush(ctx context.Context) {
	s.mu.Lock()
	if len(s.waiting) == 0 && !s.sending {
		s.mu.Unlock()
		return
	}
	done := make(chan struct{})
	s.idle = append(s.idle, done)
	s.due = time.Now()
	s.mu.Unlock()
	s.rouse()
	select {
	case <-done:
	case <-ctx.Done():
	}
}

// run sends batches until ctx ends.
func (s *subscriber) run(ctx context.Context) {
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	defer s.close()
	for ctx.Err() == nil {
		batch, wait := s.take()
		if len(batch) > 0 {
			s.deliver(ctx, batch)
			continue
		}
		timer.Reset(wait)
		select {
		case <-timer.C:
		case <-s.wake:
		case <-ctx.Done():
		}
	}
}

// take returns what is due, or how long to wait until there may be something.
func (s *subscriber) take() ([]json.RawMessage, time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.due.IsZero() {
		s.sending = false
		for _, c := range s.idle {
			close(c)
		}
		s.idle = nil
		return nil, time.Hour
	}
	if wait := time.Until(s.due); wait > 0 {
		return nil, wait
	}
	batch := s.waiting
	s.waiting, s.size, s.due, s.sending = nil, 0, time.Time{}, true
	return batch, 0
}

// The times between attempts grow from the first to the second.
const (
	firstRetry = 50 * time.Millisecond
	lastRetry  = time.Second
)

// deliver sends a batch, again and again if it must, and tells afterwards what was lost meanwhile.
func (s *subscriber) deliver(ctx context.Context, batch []json.RawMessage) {
	for wait := firstRetry; s.send(ctx, batch) != nil; wait = min(2*wait, lastRetry) {
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return
		}
	}
	s.mu.Lock()
	lost := s.dropped
	s.dropped = LogsDropped{}
	s.mu.Unlock()
	if lost.Records > 0 {
		lost.Reason = slowConsumer
		s.add(item{at: time.Now(), source: Platform, record: lost})
	}
}

// A poster delivers by HTTP.
type poster struct {
	client http.Client
	method string
	url    string
}

func newHTTP(dial Dial, s *subscription) *poster {
	address := s.address
	p := &poster{method: s.Destination.Method, url: s.Destination.URI}
	p.client.Transport = &http.Transport{
		DialContext:         func(context.Context, string, string) (net.Conn, error) { return dial("tcp", address) },
		MaxIdleConnsPerHost: 1, DisableCompression: true, MaxResponseHeaderBytes: maxAnswer,
	}
	p.client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	if u, err := url.Parse(p.url); err == nil && u.Path == "" {
		u.Path = "/"
		p.url = u.String()
	}
	return p
}

// maxAnswer bounds what is read of a subscriber's answer, which nobody wants.
const maxAnswer = 64 << 10

func (p *poster) send(ctx context.Context, batch []json.RawMessage) error {
	body := append(append([]byte{'['}, bytes.Join(raw(batch), []byte{','})...), ']')
	req, err := http.NewRequestWithContext(ctx, p.method, p.url, bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	res, err := p.client.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if _, err := io.CopyN(io.Discard, res.Body, maxAnswer); err != nil && err != io.EOF {
		return err
	}
	if res.StatusCode >= http.StatusBadRequest {
		return fmt.Errorf("the subscriber answers %s", res.Status)
	}
	return nil
}

func (p *poster) close() { p.client.CloseIdleConnections() }

func raw(batch []json.RawMessage) [][]byte {
	all := make([][]byte, len(batch))
	for i, b := range batch {
		all[i] = b
	}
	return all
}

// tcp delivers lines of JSON on one connection for as long as that lasts.
type tcp struct {
	dial    Dial
	address string
	conn    net.Conn
}

func (t *tcp) send(ctx context.Context, batch []json.RawMessage) (err error) {
	if t.conn == nil {
		if t.conn, err = t.dial("tcp", t.address); err != nil {
			t.conn = nil
			return err
		}
	}
	conn := t.conn
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	defer stop()
	if _, err = t.conn.Write(append(bytes.Join(raw(batch), []byte{'\n'}), '\n')); err != nil {
		t.conn.Close()
		t.conn = nil
	}
	return err
}

func (t *tcp) close() {
	if t.conn != nil {
		t.conn.Close()
	}
}
