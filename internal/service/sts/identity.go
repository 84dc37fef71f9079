package sts

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/aws-sdk-go-v2/service/sts/types"

	"redoubt/internal/api"
)

// GetCallerIdentity tells callers who they are. No policy can forbid it.
func (s *Service) GetCallerIdentity(ctx context.Context, _ *sts.GetCallerIdentityInput) (*sts.GetCallerIdentityOutput, error) {
	c := api.CallerOf(ctx)
	return &sts.GetCallerIdentityOutput{
		Account: aws.String(c.Account), Arn: aws.String(c.Principal.ARN), UserId: aws.String(c.ID),
	}, nil
}

// GetAccessKeyInfo tells the account of an access key, which can be read from the key itself.
func (s *Service) GetAccessKeyInfo(_ context.Context, in *sts.GetAccessKeyInfoInput) (*sts.GetAccessKeyInfoOutput, error) {
	account := api.AccountOfKey(*in.AccessKeyId)
	if account == "" {
		return nil, api.Errorf("ValidationError", "Invalid Access Key ID: %s", *in.AccessKeyId)
	}
	return &sts.GetAccessKeyInfoOutput{Account: &account}, nil
}

// DecodeAuthorizationMessage opens the encoded messages that EC2 adds to its refusals.
func (s *Service) DecodeAuthorizationMessage(_ context.Context, in *sts.DecodeAuthorizationMessageInput) (*sts.DecodeAuthorizationMessageOutput, error) {
	text, err := s.sessions.OpenMessage(*in.EncodedMessage)
	if err != nil {
		return nil, &types.InvalidAuthorizationMessageException{Message: aws.String("Message is not valid")}
	}
	return &sts.DecodeAuthorizationMessageOutput{DecodedMessage: &text}, nil
}
