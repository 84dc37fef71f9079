package secretsmanager

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager/types"

	"redoubt/internal/api"
	"redoubt/internal/policy"
	"redoubt/internal/store"
)

// PutResourcePolicy replaces the policy of a secret. It means users and roles by their unique ids from then on.
func (s *Service) PutResourcePolicy(ctx context.Context, in *sdk.PutResourcePolicyInput) (*sdk.PutResourcePolicyOutput, error) {
	_, bound, err := s.checkPolicy(ctx, *in.ResourcePolicy)
	if err == nil && aws.ToBool(in.BlockPublicPolicy) && isPublic(*in.ResourcePolicy) {
		err = &types.PublicPolicyException{Message: aws.String(
			"The BlockPublicPolicy parameter is set to true, and the resource policy did not prevent broad access to the secret.")}
	}
	if err != nil {
		return nil, err
	}
	x, err := s.change(ctx, *in.SecretId, func(_ *store.Tx, x *Secret) error {
		x.Policy, x.Bound, x.PolicyRevision = *in.ResourcePolicy, bound, api.NewUUID()
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &sdk.PutResourcePolicyOutput{ARN: ptr(x.arn()), Name: &x.Name}, nil
}

func (s *Service) checkPolicy(ctx context.Context, text string) (*policy.Document, policy.Bindings, error) {
	document, err := policy.Parse(text, policy.Resource)
	if err != nil {
		return nil, nil, malformed(err)
	}
	bound, err := document.Bind(s.api.Finder(ctx))
	return document, bound, malformed(err)
}

// GetResourcePolicy shows it.
func (s *Service) GetResourcePolicy(ctx context.Context, in *sdk.GetResourcePolicyInput) (*sdk.GetResourcePolicyOutput, error) {
	x, err := s.read(ctx, *in.SecretId)
	if err != nil {
		return nil, err
	}
	out := &sdk.GetResourcePolicyOutput{ARN: ptr(x.arn()), Name: &x.Name}
	if x.Policy != "" {
		var shown string
		shown, err = x.Bound.Show(x.Policy, s.api.Finder(ctx))
		out.ResourcePolicy = &shown
	}
	return out, err
}

// DeleteResourcePolicy removes it.
func (s *Service) DeleteResourcePolicy(ctx context.Context, in *sdk.DeleteResourcePolicyInput) (*sdk.DeleteResourcePolicyOutput, error) {
	x, err := s.change(ctx, *in.SecretId, func(_ *store.Tx, x *Secret) error {
		x.Policy, x.Bound, x.PolicyRevision = "", nil, ""
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &sdk.DeleteResourcePolicyOutput{ARN: ptr(x.arn()), Name: &x.Name}, nil
}

// validates resolves the secret that a policy is to be checked for, if one is named.
func (s *Service) validates(ctx context.Context, in *sdk.ValidateResourcePolicyInput) (api.Resource, error) {
	if in.SecretId == nil {
		return api.Resource{ARN: "*"}, nil
	}
	return s.secret(ctx, *in.SecretId)
}

// ValidateResourcePolicy tells what is wrong with a policy: that it cannot be read, that it lets everybody in, or that it
// would keep its author from changing it again.
func (s *Service) ValidateResourcePolicy(ctx context.Context, in *sdk.ValidateResourcePolicyInput) (*sdk.ValidateResourcePolicyOutput, error) {
	document, bound, err := s.checkPolicy(ctx, *in.ResourcePolicy)
	if err != nil {
		return nil, err
	}
	out := &sdk.ValidateResourcePolicyOutput{ValidationErrors: []types.ValidationErrorsEntry{}}
	fail := func(check, message string) {
		out.ValidationErrors = append(out.ValidationErrors, types.ValidationErrorsEntry{CheckName: &check, ErrorMessage: &message})
	}
	if isPublic(*in.ResourcePolicy) {
		fail("PUBLIC_POLICY", "The resource policy grants broad access to the secret.")
	}
	if in.SecretId != nil {
		x, err := s.read(ctx, *in.SecretId)
		if err != nil {
			return nil, err
		}
		allowed, err := s.api.May(ctx, "secretsmanager:PutResourcePolicy", api.Resource{
			ARN: x.arn(), Type: secretType, Account: x.Account, Tags: x.Tags, Policy: document.Bound(bound),
		})
		if err != nil {
			return nil, err
		}
		if !allowed {
			fail("POLICY_LOCKOUT", "The resource policy will not allow you to update the resource policy in the future.")
		}
	}
	out.PolicyValidationPassed = len(out.ValidationErrors) == 0
	return out, nil
}
