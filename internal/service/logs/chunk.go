package logs

import (
	"bytes"
	"compress/flate"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strconv"
	"sync"

	"redoubt/internal/store"
)

// A Chunk is consecutive events of a stream that came in together.
type Chunk struct {
	First, Last int64 // times of its first and last event
	Ingested    int64
	DataKey     string // id of the data key that Data is sealed with, or ""
	Data        []byte
}

// An event is one log event.
type event struct {
	time    int64
	message string
}

const (
	// chunkBytes bounds the messages in a chunk, and so what one read must decode.
	chunkBytes = 64 << 10
	// compressFrom is the size from which compressing is worth its time.
	compressFrom = 512
)

// spans are the classes of chunks, by the most that lies between the first and the last event of one, in milliseconds. A
// read that begins in the middle of a stream looks that far back in each class, so that rare long chunks do not make it
// read many short ones.
var spans = [...]int64{1_000, 60_000, 15 * 60_000}

// class is the first that c fits in.
func (c *Chunk) class() int {
	for i, span := range spans {
		if c.Last-c.First <= span {
			return i
		}
	}
	return len(spans) - 1
}

func classKey(class int) string { return strconv.Itoa(class) }

// split cuts a batch, which is in order of time, into chunks.
func split(events []event) (chunks [][]event) {
	start, size := 0, 0
	for i, e := range events {
		if i > start && (e.time-events[start].time > spans[len(spans)-1] || size+len(e.message) > chunkBytes) {
			chunks = append(chunks, events[start:i])
			start, size = i, 0
		}
		size += len(e.message)
	}
	return append(chunks, events[start:])
}

const plainEvents, deflatedEvents = 0, 1

// A packer encodes events. Making a flate.Writer costs more than using it, so they are kept.
type packer struct{ writers sync.Pool }

// encode writes events as the time since the one before, the length and the text of each.
func (p *packer) encode(events []event) []byte {
	b := []byte{plainEvents}
	before := events[0].time
	for _, e := range events {
		b = binary.AppendUvarint(b, uint64(e.time-before))
		b = binary.AppendUvarint(b, uint64(len(e.message)))
		b = append(b, e.message...)
		before = e.time
	}
	if len(b) < compressFrom {
		return b
	}
	return p.smaller(b)
}

// smaller returns b deflated, unless that makes it larger.
func (p *packer) smaller(b []byte) []byte {
	var out bytes.Buffer
	out.WriteByte(deflatedEvents)
	w, ok := p.writers.Get().(*flate.Writer)
	if ok {
		w.Reset(&out)
	} else {
		w, _ = flate.NewWriter(&out, flate.BestSpeed) // fails for unknown levels only
	}
	defer p.writers.Put(w)
	if _, err := w.Write(b[1:]); err != nil || w.Close() != nil || out.Len() >= len(b) {
		return b
	}
	return out.Bytes()
}

var errChunk = fmt.Errorf("%w: malformed log events", store.ErrCorrupt)

// decode reads what encode wrote.
func decode(b []byte, first int64) ([]event, error) {
	if len(b) == 0 {
		return nil, errChunk
	}
	format, b := b[0], b[1:]
	switch format {
	case plainEvents:
	case deflatedEvents:
		var err error
		if b, err = io.ReadAll(flate.NewReader(bytes.NewReader(b))); err != nil {
			return nil, errors.Join(errChunk, err)
		}
	default:
		return nil, errChunk
	}
	var events []event
	for t := first; len(b) > 0; {
		since, n := binary.Uvarint(b)
		size, m := binary.Uvarint(b[max(n, 0):])
		if n <= 0 || m <= 0 || size > uint64(len(b)-n-m) {
			return nil, errChunk
		}
		t += int64(since)
		b = b[n+m:]
		events = append(events, event{t, string(b[:size])})
		b = b[size:]
	}
	return events, nil
}

// timeKey is a time, or a number, as a part of a key: its order is that of time.
func timeKey(t int64) string { return numberKey(uint64(max(0, t))) }

func numberKey(n uint64) string { return fmt.Sprintf("%016x", n) }

func readTimeKey(s string) (int64, error) { return strconv.ParseInt(s, 16, 64) }

func readNumberKey(s string) (uint64, error) { return strconv.ParseUint(s, 16, 64) }
