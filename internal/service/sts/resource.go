package sts

import (
	"context"
	"errors"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"redoubt/internal/api"
	"redoubt/internal/arn"
	"redoubt/internal/policy"
)

// role resolves a role to assume. Its trust policy is the root of all permission on it.
func (s *Service) role(ctx context.Context, name string) (api.Resource, error) {
	r := api.Resource{ARN: name, Type: "AWS::IAM::Role", MustDelegate: true}
	if a, err := arn.Parse(name); err != nil || a.Service != "iam" {
		return r, api.Errorf("ValidationError", "%s is invalid", name)
	}
	role, err := s.api.Directory().Role(ctx, name)
	if errors.Is(err, api.ErrUnknown) {
		return r, nil
	} else if err != nil {
		return r, err
	}
	r.Policy, r.Tags = role.Trust, role.Tags
	return r, nil
}

func (s *Service) federatedUser(ctx context.Context, name string) (api.Resource, error) {
	account := api.CallerOf(ctx).Account
	return api.Resource{ARN: "arn:aws:sts::" + account + ":federated-user/" + name, Account: account}, nil
}

// assumeKeys are the condition keys of AssumeRole
// (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_iam-condition-keys.html#condition-keys-sts).
func assumeKeys(_ context.Context, input any) policy.MapKeys {
	in := input.(*sts.AssumeRoleInput)
	keys := policy.MapKeys{"sts:rolesessionname": {aws.ToString(in.RoleSessionName)}}
	if in.ExternalId != nil {
		keys["sts:externalid"] = []string{*in.ExternalId}
	}
	if in.SourceIdentity != nil {
		keys["sts:sourceidentity"] = []string{*in.SourceIdentity}
	}
	if len(in.TransitiveTagKeys) > 0 {
		keys["sts:transitivetagkeys"] = in.TransitiveTagKeys
	}
	return keys
}

func hasTags(input any) bool {
	switch in := input.(type) {
	case *sts.AssumeRoleInput:
		return len(in.Tags) > 0
	case *sts.GetFederationTokenInput:
		return len(in.Tags) > 0
	}
	return false
}

func hasSourceIdentity(input any) bool { return input.(*sts.AssumeRoleInput).SourceIdentity != nil }
