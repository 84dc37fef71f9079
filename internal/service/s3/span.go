package s3

import (
	"bytes"
	"context"
	"fmt"
	"io"

	"redoubt/internal/api"
	"redoubt/internal/blob"
	"redoubt/internal/store"
)

// openSpan reads a span of an object.
func (s *Service) openSpan(ctx context.Context, b *bucket, o *Object, p span, under layer) (io.ReadCloser, error) {
	if o.Parts > 0 {
		return s.openParts(ctx, b, o, p, under)
	}
	r, err := s.openPiece(ctx, b, o.Piece, p.offset, under)
	if err != nil {
		return nil, err
	}
	return &body{&short{r, p.length, s.reporter(ctx, b)}, r.Close}, nil
}

// reporter logs what fails while an object is read, after the call.
func (s *Service) reporter(ctx context.Context, b *bucket) func(error) {
	id := api.CallerOf(ctx).Request.ID
	return func(err error) {
		s.log.Error("reading an object failed", "bucket", b.Name, "request", id, "error", err)
	}
}

// manifestOf reads what an object of several parts is made of.
func (s *Service) manifestOf(ctx context.Context, b *bucket, o *Object) (m Manifest, err error) {
	err = s.db.View(ctx, func(tx *store.Tx) error {
		var ok bool
		if m, ok, err = s.manifests.Get(tx, b.Account, b.Region, o.Piece.ID); err == nil && !ok {
			err = fmt.Errorf("the parts of upload %s: %w", o.Piece.ID, blob.ErrNotFound)
		}
		return err
	})
	return m, err
}

// openParts reads a span of an object of several parts. They stay until it is closed, whatever becomes of the object; and if
// they are going already, that shows now.
func (s *Service) openParts(ctx context.Context, b *bucket, o *Object, p span, under layer) (io.ReadCloser, error) {
	s.readers.enter(o.Piece.ID)
	m, err := s.manifestOf(ctx, b, o)
	if err != nil {
		return nil, s.leave(o.Piece.ID, err)
	}
	r := &partsReader{s: s, ctx: context.WithoutCancel(ctx), bucket: b, under: under, parts: m.Parts, offset: p.offset}
	if err := r.keepLast(p); err != nil {
		return nil, s.leave(o.Piece.ID, err)
	}
	for len(r.parts) > 0 && r.offset >= r.parts[0].Size {
		r.offset -= r.parts[0].Size
		r.parts = r.parts[1:]
	}
	if p.length > 0 {
		err = r.next()
	}
	if err != nil {
		return nil, s.leave(o.Piece.ID, err)
	}
	return &body{&short{r, p.length, s.reporter(ctx, b)}, func() error { return s.leave(o.Piece.ID, r.close()) }}, nil
}

// leave ends a reader, and removes what the last one leaves.
func (s *Service) leave(id string, err error) error {
	for _, b := range s.readers.leave(id) {
		_ = s.blobs.Delete(context.Background(), b) // else it is swept
	}
	return err
}

// A partsReader reads parts one after the other.
type partsReader struct {
	s      *Service
	ctx    context.Context // of the read, which goes on after the call
	bucket *bucket
	under  layer
	parts  []ManifestPart // to come
	offset int64          // in the first of them
	now    io.ReadCloser
	last   []byte // the last part, if it is a record, which unlike files does not wait for its readers
}

// keepLast reads the last part now, if it is small: no other may be.
func (r *partsReader) keepLast(p span) error {
	if len(r.parts) == 0 || p.length == 0 {
		return nil
	}
	last := r.parts[len(r.parts)-1].piece()
	if !last.Small {
		return nil
	}
	from, err := r.s.openPiece(r.ctx, r.bucket, last, 0, r.under)
	if err == nil {
		r.last, err = io.ReadAll(from)
	}
	return err
}

func (r *partsReader) next() (err error) {
	if len(r.parts) == 0 {
		return io.EOF
	}
	if p := r.parts[0].piece(); p.Small {
		r.now = io.NopCloser(bytes.NewReader(r.last[min(r.offset, int64(len(r.last))):]))
	} else {
		r.now, err = r.s.openPiece(r.ctx, r.bucket, p, r.offset, r.under)
	}
	r.parts, r.offset = r.parts[1:], 0
	return err
}

func (r *partsReader) Read(p []byte) (int, error) {
	for {
		n, err := r.now.Read(p)
		if n > 0 || err != io.EOF {
			if err == io.EOF {
				err = nil
			}
			return n, err
		}
		if err := r.close(); err != nil {
			return 0, err
		}
		if err := r.next(); err != nil {
			return 0, err
		}
	}
}

func (r *partsReader) close() error {
	if r.now == nil {
		return nil
	}
	err := r.now.Close()
	r.now = nil
	return err
}

// spanOfPart finds a part of an object by its number.
func (s *Service) spanOfPart(ctx context.Context, b *bucket, o *Object, number int) (span, error) {
	if o.Parts == 0 {
		if number != 1 {
			return span{}, refuse("InvalidPartNumber")
		}
		return span{length: o.Size, size: o.Size, partial: o.Size > 0}, nil
	}
	m, err := s.manifestOf(ctx, b, o)
	if err != nil {
		return span{}, err
	}
	if number < 1 || number > len(m.Parts) {
		return span{}, refuse("InvalidPartNumber")
	}
	p := span{size: o.Size, length: m.Parts[number-1].Size, partial: true, parts: len(m.Parts), sum: Checksum{Algorithm: o.Checksum.Algorithm, Value: m.Parts[number-1].Sum, Type: o.Checksum.Type}}
	for _, before := range m.Parts[:number-1] {
		p.offset += before.Size
	}
	return p, nil
}
