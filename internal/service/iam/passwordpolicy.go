package iam

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"

	"redoubt/internal/store"
)

// PasswordPolicy is the account's rules for passwords. Users of Redoubt have none: the rules are kept for the tools that
// set and audit them.
type PasswordPolicy struct {
	AllowChange, Lower, Numbers, Symbols, Upper bool
	HardExpiry                                  *bool
	MaxAge, MinLength, Reuse                    *int32
}

// UpdateAccountPasswordPolicy replaces the rules; those left out get their defaults.
func (s *Service) UpdateAccountPasswordPolicy(ctx context.Context, in *iam.UpdateAccountPasswordPolicyInput) (*iam.UpdateAccountPasswordPolicyOutput, error) {
	p := PasswordPolicy{
		AllowChange: in.AllowUsersToChangePassword, Lower: in.RequireLowercaseCharacters, Numbers: in.RequireNumbers,
		Symbols: in.RequireSymbols, Upper: in.RequireUppercaseCharacters, HardExpiry: in.HardExpiry, MaxAge: in.MaxPasswordAge,
		MinLength: in.MinimumPasswordLength, Reuse: in.PasswordReusePrevention,
	}
	if p.MinLength == nil {
		p.MinLength = aws.Int32(6)
	}
	return &iam.UpdateAccountPasswordPolicyOutput{}, s.update(ctx, func(tx *store.Tx) error {
		return s.changeAccount(tx, account(ctx), func(a *Account) { a.Passwords = &p })
	})
}

// GetAccountPasswordPolicy shows the rules, if any were set.
func (s *Service) GetAccountPasswordPolicy(ctx context.Context, _ *iam.GetAccountPasswordPolicyInput) (*iam.GetAccountPasswordPolicyOutput, error) {
	a, err := s.accountRecord(ctx)
	if err != nil {
		return nil, err
	}
	p := a.Passwords
	if p == nil {
		return nil, noPasswordPolicy(account(ctx))
	}
	return &iam.GetAccountPasswordPolicyOutput{PasswordPolicy: &types.PasswordPolicy{
		AllowUsersToChangePassword: p.AllowChange, RequireLowercaseCharacters: p.Lower, RequireNumbers: p.Numbers,
		RequireSymbols: p.Symbols, RequireUppercaseCharacters: p.Upper, HardExpiry: p.HardExpiry, MaxPasswordAge: p.MaxAge,
		MinimumPasswordLength: p.MinLength, PasswordReusePrevention: p.Reuse, ExpirePasswords: aws.ToInt32(p.MaxAge) > 0,
	}}, nil
}

// DeleteAccountPasswordPolicy goes back to the default rules.
func (s *Service) DeleteAccountPasswordPolicy(ctx context.Context, _ *iam.DeleteAccountPasswordPolicyInput) (*iam.DeleteAccountPasswordPolicyOutput, error) {
	return &iam.DeleteAccountPasswordPolicyOutput{}, s.update(ctx, func(tx *store.Tx) error {
		a, _, err := s.accounts.Get(tx, account(ctx), "")
		if err != nil {
			return err
		}
		if a.Passwords == nil {
			return noPasswordPolicy(account(ctx))
		}
		return s.changeAccount(tx, account(ctx), func(a *Account) { a.Passwords = nil })
	})
}

func noPasswordPolicy(account string) error {
	return noSuch("The Password Policy with domain name %s cannot be found.", account)
}
