package organizations

import (
	"context"
	"crypto/rand"
	"encoding/base32"
	"fmt"
	"math/big"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/organizations"
	"github.com/aws/aws-sdk-go-v2/service/organizations/types"

	"redoubt/internal/api"
	"redoubt/internal/store"
)

// An account of the organization. The managing one has no record.
type account struct {
	Name, Email string
	Joined      time.Time
}

// A request to make an account, by its id.
type request struct {
	Account, Name string
	Time          time.Time
	Failure       types.CreateAccountFailureReason // "" if it succeeded
}

// CreateAccount makes an account with a role, OrganizationAccountAccessRole, that the managing account may assume.
func (s *Service) CreateAccount(ctx context.Context, in *organizations.CreateAccountInput) (*organizations.CreateAccountOutput, error) {
	if err := s.managers(ctx); err != nil {
		return nil, err
	}
	if aws.ToString(in.RoleName) != "" && *in.RoleName != "OrganizationAccountAccessRole" || len(in.Tags) > 0 || in.IamUserAccessToBilling != "" {
		return nil, &types.InvalidInputException{Message: aws.String("RoleName, Tags and IamUserAccessToBilling are not supported by Redoubt yet.")}
	}
	made := request{Name: *in.AccountName, Time: time.Now().UTC()}
	taken, err := s.hasEmail(ctx, *in.Email)
	if err != nil {
		return nil, err
	}
	if taken {
		made.Failure = types.CreateAccountFailureReasonEmailAlreadyExists
	} else if made.Account, err = s.open(ctx, in); err != nil {
		return nil, err
	}
	id := "car-" + strings.ToLower(random(16))
	err = s.db.Update(ctx, func(tx *store.Tx) error {
		if err := s.requests.Put(tx, made, s.management, id); err != nil || made.Account == "" {
			return err
		}
		return s.accounts.Put(tx, account{Name: *in.AccountName, Email: *in.Email, Joined: made.Time}, s.management, made.Account)
	})
	if err != nil {
		return nil, err
	}
	return &organizations.CreateAccountOutput{CreateAccountStatus: made.status(id)}, nil
}

// open makes the account and returns its number.
func (s *Service) open(ctx context.Context, in *organizations.CreateAccountInput) (string, error) {
	number, err := s.freeNumber(ctx)
	if err != nil {
		return "", err
	}
	if err := s.api.Directory().OpenAccount(ctx, number, *in.AccountName, *in.Email, s.management); err != nil {
		return "", fmt.Errorf("opening account %s: %w", number, err)
	}
	return number, nil
}

// hasEmail tells whether an account has an address: no two may have the same.
func (s *Service) hasEmail(ctx context.Context, email string) (bool, error) {
	all, err := s.list(ctx)
	return slices.ContainsFunc(all, func(a types.Account) bool { return strings.EqualFold(*a.Email, email) }), err
}

func (r request) status(id string) *types.CreateAccountStatus {
	out := &types.CreateAccountStatus{
		Id: &id, AccountName: &r.Name, State: types.CreateAccountStateSucceeded,
		RequestedTimestamp: &r.Time, CompletedTimestamp: &r.Time,
	}
	if r.Failure != "" {
		out.State, out.FailureReason = types.CreateAccountStateFailed, r.Failure
	} else {
		out.AccountId = &r.Account
	}
	return out
}

// DescribeCreateAccountStatus tells what became of a request.
func (s *Service) DescribeCreateAccountStatus(ctx context.Context, in *organizations.DescribeCreateAccountStatusInput) (*organizations.DescribeCreateAccountStatusOutput, error) {
	if err := s.managers(ctx); err != nil {
		return nil, err
	}
	out := &organizations.DescribeCreateAccountStatusOutput{}
	return out, s.db.View(ctx, func(tx *store.Tx) error {
		r, ok, err := s.requests.Get(tx, s.management, *in.CreateAccountRequestId)
		if err == nil && !ok {
			err = &types.CreateAccountStatusNotFoundException{Message: aws.String("You specified a non-existent create account request.")}
		}
		out.CreateAccountStatus = r.status(*in.CreateAccountRequestId)
		return err
	})
}

