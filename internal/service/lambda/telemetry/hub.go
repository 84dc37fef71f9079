package telemetry

import (
	"context"
	"encoding/json"
	"net"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Source is who wrote a line.
type Source string

// The sources of lines, as subscriptions name them. Platform is the source of records.
const (
	Platform      Source = "platform"
	FromFunction  Source = "function"
	FromExtension Source = "extension"
)

// Dial connects to an address in the sandbox.
type Dial func(network, address string) (net.Conn, error)

// Hub passes on what happens in one environment to those of its extensions that subscribe. Until subscriptions close, it
// keeps what it is told for those who come late: the beginning of the initialisation is before all of them.
type Hub struct {
	dial  Dial
	json  bool         // lines of the function that are JSON objects are sent as such
	told  func(Record) // takes the hub's own records, after which they come back as all others do
	quiet atomic.Bool  // nobody listens, and nobody will

	ctx context.Context
	end context.CancelFunc

	mu          sync.Mutex
	closed      bool
	history     []item
	size        int
	subscribers []*subscriber
}

const (
	maxHistory = 256 << 10 // bounds what is kept for those who subscribe late
	// maxSubscribers is one for each extension that there can be: what waits for them is in the server's memory.
	maxSubscribers = 10
)

// An item is a record or a line on its way.
type item struct {
	at     time.Time
	source Source
	record Record // or
	line   string
}

// NewHub returns a hub that is open for subscriptions. JSON says whether the function's log is JSON; told gets the hub's
// own records.
func NewHub(dial Dial, json bool, told func(Record)) *Hub {
	h := &Hub{dial: dial, json: json, told: told}
	h.ctx, h.end = context.WithCancel(context.Background())
	return h
}

// Quiet reports whether telling the hub anything is in vain.
func (h *Hub) Quiet() bool { return h == nil || h.quiet.Load() }

// Record passes a record on.
func (h *Hub) Record(at time.Time, r Record) { h.tell(item{at: at, source: Platform, record: r}) }

// Line passes a line on that the function or an extension wrote.
func (h *Hub) Line(at time.Time, source Source, text string) {
	h.tell(item{at: at, source: source, line: text})
}

func (h *Hub) tell(i item) {
	if h.Quiet() {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if size := len(i.line) + 256; !h.closed && h.size+size <= maxHistory {
		h.history, h.size = append(h.history, i), h.size+size
	}
	for _, s := range h.subscribers {
		s.add(i)
	}
}

// Subscribe takes the request of an extension. It returns what to answer: a JSON string.
func (h *Hub) Subscribe(extension string, api API, body []byte) (string, error) {
	s, problem := parseSubscription(api, body)
	state, problem := h.subscribe(extension, api, s, problem)
	if problem != nil {
		return "", problem
	}
	h.told(Subscription{API: api, Name: extension, State: state, Types: s.Types})
	if state == subscribed {
		return `"OK"`, nil
	}
	return `"AlreadySubscribed"`, nil
}

// States of a subscription.
const (
	subscribed = "Subscribed"
	already    = "Already subscribed"
)

func (h *Hub) subscribe(extension string, api API, s *subscription, problem *Problem) (string, *Problem) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		return "", api.forbidden("SubscriptionClosed", "%s API subscription is closed already", api)
	}
	if problem != nil {
		return "", problem
	}
	for _, other := range h.subscribers {
		if other.name != extension {
			continue
		}
		if other.api != api {
			return "", api.invalid("The extension %s is already subscribed to the %sAPI. You must either subscribe to the LogsAPI or the TelemetryAPI", extension, other.api)
		}
		if other.same(s) {
			return already, nil
		}
	}
	if len(h.subscribers) == maxSubscribers {
		return "", api.forbidden("TooManySubscriptions", "An environment has at most %d subscriptions", maxSubscribers)
	}
	h.addLocked(newSubscriber(h, extension, s))
	return subscribed, nil
}

