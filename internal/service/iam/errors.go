package iam

import (
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"

	"redoubt/internal/api"
	"redoubt/internal/policy"
)

func sprintf(format string, args []any) *string { return aws.String(fmt.Sprintf(format, args...)) }

func noSuch(format string, args ...any) error {
	return &types.NoSuchEntityException{Message: sprintf(format, args)}
}

func exists(format string, args ...any) error {
	return &types.EntityAlreadyExistsException{Message: sprintf(format, args)}
}

func conflict(format string, args ...any) error {
	return &types.DeleteConflictException{Message: sprintf(format, args)}
}

func invalid(format string, args ...any) error {
	return &types.InvalidInputException{Message: sprintf(format, args)}
}

func limit(format string, args ...any) error {
	return &types.LimitExceededException{Message: sprintf(format, args)}
}

func malformed(format string, args ...any) error {
	return &types.MalformedPolicyDocumentException{Message: sprintf(format, args)}
}

func validation(format string, args ...any) error {
	return api.Errorf("ValidationError", format, args...)
}

// asMalformed puts the complaint of the policy language into IAM's error.
func asMalformed(err error) error {
	var m *policy.Malformed
	if errors.As(err, &m) {
		return malformed("%s", m.Message)
	}
	return err
}
