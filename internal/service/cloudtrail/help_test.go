package cloudtrail_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/cloudtrail"
	"github.com/aws/aws-sdk-go-v2/service/cloudtrail/types"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"

	"redoubt/redoubttest"
)

func TestMain(m *testing.M) { redoubttest.Main(m) }

// An account is one with its administrator.
type account struct {
	*sdk.Client
	t   *testing.T
	cfg aws.Config
	id  string
}

func start(t *testing.T) *account {
	t.Helper()
	return accountOf(t, redoubttest.Start(t))
}

func accountOf(t *testing.T, cfg aws.Config) *account {
	t.Helper()
	who, err := sts.NewFromConfig(cfg).GetCallerIdentity(t.Context(), &sts.GetCallerIdentityInput{})
	must(t, err)
	return &account{sdk.NewFromConfig(cfg), t, cfg, *who.Account}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func refused(t *testing.T, err error, code string) {
	t.Helper()
	var known smithy.APIError
	if !errors.As(err, &known) || known.ErrorCode() != code {
		t.Fatalf("got %v, want %s", err, code)
	}
}

func (a *account) iam() *iam.Client { return iam.NewFromConfig(a.cfg) }

// user makes a user with a key and, unless it is "", an inline policy.
func (a *account) user(name, policy string) aws.Config {
	a.t.Helper()
	ctx := a.t.Context()
	_, err := a.iam().CreateUser(ctx, &iam.CreateUserInput{UserName: &name})
	must(a.t, err)
	if policy != "" {
		_, err = a.iam().PutUserPolicy(ctx, &iam.PutUserPolicyInput{UserName: &name, PolicyName: aws.String("p"), PolicyDocument: &policy})
		must(a.t, err)
	}
	out, err := a.iam().CreateAccessKey(ctx, &iam.CreateAccessKeyInput{UserName: &name})
	must(a.t, err)
	return redoubttest.With(a.cfg, *out.AccessKey.AccessKeyId, *out.AccessKey.SecretAccessKey, "")
}

// role makes a role that trusts a principal and may do everything.
func (a *account) role(name, principal string) string {
	a.t.Helper()
	trust := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":` + principal + `,"Action":"sts:AssumeRole"}]}`
	out, err := a.iam().CreateRole(a.t.Context(), &iam.CreateRoleInput{RoleName: &name, AssumeRolePolicyDocument: &trust})
	must(a.t, err)
	_, err = a.iam().AttachRolePolicy(a.t.Context(), &iam.AttachRolePolicyInput{RoleName: &name, PolicyArn: aws.String("arn:aws:iam::aws:policy/AdministratorAccess")})
	must(a.t, err)
	return *out.Role.Arn
}

func assume(t *testing.T, cfg aws.Config, role string) *sts.AssumeRoleOutput {
	t.Helper()
	out, err := sts.NewFromConfig(cfg).AssumeRole(t.Context(), &sts.AssumeRoleInput{RoleArn: &role, RoleSessionName: aws.String("session")})
	must(t, err)
	return out
}

func attribute(key types.LookupAttributeKey, value string) *sdk.LookupEventsInput {
	return &sdk.LookupEventsInput{LookupAttributes: []types.LookupAttribute{{AttributeKey: key, AttributeValue: &value}}}
}

// find returns all events of a query, over all pages.
func (a *account) find(in *sdk.LookupEventsInput) (all []types.Event) {
	a.t.Helper()
	pages := sdk.NewLookupEventsPaginator(a, in)
	for pages.HasMorePages() {
		page, err := pages.NextPage(a.t.Context())
		must(a.t, err)
		all = append(all, page.Events...)
	}
	return all
}

// one returns the only event of a name, and its record.
func (a *account) one(name string) (types.Event, map[string]any) {
	a.t.Helper()
	found := a.find(attribute(types.LookupAttributeKeyEventName, name))
	if len(found) != 1 {
		a.t.Fatalf("got %d events called %s, want 1", len(found), name)
	}
	return found[0], recordOf(a.t, found[0])
}

func recordOf(t *testing.T, e types.Event) map[string]any {
	t.Helper()
	var record map[string]any
	must(t, json.Unmarshal([]byte(*e.CloudTrailEvent), &record))
	return record
}

// at is a part of a record: "userIdentity.type".
func at(record map[string]any, path string) any {
	var v any = record
	for _, name := range strings.Split(path, ".") {
		m, _ := v.(map[string]any)
		v = m[name]
	}
	return v
}

// has checks parts of a record.
func has(t *testing.T, record map[string]any, want map[string]any) {
	t.Helper()
	for path, v := range want {
		if got := at(record, path); got != v {
			t.Errorf("%s is %v, want %v", path, got, v)
		}
	}
}

// listGroups makes n calls that leave events called ListGroups.
func (a *account) listGroups(ctx context.Context, n int) {
	a.t.Helper()
	for range n {
		_, err := a.iam().ListGroups(ctx, &iam.ListGroupsInput{})
		must(a.t, err)
	}
}

func base64Of(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }
