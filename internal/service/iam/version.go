package iam

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"

	"redoubt/internal/store"
)

// Version is one version of a managed policy.
type Version struct {
	ID       string // v1, v2, ...; never used twice
	Document string
	Created  time.Time
}

// maxVersions is a quota that cannot be raised.
const maxVersions = 5

// CreatePolicyVersion adds a version to a policy, which counts from now on if so asked.
func (s *Service) CreatePolicyVersion(ctx context.Context, in *iam.CreatePolicyVersionInput) (*iam.CreatePolicyVersionOutput, error) {
	if err := checkManaged(*in.PolicyDocument); err != nil {
		return nil, err
	}
	out := &iam.CreatePolicyVersionOutput{}
	return out, s.changePolicy(ctx, *in.PolicyArn, func(p *Policy) error {
		if len(p.Versions) >= maxVersions {
			return limit("A managed policy can have up to %d versions. Before you create a new version, you must delete an existing version.", maxVersions)
		}
		p.Last++
		v := Version{ID: fmt.Sprintf("v%d", p.Last), Document: *in.PolicyDocument, Created: now()}
		p.Versions = append(p.Versions, v)
		if in.SetAsDefault {
			p.Default = v.ID
		}
		p.Updated = now()
		out.PolicyVersion = p.brief(&v)
		return nil
	})
}

// GetPolicyVersion shows a version with its document.
func (s *Service) GetPolicyVersion(ctx context.Context, in *iam.GetPolicyVersionInput) (*iam.GetPolicyVersionOutput, error) {
	out := &iam.GetPolicyVersionOutput{}
	return out, s.view(ctx, func(tx *store.Tx) error {
		p, err := s.policy(tx, account(ctx), *in.PolicyArn)
		if err != nil {
			return err
		}
		v := p.version(*in.VersionId)
		if v == nil {
			return noVersion(*in.PolicyArn, *in.VersionId)
		}
		out.PolicyVersion = p.brief(v)
		out.PolicyVersion.Document = escaped(v.Document)
		return nil
	})
}

// ListPolicyVersions lists the versions of a policy, the latest first.
func (s *Service) ListPolicyVersions(ctx context.Context, in *iam.ListPolicyVersionsInput) (*iam.ListPolicyVersionsOutput, error) {
	pg, err := pageOf(in.Marker, in.MaxItems)
	if err != nil {
		return nil, err
	}
	out := &iam.ListPolicyVersionsOutput{Versions: []types.PolicyVersion{}}
	return out, s.view(ctx, func(tx *store.Tx) error {
		p, err := s.policy(tx, account(ctx), *in.PolicyArn)
		if err != nil {
			return err
		}
		// Versions are ordered by age, and numbers fall as the marker's text rises.
		found, next := cut(pg, p.Versions, func(v Version) string { return fmt.Sprintf("%08d", 1e7-number(v.ID)) })
		out.IsTruncated, out.Marker = next != nil, next
		for _, v := range found {
			out.Versions = append(out.Versions, *p.brief(&v))
		}
		return nil
	})
}

// SetDefaultPolicyVersion makes another version the one that counts.
func (s *Service) SetDefaultPolicyVersion(ctx context.Context, in *iam.SetDefaultPolicyVersionInput) (*iam.SetDefaultPolicyVersionOutput, error) {
	return &iam.SetDefaultPolicyVersionOutput{}, s.changePolicy(ctx, *in.PolicyArn, func(p *Policy) error {
		if p.version(*in.VersionId) == nil {
			return noVersion(*in.PolicyArn, *in.VersionId)
		}
		p.Default, p.Updated = *in.VersionId, now()
		return nil
	})
}

// DeletePolicyVersion deletes a version other than the one that counts.
func (s *Service) DeletePolicyVersion(ctx context.Context, in *iam.DeletePolicyVersionInput) (*iam.DeletePolicyVersionOutput, error) {
	return &iam.DeletePolicyVersionOutput{}, s.changePolicy(ctx, *in.PolicyArn, func(p *Policy) error {
		if p.version(*in.VersionId) == nil {
			return noVersion(*in.PolicyArn, *in.VersionId)
		}
		if p.Default == *in.VersionId {
			return conflict("Cannot delete the default version of a policy.")
		}
		p.Versions = slices.DeleteFunc(p.Versions, func(v Version) bool { return v.ID == *in.VersionId })
		p.Updated = now()
		return nil
	})
}

func (s *Service) changePolicy(ctx context.Context, arn string, fn func(*Policy) error) error {
	return s.update(ctx, func(tx *store.Tx) error {
		p, err := s.localPolicy(tx, account(ctx), arn)
		if err != nil {
			return err
		}
		if err := fn(p); err != nil {
			return err
		}
		return s.policies.Put(tx, *p, policyKey(account(ctx), p.Name)...)
	})
}

func (p *Policy) version(id string) *Version {
	for i := range p.Versions {
		if p.Versions[i].ID == id {
			return &p.Versions[i]
		}
	}
	return nil
}

func (p *Policy) brief(v *Version) *types.PolicyVersion {
	return &types.PolicyVersion{VersionId: aws.String(v.ID), CreateDate: date(v.Created), IsDefaultVersion: v.ID == p.Default}
}

func noVersion(arn, id string) error {
	return noSuch("Policy %s version %s does not exist or is not attachable.", arn, id)
}

func number(version string) int {
	n := 0
	fmt.Sscanf(version, "v%d", &n)
	return n
}

// escaped is how IAM returns documents: percent-encoded (RFC 3986).
func escaped(document string) *string {
	return aws.String(strings.ReplaceAll(url.QueryEscape(document), "+", "%20"))
}
