package ssm_test

import (
	"fmt"
	"testing"
	"time"

	sdk "github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/aws-sdk-go-v2/service/ssm/types"

	"redoubt/internal/app"
	"redoubt/internal/service/ssm"
	"redoubt/redoubttest"
)

// serve is start with a server of the test's own.
func serve(t *testing.T) (*principal, *ssm.Service) {
	t.Helper()
	server := redoubttest.Run(t, app.Config{})
	for _, e := range server.App.Registry().Services() {
		if s, ok := e.Service.(*ssm.Service); ok {
			return identify(t, server.Account(t)), s
		}
	}
	t.Fatal("there is no Parameter Store")
	return nil, nil
}

func expiration(at time.Time) string {
	return fmt.Sprintf(`[{"Type":"Expiration","Version":"1.0","Attributes":{"Timestamp":%q}}]`, at.UTC().Format("2006-01-02T15:04:05.000Z"))
}

func TestExpiredParameterIsGone(t *testing.T) {
	t.Parallel()
	p, service := serve(t)
	p.mustPut(t, "/e", "1", isAdvanced, policies(expiration(time.Now().Add(time.Second))))
	p.mustPut(t, "/e", "2", overwrite)
	p.wants(t, "/e", "2")
	for _, err := p.get("/e"); err == nil; _, err = p.get("/e") {
		continue
	}
	_, err := p.get("/e")
	refused(t, err, "ParameterNotFound", "")
	list, err := p.DescribeParameters(ctx, &sdk.DescribeParametersInput{})
	must(t, err)
	equal(t, "parameters", len(list.Parameters), 0)
	must(t, service.Expire(ctx))
	left, due, err := service.Stored(ctx)
	must(t, err)
	equal(t, "records", left+due, 0)
}

func TestNameOfAnExpiredParameterIsFree(t *testing.T) {
	t.Parallel()
	p, service := serve(t)
	p.mustPut(t, "/e", "1", isAdvanced, policies(expiration(time.Now().Add(time.Second/2))))
	for _, err := p.get("/e"); err == nil; _, err = p.get("/e") {
		continue
	}
	p.mustPut(t, "/e", "new")
	must(t, service.Expire(ctx))
	got := p.wants(t, "/e", "new")
	equal(t, "version", got.Version, 1)
	left, due, err := service.Stored(ctx)
	must(t, err)
	equal(t, "records", left, 1)
	equal(t, "due", due, 0)
}

func TestPoliciesAreShownReplacedAndRemoved(t *testing.T) {
	t.Parallel()
	p, service := serve(t)
	show := func() []types.ParameterInlinePolicy {
		out, err := p.DescribeParameters(ctx, &sdk.DescribeParametersInput{})
		must(t, err)
		return out.Parameters[0].Policies
	}
	p.mustPut(t, "/p", "x", isAdvanced, policies(`[{"Type":"Expiration","Version":"1.0","Attributes":{"Timestamp":"2099-11-01T22:13:48.87+10:30:00"}}]`))
	got := show()
	equal(t, "policies", len(got), 1)
	equal(t, "text", *got[0].PolicyText, `{"Type":"Expiration","Version":"1.0","Attributes":{"Timestamp":"2099-11-01T22:13:48.87+10:30:00"}}`)
	equal(t, "type", *got[0].PolicyType, "Expiration")
	equal(t, "status", *got[0].PolicyStatus, "Pending")
	p.mustPut(t, "/p", "y", overwrite)
	equal(t, "policies kept", len(show()), 1)
	p.mustPut(t, "/p", "y", overwrite, policies("[{}]"))
	equal(t, "policies removed", len(show()), 0)
	_, due, err := service.Stored(ctx)
	must(t, err)
	equal(t, "due", due, 0)
}

func TestPoliciesThatCannotBeCarriedOutAreRefused(t *testing.T) {
	t.Parallel()
	p := start(t)
	later := expiration(time.Now().AddDate(1, 0, 0))
	both := later[:len(later)-1] + "," + later[1:]
	for _, c := range []struct{ policies, code string }{
		{`{}`, "InvalidPolicyAttributeException"},
		{`[{"Type":"Expiration","Version":"1.0","Attributes":{"Timestamp":"tomorrow"}}]`, "InvalidPolicyAttributeException"},
		{`[{"Type":"Expiration","Version":"2.0","Attributes":{"Timestamp":"2099-11-01T22:13:48Z"}}]`, "InvalidPolicyAttributeException"},
		{expiration(time.Now().Add(-time.Hour)), "InvalidPolicyAttributeException"},
		{`[{"Type":"Deletion","Version":"1.0","Attributes":{}}]`, "InvalidPolicyTypeException"},
		{`[{"Type":"ExpirationNotification","Version":"1.0","Attributes":{"Before":"15","Unit":"Days"}}]`, "InvalidPolicyTypeException"},
		{`[{"Type":"NoChangeNotification","Version":"1.0","Attributes":{"After":"20","Unit":"Days"}}]`, "InvalidPolicyTypeException"},
		{both, "IncompatiblePolicyException"},
		{`[{},{},{},{},{},{},{},{},{},{},{}]`, "PoliciesLimitExceededException"},
	} {
		_, err := p.put("/p", "x", isAdvanced, policies(c.policies))
		refused(t, err, c.code, "")
	}
	_, err := p.put("/p", "x", policies(later))
	refused(t, err, "ValidationException", "Parameter policies are supported only for parameters that use the advanced-parameter tier...")
	out, err := p.put("/p", "x", policies(later), func(in *sdk.PutParameterInput) { in.Tier = types.ParameterTierIntelligentTiering })
	must(t, err)
	equal(t, "tier", out.Tier, types.ParameterTierAdvanced)
}

func TestAccountHasALimitOfParameters(t *testing.T) {
	t.Parallel()
	p, service := serve(t)
	must(t, service.SetCount(ctx, p.account, p.cfg.Region, ssm.Count{Standard: 10_000}))
	_, err := p.put("/one", "x")
	refused(t, err, "ParameterLimitExceeded", "You have reached the maximum number of standard parameters for this AWS account and Region (10000)...")
	out, err := p.put("/one", "x", func(in *sdk.PutParameterInput) { in.Tier = types.ParameterTierIntelligentTiering })
	must(t, err)
	equal(t, "tier", out.Tier, types.ParameterTierAdvanced)
	must(t, service.SetCount(ctx, p.account, p.cfg.Region, ssm.Count{Advanced: 100_000}))
	_, err = p.put("/two", "x", isAdvanced)
	refused(t, err, "ParameterLimitExceeded", "")
	p.mustPut(t, "/one", "y", overwrite)
	_, err = p.DeleteParameter(ctx, &sdk.DeleteParameterInput{Name: ptr("/one")})
	must(t, err)
	p.mustPut(t, "/two", "x", isAdvanced)
}