// DescribeAccount describes an account of the organization.
func (s *Service) DescribeAccount(ctx context.Context, in *organizations.DescribeAccountInput) (*organizations.DescribeAccountOutput, error) {
	if err := s.managers(ctx); err != nil {
		return nil, err
	}
	all, err := s.list(ctx)
	if err != nil {
		return nil, err
	}
	for _, a := range all {
		if *a.Id == *in.AccountId {
			return &organizations.DescribeAccountOutput{Account: &a}, nil
		}
	}
	return nil, &types.AccountNotFoundException{Message: aws.String("You specified an account that doesn't exist.")}
}

// maxAccounts is a page of ListAccounts.
const maxAccounts = 20

// ListAccounts lists the accounts of the organization, the managing one first.
func (s *Service) ListAccounts(ctx context.Context, in *organizations.ListAccountsInput) (*organizations.ListAccountsOutput, error) {
	if err := s.managers(ctx); err != nil {
		return nil, err
	}
	all, err := s.list(ctx)
	if err != nil {
		return nil, err
	}
	start := 0
	if in.NextToken != nil {
		for start < len(all) && *all[start].Id != *in.NextToken {
			start++
		}
		if start == len(all) {
			return nil, &types.InvalidInputException{Reason: types.InvalidInputExceptionReasonInvalidPaginationToken, Message: aws.String("You provided a value that does not match the required pattern.")}
		}
	}
	page := maxAccounts
	if in.MaxResults != nil {
		page = int(*in.MaxResults)
	}
	out := &organizations.ListAccountsOutput{Accounts: all[start:min(start+page, len(all))]}
	if start+page < len(all) {
		out.NextToken = all[start+page].Id
	}
	return out, nil
}

// list is all accounts.
func (s *Service) list(ctx context.Context) ([]types.Account, error) {
	all := []types.Account{s.shown(s.management, account{Name: "management", Email: "management@localhost.localdomain"}, types.AccountJoinedMethodInvited)}
	err := s.db.View(ctx, func(tx *store.Tx) error {
		for r, err := range s.accounts.Scan(tx, store.Range{Prefix: []string{s.management}}) {
			if err != nil {
				return err
			}
			all = append(all, s.shown(r.Key[1], r.Value, types.AccountJoinedMethodCreated))
		}
		return nil
	})
	return all, err
}

func (s *Service) shown(number string, a account, how types.AccountJoinedMethod) types.Account {
	out := types.Account{
		Id: &number, Arn: aws.String(s.accountARN(number)), Name: &a.Name, Email: &a.Email, JoinedMethod: how,
		Status: types.AccountStatusActive, State: types.AccountStateActive,
	}
	if !a.Joined.IsZero() {
		out.JoinedTimestamp = &a.Joined
	}
	return out
}

// freeNumber is an account number that nobody has.
func (s *Service) freeNumber(ctx context.Context) (string, error) {
	for {
		n, err := rand.Int(rand.Reader, big.NewInt(900_000_000_000))
		if err != nil {
			return "", err
		}
		number := fmt.Sprintf("%012d", n.Int64()+100_000_000_000)
		taken := number == s.management
		err = s.db.View(ctx, func(tx *store.Tx) error {
			has, err := s.accounts.Has(tx, s.management, number)
			taken = taken || has
			return err
		})
		if err != nil || !taken {
			return number, err
		}
	}
}

// managers refuses callers of other accounts.
func (s *Service) managers(ctx context.Context) error {
	if api.CallerOf(ctx).Account == s.management {
		return nil
	}
	if member, err := s.isMember(ctx); err != nil || !member {
		return errorOr(err, notInUse())
	}
	return &types.AccessDeniedException{Message: aws.String("You don't have permissions to access this resource.")}
}

func errorOr(err, otherwise error) error {
	if err != nil {
		return err
	}
	return otherwise
}

func random(n int) string {
	var b [16]byte
	rand.Read(b[:])
	return base32.StdEncoding.EncodeToString(b[:])[:n]
}
