package sts

import (
	"context"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/aws-sdk-go-v2/service/sts/types"

	"redoubt/internal/api"
	"redoubt/internal/policy"
	"redoubt/internal/wire"
)

// Lengths of the sessions of users, in seconds (API_GetSessionToken, API_GetFederationToken).
const (
	defaultToken = 43200
	maxRootToken = 3600
)

// GetSessionToken issues credentials of the calling user, with a mark of its MFA device if a code is given.
func (s *Service) GetSessionToken(ctx context.Context, in *sts.GetSessionTokenInput) (*sts.GetSessionTokenOutput, error) {
	c := api.CallerOf(ctx)
	if err := longTermOnly(c, "GetSessionToken"); err != nil {
		return nil, err
	}
	mfa, err := s.checkMFA(ctx, c, in.SerialNumber, in.TokenCode)
	if err != nil {
		return nil, err
	}
	creds, err := s.issue(&api.Session{
		Kind: c.Kind, ARN: c.Principal.ARN, ID: c.ID, Name: c.Name, Issuer: c.Principal.ARN, MFA: mfa, Expires: tokenExpiry(c, in.DurationSeconds),
	})
	if err != nil {
		return nil, err
	}
	return &sts.GetSessionTokenOutput{Credentials: creds}, nil
}

// GetFederationToken issues credentials for somebody the calling user vouches for: the user's permissions, as far as
// session policies let them through.
func (s *Service) GetFederationToken(ctx context.Context, in *sts.GetFederationTokenInput) (*sts.GetFederationTokenOutput, error) {
	c := api.CallerOf(ctx)
	if err := longTermOnly(c, "GetFederationToken"); err != nil {
		return nil, err
	}
	narrowing, err := s.narrow(ctx, in.Policy, in.PolicyArns)
	if err != nil {
		return nil, err
	}
	tags, _, err := sessionTags(nil, in.Tags, nil)
	if err != nil {
		return nil, err
	}
	session := &api.Session{
		Kind: api.FederatedUser, ARN: "arn:aws:sts::" + c.Account + ":federated-user/" + *in.Name, ID: c.Account + ":" + *in.Name,
		Name: *in.Name, Issuer: c.Principal.ARN, Policies: narrowing.texts, PolicyARN: narrowing.arns, Tags: tags,
		Expires: tokenExpiry(c, in.DurationSeconds),
	}
	creds, err := s.issue(session)
	if err != nil {
		return nil, err
	}
	return &sts.GetFederationTokenOutput{
		Credentials: creds, PackedPolicySize: packedSize(session),
		FederatedUser: &types.FederatedUser{Arn: &session.ARN, FederatedUserId: &session.ID},
	}, nil
}

// longTermOnly refuses callers that have a session already, and services.
func longTermOnly(c *api.Caller, operation string) error {
	if c.Session != nil || c.Kind == api.AWSService {
		return denied("Cannot call " + operation + " with session credentials")
	}
	return nil
}

func tokenExpiry(c *api.Caller, asked *int32) time.Time {
	seconds := int32(defaultToken)
	if asked != nil {
		seconds = *asked
	}
	if c.Kind == api.Root {
		seconds = min(seconds, maxRootToken)
	}
	return time.Now().Add(time.Duration(seconds) * time.Second).UTC().Truncate(time.Second)
}

// issue makes the credentials of a session.
func (s *Service) issue(session *api.Session) (*types.Credentials, error) {
	token, err := s.sessions.Issue(session)
	if err != nil {
		return nil, err
	}
	return &types.Credentials{
		AccessKeyId: &session.AccessKey, SecretAccessKey: &session.SecretKey, SessionToken: &token, Expiration: &session.Expires,
	}, nil
}

// checkMFA returns when the caller's device proved itself: now, or never if no code is given.
func (s *Service) checkMFA(ctx context.Context, c *api.Caller, serial, code *string) (time.Time, error) {
	if serial == nil && code == nil {
		return time.Time{}, nil
	}
	if serial == nil || code == nil {
		return time.Time{}, api.Errorf("ValidationError", "Both SerialNumber and TokenCode must be specified.")
	}
	if err := s.api.Directory().CheckMFA(ctx, c.Principal.ARN, *serial, *code); err != nil {
		return time.Time{}, err
	}
	return time.Now().UTC().Truncate(time.Second), nil
}

// A narrowing is what keeps a session below the permissions behind it.
type narrowing struct{ texts, arns []string }

// maxPolicyARNs is how many managed policies can narrow a session (IAM and STS quotas).
const maxPolicyARNs = 10

func (s *Service) narrow(ctx context.Context, text *string, arns []types.PolicyDescriptorType) (narrowing, error) {
	var n narrowing
	if text != nil {
		if _, err := policy.Parse(*text, policy.Session); err != nil {
			return n, &types.MalformedPolicyDocumentException{Message: aws.String(err.Error())}
		}
		n.texts = []string{*text}
	}
	if len(arns) > maxPolicyARNs {
		return n, api.Errorf("ValidationError", "The number of session policy ARNs exceeds the limit of %d.", maxPolicyARNs)
	}
	for _, a := range arns {
		if _, ok := s.api.Directory().ManagedPolicy(ctx, aws.ToString(a.Arn)); !ok {
			return n, api.Errorf("NoSuchEntity", "Policy %s does not exist or is not attachable.", aws.ToString(a.Arn))
		}
		n.arns = append(n.arns, *a.Arn)
	}
	return n, nil
}

// maxPacked is the room for session policies and tags; AWS packs them in a form of its own and tells the share used.
const maxPacked = 4096

func packedSize(s *api.Session) *int32 {
	size := 0
	for _, p := range s.Policies {
		size += len(p)
	}
	for _, a := range s.PolicyARN {
		size += len(a)
	}
	for k, v := range s.Tags {
		size += len(k) + len(v)
	}
	if size == 0 {
		return nil
	}
	return aws.Int32(int32(min(100, 1+size*100/maxPacked)))
}

func optional(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

func denied(message string) error {
	return wire.Errorf("AccessDenied", http.StatusForbidden, "%s", message)
}
