package lambda

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"redoubt/internal/api"
	"redoubt/internal/service/lambda/lineage"
	"redoubt/internal/store"
)

// maxRecursion is how often a function may be in one chain of invocations
// (https://docs.aws.amazon.com/lambda/latest/dg/invocation-recursion.html#invocation-recursion-concepts).
const maxRecursion = 16

// follow returns the X-Ray header for an invocation, or refuses one that belongs to a loop.
func (s *Service) follow(ctx context.Context, ref reference) (trace string, err error) {
	trace, before := lineage.Step(api.CallerOf(ctx).Request.Trace, ref.base(), time.Now())
	if before < maxRecursion {
		return trace, nil
	}
	var f Function
	err = s.deps.DB.View(ctx, func(tx *store.Tx) (err error) {
		f, err = s.head(tx, ref)
		return err
	})
	if err == nil && f.recursion() == types.RecursiveLoopTerminate {
		err = &types.RecursiveInvocationException{Type: aws.String(user), Message: aws.String(
			"Lambda has detected your function being invoked in a recursive loop with other AWS resources and stopped your function's invocation.")}
	}
	return trace, err
}

func (f *Function) recursion() types.RecursiveLoop {
	if f.Recursion == "" {
		return types.RecursiveLoopTerminate
	}
	return f.Recursion
}

// PutFunctionRecursionConfig says whether a function may be in a loop.
func (s *Service) PutFunctionRecursionConfig(ctx context.Context, in *lambda.PutFunctionRecursionConfigInput) (*lambda.PutFunctionRecursionConfigOutput, error) {
	if err := s.wholeFunction(ctx, in.FunctionName); err != nil {
		return nil, err
	}
	_, err := s.modify(ctx, in.FunctionName, nil, func(_ *store.Tx, f *Function) error {
		f.Recursion = in.RecursiveLoop
		return nil
	})
	return &lambda.PutFunctionRecursionConfigOutput{RecursiveLoop: in.RecursiveLoop}, err
}

// GetFunctionRecursionConfig tells whether a function may be in a loop.
func (s *Service) GetFunctionRecursionConfig(ctx context.Context, in *lambda.GetFunctionRecursionConfigInput) (*lambda.GetFunctionRecursionConfigOutput, error) {
	if err := s.wholeFunction(ctx, in.FunctionName); err != nil {
		return nil, err
	}
	f, _, err := s.find(ctx, in.FunctionName, nil)
	if err != nil {
		return nil, err
	}
	return &lambda.GetFunctionRecursionConfigOutput{RecursiveLoop: f.recursion()}, nil
}
