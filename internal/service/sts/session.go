package sts

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"time"
	"unicode/utf8"

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
	creds, _, err := s.issue(&api.Session{
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
	narrowing, err := s.narrow(ctx, c.Account, in.Policy, in.PolicyArns)
	if err != nil {
		return nil, err
	}
	tags, _, err := sessionTags(&api.Session{}, in.Tags, nil)
	if err != nil {
		return nil, err
	}
	session := &api.Session{
		Kind: api.FederatedUser, ARN: "arn:aws:sts::" + c.Account + ":federated-user/" + *in.Name, ID: c.Account + ":" + *in.Name,
		Name: *in.Name, Issuer: c.Principal.ARN, IssuerID: c.ID, Policies: narrowing.texts, PolicyARN: narrowing.arns, Tags: tags,
		Expires: tokenExpiry(c, in.DurationSeconds),
	}
	creds, packed, err := s.issue(session)
	if err != nil {
		return nil, err
	}
	return &sts.GetFederationTokenOutput{
		Credentials: creds, PackedPolicySize: packed,
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

// issue makes the credentials of a session, and tells how much of the room for policies and tags it takes.
func (s *Service) issue(session *api.Session) (creds *types.Credentials, packed *int32, err error) {
	if packed, err = packedSize(session); err != nil {
		return nil, nil, err
	}
	token, err := s.sessions.Issue(session)
	if err != nil {
		return nil, nil, err
	}
	return &types.Credentials{
		AccessKeyId: &session.AccessKey, SecretAccessKey: &session.SecretKey, SessionToken: &token, Expiration: &session.Expires,
	}, packed, nil
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

// The quotas of what narrows a session: the characters of its own policy, and how many managed ones (IAM and STS quotas).
const (
	maxPolicyText = 2048
	maxPolicyARNs = 10
)

// narrow checks what is to narrow a session in an account: its own managed policies and those of AWS.
func (s *Service) narrow(ctx context.Context, account string, text *string, arns []types.PolicyDescriptorType) (narrowing, error) {
	var n narrowing
	if text != nil {
		if utf8.RuneCountInString(*text) > maxPolicyText {
			return n, api.Errorf("ValidationError",
				"1 validation error detected: Value at 'policy' failed to satisfy constraint: Member must have length less than or equal to %d", maxPolicyText)
		}
		if _, err := policy.Parse(*text, policy.Session); err != nil {
			return n, &types.MalformedPolicyDocumentException{Message: aws.String(err.Error())}
		}
		n.texts = []string{*text}
	}
	if len(arns) > maxPolicyARNs {
		return n, api.Errorf("ValidationError", "The number of session policy ARNs exceeds the limit of %d.", maxPolicyARNs)
	}
	for _, a := range arns {
		owner := accountOf(aws.ToString(a.Arn))
		_, ok := s.api.Directory().ManagedPolicy(ctx, aws.ToString(a.Arn))
		if !ok || owner != account && owner != "aws" {
			return n, api.Errorf("NoSuchEntity", "Policy %s does not exist or is not attachable.", aws.ToString(a.Arn))
		}
		n.arns = append(n.arns, *a.Arn)
	}
	return n, nil
}

// maxPacked is the room for session policies and tags; AWS packs them in a form of its own and tells the share used.
const maxPacked = 4096

func packedSize(s *api.Session) (percent *int32, err error) {
	size := 0
	for _, p := range slices.Concat(s.Policies, s.PolicyARN) {
		size += len(p)
	}
	for k, v := range s.Tags {
		size += len(k) + len(v)
	}
	switch share := (size*100 + maxPacked - 1) / maxPacked; {
	case share > 100:
		return nil, &types.PackedPolicyTooLargeException{
			Message: aws.String(fmt.Sprintf("Packed size of session policies and tags consumes %d%% of allotted space.", share)),
		}
	case size > 0:
		return aws.Int32(int32(share)), nil
	}
	return nil, nil
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
