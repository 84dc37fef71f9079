package kms

import (
	"context"
	"fmt"
	"maps"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"

	"redoubt/internal/api"
	"redoubt/internal/policy"
)

// defaultPolicy lets the account's identity policies decide, and its root user do anything
// (https://docs.aws.amazon.com/kms/latest/developerguide/key-policy-default.html).
func defaultPolicy(account string) string {
	return fmt.Sprintf(`{
  "Version" : "2012-10-17",
  "Id" : "key-default-1",
  "Statement" : [ {
    "Sid" : "Enable IAM User Permissions",
    "Effect" : "Allow",
    "Principal" : {
      "AWS" : "arn:aws:iam::%s:root"
    },
    "Action" : "kms:*",
    "Resource" : "*"
  } ]
}`, account)
}

// The only policy that a key has, and the most bytes it may have (KMS quotas, "Key policy document size").
const (
	policyName = "default"
	maxPolicy  = 32 << 10
)

// checkPolicy refuses a policy that is none, and one that would keep its author from changing it again, unless that is
// what the author asked for (API_PutKeyPolicy, BypassPolicyLockoutSafetyCheck). The condition keys are those of the key.
// It binds the policy to the users and roles that it names.
func (s *Service) checkPolicy(ctx context.Context, k *Key, of policy.MapKeys, bypass bool) error {
	if len(k.Policy) > maxPolicy {
		return limitExceeded("The key policy must not exceed %d bytes.", maxPolicy)
	}
	document, err := policy.Parse(k.Policy, policy.Resource)
	if err != nil {
		return malformed(err)
	}
	if k.Bound, err = document.Bind(s.api.Finder(ctx)); err != nil {
		return malformed(err)
	}
	if bypass {
		return nil
	}
	keys := facts(ctx)
	maps.Copy(keys, of)
	allowed, err := s.api.May(ctx, "kms:PutKeyPolicy", api.Resource{
		ARN: k.place().arn(), Type: keyType, Account: k.Account, Tags: k.Tags, Policy: document.Bound(k.Bound), MustDelegate: true, Keys: keys,
	})
	if err == nil && !allowed {
		err = &types.MalformedPolicyDocumentException{
			Message: aws.String("The new key policy will not allow you to update the key policy in the future."),
		}
	}
	return err
}

// GetKeyPolicy implements the KMS operation.
func (s *Service) GetKeyPolicy(ctx context.Context, in *kms.GetKeyPolicyInput) (*kms.GetKeyPolicyOutput, error) {
	k, err := s.openByID(ctx, *in.KeyId)
	if err != nil {
		return nil, err
	}
	if in.PolicyName != nil && *in.PolicyName != policyName {
		return nil, notFound("No such policy exists")
	}
	text, err := k.Bound.Show(k.Policy, s.api.Finder(ctx))
	return &kms.GetKeyPolicyOutput{Policy: aws.String(text), PolicyName: aws.String(policyName)}, err
}

// PutKeyPolicy implements the KMS operation.
func (s *Service) PutKeyPolicy(ctx context.Context, in *kms.PutKeyPolicyInput) (*kms.PutKeyPolicyOutput, error) {
	if in.PolicyName != nil && *in.PolicyName != policyName {
		return nil, unsupported("Only default policy is supported")
	}
	k, err := s.openByID(ctx, *in.KeyId)
	if err != nil {
		return nil, err
	}
	proposed := k.Key
	proposed.Policy = *in.Policy
	if err := s.checkPolicy(ctx, &proposed, k.facts, in.BypassPolicyLockoutSafetyCheck); err != nil {
		return nil, err
	}
	return &kms.PutKeyPolicyOutput{}, s.change(ctx, *in.KeyId, func(k *Key) error {
		k.Policy, k.Bound = proposed.Policy, proposed.Bound
		return nil
	})
}

// ListKeyPolicies implements the KMS operation.
func (s *Service) ListKeyPolicies(ctx context.Context, in *kms.ListKeyPoliciesInput) (*kms.ListKeyPoliciesOutput, error) {
	if _, err := newPage(in.Marker, in.Limit, 100, 1000); err != nil {
		return nil, err
	}
	if _, err := s.openByID(ctx, *in.KeyId); err != nil {
		return nil, err
	}
	out := &kms.ListKeyPoliciesOutput{PolicyNames: []string{}}
	if in.Marker == nil {
		out.PolicyNames = append(out.PolicyNames, policyName)
	}
	return out, nil
}
