package sts

import (
	"context"
	"errors"
	"slices"

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
// A code of an MFA device is believed here and checked in the method, so that who may not assume the role spends none.
func assumeKeys(ctx context.Context, input any) policy.MapKeys {
	in := input.(*sts.AssumeRoleInput)
	keys := policy.MapKeys{"sts:rolesessionname": {aws.ToString(in.RoleSessionName)}}
	if in.ExternalId != nil {
		keys["sts:externalid"] = []string{*in.ExternalId}
	}
	if id := aws.ToString(in.SourceIdentity); id != "" {
		keys["sts:sourceidentity"] = []string{id}
	} else if id := inherited(ctx).Identity; id != "" {
		keys["sts:sourceidentity"] = []string{id}
	}
	if transitive := slices.Concat(in.TransitiveTagKeys, inherited(ctx).Transient); len(transitive) > 0 {
		keys["sts:transitivetagkeys"] = transitive
	}
	if in.SerialNumber != nil && in.TokenCode != nil {
		keys["aws:multifactorauthpresent"], keys["aws:multifactorauthage"] = []string{"true"}, []string{"0"}
	}
	return keys
}

// inherited is the session from which tags and source identity pass on: that of a role, or an empty one.
func inherited(ctx context.Context) *api.Session {
	if c := api.CallerOf(ctx); c.Session != nil && c.Kind == api.AssumedRole {
		return c.Session
	}
	return &api.Session{}
}

// tagsRole tells whether the session will have tags, its own or those that a chained session passes on: both need the
// permission (https://docs.aws.amazon.com/IAM/latest/UserGuide/id_session-tags.html#id_session-tags_permissions-required).
func tagsRole(ctx context.Context, input any) bool {
	return len(input.(*sts.AssumeRoleInput).Tags) > 0 || len(inherited(ctx).Transient) > 0
}

// setsSourceIdentity tells the same of a source identity.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_temp_control-access_monitor.html
func setsSourceIdentity(ctx context.Context, input any) bool {
	return aws.ToString(input.(*sts.AssumeRoleInput).SourceIdentity) != "" || inherited(ctx).Identity != ""
}

func tagsFederated(input any) bool { return len(input.(*sts.GetFederationTokenInput).Tags) > 0 }
