package kms

import (
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"

	"redoubt/internal/api"
	"redoubt/internal/policy"
)

func notFound(format string, args ...any) error {
	return &types.NotFoundException{Message: message(format, args)}
}

func noKey(p place) error { return notFound("Key '%s' does not exist", p.arn()) }

func noAlias(account, region, alias string) error {
	return notFound("Alias %s is not found.", arnOf(account, region, alias))
}

func invalid(format string, args ...any) error {
	return api.Errorf("ValidationException", format, args...)
}

func unsupported(format string, args ...any) error {
	return &types.UnsupportedOperationException{Message: message(format, args)}
}

func invalidARN(format string, args ...any) error {
	return &types.InvalidArnException{Message: message(format, args)}
}

func invalidState(format string, args ...any) error {
	return &types.KMSInvalidStateException{Message: message(format, args)}
}

func limitExceeded(format string, args ...any) error {
	return &types.LimitExceededException{Message: message(format, args)}
}

func tagError(format string, args ...any) error {
	return &types.TagException{Message: message(format, args)}
}

// reserved refuses names that belong to AWS; the code is one that KMS does not model.
func reserved(alias string) error {
	return api.Errorf("NotAuthorizedException", "%s: the prefix alias/aws/ is reserved for AWS managed keys", alias)
}

// badCiphertext has no message on AWS either: it must not tell what is wrong.
func badCiphertext() error { return &types.InvalidCiphertextException{} }

// malformed turns what is wrong with a document, or with whom it names, into KMS's error.
func malformed(err error) error {
	var m *policy.Malformed
	if errors.As(err, &m) {
		return &types.MalformedPolicyDocumentException{Message: aws.String(m.Message)}
	}
	var none *policy.Unbound
	if errors.As(err, &none) {
		return &types.MalformedPolicyDocumentException{
			Message: aws.String("Policy contains a statement with one or more invalid principals."),
		}
	}
	return err
}

// moved refuses a call whose alias was pointed elsewhere while it was on its way.
func moved() error {
	return &types.DependencyTimeoutException{Message: aws.String("The alias changed while the request was processed. Try again.")}
}

// dryRun is the answer to a request that would have succeeded, but was not to.
func dryRun(asked *bool) error {
	if !aws.ToBool(asked) {
		return nil
	}
	return &types.DryRunOperationException{
		Message: aws.String("The request would have succeeded, but the DryRun option is set."),
	}
}

func message(format string, args []any) *string { return aws.String(fmt.Sprintf(format, args...)) }
