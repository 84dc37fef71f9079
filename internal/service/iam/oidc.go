package iam

import (
	"context"
	"redoubt/internal/api"
)

type Provider struct{}

func (s *Service) Provider(ctx context.Context, account, issuer string) (*api.Provider, error) {
	return nil, api.ErrUnknown
}
func (s *Service) CheckMFA(ctx context.Context, userARN, serial, code string) error {
	return api.Errorf("AccessDenied", "")
}

const linkedPath = "/aws-service-role/"

type (
	InstanceProfile struct{}
	Report          struct{}
	PasswordPolicy  struct{}
)
