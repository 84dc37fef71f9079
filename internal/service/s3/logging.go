package s3

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// GetBucketLogging shows where the requests to a bucket are written down.
func (s *Service) GetBucketLogging(ctx context.Context, in *s3.GetBucketLoggingInput) (*s3.GetBucketLoggingOutput, error) {
	b, err := s.bucket(ctx, in.Bucket, in.ExpectedBucketOwner)
	if err != nil {
		return nil, err
	}
	return &s3.GetBucketLoggingOutput{LoggingEnabled: b.Logging}, nil
}

// PutBucketLogging has the requests to a bucket written down in a bucket of the same account, or no longer.
func (s *Service) PutBucketLogging(ctx context.Context, in *s3.PutBucketLoggingInput) (*s3.PutBucketLoggingOutput, error) {
	if in.BucketLoggingStatus == nil {
		return nil, refuse("MalformedXML")
	}
	b, err := s.bucket(ctx, in.Bucket, in.ExpectedBucketOwner)
	if err != nil {
		return nil, err
	}
	to := in.BucketLoggingStatus.LoggingEnabled
	if to != nil {
		target, err := s.find(ctx, aws.ToString(to.TargetBucket))
		switch {
		case err != nil:
			return nil, err
		case target == nil || target.Account != b.Account || target.Region != b.Region:
			return nil, refusef("InvalidTargetBucketForLogging", "The target bucket for logging does not exist, is not owned by you, or does not have the appropriate grants for the log-delivery group.")
		case len(to.TargetGrants) > 0:
			return nil, refuse("AccessControlListNotSupported")
		case to.TargetObjectKeyFormat != nil && to.TargetObjectKeyFormat.PartitionedPrefix != nil:
			return nil, absent("The partitioned prefix of log objects")
		}
	}
	return &s3.PutBucketLoggingOutput{}, s.change(ctx, in.Bucket, in.ExpectedBucketOwner, func(b *Bucket) error {
		b.Logging = to
		return nil
	})
}
