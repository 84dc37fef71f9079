package sigv4_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/lambda"

	"redoubt/internal/sigv4"
)

// guarded answers "{}" to whom it verifies and 403 to all others.
func guarded(t *testing.T, secret, service string) *httptest.Server {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _, err := verdict(r, secret, sigv4.Options{Region: "eu-west-1", Service: service})
		if err != nil {
			t.Logf("refused: %v", err)
			w.WriteHeader(http.StatusForbidden)
			return
		}
		io.WriteString(w, "{}")
	}))
	t.Cleanup(server.Close)
	return server
}

func clientConfig(server *httptest.Server, token string) aws.Config {
	return aws.Config{
		Region: "eu-west-1", BaseEndpoint: aws.String(server.URL), RetryMaxAttempts: 1,
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: exampleID, SecretAccessKey: exampleSecret, SessionToken: token}, nil
		}),
	}
}

func TestClientsOfTheSDKAreVerified(t *testing.T) {
	for _, token := range []string{"", "session"} {
		for secret, good := range map[string]bool{exampleSecret: true, "another": false} {
			_, err := kms.NewFromConfig(clientConfig(guarded(t, secret, "kms"), token)).ListKeys(t.Context(), &kms.ListKeysInput{})
			if (err == nil) != good {
				t.Errorf("kms with token %q: %v", token, err)
			}
			// The ARN makes a path that is escaped by the client and once more in the canonical request.
			_, err = lambda.NewFromConfig(clientConfig(guarded(t, secret, "lambda"), token)).GetFunction(t.Context(),
				&lambda.GetFunctionInput{FunctionName: aws.String("arn:aws:lambda:eu-west-1:123456789012:function:f"), Qualifier: aws.String("$LATEST")})
			if (err == nil) != good {
				t.Errorf("lambda with token %q: %v", token, err)
			}
		}
	}
}
