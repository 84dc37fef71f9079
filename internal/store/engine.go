package store

import (
	"context"
	"errors"
	"iter"
)

// ErrInUse says that another process has the directory open.
var ErrInUse = errors.New("in use by another process")

// ErrCorrupt says that what is on disk is not what was written. No data is returned with it.
var ErrCorrupt = errors.New("damaged data")

// An Engine keeps ordered bytes. It is what an implementation of the store provides; all others use DB and Table.
// Its keys must be unreadable at rest; its values are sealed already.
type Engine interface {
	// Update runs fn so that its reads and writes appear to happen at one instant, and applies what it wrote if it
	// returns nil. When Update returns, others see the writes; they are durable once the returned Wait has returned
	// nil. An engine that detects conflicts may run fn again.
	Update(ctx context.Context, fn func(Txn) error) (Wait, error)
	// View runs fn on a snapshot.
	View(ctx context.Context, fn func(Reader) error) error
	// Append writes without waiting for any Update.
	Append(ctx context.Context, entries ...Entry) (Wait, error)
	// Flush returns when all that was visible when it was called is durable.
	Flush(ctx context.Context) error
	Close() error
}

// Wait blocks until a write is durable. It may be called once, or never.
type Wait func() error

// Entry is a key with its value.
type Entry struct{ Key, Value []byte }

// Reader reads inside a transaction.
type Reader interface {
	// Get returns a value that the caller owns.
	Get(key []byte) (value []byte, ok bool, err error)
	// Scan yields the entries with from <= key < to, ordered by key, or the other way round. Their bytes are valid
	// until the next is asked for. After an error it yields nothing more. An empty to means no upper bound.
	Scan(from, to []byte, reverse bool) iter.Seq2[Entry, error]
}

// Txn reads its own writes.
type Txn interface {
	Reader
	Put(key, value []byte) error
	Delete(key []byte) error
	// Sequence returns a number above every number that a transaction visible to this one has got.
	Sequence() (uint64, error)
}
