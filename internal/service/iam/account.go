package iam

import (
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/iam"

	"redoubt/internal/store"
)

// Account is an AWS account, and its root user.
type Account struct {
	ID, Name, Email string
	Created         time.Time
	Alias           string
	Keys            []string // access key ids of the root user
	MFA             []string // serial numbers of the root user's devices
	Passwords       *PasswordPolicy
}

// Alias says which account has a name; names are unique across all accounts.
type Alias struct{ Account string }

// aliasAccount takes the place of an account in the keys of what belongs to no account.
const aliasAccount = "aws"

func rootARN(account string) string { return "arn:aws:iam::" + account + ":root" }

// accountRecord reads the caller's account.
func (s *Service) accountRecord(ctx context.Context) (Account, error) {
	return read(ctx, s, func(tx *store.Tx) (Account, error) {
		a, _, err := s.accounts.Get(tx, account(ctx), "")
		return a, err
	})
}

func (s *Service) changeAccount(tx *store.Tx, account string, fn func(*Account)) error {
	a, ok, err := s.accounts.Get(tx, account, "")
	if err != nil {
		return err
	}
	if !ok {
		return fmt.Errorf("account %s has no record", account)
	}
	fn(&a)
	return s.accounts.Put(tx, a, account, "")
}

// CreateAccountAlias gives the account its one other name.
func (s *Service) CreateAccountAlias(ctx context.Context, in *iam.CreateAccountAliasInput) (*iam.CreateAccountAliasOutput, error) {
	return &iam.CreateAccountAliasOutput{}, s.update(ctx, func(tx *store.Tx) error {
		holder, taken, err := s.aliases.Get(tx, aliasAccount, "", *in.AccountAlias)
		if err != nil {
			return err
		}
		if taken && holder.Account != account(ctx) {
			return exists("The account alias %s already exists.", *in.AccountAlias)
		}
		if err := s.dropAlias(tx, account(ctx)); err != nil {
			return err
		}
		if err := s.aliases.Put(tx, Alias{account(ctx)}, aliasAccount, "", *in.AccountAlias); err != nil {
			return err
		}
		return s.changeAccount(tx, account(ctx), func(a *Account) { a.Alias = *in.AccountAlias })
	})
}

// DeleteAccountAlias takes the account's other name away.
func (s *Service) DeleteAccountAlias(ctx context.Context, in *iam.DeleteAccountAliasInput) (*iam.DeleteAccountAliasOutput, error) {
	return &iam.DeleteAccountAliasOutput{}, s.update(ctx, func(tx *store.Tx) error {
		a, _, err := s.accounts.Get(tx, account(ctx), "")
		if err != nil {
			return err
		}
		if a.Alias != *in.AccountAlias {
			return noSuch("The account alias %s cannot be found.", *in.AccountAlias)
		}
		return s.dropAlias(tx, account(ctx))
	})
}

func (s *Service) dropAlias(tx *store.Tx, account string) error {
	return s.changeAccount(tx, account, func(a *Account) {
		if a.Alias != "" {
			s.aliases.Delete(tx, aliasAccount, "", a.Alias) // an error fails the transaction
			a.Alias = ""
		}
	})
}

// ListAccountAliases lists the account's other name, if it has one.
func (s *Service) ListAccountAliases(ctx context.Context, _ *iam.ListAccountAliasesInput) (*iam.ListAccountAliasesOutput, error) {
	a, err := s.accountRecord(ctx)
	if err != nil {
		return nil, err
	}
	out := &iam.ListAccountAliasesOutput{AccountAliases: []string{}}
	if a.Alias != "" {
		out.AccountAliases = append(out.AccountAliases, a.Alias)
	}
	return out, nil
}
