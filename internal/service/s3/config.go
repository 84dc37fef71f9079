package s3

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"redoubt/internal/api"
)

// GetBucketVersioning shows whether a bucket keeps versions; nothing means that it never did.
func (s *Service) GetBucketVersioning(ctx context.Context, in *s3.GetBucketVersioningInput) (*s3.GetBucketVersioningOutput, error) {
	b, err := s.bucket(ctx, in.Bucket, in.ExpectedBucketOwner)
	if err != nil {
		return nil, err
	}
	out := &s3.GetBucketVersioningOutput{Status: b.Versioning}
	if b.MFADelete {
		out.MFADelete = types.MFADeleteStatusEnabled
	}
	return out, nil
}

// PutBucketVersioning turns versions on, or suspends them. Turning MFA delete on or off takes a code of the root user's.
func (s *Service) PutBucketVersioning(ctx context.Context, in *s3.PutBucketVersioningInput) (*s3.PutBucketVersioningOutput, error) {
	v := in.VersioningConfiguration
	if v == nil || v.Status != types.BucketVersioningStatusEnabled && v.Status != types.BucketVersioningStatusSuspended {
		return nil, refuse("IllegalVersioningConfigurationException")
	}
	b, err := s.bucket(ctx, in.Bucket, in.ExpectedBucketOwner)
	if err != nil {
		return nil, err
	}
	if v.MFADelete != "" || b.MFADelete {
		if c := api.CallerOf(ctx); c.Kind != api.Root {
			return nil, refusef("AccessDenied", "MFA delete is for the root user of the bucket's account")
		}
		if err := s.checkMFA(ctx, in.MFA); err != nil {
			return nil, err
		}
	}
	return &s3.PutBucketVersioningOutput{}, s.change(ctx, in.Bucket, in.ExpectedBucketOwner, func(b *Bucket) error {
		if b.Locking && v.Status != types.BucketVersioningStatusEnabled {
			return refusef("InvalidBucketState", "An Object Lock configuration is present on this bucket, so the versioning state cannot be changed.")
		}
		b.Versioning = v.Status
		if v.MFADelete != "" {
			b.MFADelete = v.MFADelete == types.MFADeleteEnabled
		}
		return nil
	})
}

// GetBucketOwnershipControls shows who owns what others put into a bucket.
func (s *Service) GetBucketOwnershipControls(ctx context.Context, in *s3.GetBucketOwnershipControlsInput) (*s3.GetBucketOwnershipControlsOutput, error) {
	b, err := s.bucket(ctx, in.Bucket, in.ExpectedBucketOwner)
	if err != nil {
		return nil, err
	}
	if b.Ownership == "" {
		return nil, refuse("OwnershipControlsNotFoundError")
	}
	return &s3.GetBucketOwnershipControlsOutput{OwnershipControls: &types.OwnershipControls{
		Rules: []types.OwnershipControlsRule{{ObjectOwnership: b.Ownership}},
	}}, nil
}

// PutBucketOwnershipControls decides whether ACLs are parsed. Objects are the bucket owner's in any case.
func (s *Service) PutBucketOwnershipControls(ctx context.Context, in *s3.PutBucketOwnershipControlsInput) (*s3.PutBucketOwnershipControlsOutput, error) {
	c := in.OwnershipControls
	if c == nil || len(c.Rules) != 1 {
		return nil, refuse("MalformedXML")
	}
	if c.Rules[0].ObjectOwnership == types.ObjectOwnershipObjectWriter {
		return nil, absent("The object ownership ObjectWriter")
	}
	return &s3.PutBucketOwnershipControlsOutput{}, s.change(ctx, in.Bucket, in.ExpectedBucketOwner, func(b *Bucket) error {
		b.Ownership = c.Rules[0].ObjectOwnership
		return nil
	})
}

// DeleteBucketOwnershipControls removes them.
func (s *Service) DeleteBucketOwnershipControls(ctx context.Context, in *s3.DeleteBucketOwnershipControlsInput) (*s3.DeleteBucketOwnershipControlsOutput, error) {
	return &s3.DeleteBucketOwnershipControlsOutput{}, s.change(ctx, in.Bucket, in.ExpectedBucketOwner, func(b *Bucket) error {
		b.Ownership = ""
		return nil
	})
}

