package s3

import (
	"context"
	"encoding/json"
	"errors"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"redoubt/internal/policy"
)

// maxPolicy is what a bucket policy may take (AmazonS3/latest/userguide/bucket-policies.html).
const maxPolicy = 20 << 10

// GetBucketPolicy shows the policy of a bucket.
func (s *Service) GetBucketPolicy(ctx context.Context, in *s3.GetBucketPolicyInput) (*s3.GetBucketPolicyOutput, error) {
	b, err := s.bucket(ctx, in.Bucket, in.ExpectedBucketOwner)
	if err != nil {
		return nil, err
	}
	if b.Policy == "" {
		return nil, refuse("NoSuchBucketPolicy")
	}
	text, err := b.Bound.Show(b.Policy, s.api.Finder(ctx))
	return &s3.GetBucketPolicyOutput{Policy: aws.String(text)}, err
}

// PutBucketPolicy replaces the policy of a bucket.
func (s *Service) PutBucketPolicy(ctx context.Context, in *s3.PutBucketPolicyInput) (*s3.PutBucketPolicyOutput, error) {
	text := aws.ToString(in.Policy)
	bound, err := s.parsePolicy(ctx, text, aws.ToString(in.Bucket))
	if err != nil {
		return nil, err
	}
	return &s3.PutBucketPolicyOutput{}, s.change(ctx, in.Bucket, in.ExpectedBucketOwner, func(b *Bucket) error {
		if b.Public != nil && b.Public.BlockPolicy && isPublic(text) {
			return refusef("AccessDenied", "Access Denied because public policies are prevented by the BlockPublicPolicy setting in S3 Block Public Access.")
		}
		b.Policy, b.Bound = text, bound
		return nil
	})
}

func (s *Service) parsePolicy(ctx context.Context, text, bucket string) (policy.Bindings, error) {
	if len(text) > maxPolicy {
		return nil, refusef("PolicyTooLarge", "Policy exceeds the maximum allowed document size.")
	}
	if !json.Valid([]byte(text)) || !strings.HasPrefix(strings.TrimSpace(text), "{") {
		return nil, refuse("MalformedPolicy")
	}
	document, err := policy.Parse(text, policy.Resource)
	var bad *policy.Malformed
	if errors.As(err, &bad) {
		return nil, refusef("MalformedPolicy", "%s", bad.Message)
	}
	if err != nil {
		return nil, err
	}
	if !ownResources(text, bucket) {
		return nil, refusef("MalformedPolicy", "Policy has invalid resource")
	}
	bound, err := document.Bind(s.api.Finder(ctx))
	var unbound *policy.Unbound
	if errors.As(err, &unbound) {
		return nil, refusef("MalformedPolicy", "Invalid principal in policy")
	}
	return bound, err
}

// ownResources reports whether a policy speaks of its own bucket alone.
func ownResources(text, bucket string) bool {
	var doc struct{ Statement json.RawMessage }
	if json.Unmarshal([]byte(text), &doc) != nil {
		return false
	}
	type statement struct{ Resource, NotResource json.RawMessage }
	var statements []statement
	if json.Unmarshal(doc.Statement, &statements) != nil {
		statements = make([]statement, 1)
		if json.Unmarshal(doc.Statement, &statements[0]) != nil {
			return false
		}
	}
	own := "arn:aws:s3:::" + bucket
	for _, st := range statements {
		for _, raw := range []json.RawMessage{st.Resource, st.NotResource} {
			for _, arn := range texts(raw) {
				if arn != own && !strings.HasPrefix(arn, own+"/") && arn != own+"*" && arn != own+"/*" {
					return false
				}
			}
		}
	}
	return true
}

// texts reads a string or a list of them.
func texts(raw json.RawMessage) (list []string) {
	if len(raw) == 0 || json.Unmarshal(raw, &list) == nil {
		return list
	}
	var one string
	if json.Unmarshal(raw, &one) == nil {
		return []string{one}
	}
	return []string{""}
}

// DeleteBucketPolicy removes the policy of a bucket.
func (s *Service) DeleteBucketPolicy(ctx context.Context, in *s3.DeleteBucketPolicyInput) (*s3.DeleteBucketPolicyOutput, error) {
	return &s3.DeleteBucketPolicyOutput{}, s.change(ctx, in.Bucket, in.ExpectedBucketOwner, func(b *Bucket) error {
		b.Policy, b.Bound = "", nil
		return nil
	})
}

// GetBucketPolicyStatus tells whether the policy lets everybody in.
func (s *Service) GetBucketPolicyStatus(ctx context.Context, in *s3.GetBucketPolicyStatusInput) (*s3.GetBucketPolicyStatusOutput, error) {
	b, err := s.bucket(ctx, in.Bucket, in.ExpectedBucketOwner)
	if err != nil {
		return nil, err
	}
	if b.Policy == "" {
		return nil, refuse("NoSuchBucketPolicy")
	}
	return &s3.GetBucketPolicyStatusOutput{PolicyStatus: &types.PolicyStatus{IsPublic: &b.public}}, nil
}
