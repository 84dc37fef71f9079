package iam

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"

	"redoubt/internal/api"
	"redoubt/internal/policy"
	"redoubt/internal/store"
	"redoubt/internal/wire"
)

// Policy is a managed policy: one that can be attached to many entities, in up to five versions.
type Policy struct {
	Name, Path, ID, Description string
	Created, Updated            time.Time
	Default                     string // the id of the version that counts
	Last                        int    // the number of the latest version ever made
	Versions                    []Version
	Tags                        map[string]string
}

// maxPolicy is the quota of a managed policy, in characters that are not white space.
const maxPolicy = 6144

// CreatePolicy makes a managed policy, whose first version is v1.
func (s *Service) CreatePolicy(ctx context.Context, in *iam.CreatePolicyInput) (*iam.CreatePolicyOutput, error) {
	if err := checkManaged(*in.PolicyDocument); err != nil {
		return nil, err
	}
	p := Policy{
		Name: *in.PolicyName, Path: pathOr(in.Path), ID: api.NewID("ANPA"), Description: aws.ToString(in.Description),
		Created: now(), Updated: now(), Default: "v1", Last: 1,
		Versions: []Version{{ID: "v1", Document: *in.PolicyDocument, Created: now()}},
	}
	if err := setTags(&p.Tags, in.Tags); err != nil {
		return nil, err
	}
	err := s.update(ctx, func(tx *store.Tx) error {
		taken, err := s.policies.Has(tx, policyKey(account(ctx), p.Name)...)
		if err != nil {
			return err
		}
		if taken {
			return exists("A policy called %s already exists. Duplicate names are not allowed.", p.Name)
		}
		if err := s.count(tx, account(ctx), policiesQuota, 1); err != nil {
			return err
		}
		return s.policies.Put(tx, p, policyKey(account(ctx), p.Name)...)
	})
	if err != nil {
		return nil, err
	}
	shown := p.show(p.arn(account(ctx)), uses{})
	shown.Description, shown.Tags = nil, showTags(p.Tags)
	return &iam.CreatePolicyOutput{Policy: &shown}, nil
}

func checkManaged(text string) error {
	if _, err := policy.ParseManaged(text); err != nil {
		return asMalformed(err)
	}
	if size(text) > maxPolicy {
		return limit("Cannot exceed quota for PolicySize: %d", maxPolicy)
	}
	return nil
}

// GetPolicy shows a managed policy.
func (s *Service) GetPolicy(ctx context.Context, in *iam.GetPolicyInput) (*iam.GetPolicyOutput, error) {
	out := &iam.GetPolicyOutput{}
	return out, s.view(ctx, func(tx *store.Tx) error {
		p, err := s.policy(tx, account(ctx), *in.PolicyArn)
		if err != nil {
			return err
		}
		used, err := s.usageOf(tx, account(ctx), *in.PolicyArn)
		if err != nil {
			return err
		}
		shown := p.show(*in.PolicyArn, used[*in.PolicyArn])
		shown.Tags = tagList(p.Tags)
		out.Policy = &shown
		return nil
	})
}

// ListPolicies lists the managed policies of the account, those of AWS, or both.
func (s *Service) ListPolicies(ctx context.Context, in *iam.ListPoliciesInput) (*iam.ListPoliciesOutput, error) {
	p, err := pageOf(in.Marker, in.MaxItems)
	if err != nil {
		return nil, err
	}
	out := &iam.ListPoliciesOutput{Policies: []types.Policy{}}
	return out, s.view(ctx, func(tx *store.Tx) error {
		all, err := s.allPolicies(tx, account(ctx), in.Scope)
		if err != nil {
			return err
		}
		used, err := s.usageOf(tx, account(ctx))
		if err != nil {
			return err
		}
		all = slices.DeleteFunc(all, func(x named) bool {
			return !strings.HasPrefix(x.Path, pathOr(in.PathPrefix)) || !used[x.arn].passes(in.OnlyAttached, in.PolicyUsageFilter)
		})
		found, next := cut(p, all, func(x named) string { return x.arn })
		out.IsTruncated, out.Marker = next != nil, next
		for _, x := range found {
			shown := x.show(x.arn, used[x.arn])
			shown.Description = nil
			out.Policies = append(out.Policies, shown)
		}
		return nil
	})
}

