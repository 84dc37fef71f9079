package lambda

import (
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/smithy-go"
)

// user is whose fault Lambda says an error is.
const user = "User"

func invalid(format string, args ...any) error {
	return &types.InvalidParameterValueException{Type: aws.String(user), Message: aws.String(fmt.Sprintf(format, args...))}
}

// unsupported refuses what AWS would accept.
func unsupported(what string) error {
	return invalid("%s is not supported by Redoubt yet", what)
}

func conflict(format string, args ...any) error {
	return &types.ResourceConflictException{Type: aws.String(user), Message: aws.String(fmt.Sprintf(format, args...))}
}

func missing(format string, args ...any) error {
	return &types.ResourceNotFoundException{Type: aws.String(user), Message: aws.String(fmt.Sprintf(format, args...))}
}

// stale refuses a change whose RevisionId is not the current one.
func stale(call string) error {
	return &types.PreconditionFailedException{Type: aws.String(user), Message: aws.String(
		"The Revision Id provided does not match the latest Revision Id. Call the " + call + " API to retrieve the latest Revision Id")}
}

// codeOf is the code and message of an error of an API; ok is false for errors that no API made.
func codeOf(err error) (code, message string, ok bool) {
	var known smithy.APIError
	if !errors.As(err, &known) {
		return "", "", false
	}
	return known.ErrorCode(), known.ErrorMessage(), true
}

// tooLarge refuses a request for its size.
func tooLarge(format string, args ...any) error {
	return &types.RequestTooLargeException{Type: aws.String(user), Message: aws.String(fmt.Sprintf(format, args...))}
}
