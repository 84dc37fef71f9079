package s3

import (
	"context"
	"crypto/md5"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"redoubt/internal/store"
	"redoubt/internal/wire"
)

// Manifest is what an object of several parts is made of.
type Manifest struct{ Parts []ManifestPart }

// ManifestPart is one of them. Its names are short because there may be 10,000.
type ManifestPart struct {
	ID    string `cbor:"i"`
	Size  int64  `cbor:"n"`
	Small bool   `cbor:"s,omitempty"`
	Sum   string `cbor:"c,omitempty"`
}

func (p *ManifestPart) piece() Piece { return Piece{p.ID, p.Size, p.Small} }

// CompleteMultipartUpload makes an object of the parts that are listed; others are dropped.
func (s *Service) CompleteMultipartUpload(ctx context.Context, in *s3.CompleteMultipartUploadInput) (*s3.CompleteMultipartUploadOutput, error) {
	b, err := s.bucket(ctx, in.Bucket, in.ExpectedBucketOwner)
	if err != nil {
		return nil, err
	}
	if in.MultipartUpload == nil || len(in.MultipartUpload.Parts) == 0 || len(in.MultipartUpload.Parts) > maxParts {
		return nil, refuse("MalformedXML")
	}
	var o Object
	err = s.db.Update(ctx, func(tx *store.Tx) error {
		up, err := s.uploadOf(tx, b, in.Key, in.UploadId)
		if err != nil {
			return err
		}
		c := &completion{in: in, upload: &up, bucket: b}
		if err := c.gather(s, tx); err != nil {
			return err
		}
		o = *c.object()
		if err := c.checkWhole(&o); err != nil {
			return err
		}
		must := conditions{match: in.IfMatch, noneMatch: in.IfNoneMatch}
		if err := s.put(tx, b, *in.Key, &o, must.check(*in.Key)); err != nil {
			return err
		}
		if err := s.manifests.Put(tx, c.manifest, b.Account, b.Region, *in.UploadId); err != nil {
			return err
		}
		return s.uploads.Delete(tx, b.uploadKey(*in.Key, *in.UploadId)...)
	})
	if err != nil {
		return nil, err
	}
	out := &s3.CompleteMultipartUploadOutput{
		Bucket: in.Bucket, Key: in.Key, ETag: aws.String(quoted(o.ETag)), VersionId: b.shownVersion(&o), Location: aws.String("/" + *in.Bucket + "/" + *in.Key),
	}
	var shown sums
	shown.show(o.Checksum)
	transfer(out, &shown)
	transfer(out, o.Sealing.shown(nil))
	return out, nil
}

// A completion goes through the parts of an upload.
type completion struct {
	in       *s3.CompleteMultipartUploadInput
	upload   *Upload
	bucket   *bucket
	manifest Manifest
	size     int64
	etags    []byte // MD5s of the parts
	sum      wholeSum
}

// gather checks the listed parts against those that are there, and takes the records of all.
func (c *completion) gather(s *Service, tx *store.Tx) error {
	listed, last := c.in.MultipartUpload.Parts, int32(0)
	for _, p := range listed {
		n := aws.ToInt32(p.PartNumber)
		if n <= last {
			return refuse("InvalidPartOrder")
		}
		last = n
	}
	c.sum.begin(c.upload.Algorithm, c.upload.Type)
	next := 0
	for rec, err := range s.parts.Scan(tx, store.Range{Prefix: []string{c.bucket.Account, c.bucket.Region, *c.in.UploadId}}) {
		if err != nil {
			return err
		}
		number, err := strconv.Atoi(rec.Key[3])
		if err != nil {
			return err
		}
		if err := s.parts.Delete(tx, rec.Key...); err != nil {
			return err
		}
		if next == len(listed) || *listed[next].PartNumber != int32(number) {
			if next < len(listed) && *listed[next].PartNumber < int32(number) {
				return noSuchPart(c.in, listed[next])
			}
			if err := s.releasePiece(tx, c.bucket, rec.Value.Piece); err != nil {
				return err
			}
			continue
		}
		if err := c.add(listed[next], &rec.Value, next == len(listed)-1); err != nil {
			return err
		}
		next++
	}
	if next < len(listed) {
		return noSuchPart(c.in, listed[next])
	}
	return nil
}