// named is a policy with its ARN.
type named struct {
	*Policy
	arn string
}

func (s *Service) allPolicies(tx *store.Tx, account string, scope types.PolicyScopeType) ([]named, error) {
	var all []named
	if scope != types.PolicyScopeTypeLocal {
		all = s.managed.list()
	}
	if scope == types.PolicyScopeTypeAws {
		return all, nil
	}
	for rec, err := range s.policies.Scan(tx, store.Range{Prefix: []string{account, ""}}) {
		if err != nil {
			return nil, err
		}
		all = append(all, named{&rec.Value, rec.Value.arn(account)})
	}
	return all, nil
}

// DeletePolicy deletes a policy that nothing uses and that has one version.
func (s *Service) DeletePolicy(ctx context.Context, in *iam.DeletePolicyInput) (*iam.DeletePolicyOutput, error) {
	return &iam.DeletePolicyOutput{}, s.update(ctx, func(tx *store.Tx) error {
		p, err := s.localPolicy(tx, account(ctx), *in.PolicyArn)
		if err != nil {
			return err
		}
		used, err := s.usageOf(tx, account(ctx), *in.PolicyArn)
		if err != nil {
			return err
		}
		switch {
		case used[*in.PolicyArn] != uses{}:
			return conflict("Cannot delete a policy attached to entities.")
		case len(p.Versions) > 1:
			return conflict("This policy has more than one version. Before you delete a policy, you must delete the policy's versions. The default version is deleted with the policy.")
		}
		if err := s.count(tx, account(ctx), policiesQuota, -1); err != nil {
			return err
		}
		return s.policies.Delete(tx, policyKey(account(ctx), p.Name)...)
	})
}

func policyKey(account, name string) []string { return []string{account, "", strings.ToLower(name)} }

// findPolicy looks for a policy that the account can see: its own, or one of AWS.
func (s *Service) findPolicy(tx *store.Tx, account, arn string) (*Policy, bool, error) {
	if p := s.managed.byARN[arn]; p != nil {
		return p, true, nil
	}
	name, ok := nameIn(arn, account, "policy")
	if !ok {
		return nil, false, nil
	}
	p, ok, err := s.policies.Get(tx, policyKey(account, name)...)
	return &p, ok && p.arn(account) == arn, err
}

func (s *Service) policy(tx *store.Tx, account, arn string) (*Policy, error) {
	p, ok, err := s.findPolicy(tx, account, arn)
	if err == nil && !ok {
		err = noSuch("Policy %s was not found.", arn)
	}
	return p, err
}

// localPolicy finds a policy that the account may change.
func (s *Service) localPolicy(tx *store.Tx, account, arn string) (*Policy, error) {
	if s.managed.byARN[arn] != nil {
		return nil, wire.Errorf("AccessDenied", http.StatusForbidden, "Cannot modify an AWS managed policy: %s", arn)
	}
	return s.policy(tx, account, arn)
}

func (p *Policy) arn(account string) string { return arnOf(account, "policy", p.Path, p.Name) }

// document is the version that counts.
func (p *Policy) document() string {
	if v := p.version(p.Default); v != nil {
		return v.Document
	}
	return ""
}

func (p *Policy) show(arn string, used uses) types.Policy {
	return types.Policy{
		Arn: &arn, PolicyId: &p.ID, PolicyName: &p.Name, Path: &p.Path, DefaultVersionId: &p.Default,
		CreateDate: date(p.Created), UpdateDate: date(p.Updated), Description: text(p.Description), IsAttachable: true,
		AttachmentCount: aws.Int32(used.attached), PermissionsBoundaryUsageCount: aws.Int32(used.boundaries),
	}
}
