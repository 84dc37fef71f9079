package s3

import (
	"context"
	"io"

	"redoubt/internal/seal"
)

// openSpan reads a span of an object.
func (s *Service) openSpan(ctx context.Context, b *bucket, o *Object, p span, stream *seal.Stream) (io.ReadCloser, error) {
	r, err := s.openPiece(ctx, b, o.Piece, p.offset, stream)
	if err != nil {
		return nil, err
	}
	return &body{&short{r, p.length}, r.Close}, nil
}

// spanOfPart finds a part of an object by its number.
func (s *Service) spanOfPart(_ context.Context, _ *bucket, o *Object, number int) (span, error) {
	if number != 1 {
		return span{}, refuse("InvalidPartNumber")
	}
	return span{length: o.Size, size: o.Size, partial: o.Size > 0}, nil
}
