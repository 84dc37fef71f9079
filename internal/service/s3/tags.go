package s3

import (
	"context"
	"net/url"
	"regexp"
	"strings"
	"unicode/utf16"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

// Quotas of tags (AmazonS3/latest/userguide/object-tagging.html, CostAllocTagging.html).
const maxObjectTags, maxBucketTags = 10, 50

var tagText = regexp.MustCompile(`^[\p{L}\p{Z}\p{N}_.:/=+\-@]*$`)

func checkTags(tags []types.Tag, limit int) error {
	if len(tags) > limit {
		if limit == maxObjectTags {
			return refusef("BadRequest", "Object tags cannot be greater than 10")
		}
		return refusef("BadRequest", "Bucket tag count cannot be greater than 50")
	}
	seen := map[string]bool{}
	for _, t := range tags {
		k, v := aws.ToString(t.Key), aws.ToString(t.Value)
		switch {
		case k == "" || length(k) > 128 || !tagText.MatchString(k):
			return refusef("InvalidTag", "The TagKey you have provided is invalid")
		case length(v) > 256 || !tagText.MatchString(v):
			return refusef("InvalidTag", "The TagValue you have provided is invalid")
		case strings.HasPrefix(strings.ToLower(k), "aws:"):
			return refusef("InvalidTag", "System tags cannot be added/updated by requester")
		case seen[k]:
			return refusef("InvalidTag", "Cannot provide multiple Tags with the same key")
		}
		seen[k] = true
	}
	return nil
}

// length counts as AWS does, in UTF-16.
func length(s string) int { return len(utf16.Encode([]rune(s))) }

// parseTagging reads the header x-amz-tagging: a query string.
func parseTagging(text string) (tags []types.Tag, err error) {
	for part := range strings.SplitSeq(text, "&") {
		if part == "" {
			continue
		}
		k, v, _ := strings.Cut(part, "=")
		key, err1 := url.QueryUnescape(k)
		value, err2 := url.QueryUnescape(v)
		if err1 != nil || err2 != nil {
			return nil, badArgument("x-amz-tagging", text, "The header 'x-amz-tagging' shall be encoded as UTF-8 then URLEncoded URL query parameters without tag name duplicates.")
		}
		tags = append(tags, types.Tag{Key: &key, Value: &value})
	}
	return tags, checkTags(tags, maxObjectTags)
}

// GetObjectTagging lists the tags of a version.
func (s *Service) GetObjectTagging(ctx context.Context, in *s3.GetObjectTaggingInput) (*s3.GetObjectTaggingOutput, error) {
	b, err := s.bucket(ctx, in.Bucket, in.ExpectedBucketOwner)
	if err != nil {
		return nil, err
	}
	o, err := s.read(ctx, b, aws.ToString(in.Key), aws.ToString(in.VersionId))
	if err != nil {
		return nil, err
	}
	return &s3.GetObjectTaggingOutput{TagSet: append([]types.Tag{}, o.Tags...), VersionId: b.shownVersion(o)}, nil
}

// PutObjectTagging replaces the tags of a version.
func (s *Service) PutObjectTagging(ctx context.Context, in *s3.PutObjectTaggingInput) (*s3.PutObjectTaggingOutput, error) {
	b, err := s.bucket(ctx, in.Bucket, in.ExpectedBucketOwner)
	if err != nil {
		return nil, err
	}
	if in.Tagging == nil {
		return nil, refuse("MalformedXML")
	}
	if err := checkTags(in.Tagging.TagSet, maxObjectTags); err != nil {
		return nil, err
	}
	o, err := s.rewrite(ctx, b, aws.ToString(in.Key), aws.ToString(in.VersionId), func(o *Object) error {
		o.Tags = in.Tagging.TagSet
		return nil
	})
	return &s3.PutObjectTaggingOutput{VersionId: b.shownVersion(o)}, err
}

// DeleteObjectTagging removes the tags of a version.
func (s *Service) DeleteObjectTagging(ctx context.Context, in *s3.DeleteObjectTaggingInput) (*s3.DeleteObjectTaggingOutput, error) {
	b, err := s.bucket(ctx, in.Bucket, in.ExpectedBucketOwner)
	if err != nil {
		return nil, err
	}
	o, err := s.rewrite(ctx, b, aws.ToString(in.Key), aws.ToString(in.VersionId), func(o *Object) error {
		o.Tags = nil
		return nil
	})
	return &s3.DeleteObjectTaggingOutput{VersionId: b.shownVersion(o)}, err
}

// GetBucketTagging lists the tags of a bucket.
func (s *Service) GetBucketTagging(ctx context.Context, in *s3.GetBucketTaggingInput) (*s3.GetBucketTaggingOutput, error) {
	b, err := s.bucket(ctx, in.Bucket, in.ExpectedBucketOwner)
	if err != nil {
		return nil, err
	}
	if len(b.Tags) == 0 {
		return nil, refuse("NoSuchTagSet")
	}
	return &s3.GetBucketTaggingOutput{TagSet: b.Tags}, nil
}

// PutBucketTagging replaces the tags of a bucket.
func (s *Service) PutBucketTagging(ctx context.Context, in *s3.PutBucketTaggingInput) (*s3.PutBucketTaggingOutput, error) {
	if in.Tagging == nil {
		return nil, refuse("MalformedXML")
	}
	if err := checkTags(in.Tagging.TagSet, maxBucketTags); err != nil {
		return nil, err
	}
	return &s3.PutBucketTaggingOutput{}, s.change(ctx, in.Bucket, in.ExpectedBucketOwner, func(b *Bucket) error {
		b.Tags = in.Tagging.TagSet
		return nil
	})
}

// DeleteBucketTagging removes the tags of a bucket.
func (s *Service) DeleteBucketTagging(ctx context.Context, in *s3.DeleteBucketTaggingInput) (*s3.DeleteBucketTaggingOutput, error) {
	return &s3.DeleteBucketTaggingOutput{}, s.change(ctx, in.Bucket, in.ExpectedBucketOwner, func(b *Bucket) error {
		b.Tags = nil
		return nil
	})
}
