package lambda_test

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
)

const countByTenant = `
n = 0
def handler(event, context):
    global n
    n += 1
    return [context.tenant_id, n]
`

func TestTenantsShareNoEnvironment(t *testing.T) {
	needs(t, "python3")
	w := newWorld(t)
	in := python(countByTenant)
	in.TenancyConfig = &types.TenancyConfig{TenantIsolationMode: types.TenantIsolationModePerTenant}
	out := w.create("shared", in)
	if out.TenancyConfig == nil || out.TenancyConfig.TenantIsolationMode != types.TenantIsolationModePerTenant {
		t.Errorf("tenancy %+v", out.TenancyConfig)
	}
	for _, c := range []struct{ tenant, want string }{{"blue", `["blue", 1]`}, {"green", `["green", 1]`}, {"blue", `["blue", 2]`}} {
		got, err := w.lambda.Invoke(w.ctx, &lambda.InvokeInput{FunctionName: aws.String("shared"), TenantId: &c.tenant})
		w.must(err)
		if string(got.Payload) != c.want {
			t.Errorf("%s got %s, want %s", c.tenant, got.Payload, c.want)
		}
	}
}

func TestTenantIsNamedWhereItMustBe(t *testing.T) {
	needs(t, "python3")
	w := newWorld(t)
	isolated := python(countByTenant)
	isolated.TenancyConfig = &types.TenancyConfig{TenantIsolationMode: types.TenantIsolationModePerTenant}
	w.create("isolated", isolated)
	w.create("open", python(countByTenant))
	_, err := w.lambda.Invoke(w.ctx, &lambda.InvokeInput{FunctionName: aws.String("isolated")})
	wantError(t, err, "InvalidParameterValueException", "Add a valid tenant ID in your request and try again.")
	_, err = w.lambda.Invoke(w.ctx, &lambda.InvokeInput{FunctionName: aws.String("open"), TenantId: aws.String("blue")})
	wantError(t, err, "InvalidParameterValueException", "not enabled with tenancy configuration")
	_, err = w.lambda.Invoke(w.ctx, &lambda.InvokeInput{FunctionName: aws.String("isolated"), TenantId: aws.String("no;such")})
	wantError(t, err, "ValidationException", "tenantId")
}
