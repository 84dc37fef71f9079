package embedded

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"iter"

	"github.com/cockroachdb/pebble/v2"

	"redoubt/internal/store"
)

// reader reads from a snapshot, or from a batch over the newest state.
type reader struct{ pebble.Reader }

func (r reader) Get(key []byte) ([]byte, bool, error) {
	v, closer, err := r.Reader.Get(key)
	if errors.Is(err, pebble.ErrNotFound) {
		return nil, false, nil
	}
	if err != nil {
		return nil, false, classify(err)
	}
	defer closer.Close()
	return bytes.Clone(v), true, nil
}

func (r reader) Scan(from, to []byte, reverse bool) iter.Seq2[store.Entry, error] {
	return func(yield func(store.Entry, error) bool) {
		it, err := r.NewIter(&pebble.IterOptions{LowerBound: from, UpperBound: upper(to)})
		if err != nil {
			yield(store.Entry{}, classify(err))
			return
		}
		stopped, err := walk(it, reverse, yield)
		if err = errors.Join(err, it.Close()); err != nil && !stopped {
			yield(store.Entry{}, classify(err))
		}
	}
}

func upper(to []byte) []byte {
	if len(to) == 0 {
		return nil
	}
	return to
}

func walk(it *pebble.Iterator, reverse bool, yield func(store.Entry, error) bool) (stopped bool, err error) {
	start, step := it.First, it.Next
	if reverse {
		start, step = it.Last, it.Prev
	}
	for ok := start(); ok; ok = step() {
		v, err := it.ValueAndErr()
		if err != nil {
			return false, err
		}
		if !yield(store.Entry{Key: it.Key(), Value: v}, nil) {
			return true, nil
		}
	}
	return false, it.Error()
}

// txn is a batch that reads its own writes. The engine's lock is held while it lives.
type txn struct {
	reader
	batch  *pebble.Batch
	engine *engine
}

func (t *txn) Put(key, value []byte) error { return t.batch.Set(key, value, nil) }

func (t *txn) Delete(key []byte) error { return t.batch.Delete(key, nil) }

// Numbers are reserved in blocks: the end of the block is stored with the transaction that starts it, so a restart goes
// on above every number ever used.
const sequenceBlock = 1 << 20

func sequenceKey() []byte { return []byte{0, 's'} }

func (t *txn) Sequence() (uint64, error) {
	e := t.engine
	if e.sequence == e.reserved {
		end := e.reserved + sequenceBlock
		if err := e.reserve(end); err != nil {
			return 0, err
		}
	}
	e.sequence++
	return e.sequence, nil
}

// reserve applies its own batch at once: the transaction that asks may yet be dropped, and a later one must not then use
// numbers that no disk knows of. The log is in order, so whatever uses the numbers becomes durable after this.
func (e *engine) reserve(end uint64) error {
	batch := e.db.NewBatch()
	if err := batch.Set(sequenceKey(), binary.BigEndian.AppendUint64(nil, end), nil); err != nil {
		return err
	}
	if _, err := e.apply(batch); err != nil {
		return err
	}
	e.reserved = end
	return nil
}

func (e *engine) readSequence() error {
	v, ok, err := reader{e.db}.Get(sequenceKey())
	if err != nil || !ok {
		return err
	}
	if len(v) != 8 {
		return fmt.Errorf("%w: the sequence record has %d bytes", store.ErrCorrupt, len(v))
	}
	e.sequence = binary.BigEndian.Uint64(v)
	e.reserved = e.sequence
	return nil
}
