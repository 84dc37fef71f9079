package fleet

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"time"
)

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
