// Package store keeps sealed, ordered, transactional records.
//
// A Table holds the records of one kind; a transaction (DB.Update, DB.View) spans tables. What Update wrote is durable
// when it returns: it survives a killed process and a power cut. Inside a Deferred context it is visible at once, and
// durable when DB.Sync returns, so that an API call of several transactions waits for the disk once.
//
// Messages sent with Tx.Send are stored in the same transaction, and delivered at least once by package work.
package store

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"redoubt/internal/seal"
)

// DB is an open store. It is safe for concurrent use.
type DB struct {
	engine Engine
	ring   *seal.Ring
	codec  codec
	topics topics
	close  func() error
}

// Open returns the store kept by engine. The DB owns the engine and closes it.
func Open(engine Engine, ring *seal.Ring) (*DB, error) {
	c, err := newCodec()
	if err != nil {
		return nil, err
	}
	return &DB{engine: engine, ring: ring, codec: c, close: sync.OnceValue(engine.Close)}, nil
}

// Close closes the engine. All that was acknowledged is durable already. Nothing may use the DB any more, except Close.
func (db *DB) Close() error { return db.close() }

// Tx is a transaction. It is valid, for one goroutine, until the function it was given to returns.
type Tx struct {
	db   *DB
	r    Reader
	w    Txn // nil in a View
	err  error
	sent map[string]bool // topics
}

// ErrReadOnly says that a View tried to write.
var ErrReadOnly = errors.New("write in a read-only transaction")

// Update runs fn and applies what it wrote if fn returns nil; otherwise nothing happened and Update returns fn's error.
// Updates are serializable: they appear to run one after the other. With the embedded engine they really do, so fn must
// be short, must not call Update itself, and must not wait for anything. Other engines may run fn more than once.
func (db *DB) Update(ctx context.Context, fn func(tx *Tx) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	var sent map[string]bool
	wait, err := db.engine.Update(ctx, func(w Txn) error {
		tx := &Tx{db: db, r: w, w: w}
		err := fn(tx)
		sent = tx.sent
		return tx.outcome(err)
	})
	if err != nil {
		return err
	}
	for topic := range sent {
		db.topics.wake(topic)
	}
	return finish(ctx, wait)
}

// View runs fn on a consistent snapshot.
func (db *DB) View(ctx context.Context, fn func(tx *Tx) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	return db.engine.View(ctx, func(r Reader) error {
		tx := &Tx{db: db, r: r}
		return tx.outcome(fn(tx))
	})
}

// outcome keeps a transaction from succeeding after an error that its function overlooked.
func (tx *Tx) outcome(err error) error {
	if err == nil {
		return tx.err
	}
	return err
}

func (tx *Tx) fail(err error) error {
	if tx.err == nil {
		tx.err = err
	}
	return err
}

// Err returns the first error of a read or write in this transaction. A transaction with an error does not commit.
func (tx *Tx) Err() error { return tx.err }

type deferredKey struct{}

type deferred struct {
	mu    sync.Mutex
	waits []Wait
}

// Deferred returns a context in which Update and Append return before their writes are durable. Call DB.Sync with it,
// or with a context derived from it, before telling anyone.
func Deferred(ctx context.Context) context.Context {
	return context.WithValue(ctx, deferredKey{}, &deferred{})
}

// Sync returns when everything that was written under the Deferred ctx is durable.
func (db *DB) Sync(ctx context.Context) error {
	d, ok := ctx.Value(deferredKey{}).(*deferred)
	if !ok {
		return nil
	}
	d.mu.Lock()
	waits := d.waits
	d.waits = nil
	d.mu.Unlock()
	// The log is written in order, so the first wait in reverse is nearly the only one.
	var err error
	for i := len(waits) - 1; i >= 0; i-- {
		err = errors.Join(err, waits[i]())
	}
	return durability(err)
}

// Flush returns when everything visible now is durable, whoever wrote it.
func (db *DB) Flush(ctx context.Context) error { return durability(db.engine.Flush(ctx)) }

func finish(ctx context.Context, wait Wait) error {
	if d, ok := ctx.Value(deferredKey{}).(*deferred); ok {
		d.mu.Lock()
		defer d.mu.Unlock()
		d.waits = append(d.waits, wait)
		return nil
	}
	return durability(wait())
}

func durability(err error) error {
	if err != nil {
		return fmt.Errorf("making a write durable: %w", err)
	}
	return nil
}
