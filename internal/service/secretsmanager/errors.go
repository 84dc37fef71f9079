package secretsmanager

import (
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager/types"

	"redoubt/internal/api"
	"redoubt/internal/policy"
)

func text(format string, args []any) *string { return aws.String(fmt.Sprintf(format, args...)) }

func badParameter(format string, args ...any) error {
	return &types.InvalidParameterException{Message: text(format, args)}
}

func badRequest(format string, args ...any) error {
	return &types.InvalidRequestException{Message: text(format, args)}
}

func exists(format string, args ...any) error {
	return &types.ResourceExistsException{Message: text(format, args)}
}

func missing(format string, args ...any) error {
	return &types.ResourceNotFoundException{Message: text(format, args)}
}

func limited(format string, args ...any) error {
	return &types.LimitExceededException{Message: text(format, args)}
}

func noSecret() error { return missing("Secrets Manager can't find the specified secret.") }

func noStage(stage string) error {
	return missing("Secrets Manager can't find the specified secret value for staging label: %s", stage)
}

func noVersion(id string) error {
	return missing("Secrets Manager can't find the specified secret value for VersionId: %s", id)
}

func marked() error {
	return badRequest("You can't perform this operation on the secret because it was marked for deletion.")
}

func badToken() error {
	return &types.InvalidNextTokenException{Message: aws.String("Invalid NextToken value.")}
}

// denied is the refusal of what others than IAM's policies decide: of KMS, and of a function's policy.
func denied(message string) error { return api.Errorf("AccessDeniedException", "%s", message) }

// malformed turns what is wrong with a policy, or with whom it names, into the service's error.
func malformed(err error) error {
	var m *policy.Malformed
	if errors.As(err, &m) {
		return &types.MalformedPolicyDocumentException{Message: aws.String("This resource policy contains a syntax error: " + m.Message)}
	}
	var none *policy.Unbound
	if errors.As(err, &none) {
		return &types.MalformedPolicyDocumentException{Message: aws.String("This resource policy contains an unsupported principal.")}
	}
	return err
}
