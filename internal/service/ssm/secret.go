package ssm

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"regexp"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/ssm/types"

	"redoubt/internal/api"
)

// secretsPath is where the secrets of Secrets Manager can be read, as parameters of nobody:
// https://docs.aws.amazon.com/systems-manager/latest/userguide/integration-ps-secretsmanager.html
const secretsPath = "aws/reference/secretsmanager/"

func isSecret(path string) bool { return strings.HasPrefix(path, secretsPath) }

var (
	versionForm = regexp.MustCompile(`^[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}$`)
	stageForm   = regexp.MustCompile(`^[A-Za-z0-9_.-]+$`)
)

// secret reads a secret as the caller.
func (s *Service) secret(ctx context.Context, r reference, decrypt *bool) (*types.Parameter, error) {
	if !aws.ToBool(decrypt) {
		return nil, invalid("WithDecryption flag must be True for retrieving a Secret Manager secret.")
	}
	in := &secretsmanager.GetSecretValueInput{SecretId: aws.String(strings.TrimPrefix(r.path, secretsPath))}
	switch {
	case r.selector == "":
	case versionForm.MatchString(r.selector):
		in.VersionId = &r.selector
	case stageForm.MatchString(r.selector):
		in.VersionStage = &r.selector
	default:
		return nil, badName()
	}
	found, err := api.Call[secretsmanager.GetSecretValueOutput](api.Via(ctx, principal), s.api, in)
	if err != nil {
		return nil, ofSecrets(ctx, "/"+r.path, err)
	}
	return referenced(r, found)
}

// referenced is a secret in the form of a parameter.
func referenced(r reference, found *secretsmanager.GetSecretValueOutput) (*types.Parameter, error) {
	result := map[string]any{
		"ARN": found.ARN, "Name": found.Name, "VersionId": found.VersionId, "VersionStages": found.VersionStages,
		"CreatedDate": float64(aws.ToTime(found.CreatedDate).UnixMilli()) / float64(time.Second/time.Millisecond),
	}
	value := aws.ToString(found.SecretString)
	if found.SecretString != nil {
		result["SecretString"] = value
	} else {
		value = base64.StdEncoding.EncodeToString(found.SecretBinary)
		result["SecretBinary"] = value
	}
	raw, err := json.Marshal(result)
	p := &types.Parameter{
		ARN: found.ARN, Name: aws.String("/" + r.path), Type: types.ParameterTypeSecureString, Value: &value, DataType: aws.String("text"),
		LastModifiedDate: found.CreatedDate, SourceResult: aws.String(string(raw)),
	}
	if r.selector != "" {
		p.Selector = aws.String(":" + r.selector)
	}
	return p, err
}

// ofSecrets tells what Secrets Manager has said.
func ofSecrets(ctx context.Context, name string, err error) error {
	message, code, known := relayed(err, "AWSSecretsManager", api.CallerOf(ctx).Request.ID)
	switch {
	case !known, code == "InternalFailure":
		return err
	case code == "ResourceNotFoundException":
		return &types.ParameterNotFound{
			Message: text("An error occurred (ParameterNotFound) when referencing Secrets Manager: Secret %s not found.", name)}
	case code == "AccessDeniedException":
		return api.Errorf(code, "%s", *message)
	}
	return invalid("%s", *message)
}
