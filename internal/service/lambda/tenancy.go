package lambda

import (
	"regexp"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"redoubt/internal/api"
)

// tenantForm is what the id of a tenant can be (API_Invoke, TenantId).
var tenantForm = regexp.MustCompile(`^[a-zA-Z0-9._:/=+\-@ ]{1,256}$`)

func isolation(c *types.TenancyConfig) types.TenantIsolationMode {
	if c == nil {
		return ""
	}
	return c.TenantIsolationMode
}

func (c *Configuration) tenancy() *types.TenancyConfig {
	if c.Isolation == "" {
		return nil
	}
	return &types.TenancyConfig{TenantIsolationMode: c.Isolation}
}

// tenantOf is the tenant for whom a function is invoked; "" where tenants are not isolated. Who has to name one and does
// not, or names one for nothing, is refused: no environment serves two tenants.
// https://docs.aws.amazon.com/lambda/latest/dg/tenant-isolation-invoke.html
func (c *Configuration) tenantOf(given *string) (string, error) {
	tenant := aws.ToString(given)
	switch {
	case c.Isolation == "" && given != nil:
		return "", invalid("The invoked function is not enabled with tenancy configuration. Remove the tenant ID from your request and try again.")
	case c.Isolation != "" && tenant == "":
		return "", invalid("The invoked function is enabled with tenancy configuration. Add a valid tenant ID in your request and try again.")
	case given != nil && !tenantForm.MatchString(tenant):
		return "", api.Errorf("ValidationException", "1 validation error detected: Value '%s' at 'tenantId' failed to satisfy constraint: "+
			"Member must satisfy regular expression pattern: [a-zA-Z0-9\\._:\\/=+\\-@ ]+", tenant)
	}
	return tenant, nil
}
