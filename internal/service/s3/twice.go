package s3

import (
	"context"
	"io"

	"redoubt/internal/blob"
	"redoubt/internal/seal"
)

// innerLayer is what the inner of two layers is bound to. Its key is that of one object; the outer layer is bound to the
// piece.
const innerLayer = "dsse"

// writeTwice seals under two keys: first that of the object, then the server's.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingDSSEncryption.html
func (s *Service) writeTwice(ctx context.Context, r io.Reader, under layer) (*written, error) {
	sealed, inner := io.Pipe()
	var size int64
	done := make(chan error, 1)
	go func() {
		w, err := under.stream.Seal(inner, []byte(innerLayer))
		if err == nil {
			size, err = io.Copy(w, r)
		}
		if err == nil {
			err = w.Close()
		}
		inner.CloseWithError(err)
		done <- err
	}()
	id, _, err := s.blobs.Put(ctx, sealed)
	sealed.CloseWithError(io.ErrClosedPipe) // so that the other side ends in any case
	if innerErr := <-done; err != nil {
		return nil, errOr(err, innerErr)
	}
	return &written{Piece: Piece{ID: string(id), Size: size}}, nil
}

// openTwice opens both layers, from an offset on.
func (s *Service) openTwice(ctx context.Context, p Piece, offset int64, under layer) (io.ReadCloser, error) {
	size := seal.SealedSize(p.Size)
	outer, err := s.blobs.OpenAt(ctx, blob.ID(p.ID), 0, size) // that it is there, and what it should be
	if err != nil {
		return nil, err
	}
	if err := outer.Close(); err != nil {
		return nil, err
	}
	return under.stream.OpenAt(&outerLayer{ctx, s.blobs, blob.ID(p.ID), size}, size, offset, []byte(innerLayer))
}

// outerLayer reads what the inner layer is sealed into.
type outerLayer struct {
	ctx   context.Context // of the read
	blobs *blob.Store
	id    blob.ID
	size  int64
}

// ReadAt implements io.ReaderAt.
func (o *outerLayer) ReadAt(p []byte, offset int64) (int, error) {
	r, err := o.blobs.OpenAt(o.ctx, o.id, offset, o.size)
	if err != nil {
		return 0, err
	}
	defer r.Close()
	n, err := io.ReadFull(r, p)
	if err == io.ErrUnexpectedEOF {
		err = io.EOF
	}
	return n, err
}
