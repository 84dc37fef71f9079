package telemetry

import (
	"bytes"
	"encoding/json"
	"time"
)

// Format is how the log of a function is written. The zero Format is that of text logs.
//
// https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs-logformat.html
type Format struct {
	JSON        bool
	System      Level // what Lambda tells beyond this is not logged; with JSON
	Application Level // the same for what the function writes
}

// Line is how the log tells a record, with the end of the line; "" if it does not.
func (f Format) Line(at time.Time, r Record) string {
	if !f.JSON {
		return r.Line()
	}
	if r.level() < f.System || !inTelemetry(r) {
		return ""
	}
	return string(envelope(at, r.Kind(), r)) + "\n"
}

// inTelemetry reports whether the Telemetry API knows such a record: the rest is for text and for the Logs API.
func inTelemetry(r Record) bool {
	switch r.(type) {
	case End, Fault:
		return false
	}
	return true
}

// envelope is a record as it is sent.
func envelope(at time.Time, kind string, record any) []byte {
	// Nothing in a record can fail to be written.
	b, _ := json.Marshal(struct {
		Time   string `json:"time"`
		Type   string `json:"type"`
		Record any    `json:"record"`
	}{timestamp(at), kind, record})
	return b
}

// Function is how the log tells a line that the function has written, or an extension; false if it does not. JSON objects
// are filtered by their level, and get a time if they have none. All else is passed on as it is, as of level INFO.
//
// https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs-log-level.html
func (f Format) Function(at time.Time, line string) (string, bool) {
	if !f.JSON {
		return line, true
	}
	level, text := Info, line
	var object map[string]json.RawMessage
	if trimmed := bytes.Trim([]byte(line), " \t\r\n"); len(trimmed) > 0 && trimmed[0] == '{' && json.Unmarshal(trimmed, &object) == nil {
		timed, valid := timeOf(object)
		if valid {
			level = levelOf(object)
		}
		if !timed {
			text = stamped(at, trimmed, len(object)) + "\n"
		}
	}
	return text, level >= f.Application
}

// timeKeys are what the runtimes and their loggers call the time.
var timeKeys = []string{"timestamp", "time", "@timestamp", "Timestamp", "ts"}

// timeOf reports whether a log entry has a time, and whether that is one of RFC 3339, without which Lambda ignores the level.
func timeOf(object map[string]json.RawMessage) (timed, valid bool) {
	for _, key := range timeKeys {
		raw, ok := object[key]
		if !ok {
			continue
		}
		var text string
		if json.Unmarshal(raw, &text) != nil {
			return true, false
		}
		_, err := time.Parse(time.RFC3339Nano, text)
		return true, err == nil
	}
	return false, false
}

func levelOf(object map[string]json.RawMessage) Level {
	for _, key := range []string{"level", "Level", "log_level", "LogLevel"} {
		var name string
		if json.Unmarshal(object[key], &name) == nil {
			level, _ := ParseLevel(name)
			return level
		}
	}
	return Info
}

// stamped puts the time at the beginning of an object.
func stamped(at time.Time, object []byte, fields int) string {
	text := `{"timestamp":"` + timestamp(at) + `"`
	if fields > 0 {
		text += ","
	}
	return text + string(bytes.TrimLeft(object[1:], " \t\r\n"))
}
