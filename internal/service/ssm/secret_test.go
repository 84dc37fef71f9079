package ssm_test

import (
	"encoding/json"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	sdk "github.com/aws/aws-sdk-go-v2/service/ssm"
)

func TestSecretIsReadAsAParameter(t *testing.T) {
	t.Parallel()
	p := start(t)
	c := secretsmanager.NewFromConfig(p.cfg)
	made, err := c.CreateSecret(ctx, &secretsmanager.CreateSecretInput{Name: ptr("db/password"), SecretString: ptr("first")})
	must(t, err)
	_, err = c.PutSecretValue(ctx, &secretsmanager.PutSecretValueInput{SecretId: made.ARN, SecretString: ptr("second")})
	must(t, err)
	name := "/aws/reference/secretsmanager/db/password"
	got := p.wants(t, name, "second")
	equal(t, "ARN", *got.ARN, *made.ARN)
	equal(t, "name", *got.Name, name)
	var result struct{ ARN, Name, SecretString string }
	must(t, json.Unmarshal([]byte(*got.SourceResult), &result))
	equal(t, "source", result.SecretString, "second")
	equal(t, "selector", *p.wants(t, name+":AWSPREVIOUS", "first").Selector, ":AWSPREVIOUS")
	p.wants(t, name+":"+*made.VersionId, "first")
	_, err = p.GetParameter(ctx, &sdk.GetParameterInput{Name: &name})
	refused(t, err, "ValidationException", "WithDecryption flag must be True for retrieving a Secret Manager secret.")
	_, err = p.get("/aws/reference/secretsmanager/none")
	refused(t, err, "ParameterNotFound",
		"An error occurred (ParameterNotFound) when referencing Secrets Manager: Secret /aws/reference/secretsmanager/none not found.")
	all, err := p.GetParameters(ctx, &sdk.GetParametersInput{Names: []string{name, "/aws/reference/secretsmanager/none"}, WithDecryption: ptr(true)})
	must(t, err)
	equal(t, "found", names(all.Parameters), name)
	equal(t, "not found", len(all.InvalidParameters), 1)
	u := p.user(t, "u", statement("Allow", "ssm:GetParameter", "*"))
	_, err = u.get(name)
	refused(t, err, "AccessDeniedException", "User: "+u.who+" is not authorized to perform: secretsmanager:GetSecretValue on resource: "+*made.ARN+"...")
}
