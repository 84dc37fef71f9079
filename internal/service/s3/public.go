package s3

import (
	"context"
	"encoding/json"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

// isPublic reports whether a policy lets everybody in: whether a statement allows a principal that is a wildcard, without
// a condition that fixes who or where from.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html#access-control-block-public-access-policy-status
func isPublic(text string) bool {
	var doc struct{ Statement json.RawMessage }
	if json.Unmarshal([]byte(text), &doc) != nil {
		return true
	}
	var statements []publicStatement
	if json.Unmarshal(doc.Statement, &statements) != nil {
		statements = make([]publicStatement, 1)
		if json.Unmarshal(doc.Statement, &statements[0]) != nil {
			return true
		}
	}
	for _, s := range statements {
		if s.Effect == "Allow" && s.everybody() && !s.fixed() {
			return true
		}
	}
	return false
}

type publicStatement struct {
	Effect                  string
	Principal, NotPrincipal json.RawMessage
	Condition               map[string]map[string]json.RawMessage
}

func (s *publicStatement) everybody() bool {
	return len(s.NotPrincipal) > 0 || strings.Contains(string(s.Principal), `*`)
}

// fixing are the condition keys whose fixed values make a statement less than public.
var fixing = []string{
	"aws:principalorgid", "aws:principalorgpaths", "aws:principalaccount", "aws:principalarn", "aws:sourcearn", "aws:sourcevpc", "aws:sourcevpce",
	"aws:sourceowner", "aws:sourceaccount", "aws:sourceip", "aws:vpcsourceip", "aws:userid", "s3:dataaccesspointarn", "s3:dataaccesspointaccount",
}

func (s *publicStatement) fixed() bool {
	for operator, keys := range s.Condition {
		name := strings.ToLower(operator)
		_, name, found := strings.Cut(name, ":")
		if !found {
			name = strings.ToLower(operator)
		}
		switch name {
		case "stringequals", "stringequalsignorecase", "stringlike", "arnequals", "arnlike", "ipaddress":
		default:
			continue // negations and IfExists leave the rest of the world in
		}
		for key, values := range keys {
			for _, f := range fixing {
				if strings.EqualFold(key, f) && fixedValues(f, values) {
					return true
				}
			}
		}
	}
	return false
}

// fixedValues reports whether no value is a wildcard, a policy variable, or most of the internet.
func fixedValues(key string, raw json.RawMessage) bool {
	var values []string
	if json.Unmarshal(raw, &values) != nil {
		values = []string{""}
		if json.Unmarshal(raw, &values[0]) != nil {
			return false
		}
	}
	for _, v := range values {
		if v == "" || strings.Contains(v, "${") || strings.HasSuffix(v, "/0") || key != "aws:sourcearn" && key != "aws:principalarn" && strings.ContainsAny(v, "*?") {
			return false
		}
		if strings.HasPrefix(v, "*") || strings.HasPrefix(v, "arn:*") {
			return false
		}
	}
	return len(values) > 0
}

// GetPublicAccessBlock shows what of a bucket must not be public.
func (s *Service) GetPublicAccessBlock(ctx context.Context, in *s3.GetPublicAccessBlockInput) (*s3.GetPublicAccessBlockOutput, error) {
	b, err := s.bucket(ctx, in.Bucket, in.ExpectedBucketOwner)
	if err != nil {
		return nil, err
	}
	p := b.Public
	if p == nil {
		return nil, refuse("NoSuchPublicAccessBlockConfiguration")
	}
	return &s3.GetPublicAccessBlockOutput{PublicAccessBlockConfiguration: &types.PublicAccessBlockConfiguration{
		BlockPublicAcls: &p.BlockACLs, IgnorePublicAcls: &p.IgnoreACLs, BlockPublicPolicy: &p.BlockPolicy, RestrictPublicBuckets: &p.Restrict,
	}}, nil
}

// PutPublicAccessBlock replaces it.
func (s *Service) PutPublicAccessBlock(ctx context.Context, in *s3.PutPublicAccessBlockInput) (*s3.PutPublicAccessBlockOutput, error) {
	c := in.PublicAccessBlockConfiguration
	if c == nil {
		return nil, refuse("MalformedXML")
	}
	return &s3.PutPublicAccessBlockOutput{}, s.change(ctx, in.Bucket, in.ExpectedBucketOwner, func(b *Bucket) error {
		b.Public = &PublicAccess{
			aws.ToBool(c.BlockPublicAcls), aws.ToBool(c.IgnorePublicAcls), aws.ToBool(c.BlockPublicPolicy), aws.ToBool(c.RestrictPublicBuckets),
		}
		return nil
	})
}

// DeletePublicAccessBlock removes it: then policies alone decide.
func (s *Service) DeletePublicAccessBlock(ctx context.Context, in *s3.DeletePublicAccessBlockInput) (*s3.DeletePublicAccessBlockOutput, error) {
	return &s3.DeletePublicAccessBlockOutput{}, s.change(ctx, in.Bucket, in.ExpectedBucketOwner, func(b *Bucket) error {
		b.Public = nil
		return nil
	})
}
