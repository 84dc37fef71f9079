package ssm

import (
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ssm/types"
	"github.com/aws/smithy-go"

	"redoubt/internal/api"
)

func text(format string, args ...any) *string { return aws.String(fmt.Sprintf(format, args...)) }

func invalid(format string, args ...any) error {
	return api.Errorf("ValidationException", format, args...)
}

// badName says what AWS says of every name that is none.
func badName() error {
	return invalid(`Parameter name: can't be prefixed with "ssm" (case-insensitive). If formed as a path, it can consist of ` +
		`sub-paths divided by slash symbol; each sub-path can be formed as a mix of letters, numbers and the following 3 symbols .-_`)
}

func badPath() error {
	return invalid(`The parameter doesn't meet the parameter name requirements. The parameter name must begin with a forward slash "/". ` +
		`It can't be prefixed with \"aws\" or \"ssm\" (case-insensitive). It must use only letters, numbers, or the following symbols: ` +
		`. (period), - (hyphen), _ (underscore). Special characters are not allowed. All sub-paths, if specified, must use the forward ` +
		`slash symbol "/". Valid example: /get/parameters2-/by1./path0_.`)
}

func tooDeep() error {
	return &types.HierarchyLevelLimitExceededException{Message: text("A hierarchy can have a maximum of %d levels.", maxLevels)}
}

// notFound has no message, as on AWS.
func notFound() error { return &types.ParameterNotFound{} }

func noVersion(version any, name string) error {
	return &types.ParameterVersionNotFound{
		Message: text("Systems Manager could not find version %v of %s. Verify the version and try again.", version, name)}
}

func badToken() error {
	return &types.InvalidNextToken{Message: text("The specified token isn't valid.")}
}

// unsupported refuses what AWS has and Redoubt has not.
func unsupported(what string) error { return invalid("%s is not supported by Redoubt.", what) }

// relayed is what Parameter Store says of the refusal of another service: its message, where it comes from, and the code of
// AWS's Java clients' messages. Only refusals of permission keep their code.
func relayed(err error, service, request string) (*string, string, bool) {
	var known smithy.APIError
	if !errors.As(err, &known) {
		return nil, "", false
	}
	return text("%s (Service: %s; Status Code: 400; Error Code: %s; Request ID: %s; Proxy: null)",
		known.ErrorMessage(), service, known.ErrorCode(), request), known.ErrorCode(), true
}
