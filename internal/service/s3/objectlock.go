package s3

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

// GetObjectLockConfiguration shows how a bucket locks its objects.
func (s *Service) GetObjectLockConfiguration(ctx context.Context, in *s3.GetObjectLockConfigurationInput) (*s3.GetObjectLockConfigurationOutput, error) {
	b, err := s.bucket(ctx, in.Bucket, in.ExpectedBucketOwner)
	if err != nil {
		return nil, err
	}
	if !b.Locking {
		return nil, refuse("ObjectLockConfigurationNotFoundError")
	}
	c := &types.ObjectLockConfiguration{ObjectLockEnabled: types.ObjectLockEnabledEnabled}
	if b.LockDefault != nil {
		c.Rule = &types.ObjectLockRule{DefaultRetention: b.LockDefault}
	}
	return &s3.GetObjectLockConfigurationOutput{ObjectLockConfiguration: c}, nil
}

// PutObjectLockConfiguration turns locking on, for good, and sets how long new objects are locked.
func (s *Service) PutObjectLockConfiguration(ctx context.Context, in *s3.PutObjectLockConfigurationInput) (*s3.PutObjectLockConfigurationOutput, error) {
	c := in.ObjectLockConfiguration
	if c == nil || c.ObjectLockEnabled != types.ObjectLockEnabledEnabled {
		return nil, refuse("MalformedXML")
	}
	var retention *types.DefaultRetention
	if c.Rule != nil {
		if retention = c.Rule.DefaultRetention; !validDefault(retention) {
			return nil, refuse("MalformedXML")
		}
	}
	return &s3.PutObjectLockConfigurationOutput{}, s.change(ctx, in.Bucket, in.ExpectedBucketOwner, func(b *Bucket) error {
		if b.Versioning != types.BucketVersioningStatusEnabled {
			return refusef("InvalidBucketState", "Versioning must be 'Enabled' on the bucket to apply a Object Lock configuration")
		}
		b.Locking, b.LockDefault = true, retention
		return nil
	})
}

// validDefault takes days or years, one of them and more than none (AmazonS3/latest/API/API_DefaultRetention.html).
func validDefault(d *types.DefaultRetention) bool {
	return d != nil && d.Mode != "" && (d.Days == nil) != (d.Years == nil) && aws.ToInt32(d.Days)+aws.ToInt32(d.Years) > 0 &&
		aws.ToInt32(d.Days) <= 36500 && aws.ToInt32(d.Years) <= 100
}

// locking finds a bucket, which must lock objects.
func (s *Service) locking(ctx context.Context, name, owner *string) (*bucket, error) {
	b, err := s.bucket(ctx, name, owner)
	if err == nil && !b.Locking {
		err = refusef("InvalidRequest", "Bucket is missing Object Lock Configuration")
	}
	return b, err
}

// GetObjectRetention shows until when a version is locked.
func (s *Service) GetObjectRetention(ctx context.Context, in *s3.GetObjectRetentionInput) (*s3.GetObjectRetentionOutput, error) {
	b, err := s.locking(ctx, in.Bucket, in.ExpectedBucketOwner)
	if err != nil {
		return nil, err
	}
	o, err := s.read(ctx, b, aws.ToString(in.Key), aws.ToString(in.VersionId))
	if err != nil {
		return nil, err
	}
	if o.Lock.Mode == "" {
		return nil, refuse("NoSuchObjectLockConfiguration")
	}
	return &s3.GetObjectRetentionOutput{Retention: &types.ObjectLockRetention{Mode: types.ObjectLockRetentionMode(o.Lock.Mode), RetainUntilDate: &o.Lock.Until}}, nil
}

// PutObjectRetention locks a version until a time. A lock that lasts may be made longer, and in governance mode otherwise
// only by who may bypass it.
func (s *Service) PutObjectRetention(ctx context.Context, in *s3.PutObjectRetentionInput) (*s3.PutObjectRetentionOutput, error) {
	b, err := s.locking(ctx, in.Bucket, in.ExpectedBucketOwner)
	if err != nil {
		return nil, err
	}
	r, now := in.Retention, time.Now()
	if r == nil || (r.Mode == "") != (r.RetainUntilDate == nil) {
		return nil, refuse("MalformedXML")
	}
	next := Lock{Mode: types.ObjectLockMode(r.Mode)}
	if r.RetainUntilDate != nil {
		next.Until = r.RetainUntilDate.UTC()
		if err := checkUntil(next.Until, now); err != nil {
			return nil, err
		}
	}
	_, err = s.rewrite(ctx, b, aws.ToString(in.Key), aws.ToString(in.VersionId), func(o *Object) error {
		next.Hold = o.Lock.Hold
		if err := o.Lock.mayBecome(next, now, aws.ToBool(in.BypassGovernanceRetention)); err != nil {
			return err
		}
		o.Lock = next
		return nil
	})
	return &s3.PutObjectRetentionOutput{}, err
}

// mayBecome refuses to weaken a lock that lasts.
func (l *Lock) mayBecome(next Lock, now time.Time, bypass bool) error {
	lasts := l.Mode != "" && now.Before(l.Until)
	longer := next.Mode == l.Mode && !next.Until.Before(l.Until)
	stronger := l.Mode == types.ObjectLockModeGovernance && next.Mode == types.ObjectLockModeCompliance && !next.Until.Before(l.Until)
	if lasts && !longer && !stronger && !(bypass && l.Mode == types.ObjectLockModeGovernance) {
		return refusef("AccessDenied", "Access Denied because object protected by object lock.")
	}
	return nil
}

// GetObjectLegalHold shows whether a version is held.
func (s *Service) GetObjectLegalHold(ctx context.Context, in *s3.GetObjectLegalHoldInput) (*s3.GetObjectLegalHoldOutput, error) {
	b, err := s.locking(ctx, in.Bucket, in.ExpectedBucketOwner)
	if err != nil {
		return nil, err
	}
	o, err := s.read(ctx, b, aws.ToString(in.Key), aws.ToString(in.VersionId))
	if err != nil {
		return nil, err
	}
	status := types.ObjectLockLegalHoldStatusOff
	if o.Lock.Hold {
		status = types.ObjectLockLegalHoldStatusOn
	}
	return &s3.GetObjectLegalHoldOutput{LegalHold: &types.ObjectLockLegalHold{Status: status}}, nil
}

// PutObjectLegalHold holds a version, or lets it go.
func (s *Service) PutObjectLegalHold(ctx context.Context, in *s3.PutObjectLegalHoldInput) (*s3.PutObjectLegalHoldOutput, error) {
	b, err := s.locking(ctx, in.Bucket, in.ExpectedBucketOwner)
	if err != nil {
		return nil, err
	}
	if in.LegalHold == nil || in.LegalHold.Status == "" {
		return nil, refuse("MalformedXML")
	}
	_, err = s.rewrite(ctx, b, aws.ToString(in.Key), aws.ToString(in.VersionId), func(o *Object) error {
		o.Lock.Hold = in.LegalHold.Status == types.ObjectLockLegalHoldStatusOn
		return nil
	})
	return &s3.PutObjectLegalHoldOutput{}, err
}
