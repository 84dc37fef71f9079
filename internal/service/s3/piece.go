package s3

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"sync"

	"redoubt/internal/api"
	"redoubt/internal/blob"
	"redoubt/internal/store"
)

// A Piece is a run of bytes: a whole object, or a part of one.
type Piece struct {
	ID    string `cbor:",omitempty"`
	Size  int64  `cbor:",omitempty"`
	Small bool   `cbor:",omitempty"` // kept among the records
}

// content is what a small piece holds.
type content struct{ Data []byte }

// maxSmall is the largest piece that is a record. Up to here a write shares its wait for the disk with all others; a file
// has one of its own.
const maxSmall = 64 << 10

// A written piece is durable, or will be with the transaction that takes it, and nothing refers to it yet.
type written struct {
	Piece
	data []byte // of a small one
}

var smallBuffers = sync.Pool{New: func() any { return new([maxSmall + 1]byte) }}

// write stores what r yields. A large piece that no transaction takes is swept.
func (s *Service) write(ctx context.Context, r io.Reader, under layer) (*written, error) {
	buf := smallBuffers.Get().(*[maxSmall + 1]byte)
	defer smallBuffers.Put(buf)
	n, err := fill(r, buf[:])
	if err != nil && err != io.EOF {
		return nil, err
	}
	if err == io.EOF && n <= maxSmall {
		return s.writeSmall(buf[:n], under)
	}
	all := io.MultiReader(bytes.NewReader(buf[:n]), r)
	if under.twice {
		return s.writeTwice(ctx, all, under)
	}
	id, size, err := s.sealing(under).Put(ctx, all)
	if err != nil {
		return nil, err
	}
	return &written{Piece: Piece{ID: string(id), Size: size}}, nil
}

// fill reads until b is full or r ends.
func fill(r io.Reader, b []byte) (n int, err error) {
	for n < len(b) && err == nil {
		var m int
		m, err = r.Read(b[n:])
		n += m
	}
	return n, err
}

func (s *Service) writeSmall(data []byte, under layer) (*written, error) {
	w := &written{Piece: Piece{ID: newID(), Size: int64(len(data)), Small: true}}
	if under.stream == nil {
		w.data = bytes.Clone(data)
		return w, nil
	}
	var sealed bytes.Buffer
	out, err := under.stream.Seal(&sealed, []byte(w.ID))
	if err == nil {
		_, err = out.Write(data)
	}
	if err == nil {
		err = out.Close()
	}
	w.data = sealed.Bytes()
	return w, err
}

// sealing is the store of large pieces under a key of their own, or under that of all.
func (s *Service) sealing(under layer) *blob.Store {
	if under.stream == nil {
		return s.blobs
	}
	return s.blobs.Under(under.stream)
}

// take makes a written piece part of what a transaction writes.
func (s *Service) take(tx *store.Tx, b *bucket, w *written) error {
	if w.Small {
		return s.small.Put(tx, content{w.data}, b.Account, b.Region, w.ID)
	}
	return s.large.Put(tx, mark{}, w.ID)
}

// discard removes a written piece that was not taken. What stays after an error is swept.
func (s *Service) discard(ctx context.Context, w *written) {
	if w != nil && !w.Small {
		_ = s.blobs.Delete(context.WithoutCancel(ctx), blob.ID(w.ID))
	}
}

// openPiece reads a piece from an offset.
func (s *Service) openPiece(ctx context.Context, b *bucket, p Piece, offset int64, under layer) (io.ReadCloser, error) {
	if !p.Small && under.twice {
		return s.openTwice(ctx, p, offset, under)
	}
	if !p.Small {
		return s.sealing(under).OpenAt(ctx, blob.ID(p.ID), offset, p.Size)
	}
	var c content
	err := s.db.View(ctx, func(tx *store.Tx) error {
		var ok bool
		var err error
		c, ok, err = s.small.Get(tx, b.Account, b.Region, p.ID)
		if err == nil && !ok {
			err = fmt.Errorf("piece %s: %w", p.ID, blob.ErrNotFound)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	data := c.Data
	if under.stream != nil {
		r, err := under.stream.Open(bytes.NewReader(data), []byte(p.ID))
		if err == nil {
			data, err = io.ReadAll(r)
		}
		if err != nil {
			return nil, fmt.Errorf("piece %s: %w", p.ID, errors.Join(blob.ErrCorrupt, err))
		}
	}
	if int64(len(data)) != p.Size || offset > p.Size {
		return nil, fmt.Errorf("piece %s has %d bytes in place of %d: %w", p.ID, len(data), p.Size, blob.ErrCorrupt)
	}
	return io.NopCloser(bytes.NewReader(data[offset:])), nil
}

// Owns implements api.BlobOwner.
func (s *Service) Owns(ctx context.Context, id blob.ID) (owned bool, err error) {
	err = s.db.View(ctx, func(tx *store.Tx) error {
		owned, err = s.large.Has(tx, string(id))
		return err
	})
	return owned, err
}

var _ api.BlobOwner = (*Service)(nil)
