package sts

import (
	"context"
	"slices"
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
	role, err := s.api.Directory().Role(ctx, *in.RoleArn)
	if err != nil {
		return nil, err
	}
	chained := c.Kind == api.AssumedRole
	length, err := sessionLength(in.DurationSeconds, role.MaxSession, chained)
	if err != nil {
		return nil, err
	}
	narrowing, err := s.narrow(ctx, in.Policy, in.PolicyArns)
	if err != nil {
		return nil, err
	}
	tags, transitive, err := sessionTags(c.Session, in.Tags, in.TransitiveTagKeys)
	if err != nil {
		return nil, err
	}
	identity, err := sourceIdentity(c.Session, in.SourceIdentity)
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
	creds, err := s.issue(session)
	if err != nil {
		return nil, err
	}
	return &sts.AssumeRoleOutput{
		Credentials: creds, AssumedRoleUser: roleUser(session),
		PackedPolicySize: packedSize(session), SourceIdentity: optional(identity),
	}, nil
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
	if from == nil || from.Identity == "" {
		return aws.ToString(asked), nil
	}
	if asked != nil && *asked != from.Identity {
		return "", denied("Source identity cannot be changed when it is already set in the calling session.")
	}
	return from.Identity, nil
}

// sessionTags adds the tags that the caller's session passes on to those that are asked for.
func sessionTags(from *api.Session, asked []types.Tag, transitive []string) (map[string]string, []string, error) {
	tags := map[string]string{}
	for _, t := range asked {
		if err := checkTag(tags, t); err != nil {
			return nil, nil, err
		}
		tags[*t.Key] = *t.Value
	}
	for _, k := range transitive {
		if _, ok := tags[k]; !ok {
			return nil, nil, api.Errorf("ValidationError", "The specified transitive tag key must be included in the requested tags.")
		}
	}
	if from != nil {
		for _, k := range from.Transient {
			if _, ok := tags[k]; ok {
				return nil, nil, api.Errorf("InvalidParameterValue",
					"One of the specified transitive tag keys can't be set because it conflicts with a transitive tag key from the calling session.")
			}
			tags[k] = from.Tags[k]
		}
		transitive = append(slices.Clone(transitive), from.Transient...)
	}
	return tags, transitive, nil
}

func checkTag(seen map[string]string, t types.Tag) error {
	if strings.HasPrefix(strings.ToLower(*t.Key), "aws:") {
		return api.Errorf("ValidationError", "Tag keys cannot begin with aws: since it is a reserved prefix.")
	}
	for k := range seen {
		if strings.EqualFold(k, *t.Key) {
			return api.Errorf("InvalidParameterValue", "Duplicate tag keys found. Please note that Tag keys are case insensitive.")
		}
	}
	return nil
}