func (h *Hub) addLocked(s *subscriber) {
	h.subscribers = append(h.subscribers, s)
	for _, i := range h.history {
		s.add(i)
	}
	go s.run(h.ctx)
}

// CloseSubscriptions refuses further ones.
func (h *Hub) CloseSubscriptions() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.closed, h.history = true, nil
	h.quiet.Store(len(h.subscribers) == 0)
}

// Flush sends what waits, and returns when it has been taken or ctx ends.
func (h *Hub) Flush(ctx context.Context) {
	if h.Quiet() {
		return
	}
	h.mu.Lock()
	all := slices.Clone(h.subscribers)
	h.mu.Unlock()
	for _, s := range all {
		s.flush(ctx)
	}
}

// Close ends all deliveries.
func (h *Hub) Close() {
	if h != nil {
		h.CloseSubscriptions()
		h.quiet.Store(true)
		h.end()
	}
}

// Subscription tells that an extension has subscribed.
type Subscription struct {
	API   API      `json:"-"`
	Name  string   `json:"name"`
	State string   `json:"state"`
	Types []string `json:"types"`
}

// Kind implements Record.
func (r Subscription) Kind() string {
	if r.API == Logs {
		return "platform.logsSubscription"
	}
	return "platform.telemetrySubscription"
}

// Line implements Record.
func (r Subscription) Line() string {
	var types []string
	for _, t := range r.Types {
		types = append(types, strings.ToUpper(t[:1])+t[1:])
	}
	return strings.ToUpper(string(r.API)) + "\tName: " + r.Name + "\tState: " + r.State + "\tTypes: [" + strings.Join(types, ", ") + "]\n"
}

func (Subscription) level() Level { return Info }

// LogsDropped tells a subscriber what it has missed.
type LogsDropped struct {
	Reason  string `json:"reason"`
	Records int    `json:"droppedRecords"`
	Bytes   int    `json:"droppedBytes"`
}

// Kind implements Record.
func (LogsDropped) Kind() string { return "platform.logsDropped" }

// Line implements Record.
func (LogsDropped) Line() string { return "" }

func (LogsDropped) level() Level { return Warn }

// encode is the item as a subscriber gets it, nil if its version does not have such.
func (s *subscription) encode(i item, isJSON bool) json.RawMessage {
	if i.record == nil {
		var record any = i.line
		if isJSON && s.api == Telemetry && s.Version != telemetry2022 && json.Valid([]byte(i.line)) && strings.HasPrefix(strings.TrimSpace(i.line), "{") {
			record = json.RawMessage(i.line)
		}
		return envelope(i.at, string(i.source), record)
	}
	if s.api == Logs {
		return s.encodeOlder(i)
	}
	if !inTelemetry(i.record) {
		return nil
	}
	return envelope(i.at, i.record.Kind(), i.record)
}

// encodeOlder is a record as the Logs API has it.
func (s *subscription) encodeOlder(i item) json.RawMessage {
	switch r := i.record.(type) {
	case Start:
		return envelope(i.at, r.Kind(), Start{RequestID: r.RequestID, Version: r.Version})
	case RuntimeDone:
		if s.Version == logs2020 {
			return nil
		}
		status := r.Status
		if status == Failed {
			status = Failure
		}
		return envelope(i.at, r.Kind(), RuntimeDone{RequestID: r.RequestID, Status: status})
	case Report:
		return envelope(i.at, r.Kind(), struct {
			RequestID string        `json:"requestId"`
			Metrics   ReportMetrics `json:"metrics"`
		}{r.RequestID, r.Metrics})
	case Fault:
		return envelope(i.at, r.Kind(), strings.TrimSpace(r.Line()))
	case End, Extension, Subscription, LogsDropped, InitReport, InitRuntimeDone:
		return envelope(i.at, r.Kind(), r)
	}
	return nil
}
