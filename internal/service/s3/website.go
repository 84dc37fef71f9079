package s3

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// GetBucketWebsite shows what a website would be made of. Here there are no website endpoints.
func (s *Service) GetBucketWebsite(ctx context.Context, in *s3.GetBucketWebsiteInput) (*s3.GetBucketWebsiteOutput, error) {
	b, err := s.bucket(ctx, in.Bucket, in.ExpectedBucketOwner)
	if err != nil {
		return nil, err
	}
	if b.Website == nil {
		return nil, refuse("NoSuchWebsiteConfiguration")
	}
	out := &s3.GetBucketWebsiteOutput{}
	transfer(out, b.Website)
	return out, nil
}

// PutBucketWebsite keeps it.
func (s *Service) PutBucketWebsite(ctx context.Context, in *s3.PutBucketWebsiteInput) (*s3.PutBucketWebsiteOutput, error) {
	w := in.WebsiteConfiguration
	if w == nil || w.IndexDocument == nil && w.RedirectAllRequestsTo == nil {
		return nil, refusef("InvalidArgument", "A value for IndexDocument Suffix must be provided if RedirectAllRequestsTo is empty")
	}
	if w.RedirectAllRequestsTo != nil && (w.IndexDocument != nil || w.ErrorDocument != nil || len(w.RoutingRules) > 0) {
		return nil, refusef("InvalidArgument", "RedirectAllRequestsTo cannot be provided in conjunction with other Routing Rules.")
	}
	return &s3.PutBucketWebsiteOutput{}, s.change(ctx, in.Bucket, in.ExpectedBucketOwner, func(b *Bucket) error {
		b.Website = w
		return nil
	})
}

// DeleteBucketWebsite removes it.
func (s *Service) DeleteBucketWebsite(ctx context.Context, in *s3.DeleteBucketWebsiteInput) (*s3.DeleteBucketWebsiteOutput, error) {
	return &s3.DeleteBucketWebsiteOutput{}, s.change(ctx, in.Bucket, in.ExpectedBucketOwner, func(b *Bucket) error {
		b.Website = nil
		return nil
	})
}

// GetBucketNotificationConfiguration shows that nobody is told of what happens in a bucket.
func (s *Service) GetBucketNotificationConfiguration(ctx context.Context, in *s3.GetBucketNotificationConfigurationInput) (*s3.GetBucketNotificationConfigurationOutput, error) {
	if _, err := s.bucket(ctx, in.Bucket, in.ExpectedBucketOwner); err != nil {
		return nil, err
	}
	return &s3.GetBucketNotificationConfigurationOutput{}, nil
}

// PutBucketNotificationConfiguration takes the empty configuration, which says what is so anyway.
func (s *Service) PutBucketNotificationConfiguration(ctx context.Context, in *s3.PutBucketNotificationConfigurationInput) (*s3.PutBucketNotificationConfigurationOutput, error) {
	if _, err := s.bucket(ctx, in.Bucket, in.ExpectedBucketOwner); err != nil {
		return nil, err
	}
	c := in.NotificationConfiguration
	if c == nil {
		return nil, refuse("MalformedXML")
	}
	if c.EventBridgeConfiguration != nil || len(c.LambdaFunctionConfigurations)+len(c.QueueConfigurations)+len(c.TopicConfigurations) > 0 {
		return nil, absent("An event notification of a bucket")
	}
	return &s3.PutBucketNotificationConfigurationOutput{}, nil
}