// GetBucketEncryption shows what encrypts objects that do not say so themselves.
func (s *Service) GetBucketEncryption(ctx context.Context, in *s3.GetBucketEncryptionInput) (*s3.GetBucketEncryptionOutput, error) {
	b, err := s.bucket(ctx, in.Bucket, in.ExpectedBucketOwner)
	if err != nil {
		return nil, err
	}
	e := b.Encryption
	rule := types.ServerSideEncryptionRule{
		ApplyServerSideEncryptionByDefault: &types.ServerSideEncryptionByDefault{SSEAlgorithm: types.ServerSideEncryptionAes256},
		BucketKeyEnabled:                   &e.BucketKey,
	}
	if e.Algorithm != "" {
		rule.ApplyServerSideEncryptionByDefault.SSEAlgorithm = e.Algorithm
		rule.ApplyServerSideEncryptionByDefault.KMSMasterKeyID = present(e.KeyID)
	}
	if e.NoSSEC {
		rule.BlockedEncryptionTypes = &types.BlockedEncryptionTypes{EncryptionType: []types.EncryptionType{types.EncryptionTypeSseC}}
	}
	return &s3.GetBucketEncryptionOutput{ServerSideEncryptionConfiguration: &types.ServerSideEncryptionConfiguration{
		Rules: []types.ServerSideEncryptionRule{rule},
	}}, nil
}

// PutBucketEncryption sets it.
func (s *Service) PutBucketEncryption(ctx context.Context, in *s3.PutBucketEncryptionInput) (*s3.PutBucketEncryptionOutput, error) {
	c := in.ServerSideEncryptionConfiguration
	if c == nil || len(c.Rules) != 1 {
		return nil, refuse("MalformedXML")
	}
	e := Encryption{BucketKey: aws.ToBool(c.Rules[0].BucketKeyEnabled)}
	if d := c.Rules[0].ApplyServerSideEncryptionByDefault; d != nil {
		e.Algorithm, e.KeyID = d.SSEAlgorithm, aws.ToString(d.KMSMasterKeyID)
	}
	switch e.Algorithm {
	case types.ServerSideEncryptionAes256, "":
		if e.KeyID != "" {
			return nil, badArgument("KMSMasterKeyID", e.KeyID, "a KMSMasterKeyID is not applicable if the default sse algorithm is not aws:kms or aws:kms:dsse")
		}
		e.Algorithm = ""
	case types.ServerSideEncryptionAwsKms, types.ServerSideEncryptionAwsKmsDsse:
	default:
		return nil, refuse("MalformedXML")
	}
	if blocked := c.Rules[0].BlockedEncryptionTypes; blocked != nil {
		for _, t := range blocked.EncryptionType {
			e.NoSSEC = e.NoSSEC || t == types.EncryptionTypeSseC
		}
	}
	return &s3.PutBucketEncryptionOutput{}, s.change(ctx, in.Bucket, in.ExpectedBucketOwner, func(b *Bucket) error {
		b.Encryption = e
		return nil
	})
}

// DeleteBucketEncryption goes back to SSE-S3.
func (s *Service) DeleteBucketEncryption(ctx context.Context, in *s3.DeleteBucketEncryptionInput) (*s3.DeleteBucketEncryptionOutput, error) {
	return &s3.DeleteBucketEncryptionOutput{}, s.change(ctx, in.Bucket, in.ExpectedBucketOwner, func(b *Bucket) error {
		b.Encryption = Encryption{}
		return nil
	})
}

// GetBucketRequestPayment tells that the owner pays, as everywhere here.
func (s *Service) GetBucketRequestPayment(ctx context.Context, in *s3.GetBucketRequestPaymentInput) (*s3.GetBucketRequestPaymentOutput, error) {
	if _, err := s.bucket(ctx, in.Bucket, in.ExpectedBucketOwner); err != nil {
		return nil, err
	}
	return &s3.GetBucketRequestPaymentOutput{Payer: types.PayerBucketOwner}, nil
}

// GetBucketAccelerateConfiguration tells that there is no acceleration.
func (s *Service) GetBucketAccelerateConfiguration(ctx context.Context, in *s3.GetBucketAccelerateConfigurationInput) (*s3.GetBucketAccelerateConfigurationOutput, error) {
	if _, err := s.bucket(ctx, in.Bucket, in.ExpectedBucketOwner); err != nil {
		return nil, err
	}
	return &s3.GetBucketAccelerateConfigurationOutput{}, nil
}
