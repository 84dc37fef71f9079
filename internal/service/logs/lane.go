package logs

import (
	"context"
	"fmt"
	"slices"

	"redoubt/internal/store"
)

// An entry is an event with its place.
type entry struct {
	at       position
	ingested int64
	message  string
	stream   string
}

// A window is which events are read, and in which direction.
type window struct {
	from, to position // from <= event < to
	backward bool
}

// before says whether p comes before q in the window's direction.
func (w *window) before(p, q position) bool {
	if w.backward {
		p, q = q, p
	}
	return p.compare(q) < 0
}

// A lane reads the chunks of one class of one stream, whose events overlap, and yields their events in order.
type lane struct {
	reader *reader
	stream named
	class  int

	chunks store.Range
	ahead  []store.Record[Chunk] // read, not opened yet
	batch  int                   // how many to read next
	ended  bool
	open   [][]entry // what is left of the opened chunks, each in the window's direction

	head   *entry   // the next event, if it is known
	behind position // no event comes before this one
}

// A reader reads events of a group in one transaction.
type reader struct {
	ctx   context.Context // of the one call that reads
	s     *Service
	tx    *store.Tx
	group *found
	window
}

// lanes returns the lanes of a stream that may have something for the window.
func (r *reader) lanes(st named) (lanes []*lane) {
	if st.Last == 0 || st.First >= r.to.time()+1 || st.Last < r.from.time() {
		return nil
	}
	for class, span := range spans {
		if st.Classes&(1<<class) == 0 {
			continue
		}
		prefix := []string{r.group.account, r.group.region, r.group.ID, st.ID, classKey(class)}
		l := &lane{reader: r, stream: st, class: class, batch: 2, chunks: store.Range{
			Prefix: prefix, Reverse: r.backward,
			From:   append(slices.Clip(prefix), timeKey(r.from.time()-span)),
			Before: append(slices.Clip(prefix), timeKey(r.to.time()+1)),
		}}
		l.behind = lowest(st.First)
		if r.backward {
			l.behind = lowest(st.Last + 1)
		}
		lanes = append(lanes, l)
	}
	return lanes
}

// peek finds out the head. It reports whether there is one.
func (l *lane) peek() (bool, error) {
	for {
		best := l.best()
		c, err := l.ahead1()
		switch {
		case err != nil:
			return false, err
		case c == nil && best < 0:
			return false, nil
		case c == nil || best >= 0 && !l.mayPrecede(&c.Value, l.open[best][0].at.time()):
			l.head = &l.open[best][0]
			if l.open[best] = l.open[best][1:]; len(l.open[best]) == 0 {
				l.open = slices.Delete(l.open, best, best+1)
			}
			return true, nil
		}
		l.ahead = l.ahead[1:]
		events, err := l.reader.entries(c, &l.stream)
		if err != nil {
			return false, err
		}
		if len(events) > 0 {
			l.open = append(l.open, events)
		}
	}
}

// best is the opened chunk with the next event, or -1.
func (l *lane) best() int {
	best := -1
	for i, events := range l.open {
		if best < 0 || l.reader.before(events[0].at, l.open[best][0].at) {
			best = i
		}
	}
	return best
}

// mayPrecede says whether a chunk, or one after it, may have an event before those of time t. Chunks come in the order of
// their first events; how late their last ones may be is known by their class.
func (l *lane) mayPrecede(c *Chunk, t int64) bool {
	if l.reader.backward {
		return c.First+spans[l.class] >= t
	}
	return c.First <= t
}

const maxAheadChunks = 64

// ahead1 returns the next chunk, or nil at the end.
func (l *lane) ahead1() (*store.Record[Chunk], error) {
	if len(l.ahead) == 0 && !l.ended {
		for rec, err := range l.reader.s.chunks.Scan(l.reader.tx, l.chunks) {
			if err != nil {
				return nil, err
			}
			if l.ahead = append(l.ahead, rec); len(l.ahead) == l.batch {
				break
			}
		}
		l.ended = len(l.ahead) < l.batch
		l.batch = min(2*l.batch, maxAheadChunks)
		if len(l.ahead) > 0 {
			l.chunks.After = l.ahead[len(l.ahead)-1].Key
		}
	}
	if len(l.ahead) == 0 {
		return nil, nil
	}
	return &l.ahead[0], nil
}

// entries opens a chunk, and returns its events that are in the window, in the window's direction.
func (r *reader) entries(rec *store.Record[Chunk], st *named) ([]entry, error) {
	number, err := readNumberKey(rec.Key[len(rec.Key)-1])
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errChunk, err)
	}
	data, err := r.s.open(r.ctx, r.tx, r.group, &rec.Value)
	if err != nil {
		return nil, err
	}
	events, err := decode(data, rec.Value.First)
	if err != nil {
		return nil, err
	}
	found := make([]entry, 0, len(events))
	for i, e := range events {
		at := positionOf(e.time, number, i, st.ID)
		if at.compare(r.from) >= 0 && at.compare(r.to) < 0 {
			found = append(found, entry{at, rec.Value.Ingested, e.message, st.name})
		}
	}
	if r.backward {
		slices.Reverse(found)
	}
	return found, nil
}
