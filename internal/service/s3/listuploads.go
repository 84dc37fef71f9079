package s3

import (
	"context"
	"fmt"
	"strconv"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"redoubt/internal/store"
)

// ListMultipartUploads lists the uploads that have begun and not ended, by key and then by time.
func (s *Service) ListMultipartUploads(ctx context.Context, in *s3.ListMultipartUploadsInput) (*s3.ListMultipartUploadsOutput, error) {
	b, err := s.bucket(ctx, in.Bucket, in.ExpectedBucketOwner)
	if err != nil {
		return nil, err
	}
	limit, err := limitOf(in.MaxUploads)
	if err != nil {
		return nil, err
	}
	e, err := encoderOf(in.EncodingType)
	if err != nil {
		return nil, err
	}
	w := &uploadWalk{
		listing: listing{prefix: aws.ToString(in.Prefix), delimiter: aws.ToString(in.Delimiter), limit: limit, after: aws.ToString(in.KeyMarker)}, encode: e,
		out: &s3.ListMultipartUploadsOutput{
			Bucket: in.Bucket, Prefix: aws.String(e(aws.ToString(in.Prefix))), Delimiter: e.ptr(in.Delimiter), KeyMarker: aws.String(e(aws.ToString(in.KeyMarker))),
			UploadIdMarker: in.UploadIdMarker, EncodingType: in.EncodingType, MaxUploads: aws.Int32(int32(limit)),
		},
	}
	err = s.db.View(ctx, func(tx *store.Tx) error { return w.walk(s, tx, b, aws.ToString(in.UploadIdMarker)) })
	w.out.CommonPrefixes, w.out.IsTruncated = e.prefixes(w.prefixes), &w.truncated
	if w.truncated {
		w.out.NextKeyMarker = aws.String(e(w.last))
		w.out.NextUploadIdMarker = &w.lastID
	}
	return w.out, err
}

type uploadWalk struct {
	listing
	lastID string
	encode encoder
	out    *s3.ListMultipartUploadsOutput
}

func (w *uploadWalk) walk(s *Service, tx *store.Tx, b *bucket, marker string) error {
	begin := func(r *store.Range, after string) { r.From = b.key(after + "\x00") }
	if marker != "" {
		begin = func(r *store.Range, after string) { r.After = b.uploadKey(after, marker) }
	}
	return w.seek(b, begin, func(r store.Range) (string, error) { return w.run(s, tx, b, r) })
}

func (w *uploadWalk) run(s *Service, tx *store.Tx, b *bucket, r store.Range) (skipTo string, err error) {
	for rec, err := range s.uploads.Scan(tx, r) {
		if err != nil {
			return "", err
		}
		if w.count == w.limit {
			w.truncated = true
			return "", nil
		}
		w.count++
		key, id, up := rec.Key[3], rec.Key[4], rec.Value
		if p := w.common(key); p != "" {
			w.prefixes, w.last, w.lastID = append(w.prefixes, p), p, ""
			return successor(p), nil
		}
		w.last, w.lastID = key, id
		w.out.Uploads = append(w.out.Uploads, types.MultipartUpload{
			Key: aws.String(w.encode(key)), UploadId: &id, Initiated: &up.Started, StorageClass: types.StorageClass(classOf(&up.Object)),
			Owner: &types.Owner{ID: aws.String(canonicalID(b.Account))}, Initiator: &types.Initiator{ID: &up.Initiator, DisplayName: &up.Initiator},
			ChecksumAlgorithm: up.Algorithm, ChecksumType: up.Type,
		})
	}
	return "", nil
}

// ListParts lists the parts that an upload has so far.
func (s *Service) ListParts(ctx context.Context, in *s3.ListPartsInput) (*s3.ListPartsOutput, error) {
	b, err := s.bucket(ctx, in.Bucket, in.ExpectedBucketOwner)
	if err != nil {
		return nil, err
	}
	limit, err := limitOf(in.MaxParts)
	if err != nil {
		return nil, err
	}
	after := 0
	if in.PartNumberMarker != nil {
		if after, err = strconv.Atoi(*in.PartNumberMarker); err != nil || after < 0 {
			return nil, badArgument("part-number-marker", *in.PartNumberMarker, "Provided part-number-marker not an integer or within integer range")
		}
	}
	out := &s3.ListPartsOutput{
		Bucket: in.Bucket, Key: in.Key, UploadId: in.UploadId, PartNumberMarker: aws.String(strconv.Itoa(after)), MaxParts: aws.Int32(int32(limit)),
		Owner: &types.Owner{ID: aws.String(canonicalID(b.Account))}, IsTruncated: aws.Bool(false),
	}
	return out, s.db.View(ctx, func(tx *store.Tx) error {
		up, err := s.uploadOf(tx, b, in.Key, in.UploadId)
		if err != nil {
			return err
		}
		out.StorageClass, out.Initiator = types.StorageClass(classOf(&up.Object)), &types.Initiator{ID: &up.Initiator, DisplayName: &up.Initiator}
		out.ChecksumAlgorithm, out.ChecksumType = up.Algorithm, up.Type
		return s.listParts(tx, b, in, out, after, limit)
	})
}

func (s *Service) listParts(tx *store.Tx, b *bucket, in *s3.ListPartsInput, out *s3.ListPartsOutput, after, limit int) error {
	from := []string{b.Account, b.Region, *in.UploadId, fmt.Sprintf("%05d", after+1)}
	for rec, err := range s.parts.Scan(tx, store.Range{Prefix: from[:3], From: from}) {
		if err != nil {
			return err
		}
		if len(out.Parts) == limit {
			out.IsTruncated = aws.Bool(true)
			break
		}
		number, err := strconv.Atoi(rec.Key[3])
		if err != nil {
			return err
		}
		p := rec.Value
		part := types.Part{PartNumber: aws.Int32(int32(number)), ETag: aws.String(quoted(p.ETag)), Size: &p.Piece.Size, LastModified: &p.Modified}
		var shown sums
		shown.show(Checksum{Algorithm: out.ChecksumAlgorithm, Value: p.Checksum})
		transfer(&part, &shown)
		out.Parts = append(out.Parts, part)
		out.NextPartNumberMarker = aws.String(strconv.Itoa(number))
	}
	return nil
}
