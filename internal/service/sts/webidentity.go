package sts

import (
	"context"
	"net/http"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"redoubt/internal/api"
	"redoubt/internal/arn"
	"redoubt/internal/policy"
	"redoubt/internal/wire"
)

// webIdentity finds out who calls AssumeRoleWithWebIdentity: the provider that vouches for the token.
func (s *Service) webIdentity(ctx context.Context, input any) (*api.Caller, error) {
	in := input.(*sts.AssumeRoleWithWebIdentityInput)
	c, err := s.verifyToken(ctx, in)
	if err != nil {
		return &api.Caller{Kind: api.Unknown, Principal: policy.Principal{Anonymous: true}, Account: s.trailOf(c, in)}, err
	}
	return &api.Caller{
		Kind: api.WebIdentity, Principal: policy.Principal{Federated: c.Provider.ARN}, Account: accountOf(*in.RoleArn),
		ID: c.Provider.ARN + ":" + c.audience() + ":" + c.Subject, Name: c.Subject, Keys: c.keys(aws.ToString(in.RoleSessionName)),
	}, nil
}

// trailOf is where a refusal is kept: with the account that trusts the issuer, and at home if none does.
func (s *Service) trailOf(c *claims, in *sts.AssumeRoleWithWebIdentityInput) string {
	if c == nil || c.Provider == nil {
		return s.home
	}
	return accountOf(*in.RoleArn)
}

// tagsWebIdentity and setsWebSourceIdentity tell what the token asks for besides the role.
func tagsWebIdentity(ctx context.Context, _ any) bool {
	return len(api.CallerOf(ctx).Keys["aws:tagkeys"]) > 0
}

func setsWebSourceIdentity(ctx context.Context, _ any) bool {
	return len(api.CallerOf(ctx).Keys["sts:sourceidentity"]) > 0
}

// AssumeRoleWithWebIdentity issues credentials of a role to the bearer of a token that its trust policy accepts.
func (s *Service) AssumeRoleWithWebIdentity(ctx context.Context, in *sts.AssumeRoleWithWebIdentityInput) (*sts.AssumeRoleWithWebIdentityOutput, error) {
	if in.ProviderId != nil {
		return nil, api.Errorf("ValidationError", "ProviderId is for OAuth 2.0 access tokens, which Redoubt does not support: use an OpenID Connect ID token")
	}
	c, err := s.verifyToken(ctx, in)
	if err != nil {
		return nil, err
	}
	role, err := s.assumed(ctx, *in.RoleArn)
	if err != nil {
		return nil, err
	}
	length, err := sessionLength(in.DurationSeconds, role.MaxSession, false)
	if err != nil {
		return nil, err
	}
	narrowing, err := s.narrow(ctx, accountOf(role.ARN), in.Policy, in.PolicyArns)
	if err != nil {
		return nil, err
	}
	tags, transitive, err := sessionTags(&api.Session{}, c.Tags.list(), c.Tags.Transitive)
	if err != nil {
		return nil, err
	}
	session := roleSession(role, *in.RoleSessionName, length)
	session.Policies, session.PolicyARN = narrowing.texts, narrowing.arns
	session.Tags, session.Transient, session.Identity = tags, transitive, c.SourceIdentity
	session.Federated, session.Subject = c.Provider.ARN, c.Subject
	creds, packed, err := s.issue(session)
	if err != nil {
		return nil, err
	}
	return &sts.AssumeRoleWithWebIdentityOutput{
		Credentials: creds, AssumedRoleUser: roleUser(session), Audience: aws.String(c.audience()), Provider: &c.Provider.ARN,
		SubjectFromWebIdentityToken: &c.Subject, PackedPolicySize: packed, SourceIdentity: optional(c.SourceIdentity),
	}, nil
}

func accountOf(name string) string {
	a, err := arn.Parse(name)
	if err != nil {
		return ""
	}
	return a.Account
}

func unreachable() error {
	return wire.Errorf("IDPCommunicationError", http.StatusBadRequest,
		"Couldn't retrieve verification key from your identity provider, please reference AssumeRoleWithWebIdentity documentation for requirements")
}
