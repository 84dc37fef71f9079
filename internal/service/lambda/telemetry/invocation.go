package telemetry

import (
	"fmt"
	"strconv"
	"time"
)

// Tracing is the X-Ray header of an invocation.
type Tracing struct {
	SpanID string `json:"spanId,omitempty"`
	Type   string `json:"type"`
	Value  string `json:"value"`
}

// Traced makes the Tracing of a header, nil without one.
func Traced(header string) *Tracing {
	if header == "" {
		return nil
	}
	return &Tracing{Type: "X-Amzn-Trace-Id", Value: header}
}

// Start tells that an invocation begins.
type Start struct {
	RequestID   string   `json:"requestId"`
	FunctionARN string   `json:"functionArn,omitempty"`
	Version     string   `json:"version,omitempty"`
	TenantID    string   `json:"tenantId,omitempty"`
	Tracing     *Tracing `json:"tracing,omitempty"`
}

// Kind implements Record.
func (Start) Kind() string { return "platform.start" }

// Line implements Record.
func (r Start) Line() string {
	return "START RequestId: " + r.RequestID + " Version: " + r.Version + "\n"
}

func (Start) level() Level { return Info }

// A Span is a part of an invocation.
type Span struct {
	Name     string `json:"name"`
	Start    string `json:"start"`
	Duration Millis `json:"durationMs"`
}

// NewSpan is the span between two times.
func NewSpan(name string, from, to time.Time) Span {
	return Span{name, timestamp(from), Millis(max(to.Sub(from), 0))}
}

// RuntimeDone tells that the runtime is done with an event: it asks for the next, or will never do.
type RuntimeDone struct {
	RequestID string          `json:"requestId"`
	Status    string          `json:"status"`
	ErrorType string          `json:"errorType,omitempty"`
	Metrics   *RuntimeMetrics `json:"metrics,omitempty"`
	Spans     []Span          `json:"spans,omitempty"`
	TenantID  string          `json:"tenantId,omitempty"`
	Tracing   *Tracing        `json:"tracing,omitempty"`
}

// RuntimeMetrics are those of RuntimeDone.
type RuntimeMetrics struct {
	Duration Millis `json:"durationMs"`
	Produced int64  `json:"producedBytes"`
}

// Kind implements Record.
func (RuntimeDone) Kind() string { return "platform.runtimeDone" }

// Line implements Record.
func (RuntimeDone) Line() string { return "" }

func (r RuntimeDone) level() Level { return unless(r.Status, Debug) }

// Fault tells why an invocation came to nothing. JSON logs and the Telemetry API say it in Report.
type Fault struct {
	RequestID string
	ErrorType string        // "" for the timeout
	Message   string        // of an error
	Timeout   time.Duration // that is over
	At        time.Time
}

// Kind implements Record.
func (Fault) Kind() string { return "platform.fault" }

// Line implements Record.
func (r Fault) Line() string {
	if r.ErrorType == "" {
		return timestamp(r.At) + " " + r.RequestID + " " + TimedOut(r.Timeout) + "\n\n"
	}
	return "RequestId: " + r.RequestID + " Error: " + r.Message + "\n" + r.ErrorType + "\n"
}

// TimedOut is what Lambda says of an invocation that took too long.
func TimedOut(limit time.Duration) string {
	return fmt.Sprintf("Task timed out after %.2f seconds", limit.Seconds())
}

func (Fault) level() Level { return Warn }

// End is the end of an invocation in text logs and in the Logs API.
type End struct {
	RequestID string `json:"requestId"`
}

// Kind implements Record.
func (End) Kind() string { return "platform.end" }

// Line implements Record.
func (r End) Line() string { return "END RequestId: " + r.RequestID + "\n" }

func (End) level() Level { return Info }

// Report tells what an invocation took.
type Report struct {
	RequestID string        `json:"requestId"`
	Metrics   ReportMetrics `json:"metrics"`
	Status    string        `json:"status"`
	ErrorType string        `json:"errorType,omitempty"`
	Spans     []Span        `json:"spans,omitempty"`
	TenantID  string        `json:"tenantId,omitempty"`
	Tracing   *Tracing      `json:"tracing,omitempty"`
}

// ReportMetrics are those of Report.
type ReportMetrics struct {
	Duration Millis `json:"durationMs"`
	Billed   int64  `json:"billedDurationMs"`
	Memory   int64  `json:"memorySizeMB"`
	Used     int64  `json:"maxMemoryUsedMB"`
	Init     Millis `json:"initDurationMs,omitzero"` // of the first invocation of an environment
}

// Kind implements Record.
func (Report) Kind() string { return "platform.report" }

// Line implements Record. Errors of the function itself are a success to Lambda.
func (r Report) Line() string {
	b := make([]byte, 0, 256)
	b = append(append(b, "REPORT RequestId: "...), r.RequestID...)
	b = appendMillis(append(b, "\tDuration: "...), r.Metrics.Duration)
	b = append(b, " ms\tBilled Duration: "...)
	b = strconv.AppendInt(b, r.Metrics.Billed, 10)
	b = append(b, " ms\tMemory Size: "...)
	b = strconv.AppendInt(b, r.Metrics.Memory, 10)
	b = append(b, " MB\tMax Memory Used: "...)
	b = strconv.AppendInt(b, r.Metrics.Used, 10)
	b = append(b, " MB\t"...)
	if r.Metrics.Init > 0 {
		b = append(appendMillis(append(b, "Init Duration: "...), r.Metrics.Init), " ms\t"...)
	}
	switch r.Status {
	case Timeout:
		b = append(b, "Status: timeout"...)
	case Failed:
		b = append(append(b, "Status: error\tError Type: "...), r.ErrorType...)
	}
	return string(append(b, '\n'))
}

func (r Report) level() Level { return unless(r.Status, Info) }

func appendMillis(b []byte, m Millis) []byte { return strconv.AppendFloat(b, m.ms(), 'f', 2, 64) }

// MarshalJSON implements json.Marshaler.
func (m Millis) MarshalJSON() ([]byte, error) {
	b := strconv.AppendFloat(nil, m.ms(), 'f', 3, 64)
	for b[len(b)-1] == '0' {
		b = b[:len(b)-1]
	}
	if b[len(b)-1] == '.' {
		b = append(b, '0')
	}
	return b, nil
}
