package lambda

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"redoubt/internal/api"
)

// maxEnvironment is what all variables may take, and what KMS encrypts in one piece.
const maxEnvironment = 4096

// managedKey is the key of those who bring none.
const managedKey = "alias/aws/lambda"

// reserved are the variables that Lambda sets itself
// (https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html#configuration-envvars-runtime).
var reserved = []string{
	"_HANDLER", "_X_AMZN_TRACE_ID", "AWS_ACCESS_KEY", "AWS_ACCESS_KEY_ID", "AWS_DEFAULT_REGION", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
	"AWS_LAMBDA_FUNCTION_NAME", "AWS_LAMBDA_FUNCTION_VERSION", "AWS_LAMBDA_INITIALIZATION_TYPE", "AWS_LAMBDA_LOG_GROUP_NAME",
	"AWS_LAMBDA_LOG_STREAM_NAME", "AWS_LAMBDA_RUNTIME_API", "AWS_REGION", "AWS_SECRET_ACCESS_KEY", "AWS_SECRET_KEY",
	"AWS_SECURITY_TOKEN", "AWS_SESSION_TOKEN", "LAMBDA_RUNTIME_DIR", "LAMBDA_TASK_ROOT",
}

// sealEnvironment has KMS encrypt the variables, as the caller. What is stored is only what KMS returns.
func (s *Service) sealEnvironment(ctx context.Context, f *Function, variables map[string]string) error {
	f.Environment = nil
	if len(variables) == 0 && f.KMSKey == "" {
		return nil
	}
	if err := checkVariables(variables); err != nil {
		return err
	}
	plain, err := json.Marshal(variables)
	if err != nil {
		return err
	}
	if len(plain) > maxEnvironment {
		// AWS repeats the variables themselves here; in an error they would reach the trail.
		return invalid("Lambda was unable to configure your environment variables because the environment variables you have provided "+
			"exceeded the 4KB limit. Bytes measured: %d", len(plain))
	}
	out, err := api.Call[kms.EncryptOutput](api.Via(ctx, principal), s.deps.API, &kms.EncryptInput{
		KeyId: aws.String(f.key()), Plaintext: plain, EncryptionContext: f.encryptionContext(),
	})
	if code, message, ok := codeOf(err); ok {
		return invalid("Lambda was unable to configure your environment variables because the KMS key could not be used. "+
			"Please check your KMS permissions. KMS Exception: %s KMS Message: %s", code, message)
	}
	if err != nil {
		return fmt.Errorf("encrypting environment variables: %w", err)
	}
	if len(variables) > 0 { // without any, it was to see whether the key can be used
		f.Environment = &SealedEnvironment{Ciphertext: out.CiphertextBlob}
	}
	return nil
}

func (f *Function) key() string {
	if f.KMSKey != "" {
		return f.KMSKey
	}
	return managedKey
}

func (f *Function) encryptionContext() map[string]string {
	return map[string]string{"aws:lambda:FunctionArn": f.arn()}
}

func checkVariables(variables map[string]string) error {
	var taken []string
	for _, name := range slices.Sorted(maps.Keys(variables)) {
		if slices.Contains(reserved, name) {
			taken = append(taken, name)
		}
	}
	if len(taken) > 0 {
		return invalid("Lambda was unable to configure your environment variables because the environment variables you have provided "+
			"contains reserved keys that are currently not supported for modification. Reserved keys used in this request: %s",
			strings.Join(taken, ", "))
	}
	for _, v := range variables {
		if strings.ContainsRune(v, 0) {
			return invalid("Environment variable values must not contain NUL characters")
		}
	}
	return nil
}

// openEnvironment decrypts the variables as the caller of ctx, with Lambda in between. It tells which key they are under.
func (s *Service) openEnvironment(ctx context.Context, f *Function) (variables map[string]string, key string, err error) {
	if f.Environment == nil {
		return nil, "", nil
	}
	out, err := api.Call[kms.DecryptOutput](api.Via(ctx, principal), s.deps.API, &kms.DecryptInput{
		CiphertextBlob: f.Environment.Ciphertext, EncryptionContext: f.encryptionContext(),
	})
	if err != nil {
		return nil, "", err
	}
	if err := json.Unmarshal(out.Plaintext, &variables); err != nil {
		return nil, "", fmt.Errorf("reading environment variables: %w", err)
	}
	return variables, aws.ToString(out.KeyId), nil
}

// showEnvironment returns the variables to the caller, or why it may not see them.
func (s *Service) showEnvironment(ctx context.Context, f *Function) (*types.EnvironmentResponse, error) {
	if f.Environment == nil {
		return nil, nil
	}
	variables, _, err := s.openEnvironment(ctx, f)
	if err == nil {
		return &types.EnvironmentResponse{Variables: variables}, nil
	}
	code, message, ok := codeOf(err)
	if !ok {
		return nil, err
	}
	return &types.EnvironmentResponse{Error: &types.EnvironmentError{
		ErrorCode: aws.String(code),
		Message: aws.String("Lambda was unable to decrypt your environment variables because " + whyNot(code) + ". Please check your KMS permissions. " +
			"KMS Exception: " + code + " KMS Message: " + message),
	}}, nil
}

// whyNot says in Lambda's words what a code of KMS means.
func whyNot(code string) string {
	switch code {
	case "DisabledException":
		return "the KMS key used is disabled"
	case "KMSInvalidStateException":
		return "the state of the KMS key used is not valid for Decrypt"
	case "NotFoundException":
		return "the KMS key was not found"
	}
	return "the KMS access was denied"
}

// changeEnvironment takes over new variables, and encrypts the old ones anew if their key changes.
func (s *Service) changeEnvironment(ctx context.Context, f *Function, in *lambda.UpdateFunctionConfigurationInput) error {
	key := f.KMSKey
	if in.KMSKeyArn != nil {
		key = *in.KMSKeyArn
	}
	if in.Environment != nil {
		f.KMSKey = key
		return s.sealEnvironment(ctx, f, in.Environment.Variables)
	}
	if key == f.KMSKey {
		return nil
	}
	variables, _, err := s.openEnvironment(ctx, f)
	if code, message, ok := codeOf(err); ok {
		return invalid("Lambda was unable to decrypt your environment variables because %s. Please check your KMS permissions. "+
			"KMS Exception: %s KMS Message: %s", whyNot(code), code, message)
	}
	if err != nil {
		return err
	}
	f.KMSKey = key
	return s.sealEnvironment(ctx, f, variables)
}
