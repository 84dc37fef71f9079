package lambda

import (
	"context"
	"math"
	"strconv"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"redoubt/internal/api"
	"redoubt/internal/service/lambda/fleet"
	"redoubt/internal/store"
)

// Concurrency of an account and region: the default quota, and what must be left for functions without a reservation
// (https://docs.aws.amazon.com/lambda/latest/dg/configuration-concurrency.html).
const (
	accountConcurrency = 1000
	minUnreserved      = 100
)

// GetAccountSettings returns limits and usage.
func (s *Service) GetAccountSettings(ctx context.Context, _ *lambda.GetAccountSettingsInput) (*lambda.GetAccountSettingsOutput, error) {
	c := api.CallerOf(ctx)
	var a Account
	err := s.deps.DB.View(ctx, func(tx *store.Tx) (err error) {
		a, _, err = s.accounts.Get(tx, c.Account, c.Region)
		return err
	})
	return &lambda.GetAccountSettingsOutput{
		AccountLimit: &types.AccountLimit{
			TotalCodeSize: codeQuota, CodeSizeUnzipped: maxUnzipped, CodeSizeZipped: maxZipped,
			ConcurrentExecutions: accountConcurrency, UnreservedConcurrentExecutions: aws.Int32(accountConcurrency - a.Reserved),
		},
		AccountUsage: &types.AccountUsage{FunctionCount: a.Functions, TotalCodeSize: a.CodeSize},
	}, err
}

// PutFunctionConcurrency reserves concurrency for a function, and limits it to that.
func (s *Service) PutFunctionConcurrency(ctx context.Context, in *lambda.PutFunctionConcurrencyInput) (*lambda.PutFunctionConcurrencyOutput, error) {
	if err := s.wholeFunction(ctx, in.FunctionName); err != nil {
		return nil, err
	}
	_, err := s.modify(ctx, in.FunctionName, nil, func(tx *store.Tx, f *Function) error {
		return s.reserve(tx, f, in.ReservedConcurrentExecutions)
	})
	return &lambda.PutFunctionConcurrencyOutput{ReservedConcurrentExecutions: in.ReservedConcurrentExecutions}, err
}

func (s *Service) reserve(tx *store.Tx, f *Function, n *int32) error {
	was := f.held()
	f.Reserved = n
	return s.count(tx, f, func(a *Account) error {
		a.Reserved += f.held() - was
		if n == nil {
			return nil
		}
		if accountConcurrency-a.Reserved < minUnreserved {
			return invalid("Specified ReservedConcurrentExecutions for function decreases account's UnreservedConcurrentExecution below its minimum value of [%d].", minUnreserved)
		}
		if p := f.provisioned(); *n < p {
			return invalid(" ReservedConcurrentExecutions  %d should not be lower than function's total provisioned concurrency [%d].", *n, p)
		}
		return nil
	})
}

// held is the concurrency of the account that the other functions cannot have.
func (f *Function) held() int32 {
	if f.Reserved != nil {
		return *f.Reserved
	}
	return f.provisioned()
}

// GetFunctionConcurrency returns the reservation of a function.
func (s *Service) GetFunctionConcurrency(ctx context.Context, in *lambda.GetFunctionConcurrencyInput) (*lambda.GetFunctionConcurrencyOutput, error) {
	if err := s.wholeFunction(ctx, in.FunctionName); err != nil {
		return nil, err
	}
	f, _, err := s.find(ctx, in.FunctionName, nil)
	if err != nil {
		return nil, err
	}
	return &lambda.GetFunctionConcurrencyOutput{ReservedConcurrentExecutions: f.Reserved}, nil
}

// DeleteFunctionConcurrency gives the reservation back.
func (s *Service) DeleteFunctionConcurrency(ctx context.Context, in *lambda.DeleteFunctionConcurrencyInput) (*lambda.DeleteFunctionConcurrencyOutput, error) {
	if err := s.wholeFunction(ctx, in.FunctionName); err != nil {
		return nil, err
	}
	_, err := s.modify(ctx, in.FunctionName, nil, func(tx *store.Tx, f *Function) error { return s.reserve(tx, f, nil) })
	return &lambda.DeleteFunctionConcurrencyOutput{}, err
}

func (s *Service) wholeFunction(ctx context.Context, name *string) error {
	ref, err := refer(ctx, name, nil)
	if err != nil {
		return err
	}
	if ref.Qualifier != "" {
		return invalid("This operation is permitted on Lambda functions only. Aliases and versions do not support this operation. " +
			"Please specify either a function name or an unqualified function ARN.")
	}
	return nil
}

// throttledError says which limit an event has met.
func throttledError(t *fleet.Throttled) error {
	e := &types.TooManyRequestsException{Type: aws.String(user), Message: aws.String(t.Error())}
	switch {
	case t.Reserved && t.Rate:
		e.Reason = types.ThrottleReasonReservedFunctionInvocationRateLimitExceeded
	case t.Reserved:
		e.Reason = types.ThrottleReasonReservedFunctionConcurrentInvocationLimitExceeded
	case t.Rate:
		e.Reason = types.ThrottleReasonFunctionInvocationRateLimitExceeded
	default:
		e.Reason = types.ThrottleReasonConcurrentInvocationLimitExceeded
	}
	if t.After > 0 {
		e.RetryAfterSeconds = aws.String(strconv.Itoa(int(math.Ceil(t.After.Seconds()))))
	}
	return e
}
