package s3

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"redoubt/internal/api"
	"redoubt/internal/store"
)

// Limits of uploads in parts (AmazonS3/latest/userguide/qfacts.html).
const (
	maxParts  = 10_000
	minPart   = 5 << 20 // of all parts but the last
	maxObject = 5 << 40
)

// Upload is an upload in parts that has begun: the object as it will be, without its bytes.
type Upload struct {
	Object    Object
	Started   time.Time
	Initiator string // ARN
	Algorithm types.ChecksumAlgorithm
	Type      types.ChecksumType
}

// Part is a part of an upload.
type Part struct {
	Piece    Piece
	ETag     string
	Checksum string
	Modified time.Time
}

// newUploadID returns an id that sorts by time.
func newUploadID(at time.Time) string {
	var random [16]byte
	rand.Read(random[:]) // never fails (crypto/rand)
	return fmt.Sprintf("%016x%s", at.UnixNano(), hex.EncodeToString(random[:]))
}

func (b *Bucket) uploadKey(key, id string) []string {
	return []string{b.Account, b.Region, b.ID, key, id}
}

func (b *Bucket) partKey(id string, number int32) []string {
	return []string{b.Account, b.Region, id, fmt.Sprintf("%05d", number)}
}

// CreateMultipartUpload begins an upload. What the object will be stored with is settled now.
func (s *Service) CreateMultipartUpload(ctx context.Context, in *s3.CreateMultipartUploadInput) (*s3.CreateMultipartUploadOutput, error) {
	b, err := s.bucket(ctx, in.Bucket, in.ExpectedBucketOwner)
	if err != nil {
		return nil, err
	}
	key := aws.ToString(in.Key)
	if err := checkKey(key); err != nil {
		return nil, err
	}
	var u upload
	transfer(&u, in)
	o, err := u.object(b)
	if err != nil {
		return nil, err
	}
	up := Upload{Object: *o, Started: o.Modified, Initiator: api.CallerOf(ctx).Principal.ARN}
	if up.Algorithm, up.Type, err = kindOfSum(in.ChecksumAlgorithm, in.ChecksumType); err != nil {
		return nil, err
	}
	var asked sealingAsked
	transfer(&asked, in)
	enc, err := s.encrypt(ctx, b, key, &asked)
	if err != nil {
		return nil, err
	}
	up.Object.Sealing = enc.Sealing
	id := newUploadID(up.Started)
	out := &s3.CreateMultipartUploadOutput{
		Bucket: in.Bucket, Key: in.Key, UploadId: &id, ChecksumAlgorithm: in.ChecksumAlgorithm,
	}
	if in.ChecksumAlgorithm != "" {
		out.ChecksumType = up.Type
	}
	transfer(out, enc.shown(enc.context))
	return out, s.db.Update(ctx, func(tx *store.Tx) error {
		if err := s.stillThere(tx, b); err != nil {
			return err
		}
		return s.uploads.Put(tx, up, b.uploadKey(key, id)...)
	})
}

// kindOfSum settles how the whole object will be checked: over all its bytes, or over the checksums of its parts.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity.html#multipart-upload-checksums
func kindOfSum(a types.ChecksumAlgorithm, kind types.ChecksumType) (types.ChecksumAlgorithm, types.ChecksumType, error) {
	if a == "" {
		if kind != "" {
			return "", "", refusef("InvalidRequest", "The x-amz-checksum-type header can only be used with the x-amz-checksum-algorithm header.")
		}
		return types.ChecksumAlgorithmCrc64nvme, types.ChecksumTypeFullObject, nil
	}
	if new(sums).of(a) == nil {
		return "", "", unsupportedAlgorithm()
	}
	linear := a != types.ChecksumAlgorithmSha1 && a != types.ChecksumAlgorithmSha256
	switch {
	case kind == "" && a == types.ChecksumAlgorithmCrc64nvme:
		kind = types.ChecksumTypeFullObject
	case kind == "":
		kind = types.ChecksumTypeComposite
	case kind == types.ChecksumTypeFullObject && !linear, kind == types.ChecksumTypeComposite && a == types.ChecksumAlgorithmCrc64nvme:
		return "", "", refusef("InvalidRequest", "The %s checksum type cannot be used with the %s checksum algorithm.", kind, lower(a))
	}
	return a, kind, nil
}

// uploadOf finds an upload that has begun and not ended.
func (s *Service) uploadOf(tx *store.Tx, b *bucket, key, id *string) (Upload, error) {
	up, ok, err := s.uploads.Get(tx, b.uploadKey(aws.ToString(key), aws.ToString(id))...)
	if err == nil && !ok {
		err = refuse("NoSuchUpload")
	}
	return up, err
}

func (s *Service) findUpload(ctx context.Context, b *bucket, key, id *string) (up Upload, err error) {
	err = s.db.View(ctx, func(tx *store.Tx) error {
		up, err = s.uploadOf(tx, b, key, id)
		return err
	})
	return up, err
}

// AbortMultipartUpload gives an upload up, and all its parts.
func (s *Service) AbortMultipartUpload(ctx context.Context, in *s3.AbortMultipartUploadInput) (*s3.AbortMultipartUploadOutput, error) {
	b, err := s.bucket(ctx, in.Bucket, in.ExpectedBucketOwner)
	if err != nil {
		return nil, err
	}
	return &s3.AbortMultipartUploadOutput{}, s.db.Update(ctx, func(tx *store.Tx) error {
		up, err := s.uploadOf(tx, b, in.Key, in.UploadId)
		if err != nil {
			return err
		}
		if in.IfMatchInitiatedTime != nil && !second(up.Started).Equal(*in.IfMatchInitiatedTime) {
			return preconditionFailed("If-Match-Initiated-Time")
		}
		return s.abort(tx, b, *in.Key, *in.UploadId)
	})
}

func (s *Service) abort(tx *store.Tx, b *bucket, key, id string) error {
	if err := s.uploads.Delete(tx, b.uploadKey(key, id)...); err != nil {
		return err
	}
	return s.sendRemoval(tx, removal{Kind: ofParts, Account: b.Account, Region: b.Region, ID: id})
}
