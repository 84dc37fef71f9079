package lambda

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	ststypes "github.com/aws/aws-sdk-go-v2/service/sts/types"

	"redoubt/internal/api"
	"redoubt/internal/policy"
	"redoubt/internal/wire"
)

const cannotAssume = "The role defined for the function cannot be assumed by Lambda."

func denied(message string) error {
	return wire.Errorf("AccessDeniedException", http.StatusForbidden, "%s", message)
}

// assume returns credentials of the execution role, for a session with the function's name.
func (s *Service) assume(ctx context.Context, f *Function) (*ststypes.Credentials, error) {
	out, err := api.Call[sts.AssumeRoleOutput](api.As(ctx, principal, f.arn()), s.deps.API, &sts.AssumeRoleInput{
		RoleArn: aws.String(f.Role), RoleSessionName: aws.String(f.Name),
	})
	if err != nil {
		return nil, err
	}
	return out.Credentials, nil
}

// asRole returns a context in which the execution role calls.
func (s *Service) asRole(ctx context.Context, token string) (context.Context, error) {
	ctx, err := s.deps.API.WithToken(ctx, token)
	if err != nil {
		return nil, fmt.Errorf("using the execution role: %w", err)
	}
	return ctx, nil
}

// throughLambda is how the policy of aws/lambda lets everybody use it for whom Lambda calls. Only a denial elsewhere can
// keep a role from it.
var throughLambda = policy.MustParse(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"*"},"Action":"kms:Decrypt","Resource":"*"}]}`, policy.Resource)

// mayRead tells whether the execution role of a running environment may still decrypt the variables that it got, so that
// what is taken from the role or from the key takes effect at once, not when the environment ends. For a key of the owner
// nobody but KMS knows; the policy of aws/lambda cannot be changed, and needs no call.
func (s *Service) mayRead(ctx context.Context, f *Function, token, key string) error {
	if f.Environment == nil {
		return nil
	}
	ctx, err := s.asRole(ctx, token)
	if err != nil {
		return err
	}
	if f.KMSKey == "" {
		may, err := s.deps.API.May(api.Via(ctx, principal), "kms:Decrypt", api.Resource{ARN: key, Policy: throughLambda})
		if err != nil || may {
			return err
		}
	}
	if _, _, err := s.openEnvironment(ctx, f); err != nil {
		return kmsError(err)
	}
	return nil
}

// kmsError says in Lambda's words that the variables cannot be decrypted for the function.
func kmsError(err error) error {
	code, message, ok := codeOf(err)
	if !ok {
		return err
	}
	// Lambda really puts nothing between the two.
	tail := fmt.Sprintf("Please check the function's KMS key settings. KMS Exception: %sKMS Message: %s", code, message)
	text := func(why string) *string {
		return aws.String("Lambda was unable to decrypt the environment variables because " + why + ". " + tail)
	}
	switch code {
	case "DisabledException":
		return &types.KMSDisabledException{Type: aws.String(user), Message: text("the KMS key used is disabled")}
	case "KMSInvalidStateException":
		return &types.KMSInvalidStateException{Type: aws.String(user), Message: text("the state of the KMS key used is not valid for Decrypt")}
	case "NotFoundException":
		return &types.KMSNotFoundException{Type: aws.String(user), Message: text("the KMS key was not found")}
	}
	return &types.KMSAccessDeniedException{Type: aws.String(user), Message: text("KMS access was denied")}
}

// assumeError says that the execution role is gone or no longer trusts Lambda.
func assumeError(err error) error {
	if _, _, ok := codeOf(err); ok {
		return denied(cannotAssume)
	}
	return errors.Join(errors.New("assuming the execution role"), err)
}
