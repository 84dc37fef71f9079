// Package blob keeps large sealed objects: object bodies, code archives.
//
// An object is written once under a random name, streamed through authenticated encryption in small segments, and is
// durable when Put returns. Whoever refers to an object keeps its ID in a record; Sweep removes what nothing refers to.
package blob

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"redoubt/internal/disk"
	"redoubt/internal/seal"
)

// ID names an object: 32 hexadecimal digits.
type ID string

var (
	// ErrNotFound says that there is no object with that ID.
	ErrNotFound = errors.New("no such object")
	// ErrCorrupt says that an object is not what was put: damaged, truncated, exchanged, or sealed with another key.
	ErrCorrupt = errors.New("damaged object")
)

// Store is a directory of objects. It is safe for concurrent use, also by several processes.
type Store struct {
	dir    string
	stream *seal.Stream
}

// Open opens the directory or creates it.
func Open(dir string, ring *seal.Ring) (*Store, error) {
	stream, err := ring.Stream("blob")
	if err != nil {
		return nil, fmt.Errorf("opening objects in %s: %w", dir, err)
	}
	if err := makeShelves(dir); err != nil {
		return nil, fmt.Errorf("opening objects: %w", err)
	}
	return &Store{dir: dir, stream: stream}, nil
}

// Under returns the same store, sealing and opening with another key: for objects that are to be unreadable without it.
func (s *Store) Under(stream *seal.Stream) *Store { return &Store{dir: s.dir, stream: stream} }

// makeShelves spreads objects over 256 directories, so that none grows without bound. They are made beforehand: a Put
// must not depend on a directory that another one has created but not yet made durable.
func makeShelves(dir string) error {
	err := os.MkdirAll(filepath.Join(dir, incoming), 0o700)
	for i := 0; i < 256 && err == nil; i++ {
		err = os.Mkdir(filepath.Join(dir, hex.EncodeToString([]byte{byte(i)})), 0o700)
		if os.IsExist(err) {
			err = nil
		}
	}
	return errors.Join(err, disk.SyncDir(dir), disk.SyncDir(filepath.Dir(dir)))
}

// incoming holds objects that are being written. They are invisible, and swept when stale.
const incoming = "incoming"

// Put stores what r yields and returns its ID and size once it is durable. If r or the disk fails, or ctx ends,
// nothing remains.
func (s *Store) Put(ctx context.Context, r io.Reader) (ID, int64, error) {
	id := newID()
	tmp := filepath.Join(s.dir, incoming, string(id))
	size, err := s.write(ctx, tmp, id, r)
	if err == nil {
		err = s.publish(tmp, id)
	}
	if err != nil {
		os.Remove(tmp)
		return "", 0, fmt.Errorf("storing an object: %w", err)
	}
	return id, size, nil
}

func newID() ID {
	var random [16]byte
	rand.Read(random[:]) // never fails (crypto/rand)
	return ID(hex.EncodeToString(random[:]))
}

func (s *Store) write(ctx context.Context, path string, id ID, r io.Reader) (size int64, err error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	w, err := s.stream.Seal(f, []byte(id))
	if err != nil {
		return 0, err
	}
	if size, err = io.Copy(w, &interruptible{ctx, r}); err != nil {
		return 0, err
	}
	if err := w.Close(); err != nil {
		return 0, err
	}
	return size, f.Sync()
}

// publish makes a complete object visible under its ID.
func (s *Store) publish(tmp string, id ID) error {
	path := s.path(id)
	if err := os.Rename(tmp, path); err != nil {
		return err
	}
	return disk.SyncDir(filepath.Dir(path))
}

// interruptible ends a copy with its context.
type interruptible struct {
	ctx context.Context
	r   io.Reader
}

func (i *interruptible) Read(p []byte) (int, error) {
	if err := i.ctx.Err(); err != nil {
		return 0, err
	}
	return i.r.Read(p)
}

// Open returns a reader of the object and the object's size. Bytes are verified before they are returned: damage is
// ErrCorrupt in place of the first segment that it touches.
func (s *Store) Open(_ context.Context, id ID) (io.ReadCloser, int64, error) {
	if !id.valid() {
		return nil, 0, fmt.Errorf("opening object %q: %w", string(id), ErrNotFound)
	}
	f, err := os.Open(s.path(id))
	if os.IsNotExist(err) {
		return nil, 0, fmt.Errorf("opening object %s: %w", id, ErrNotFound)
	}
	if err != nil {
		return nil, 0, fmt.Errorf("opening object: %w", err)
	}
	object, size, err := s.open(f, id)
	if err != nil {
		f.Close()
		return nil, 0, fmt.Errorf("opening object %s: %w", id, err)
	}
	return object, size, nil
}

func (s *Store) open(f *os.File, id ID) (io.ReadCloser, int64, error) {
	info, err := f.Stat()
	if err != nil {
		return nil, 0, err
	}
	size := seal.PlainSize(info.Size())
	if size < 0 {
		return nil, 0, ErrCorrupt
	}
	r, err := s.stream.Open(f, []byte(id))
	if err != nil {
		return nil, 0, fmt.Errorf("%w: %w", ErrCorrupt, err)
	}
	return &object{r, f, id}, size, nil
}

// OpenAt returns a reader of the object from an offset on, which reads no more than it has to; size is what the caller knows
// the object to be, and anything else is damage.
func (s *Store) OpenAt(_ context.Context, id ID, offset, size int64) (io.ReadCloser, error) {
	if !id.valid() {
		return nil, fmt.Errorf("opening object %q: %w", string(id), ErrNotFound)
	}
	f, err := os.Open(s.path(id))
	if os.IsNotExist(err) {
		return nil, fmt.Errorf("opening object %s: %w", id, ErrNotFound)
	}
	if err != nil {
		return nil, fmt.Errorf("opening object: %w", err)
	}
	info, err := f.Stat()
	if err == nil && seal.PlainSize(info.Size()) != size {
		err = ErrCorrupt
	}
	var r io.ReadCloser
	if err == nil {
		r, err = s.stream.OpenAt(f, info.Size(), offset, []byte(id))
	}
	if errors.Is(err, seal.ErrUnsealable) {
		err = fmt.Errorf("%w: %w", ErrCorrupt, err)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("opening object %s: %w", id, err), f.Close())
	}
	return &object{r, f, id}, nil
}

type object struct {
	r  io.Reader
	f  *os.File
	id ID
}

func (o *object) Read(p []byte) (int, error) {
	n, err := o.r.Read(p)
	if errors.Is(err, seal.ErrUnsealable) {
		err = fmt.Errorf("reading object %s: %w: %w", o.id, ErrCorrupt, err)
	}
	return n, err
}

func (o *object) Close() error {
	if r, ok := o.r.(io.Closer); ok {
		return errors.Join(r.Close(), o.f.Close())
	}
	return o.f.Close()
}

// Delete removes the object. That it is gone already is no error. Open readers keep working.
func (s *Store) Delete(_ context.Context, id ID) error {
	if !id.valid() {
		return nil
	}
	if err := os.Remove(s.path(id)); err != nil && !os.IsNotExist(err) {
		return fmt.Errorf("deleting object: %w", err)
	}
	return nil
}

func (s *Store) path(id ID) string { return filepath.Join(s.dir, string(id[:2]), string(id)) }

// valid keeps what is not an ID, such as "../x", away from the file system.
func (id ID) valid() bool {
	b, err := hex.DecodeString(string(id))
	return err == nil && len(b) == 16 && hex.EncodeToString(b) == string(id)
}