func noSuchPart(in *s3.CompleteMultipartUploadInput, p types.CompletedPart) error {
	return refuse("InvalidPart", wire.Detail{Name: "UploadId", Text: aws.ToString(in.UploadId)},
		wire.Detail{Name: "PartNumber", Text: strconv.Itoa(int(aws.ToInt32(p.PartNumber)))}, wire.Detail{Name: "ETag", Text: aws.ToString(p.ETag)})
}

// add takes one part, which must be the one that the client means.
func (c *completion) add(listed types.CompletedPart, part *Part, isLast bool) error {
	var given sums
	transfer(&given, &listed)
	a, sum, err := given.given()
	switch {
	case err != nil:
		return err
	case listed.ETag == nil || !matches(*listed.ETag, part.ETag), sum != "" && (a != c.upload.Algorithm || sum != part.Checksum):
		return noSuchPart(c.in, listed)
	case !isLast && part.Piece.Size < minPart:
		return refuse("EntityTooSmall", wire.Detail{Name: "ProposedSize", Text: strconv.FormatInt(part.Piece.Size, 10)},
			wire.Detail{Name: "MinSizeAllowed", Text: strconv.Itoa(minPart)}, wire.Detail{Name: "PartNumber", Text: strconv.Itoa(int(*listed.PartNumber))},
			wire.Detail{Name: "ETag", Text: part.ETag})
	}
	hashed, err := hex.DecodeString(part.ETag)
	if err != nil {
		return fmt.Errorf("the entity tag of a part: %w", err)
	}
	c.etags = append(c.etags, hashed...)
	c.manifest.Parts = append(c.manifest.Parts, ManifestPart{part.Piece.ID, part.Piece.Size, part.Piece.Small, part.Checksum})
	if c.size += part.Piece.Size; c.size > maxObject {
		return refuse("EntityTooLarge")
	}
	raw, err := base64.StdEncoding.DecodeString(part.Checksum)
	if err == nil {
		c.sum.add(raw, part.Piece.Size)
	}
	return err
}

// object is what becomes of the upload.
func (c *completion) object() *Object {
	o := c.upload.Object
	sum := md5.Sum(c.etags)
	n := len(c.manifest.Parts)
	o.ETag = fmt.Sprintf("%x-%d", sum, n)
	o.Modified, o.Size, o.Parts, o.Piece = time.Now().UTC().Truncate(time.Millisecond), c.size, n, Piece{ID: *c.in.UploadId}
	o.Checksum = c.sum.value()
	return &o
}

// checkWhole compares what the client says of the whole object.
func (c *completion) checkWhole(o *Object) error {
	var given sums
	transfer(&given, c.in)
	a, sum, err := given.given()
	if err != nil {
		return err
	}
	if c.in.ChecksumType != "" && c.in.ChecksumType != c.upload.Type {
		return refusef("InvalidRequest", "The upload was created using the %s checksum mode. The complete request must use the same checksum mode.", c.upload.Type)
	}
	if c.in.MpuObjectSize != nil && *c.in.MpuObjectSize != o.Size {
		return refusef("InvalidRequest", "The provided 'x-amz-mp-object-size' header does not match what was computed.")
	}
	bare, _, _ := strings.Cut(o.Checksum.Value, "-") // clients give a composite one with the number of parts or without
	if sum != "" && (a != o.Checksum.Algorithm || sum != o.Checksum.Value && sum != bare) {
		return refusef("BadDigest", "The %s you specified did not match the calculated checksum.", a)
	}
	return nil
}
