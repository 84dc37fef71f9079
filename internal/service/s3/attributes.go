package s3

import (
	"context"
	"slices"
	"strconv"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

// GetObjectAttributes shows those facts of an object that are asked for.
func (s *Service) GetObjectAttributes(ctx context.Context, in *s3.GetObjectAttributesInput) (*s3.GetObjectAttributesOutput, error) {
	b, err := s.bucket(ctx, in.Bucket, in.ExpectedBucketOwner)
	if err != nil {
		return nil, err
	}
	o, err := s.read(ctx, b, aws.ToString(in.Key), aws.ToString(in.VersionId))
	if err != nil {
		return nil, err
	}
	if o.Sealing.CustomerMD5 != "" {
		var asked sealingAsked
		transfer(&asked, in)
		if _, err := s.decrypt(ctx, b, *in.Key, &o.Sealing, &asked); err != nil {
			return nil, err
		}
	}
	wants := func(a types.ObjectAttributes) bool { return slices.Contains(in.ObjectAttributes, a) }
	out := &s3.GetObjectAttributesOutput{LastModified: &o.Modified, VersionId: b.shownVersion(o)}
	if wants(types.ObjectAttributesEtag) {
		out.ETag = &o.ETag // the one place where AWS leaves out the quotes
	}
	if wants(types.ObjectAttributesObjectSize) {
		out.ObjectSize = &o.Size
	}
	if wants(types.ObjectAttributesStorageClass) {
		out.StorageClass = types.StorageClass(classOf(o))
	}
	if wants(types.ObjectAttributesChecksum) && o.Checksum.Algorithm != "" {
		out.Checksum = &types.Checksum{}
		var shown sums
		shown.show(o.Checksum)
		transfer(out.Checksum, &shown)
	}
	if wants(types.ObjectAttributesObjectParts) && o.Parts > 0 {
		out.ObjectParts, err = s.attributeParts(ctx, b, o, in)
	}
	return out, err
}

func (s *Service) attributeParts(ctx context.Context, b *bucket, o *Object, in *s3.GetObjectAttributesInput) (*types.GetObjectAttributesParts, error) {
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
	m, err := s.manifestOf(ctx, b, o)
	if err != nil {
		return nil, err
	}
	end := min(after+limit, len(m.Parts))
	out := &types.GetObjectAttributesParts{
		TotalPartsCount: aws.Int32(int32(len(m.Parts))), MaxParts: aws.Int32(int32(limit)), PartNumberMarker: aws.String(strconv.Itoa(after)),
		NextPartNumberMarker: aws.String(strconv.Itoa(end)), IsTruncated: aws.Bool(end < len(m.Parts)),
	}
	if o.Checksum.Type != types.ChecksumTypeComposite { // parts are listed only where they have checksums that count
		return out, nil
	}
	for i := after; i < end; i++ {
		part := types.ObjectPart{PartNumber: aws.Int32(int32(i + 1)), Size: &m.Parts[i].Size}
		var shown sums
		shown.show(Checksum{Algorithm: o.Checksum.Algorithm, Value: m.Parts[i].Sum})
		transfer(&part, &shown)
		out.Parts = append(out.Parts, part)
	}
	return out, nil
}
