package s3

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

// maxRules is how many rules a bucket has at most (AmazonS3/latest/userguide/lifecycle-configuration-examples.html).
const maxRules = 1000

// GetBucketLifecycleConfiguration shows when objects of a bucket expire.
func (s *Service) GetBucketLifecycleConfiguration(ctx context.Context, in *s3.GetBucketLifecycleConfigurationInput) (*s3.GetBucketLifecycleConfigurationOutput, error) {
	b, err := s.bucket(ctx, in.Bucket, in.ExpectedBucketOwner)
	if err != nil {
		return nil, err
	}
	if len(b.Lifecycle) == 0 {
		return nil, refuse("NoSuchLifecycleConfiguration")
	}
	return &s3.GetBucketLifecycleConfigurationOutput{Rules: b.Lifecycle, TransitionDefaultMinimumObjectSize: b.SizeRule}, nil
}

// PutBucketLifecycleConfiguration sets it.
func (s *Service) PutBucketLifecycleConfiguration(ctx context.Context, in *s3.PutBucketLifecycleConfigurationInput) (*s3.PutBucketLifecycleConfigurationOutput, error) {
	c := in.LifecycleConfiguration
	if c == nil || len(c.Rules) == 0 || len(c.Rules) > maxRules {
		return nil, refuse("MalformedXML")
	}
	size := in.TransitionDefaultMinimumObjectSize
	if size == "" {
		size = types.TransitionDefaultMinimumObjectSizeAllStorageClasses128k
	}
	seen := map[string]bool{}
	for i := range c.Rules {
		r := &c.Rules[i]
		if r.ID == nil || *r.ID == "" {
			r.ID = aws.String(newID())
		}
		if seen[*r.ID] {
			return nil, refusef("InvalidArgument", "Rule ID must be unique. Found same ID for more than one rule")
		}
		seen[*r.ID] = true
		if err := checkRule(r); err != nil {
			return nil, err
		}
	}
	err := s.change(ctx, in.Bucket, in.ExpectedBucketOwner, func(b *Bucket) error {
		b.Lifecycle, b.SizeRule = c.Rules, size
		return nil
	})
	return &s3.PutBucketLifecycleConfigurationOutput{TransitionDefaultMinimumObjectSize: size}, err
}

func checkRule(r *types.LifecycleRule) error {
	e, n, a := r.Expiration, r.NoncurrentVersionExpiration, r.AbortIncompleteMultipartUpload
	switch {
	case len(*r.ID) > 255:
		return refusef("InvalidArgument", "ID length should not exceed allowed limit of 255")
	case r.Status == "", r.Filter != nil && r.Prefix != nil:
		return refuse("MalformedXML")
	case len(r.Transitions) > 0 || len(r.NoncurrentVersionTransitions) > 0:
		return absent("The transition to another storage class")
	case e == nil && n == nil && a == nil:
		return refusef("InvalidRequest", "At least one action needs to be specified in a rule")
	case a != nil && aws.ToInt32(a.DaysAfterInitiation) <= 0:
		return refusef("InvalidArgument", "'DaysAfterInitiation' for AbortIncompleteMultipartUpload action must be a positive integer")
	case a != nil && r.Filter != nil && (r.Filter.Tag != nil || r.Filter.And != nil && len(r.Filter.And.Tags) > 0):
		return refusef("InvalidRequest", "AbortIncompleteMultipartUpload cannot be specified with Tags.")
	case n != nil && aws.ToInt32(n.NoncurrentDays) <= 0:
		return refusef("InvalidArgument", "'NoncurrentDays' for NoncurrentVersionExpiration action must be a positive integer")
	}
	return checkExpiration(e)
}

