// Package embedded is the store's engine for one process: Pebble on an encrypted file system.
package embedded

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/bloom"
	"github.com/cockroachdb/pebble/v2/sstable/block"
	"github.com/cockroachdb/pebble/v2/vfs"

	"redoubt/internal/disk"
	"redoubt/internal/seal"
	"redoubt/internal/store"
)

// engine implements store.Engine.
type engine struct {
	db   *pebble.DB
	lock io.Closer // nil on a file system of tests

	mu       sync.Mutex // one Update at a time
	sequence uint64     // last number handed out
	reserved uint64     // numbers up to here survive a crash
}

// Open opens the directory, or creates it, with keys of the ring. A directory that another process has open is refused
// with store.ErrInUse; damage is store.ErrCorrupt.
func Open(dir string, ring *seal.Ring) (store.Engine, error) {
	secret, err := ring.Raw("store", 32)
	if err != nil {
		return nil, fmt.Errorf("opening the store %s: %w", dir, err)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("opening the store: %w", err)
	}
	// Pebble's own lock is a record lock: it does not see a second opener in this process by another path, and it is lost
	// when anyone here closes the lock file.
	lock, err := disk.TryLock(dir)
	if errors.Is(err, disk.ErrLocked) {
		err = fmt.Errorf("%w: another Redoubt has this directory open", store.ErrInUse)
	}
	if err != nil {
		return nil, fmt.Errorf("opening the store %s: %w", dir, err)
	}
	e, err := openFS(privateFS{vfs.Default}, dir, secret)
	if err != nil {
		lock.Close()
		return nil, fmt.Errorf("opening the store %s: %w", dir, err)
	}
	e.lock = lock
	return e, nil
}

// openFS opens the directory on a file system that need not be the machine's.
func openFS(base vfs.FS, dir string, secret []byte) (*engine, error) {
	db, err := pebble.Open(dir, options(&cryptFS{base, secret}))
	if err != nil {
		return nil, classify(err)
	}
	e := &engine{db: db}
	if err := e.readSequence(); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return e, nil
}

// options keeps an idle store small. Values are ciphertext: compressing them is wasted time.
func options(fs vfs.FS) *pebble.Options {
	o := &pebble.Options{
		FS:                          fs,
		FormatMajorVersion:          pebble.FormatNewest,
		CacheSize:                   32 << 20,
		MemTableSize:                8 << 20,
		MemTableStopWritesThreshold: 4,
		L0CompactionThreshold:       4,
		MaxOpenFiles:                500,
		Logger:                      logger{},
		EventListener:               events(),
	}
	for i := range o.Levels {
		o.Levels[i].Compression = func() *block.CompressionProfile { return block.NoCompression }
		o.Levels[i].FilterPolicy = bloom.FilterPolicy(10)
	}
	return o
}

// events reports what no caller sees.
func events() *pebble.EventListener {
	return &pebble.EventListener{
		BackgroundError: background,
		// By default Pebble ends the process on damage that a read meets; here the read fails.
		DataCorruption: func(pebble.DataCorruptionInfo) {},
	}
}

// classify makes Pebble's corruption the store's.
func classify(err error) error {
	if err == nil || errors.Is(err, store.ErrCorrupt) || !pebble.IsCorruptionError(err) {
		return err
	}
	return fmt.Errorf("%w: %w", store.ErrCorrupt, err)
}

func (e *engine) Close() error {
	err := e.db.Close()
	if e.lock != nil {
		err = errors.Join(err, e.lock.Close())
	}
	return err
}

// Update holds the one lock of writers while fn runs and its batch is applied, not while the disk works.
func (e *engine) Update(_ context.Context, fn func(store.Txn) error) (store.Wait, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	batch := e.db.NewIndexedBatch()
	if err := fn(&txn{reader{batch}, batch, e}); err != nil {
		batch.Close()
		return nil, err
	}
	if batch.Empty() {
		// What it saw may not be durable yet, and its caller will act on that: wait as for a write.
		if err := batch.LogData(nil, nil); err != nil {
			return nil, err
		}
	}
	return e.apply(batch)
}

func (e *engine) Append(_ context.Context, entries ...store.Entry) (store.Wait, error) {
	batch := e.db.NewBatch()
	for _, entry := range entries {
		if err := batch.Set(entry.Key, entry.Value, nil); err != nil {
			batch.Close()
			return nil, err
		}
	}
	return e.apply(batch)
}

func (e *engine) View(_ context.Context, fn func(store.Reader) error) error {
	snapshot := e.db.NewSnapshot()
	defer snapshot.Close()
	return fn(reader{snapshot})
}

// apply makes the batch visible and hands it to the log; the log writer syncs many batches at once.
func (e *engine) apply(batch *pebble.Batch) (store.Wait, error) {
	defer failOnPanic()
	if err := e.db.ApplyNoSyncWait(batch, pebble.Sync); err != nil {
		return nil, classify(err)
	}
	return func() error {
		if err := failed(batch.SyncWait()); err != nil {
			return err
		}
		return batch.Close()
	}, nil
}

// Flush writes an empty record to the log and waits for it: the log is written in order.
func (e *engine) Flush(context.Context) error {
	defer failOnPanic()
	return failed(e.db.LogData(nil, pebble.Sync))
}
