package fleet

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"strconv"
	"time"

	"redoubt/internal/service/lambda/runtimeapi"
)

// finish writes what Lambda logs of an invocation, gives the environment back, and makes the outcome.
func (f *Fleet) finish(e *environment, out *output, fn *Function, ev *Event, r *result, initTook time.Duration, t *tail) *Outcome {
	o := &Outcome{Payload: r.payload, Failed: r.failed}
	var lines []string
	if r.timedOut || r.failure != nil || r.reported {
		o.Failed = true
		lines = f.explain(e, ev, fn, r, o)
	}
	var memory int64
	if e != nil {
		memory = e.maxMemory()
	}
	lines = append(lines, lastLines(ev, fn, r, initTook, memory)...)
	out.end(ev.RequestID, lines, o.Failed && !r.failed)
	if e != nil && (r.failed || !o.Failed) {
		f.answered(e)
	}
	if t != nil {
		o.Log = t.wait()
	}
	return o
}

// explain makes the payload and the log line of what ended an environment, and sees to it that it has ended.
func (f *Fleet) explain(e *environment, ev *Event, fn *Function, r *result, o *Outcome) []string {
	if e != nil {
		e.endNow()
	}
	switch {
	case r.timedOut:
		text := fmt.Sprintf("Task timed out after %.2f seconds", fn.Timeout.Seconds())
		o.Payload = runtimeapi.ErrorBody("Sandbox.Timedout", "RequestId: "+ev.RequestID+" Error: "+text)
		return []string{time.Now().UTC().Format("2006-01-02T15:04:05.000Z") + " " + ev.RequestID + " " + text + "\n\n"}
	case r.reported:
		return nil
	}
	text := "RequestId: " + ev.RequestID + " Error: " + r.failure.Message
	o.Payload = runtimeapi.ErrorBody(r.failure.Type, text)
	return []string{text + "\n" + r.failure.Type + "\n"}
}

func lastLines(ev *Event, fn *Function, r *result, initTook time.Duration, memory int64) []string {
	return []string{"END RequestId: " + ev.RequestID + "\n", reportLine(ev.RequestID, fn, r, initTook, memory)}
}

func startLine(request, version string) string {
	return "START RequestId: " + request + " Version: " + version + "\n"
}

// reportLine is the REPORT line. Initialisation is billed too, since August 2025.
func reportLine(request string, fn *Function, r *result, initTook time.Duration, memory int64) string {
	b := make([]byte, 0, 256)
	b = append(append(b, "REPORT RequestId: "...), request...)
	b = appendMillis(append(b, "\tDuration: "...), r.took)
	b = append(b, " ms\tBilled Duration: "...)
	b = strconv.AppendInt(b, int64((r.took+initTook+time.Millisecond-1)/time.Millisecond), 10)
	b = append(b, " ms\tMemory Size: "...)
	b = strconv.AppendInt(b, int64(fn.MemoryMB), 10)
	b = append(b, " MB\tMax Memory Used: "...)
	b = strconv.AppendInt(b, min(memory, int64(fn.MemoryMB)), 10)
	b = append(b, " MB\t"...)
	if initTook > 0 {
		b = append(appendMillis(append(b, "Init Duration: "...), initTook), " ms\t"...)
	}
	if r.timedOut {
		b = append(b, "Status: timeout"...)
	} else if r.kind != "" {
		b = append(append(b, "Status: error\tError Type: "...), r.kind...)
	}
	return string(append(b, '\n'))
}

func initReport(took time.Duration, phase string, r *result) string {
	status := "error\tError Type: " + r.kind
	if r.timedOut {
		status = "timeout"
	}
	return fmt.Sprintf("INIT_REPORT Init Duration: %.2f ms\tPhase: %s\tStatus: %s\n", float64(took)/float64(time.Millisecond), phase, status)
}

func appendMillis(b []byte, d time.Duration) []byte {
	return strconv.AppendFloat(b, float64(d)/float64(time.Millisecond), 'f', 2, 64)
}

// traced is the X-Ray header of an invocation: the caller's, if it sent one.
func traced(given string, now time.Time) string {
	if given != "" {
		return given
	}
	return newTraceID(now)
}

// newTraceID makes the X-Ray header of an invocation that nobody traces.
func newTraceID(now time.Time) string {
	var random [20]byte
	rand.Read(random[:])
	id := hex.EncodeToString(random[:])
	return fmt.Sprintf("Root=1-%08x-%s;Parent=%s;Sampled=0", now.Unix(), id[:24], id[24:])
}
