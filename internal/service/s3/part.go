package s3

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"redoubt/internal/store"
)

// A partUpload is one part on its way into an upload.
type partUpload struct {
	bucket *bucket
	key    *string
	id     *string
	number int32
	upload Upload
	enc    *encryption
}

// partOf finds the upload that a part is for, and the key that it is encrypted with: that of all its parts.
func (s *Service) partOf(ctx context.Context, b *bucket, key, id *string, number *int32, asked *sealingAsked) (*partUpload, error) {
	if n := aws.ToInt32(number); n < 1 || n > maxParts {
		return nil, badArgument("partNumber", strconv.Itoa(int(n)), "Part number must be an integer between 1 and 10000, inclusive")
	}
	up, err := s.findUpload(ctx, b, key, id)
	if err != nil {
		return nil, err
	}
	if asked.customer() && up.Object.Sealing.CustomerMD5 == "" {
		return nil, refusef("InvalidRequest", "The multipart upload initiate requested encryption that does not match the encryption of the part.")
	}
	p := &partUpload{bucket: b, key: key, id: id, number: *number, upload: up, enc: &encryption{Sealing: up.Object.Sealing}}
	p.enc.layer, err = s.decrypt(ctx, b, *key, &up.Object.Sealing, asked)
	return p, err
}

// UploadPart stores a part, in place of the one of that number if there is one.
func (s *Service) UploadPart(ctx context.Context, in *s3.UploadPartInput) (*s3.UploadPartOutput, error) {
	b, err := s.bucket(ctx, in.Bucket, in.ExpectedBucketOwner)
	if err != nil {
		return nil, err
	}
	if aws.ToInt64(in.ContentLength) > maxPut {
		return nil, refuse("EntityTooLarge")
	}
	var asked sealingAsked
	transfer(&asked, in)
	p, err := s.partOf(ctx, b, in.Key, in.UploadId, in.PartNumber, &asked)
	if err != nil {
		return nil, err
	}
	var given sums
	transfer(&given, in)
	d, err := newDigest(in.Body, &given, in.ContentMD5)
	if err != nil {
		return nil, err
	}
	defer d.close()
	if d.stated {
		if d.algorithm != p.upload.Algorithm {
			return nil, refusef("InvalidRequest", "Checksum Type mismatch occurred, expected checksum Type: %s, actual checksum Type: %s", lower(p.upload.Algorithm), lower(d.algorithm))
		}
	} else if err := d.use(p.upload.Algorithm); err != nil {
		return nil, err
	}
	part, err := s.keepPart(ctx, p, d)
	if err != nil {
		return nil, err
	}
	out := &s3.UploadPartOutput{ETag: aws.String(quoted(part.ETag))}
	var shown sums
	shown.show(Checksum{Algorithm: d.algorithm, Value: part.Checksum})
	transfer(out, &shown)
	transfer(out, p.enc.shown(nil))
	return out, nil
}

// keepPart writes the bytes of a part and, once they are what they should be, its record.
func (s *Service) keepPart(ctx context.Context, p *partUpload, d *digest) (*Part, error) {
	w, err := s.write(ctx, d, p.enc.layer)
	if err != nil {
		return nil, err
	}
	sum, hashed, err := d.finish()
	part := &Part{Piece: w.Piece, ETag: p.enc.etag(hashed), Checksum: sum.Value, Modified: time.Now().UTC().Truncate(time.Millisecond)}
	if err == nil {
		err = s.db.Update(ctx, func(tx *store.Tx) error { return s.putPart(tx, p, part, w) })
	}
	if err != nil {
		s.discard(ctx, w)
		return nil, err
	}
	return part, nil
}

func (s *Service) putPart(tx *store.Tx, p *partUpload, part *Part, w *written) error {
	ok, err := s.uploads.Has(tx, p.bucket.uploadKey(*p.key, *p.id)...)
	if err != nil {
		return err
	}
	if !ok { // ended meanwhile
		return refuse("NoSuchUpload")
	}
	k := p.bucket.partKey(*p.id, p.number)
	was, ok, err := s.parts.Get(tx, k...)
	if err != nil {
		return err
	}
	if ok {
		if err := s.releasePiece(tx, p.bucket, was.Piece); err != nil {
			return err
		}
	}
	if err := s.take(tx, p.bucket, w); err != nil {
		return err
	}
	return s.parts.Put(tx, *part, k...)
}

// UploadPartCopy stores a part that is a copy of an object, or of a range of one.
func (s *Service) UploadPartCopy(ctx context.Context, in *s3.UploadPartCopyInput) (*s3.UploadPartCopyOutput, error) {
	b, err := s.bucket(ctx, in.Bucket, in.ExpectedBucketOwner)
	if err != nil {
		return nil, err
	}
	from, err := s.sourceOf(ctx, in)
	if err != nil {
		return nil, err
	}
	sp := span{length: from.object.Size, size: from.object.Size}
	if in.CopySourceRange != nil {
		if sp, err = parseCopyRange(*in.CopySourceRange, from.object.Size); err != nil {
			return nil, err
		}
	}
	if sp.length > maxPut {
		return nil, refusef("InvalidRequest", "The specified copy source is larger than the maximum allowable size for a copy source: %d", int64(maxPut))
	}
	var asked sealingAsked
	transfer(&asked, in)
	p, err := s.partOf(ctx, b, in.Key, in.UploadId, in.PartNumber, &asked)
	if err != nil {
		return nil, err
	}
	r, err := from.open(ctx, s, sp)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	d, err := newDigest(r, &sums{}, nil)
	if err != nil {
		return nil, err
	}
	defer d.close()
	if err := d.use(p.upload.Algorithm); err != nil {
		return nil, err
	}
	part, err := s.keepPart(ctx, p, d)
	if err != nil {
		return nil, err
	}
	result := &types.CopyPartResult{ETag: aws.String(quoted(part.ETag)), LastModified: &part.Modified}
	var shown sums
	shown.show(Checksum{Algorithm: d.algorithm, Value: part.Checksum})
	transfer(result, &shown)
	out := &s3.UploadPartCopyOutput{CopyPartResult: result, CopySourceVersionId: from.bucket.shownVersion(from.object)}
	transfer(out, p.enc.shown(nil))
	return out, nil
}

// parseCopyRange reads a range that must be there as a whole.
func parseCopyRange(text string, size int64) (span, error) {
	p, err := parseRange(text, size)
	if err != nil {
		return p, refusef("InvalidRequest", "The specified copy range is invalid for the source object size.")
	}
	if !p.partial || text != fmt.Sprintf("bytes=%d-%d", p.offset, p.offset+p.length-1) {
		return p, badArgument("x-amz-copy-source-range", text,
			"The x-amz-copy-source-range value must be of the form bytes=first-last where first and last are the zero-based offsets of the first and last bytes to copy")
	}
	return p, nil
}
