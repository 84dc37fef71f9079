// Package telemetry is what Lambda tells of the life of one environment: in the lines of its log, and to the extensions
// that subscribe to the Telemetry API or to the older Logs API.
//
// https://docs.aws.amazon.com/lambda/latest/dg/telemetry-schema-reference.html
package telemetry

import (
	"strings"
	"time"
)

// A Record is one thing that Lambda tells. Its JSON is the record of the Telemetry API.
type Record interface {
	Kind() string // platform.start, ...
	Line() string // in a text log, with the end of the line; "" where text logs have none
	level() Level
}

// Level says how detailed something is.
type Level uint8

// The levels, the most detailed first.
const (
	Trace Level = iota
	Debug
	Info
	Warn
	Error
	Fatal
)

// ParseLevel reads the name of a level, in the spellings of the runtimes' own loggers.
func ParseLevel(name string) (Level, bool) {
	switch strings.ToUpper(name) {
	case "TRACE":
		return Trace, true
	case "DEBUG":
		return Debug, true
	case "INFO":
		return Info, true
	case "WARN", "WARNING":
		return Warn, true
	case "ERROR":
		return Error, true
	case "FATAL", "CRITICAL":
		return Fatal, true
	}
	return Info, false
}

// timestamp is how Lambda writes the time.
func timestamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }

// Millis are milliseconds with three decimals, as AWS reports durations.
type Millis time.Duration

// ms is the number.
func (m Millis) ms() float64 { return float64(m) / float64(time.Millisecond) }
