package store

import (
	"bytes"
	"context"
	"fmt"
	"iter"
	"reflect"
	"sync"

	"redoubt/internal/seal"
)

// The first byte of an engine key says what it belongs to. Engines keep 0x00 for themselves.
const (
	inTables = 't'
	inOutbox = 'o'
)

// Table holds the records of one kind of one service. T is a plain struct of exported fields: strings, numbers, times,
// bytes, slices, maps, pointers and structs, the SDK's types included; no interfaces. A record is sealed with the key of
// its service and bound to its table and key. A Table is safe for concurrent use.
type Table[T any] struct {
	db      *DB
	name    string
	prefix  []byte
	version byte
	migrate Migration[T]
	box     func() (*seal.Box, error)
}

// Migration makes a record of an older version into a current one. Decode fills the older Go type from the record.
type Migration[T any] func(version byte, decode func(any) error) (T, error)

// Record is a value with its key.
type Record[T any] struct {
	Key   Key
	Value T
}

// NewTable returns the table of that service and name, for example "kms" and "key". Two tables with the same names are
// the same table. It panics if T could be stored but never read back.
func NewTable[T any](db *DB, service, name string) *Table[T] {
	if bad := undecodable(reflect.TypeFor[T](), map[reflect.Type]bool{}); bad != "" {
		panic(fmt.Sprintf("table %s/%s: %v cannot be decoded: %s", service, name, reflect.TypeFor[T](), bad))
	}
	return &Table[T]{
		db:     db,
		name:   service + "/" + name,
		prefix: appendKey([]byte{inTables}, []string{service, name}),
		box:    sync.OnceValues(func() (*seal.Box, error) { return db.ring.Box(service) }),
	}
}

// Version returns the table with another record version than 0. Records of an older version go through migrate when
// they are read, and are rewritten only when they are next put. Adding or dropping a field needs no new version.
func (t *Table[T]) Version(v byte, migrate Migration[T]) *Table[T] {
	versioned := *t
	versioned.version, versioned.migrate = v, migrate
	return &versioned
}

// Get returns the record with that key; ok is false if there is none.
func (t *Table[T]) Get(tx *Tx, key ...string) (v T, ok bool, err error) {
	k := t.key(key)
	sealed, ok, err := tx.r.Get(k)
	if err != nil {
		return v, false, tx.fail(fmt.Errorf("reading %s: %w", t.name, err))
	}
	if !ok {
		return v, false, nil
	}
	if v, err = t.open(k, sealed); err != nil {
		return v, false, tx.fail(err)
	}
	return v, true, nil
}

// Has says whether there is a record with that key, without unsealing it.
func (t *Table[T]) Has(tx *Tx, key ...string) (bool, error) {
	_, ok, err := tx.r.Get(t.key(key))
	if err != nil {
		return false, tx.fail(fmt.Errorf("reading %s: %w", t.name, err))
	}
	return ok, nil
}

// Put stores the record, in place of the one with that key if there is one.
func (t *Table[T]) Put(tx *Tx, v T, key ...string) error {
	if tx.w == nil {
		return tx.fail(ErrReadOnly)
	}
	k := t.key(key)
	sealed, err := t.seal(k, v)
	if err != nil {
		return tx.fail(err)
	}
	if err := tx.w.Put(k, sealed); err != nil {
		return tx.fail(fmt.Errorf("writing %s: %w", t.name, err))
	}
	return nil
}

// Delete removes the record with that key, if there is one.
func (t *Table[T]) Delete(tx *Tx, key ...string) error {
	if tx.w == nil {
		return tx.fail(ErrReadOnly)
	}
	if err := tx.w.Delete(t.key(key)); err != nil {
		return tx.fail(fmt.Errorf("deleting from %s: %w", t.name, err))
	}
	return nil
}

// Append stores a record outside any transaction and without waiting for one: for trails and logs, whose keys are
// written once. Many appends share one write to the disk. Concurrent Updates may or may not see the record.
func (t *Table[T]) Append(ctx context.Context, v T, key ...string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	k := t.key(key)
	sealed, err := t.seal(k, v)
	if err != nil {
		return err
	}
	wait, err := t.db.engine.Append(ctx, Entry{k, sealed})
	if err != nil {
		return fmt.Errorf("appending to %s: %w", t.name, err)
	}
	return finish(ctx, wait)
}

// Scan yields the records of the range in the order of their keys. An error is yielded once, as the last item, and
// makes the transaction fail even if the caller overlooks it. Writes of the loop's body are not seen by the loop.
func (t *Table[T]) Scan(tx *Tx, r Range) iter.Seq2[Record[T], error] {
	return func(yield func(Record[T], error) bool) {
		from, to := r.bounds(t.prefix)
		if bytes.Compare(from, to) >= 0 {
			return
		}
		for e, err := range tx.r.Scan(from, to, r.Reverse) {
			var rec Record[T]
			if err == nil {
				rec, err = t.record(e)
			}
			if err != nil {
				yield(rec, tx.fail(fmt.Errorf("scanning %s: %w", t.name, err)))
				return
			}
			if !yield(rec, nil) {
				return
			}
		}
	}
}

func (t *Table[T]) record(e Entry) (rec Record[T], err error) {
	if rec.Key, err = parseKey(e.Key[len(t.prefix):]); err != nil {
		return rec, fmt.Errorf("%w: %w", ErrCorrupt, err)
	}
	rec.Value, err = t.open(e.Key, e.Value)
	return rec, err
}

func (t *Table[T]) key(key []string) []byte {
	return appendKey(append(make([]byte, 0, len(t.prefix)+64), t.prefix...), key)
}

// seal encodes a record as its version and its CBOR, sealed for its place.
func (t *Table[T]) seal(key []byte, v T) ([]byte, error) {
	box, err := t.box()
	if err != nil {
		return nil, fmt.Errorf("sealing %s: %w", t.name, err)
	}
	var plain bytes.Buffer
	plain.WriteByte(t.version)
	if err := t.db.codec.enc.MarshalToBuffer(v, &plain); err != nil {
		return nil, fmt.Errorf("encoding %s: %w", t.name, err)
	}
	sealed, err := box.Seal(plain.Bytes(), key)
	if err != nil {
		return nil, fmt.Errorf("sealing %s: %w", t.name, err)
	}
	return sealed, nil
}

func (t *Table[T]) open(key, sealed []byte) (v T, err error) {
	box, err := t.box()
	if err != nil {
		return v, fmt.Errorf("unsealing %s: %w", t.name, err)
	}
	plain, err := box.Open(sealed, key)
	if err != nil {
		return v, fmt.Errorf("%w: a record of %s %w", ErrCorrupt, t.name, err)
	}
	decode := func(into any) error { return t.db.codec.dec.Unmarshal(plain[1:], into) }
	switch version := plain[0]; {
	case version == t.version:
		err = decode(&v)
	case version < t.version && t.migrate != nil:
		v, err = t.migrate(version, decode)
	default:
		err = fmt.Errorf("record version %d was written by another release; this one knows %d", version, t.version)
	}
	if err != nil {
		return v, fmt.Errorf("decoding %s: %w", t.name, err)
	}
	return v, nil
}
