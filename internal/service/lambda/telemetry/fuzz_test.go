package telemetry_test

import (
	"encoding/json"
	"errors"
	"net"
	"strings"
	"testing"

	"redoubt/internal/service/lambda/telemetry"
)

// Whatever an extension asks for is taken or refused with a type, and nothing but the sandbox's own loopback device is dialled.
func FuzzSubscription(f *testing.F) {
	f.Add(`{"schemaVersion":"2022-07-01","types":["platform"],"destination":{"protocol":"HTTP","URI":"http://sandbox.localdomain:8080/a?b#c"}}`)
	f.Add(`{"schemaVersion":"2025-01-29","types":["function"],"buffering":{"maxItems":1000},"destination":{"protocol":"TCP","port":1}}`)
	f.Add(`{"types":[{}],"destination":{"protocol":"HTTP","URI":"http://sandbox:80@10.0.0.1:9/"}}`)
	f.Fuzz(func(t *testing.T, body string) {
		dialled := make(chan string, 100)
		h := telemetry.NewHub(func(_, address string) (net.Conn, error) {
			select {
			case dialled <- address:
			default:
			}
			return nil, net.ErrClosed
		}, true, func(telemetry.Record) {})
		defer h.Close()
		h.Line(at, telemetry.FromFunction, "x")
		answer, err := h.Subscribe("x", telemetry.Telemetry, []byte(body))
		var problem *telemetry.Problem
		if err != nil && (!errors.As(err, &problem) || problem.Type == "" || problem.Status/100 != 4) || err == nil && answer != `"OK"` {
			t.Errorf("got %s, %v", answer, err)
		}
		select {
		case address := <-dialled:
			if !strings.HasPrefix(address, "127.0.0.1:") {
				t.Errorf("dialled %s", address)
			}
		default:
		}
	})
}

// A line is logged as it is, or as the same JSON object with a time.
func FuzzFunctionLine(f *testing.F) {
	f.Add(`{"level":"INFO"}`)
	f.Add(`{ }`)
	f.Add("{\"a\":1,\n \"timestamp\":1}")
	f.Add("plain")
	f.Fuzz(func(t *testing.T, line string) {
		got, logged := telemetry.Format{JSON: true}.Function(at, line)
		if !logged {
			t.Error("the most detailed level hides a line")
		}
		var object map[string]json.RawMessage
		if json.Unmarshal([]byte(line), &object) != nil || object == nil {
			if got != line {
				t.Errorf("%q became %q", line, got)
			}
			return
		}
		var stamped map[string]json.RawMessage
		if err := json.Unmarshal([]byte(got), &stamped); err != nil || len(stamped) < len(object) {
			t.Errorf("%q became %q: %v", line, got, err)
		}
	})
}