func checkExpiration(e *types.LifecycleExpiration) error {
	if e == nil {
		return nil
	}
	given := 0
	for _, is := range []bool{e.Days != nil, e.Date != nil, e.ExpiredObjectDeleteMarker != nil} {
		if is {
			given++
		}
	}
	switch {
	case given != 1:
		return refuse("MalformedXML")
	case e.Days != nil && *e.Days <= 0:
		return refusef("InvalidArgument", "'Days' for Expiration action must be a positive integer")
	case e.Date != nil && !e.Date.Equal(e.Date.Truncate(24*time.Hour)):
		return refusef("InvalidArgument", "'Date' must be at midnight GMT")
	}
	return nil
}

// DeleteBucketLifecycle lets objects live for ever.
func (s *Service) DeleteBucketLifecycle(ctx context.Context, in *s3.DeleteBucketLifecycleInput) (*s3.DeleteBucketLifecycleOutput, error) {
	return &s3.DeleteBucketLifecycleOutput{}, s.change(ctx, in.Bucket, in.ExpectedBucketOwner, func(b *Bucket) error {
		b.Lifecycle, b.SizeRule = nil, ""
		return nil
	})
}

// applies reports whether a rule is about an object.
func applies(r *types.LifecycleRule, key string, o *Object) bool {
	if r.Status != types.ExpirationStatusEnabled || !strings.HasPrefix(key, rulePrefix(r)) {
		return false
	}
	f := r.Filter
	if f == nil {
		return true
	}
	tags, more, less := []types.Tag{}, f.ObjectSizeGreaterThan, f.ObjectSizeLessThan
	if f.Tag != nil {
		tags = append(tags, *f.Tag)
	}
	if f.And != nil {
		tags, more, less = f.And.Tags, f.And.ObjectSizeGreaterThan, f.And.ObjectSizeLessThan
	}
	for _, t := range tags {
		if !hasTag(o.Tags, t) {
			return false
		}
	}
	return (more == nil || o.Size > *more) && (less == nil || o.Size < *less)
}

func rulePrefix(r *types.LifecycleRule) string {
	switch {
	case r.Filter == nil:
		return aws.ToString(r.Prefix)
	case r.Filter.And != nil:
		return aws.ToString(r.Filter.And.Prefix)
	}
	return aws.ToString(r.Filter.Prefix)
}

func hasTag(tags []types.Tag, want types.Tag) bool {
	for _, t := range tags {
		if aws.ToString(t.Key) == aws.ToString(want.Key) && aws.ToString(t.Value) == aws.ToString(want.Value) {
			return true
		}
	}
	return false
}

// due is when something expires that many days after a time: at the midnight that follows
// (AmazonS3/latest/userguide/intro-lifecycle-rules.html).
func due(from time.Time, days int32) time.Time {
	at := from.AddDate(0, 0, int(days))
	midnight := at.Truncate(24 * time.Hour)
	if midnight.Before(at) {
		midnight = midnight.AddDate(0, 0, 1)
	}
	return midnight
}

// expires finds the rule that ends a current object first, and when.
func (b *bucket) expires(key string, o *Object) (rule string, at time.Time) {
	for i := range b.Lifecycle {
		r := &b.Lifecycle[i]
		if r.Expiration == nil || !applies(r, key, o) {
			continue
		}
		var when time.Time
		switch {
		case r.Expiration.Days != nil:
			when = due(o.Modified, *r.Expiration.Days)
		case r.Expiration.Date != nil:
			when = *r.Expiration.Date
		default:
			continue
		}
		if at.IsZero() || when.Before(at) {
			rule, at = *r.ID, when
		}
	}
	return rule, at
}

// expiration is the header that tells when an object will expire.
func (b *bucket) expiration(key string, o *Object) *string {
	if len(b.Lifecycle) == 0 {
		return nil
	}
	rule, at := b.expires(key, o)
	if at.IsZero() {
		return nil
	}
	return aws.String(fmt.Sprintf(`expiry-date="%s", rule-id="%s"`, at.UTC().Format(httpTime), encodeKey(rule)))
}
