package sts

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/aws-sdk-go-v2/service/sts/types"

	"redoubt/internal/api"
)

// Lengths of role sessions in seconds (API_AssumeRole, DurationSeconds). A chained role is good for an hour at most.
const (
	defaultSession = 3600
	maxChained     = 3600
)

// AssumeRole issues credentials of a role whose trust policy allowed the caller.
func (s *Service) AssumeRole(ctx context.Context, in *sts.AssumeRoleInput) (*sts.AssumeRoleOutput, error) {
	c := api.CallerOf(ctx)
	if c.Kind == api.Root {
		return nil, denied("Roles may not be assumed by root accounts.")
	}
	role, err := s.assumed(ctx, *in.RoleArn)
	if err != nil {
		return nil, err
	}
	chained := c.Kind == api.AssumedRole
	length, err := sessionLength(in.DurationSeconds, role.MaxSession, chained)
	if err != nil {
		return nil, err
	}
	narrowing, err := s.narrow(ctx, accountOf(role.ARN), in.Policy, in.PolicyArns)
	if err != nil {
		return nil, err
	}
	tags, transitive, err := sessionTags(inherited(ctx), in.Tags, in.TransitiveTagKeys)
	if err != nil {
		return nil, err
	}
	identity, err := sourceIdentity(inherited(ctx), in.SourceIdentity)
	if err != nil {
		return nil, err
	}
	mfa, err := s.checkMFA(ctx, c, in.SerialNumber, in.TokenCode)
	if err != nil {
		return nil, err
	}
	session := roleSession(role, *in.RoleSessionName, length)
	session.Policies, session.PolicyARN = narrowing.texts, narrowing.arns
	session.Tags, session.Transient, session.Identity = tags, transitive, identity
	session.MFA, session.Chained, session.Source = mfa, chained, c.Source
	creds, packed, err := s.issue(session)
	if err != nil {
		return nil, err
	}
	return &sts.AssumeRoleOutput{
		Credentials: creds, AssumedRoleUser: roleUser(session), PackedPolicySize: packed, SourceIdentity: optional(identity),
	}, nil
}

// assumed finds the role of a call that is allowed to assume it. If it has gone since, nobody may.
func (s *Service) assumed(ctx context.Context, arn string) (*api.Role, error) {
	role, err := s.api.Directory().Role(ctx, arn)
	if errors.Is(err, api.ErrUnknown) {
		return nil, denied("Not authorized to perform sts:AssumeRole")
	}
	return role, err
}

// roleSession is a session of a role, without what narrows it.
func roleSession(role *api.Role, name string, length time.Duration) *api.Session {
	account := strings.Split(role.ARN, ":")[4]
	return &api.Session{
		Kind: api.AssumedRole, ARN: "arn:aws:sts::" + account + ":assumed-role/" + role.Name + "/" + name,
		ID: role.ID + ":" + name, Issuer: role.ARN, Expires: time.Now().Add(length).UTC().Truncate(time.Second),
	}
}

func roleUser(s *api.Session) *types.AssumedRoleUser {
	return &types.AssumedRoleUser{Arn: &s.ARN, AssumedRoleId: &s.ID}
}

func sessionLength(asked *int32, longest int32, chained bool) (time.Duration, error) {
	seconds := int32(defaultSession)
	if asked != nil {
		seconds = *asked
	}
	switch {
	case chained && seconds > maxChained:
		return 0, api.Errorf("ValidationError", "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining")
	case seconds > longest:
		return 0, api.Errorf("ValidationError", "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.")
	}
	return time.Duration(seconds) * time.Second, nil
}

// sourceIdentity persists across chained roles and cannot be changed once set.
func sourceIdentity(from *api.Session, asked *string) (string, error) {
	if from.Identity == "" {
		return aws.ToString(asked), nil
	}
	if asked != nil && *asked != from.Identity {
		return "", denied("Source identity cannot be changed when it is already set in the calling session.")
	}
	return from.Identity, nil
}
