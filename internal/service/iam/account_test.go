package iam_test

import (
	"encoding/csv"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"
)

func TestAProviderIsTrustedByItsURL(t *testing.T) {
	w := start(t)
	ctx := t.Context()
	made, err := w.CreateOpenIDConnectProvider(ctx, &iam.CreateOpenIDConnectProviderInput{
		Url: aws.String("https://token.actions.githubusercontent.com"), ClientIDList: []string{"sts.amazonaws.com"},
		ThumbprintList: []string{"6938FD4D98BAB03FAADB97B34396831E3780AEA1"},
	})
	must(t, err)
	arn := made.OpenIDConnectProviderArn
	if want := w.arn("oidc-provider/token.actions.githubusercontent.com"); *arn != want {
		t.Errorf("provider is %s, want %s", *arn, want)
	}
	_, err = w.CreateOpenIDConnectProvider(ctx, &iam.CreateOpenIDConnectProviderInput{Url: aws.String("https://token.actions.githubusercontent.com")})
	refused(t, err, "EntityAlreadyExists", "Provider with url https://token.actions.githubusercontent.com already exists.")
	_, err = w.AddClientIDToOpenIDConnectProvider(ctx, &iam.AddClientIDToOpenIDConnectProviderInput{OpenIDConnectProviderArn: arn, ClientID: aws.String("x")})
	must(t, err)
	out, err := w.GetOpenIDConnectProvider(ctx, &iam.GetOpenIDConnectProviderInput{OpenIDConnectProviderArn: arn})
	must(t, err)
	if got := strings.Join(out.ClientIDList, " "); got != "sts.amazonaws.com x" || *out.Url != "token.actions.githubusercontent.com" {
		t.Errorf("provider is %s for %s", *out.Url, got)
	}
	_, err = w.DeleteOpenIDConnectProvider(ctx, &iam.DeleteOpenIDConnectProviderInput{OpenIDConnectProviderArn: arn})
	must(t, err)
	_, err = w.GetOpenIDConnectProvider(ctx, &iam.GetOpenIDConnectProviderInput{OpenIDConnectProviderArn: arn})
	refused(t, err, "NoSuchEntity", "OpenIDConnect Provider not found for arn "+*arn)
	_, err = w.CreateOpenIDConnectProvider(ctx, &iam.CreateOpenIDConnectProviderInput{Url: aws.String("http://x.example")})
	refused(t, err, "ValidationError", "")
}

func TestTheReportHasALineForEveryUser(t *testing.T) {
	w := start(t)
	ctx := t.Context()
	w.user("bob")
	_, err := w.GetCredentialReport(ctx, &iam.GetCredentialReportInput{})
	refused(t, err, "ReportNotPresent", "")
	first, err := w.GenerateCredentialReport(ctx, &iam.GenerateCredentialReportInput{})
	must(t, err)
	second, err := w.GenerateCredentialReport(ctx, &iam.GenerateCredentialReportInput{})
	must(t, err)
	if first.State != types.ReportStateTypeStarted || second.State != types.ReportStateTypeComplete {
		t.Errorf("states are %s and %s", first.State, second.State)
	}
	out, err := w.GetCredentialReport(ctx, &iam.GetCredentialReportInput{})
	must(t, err)
	lines, err := csv.NewReader(strings.NewReader(string(out.Content))).ReadAll()
	must(t, err)
	if len(lines) != 4 || lines[1][0] != "<root_account>" || lines[2][0] != "bob" || lines[2][8] != "true" {
		t.Errorf("report is %q", lines)
	}
}

func TestTheDetailsOfAnAccountAreComplete(t *testing.T) {
	w := start(t)
	ctx := t.Context()
	w.user("bob")
	w.allowUser("bob", allow("iam:ListUsers"))
	w.role("r", trusting(w.arn("user/bob")))
	w.policy("p", allow("s3:*"))
	out := &iam.GetAccountAuthorizationDetailsOutput{}
	pages := iam.NewGetAccountAuthorizationDetailsPaginator(w, &iam.GetAccountAuthorizationDetailsInput{MaxItems: aws.Int32(2)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		must(t, err)
		out.UserDetailList = append(out.UserDetailList, page.UserDetailList...)
		out.RoleDetailList = append(out.RoleDetailList, page.RoleDetailList...)
		out.Policies = append(out.Policies, page.Policies...)
	}
	// The administrator and its policy are there from the start.
	if len(out.UserDetailList) != 2 || len(out.RoleDetailList) != 1 || len(out.Policies) != 2 {
		t.Fatalf("%d users, %d roles, %d policies", len(out.UserDetailList), len(out.RoleDetailList), len(out.Policies))
	}
	if got := decoded(t, out.UserDetailList[0].UserPolicyList[0].PolicyDocument); got != allow("iam:ListUsers") {
		t.Errorf("bob's policy is %s", got)
	}
	roles, err := w.GetAccountAuthorizationDetails(ctx, &iam.GetAccountAuthorizationDetailsInput{Filter: []types.EntityType{types.EntityTypeRole}})
	must(t, err)
	if len(roles.UserDetailList) != 0 || len(roles.RoleDetailList) != 1 {
		t.Error("the filter lets others through")
	}
}

func TestTheSummaryCounts(t *testing.T) {
	w := start(t)
	w.user("bob")
	w.role("r", trusting(w.arn("root")))
	out, err := w.GetAccountSummary(t.Context(), &iam.GetAccountSummaryInput{})
	must(t, err)
	for key, want := range map[string]int32{"Users": 2, "Roles": 1, "UsersQuota": 5000, "AccountAccessKeysPresent": 1, "MFADevices": 0} {
		if got := out.SummaryMap[key]; got != want {
			t.Errorf("%s is %d, want %d", key, got, want)
		}
	}
}

func TestAnAccountHasOneAlias(t *testing.T) {
	w := start(t)
	ctx := t.Context()
	for _, alias := range []string{"first-" + w.account, "second-" + w.account} {
		_, err := w.CreateAccountAlias(ctx, &iam.CreateAccountAliasInput{AccountAlias: &alias})
		must(t, err)
	}
	out, err := w.ListAccountAliases(ctx, &iam.ListAccountAliasesInput{})
	must(t, err)
	if got := strings.Join(out.AccountAliases, " "); got != "second-"+w.account {
		t.Errorf("aliases are %s", got)
	}
	_, err = w.DeleteAccountAlias(ctx, &iam.DeleteAccountAliasInput{AccountAlias: aws.String("first-" + w.account)})
	refused(t, err, "NoSuchEntity", "")
}

func TestThePasswordPolicyIsKept(t *testing.T) {
	w := start(t)
	ctx := t.Context()
	_, err := w.GetAccountPasswordPolicy(ctx, &iam.GetAccountPasswordPolicyInput{})
	refused(t, err, "NoSuchEntity", "The Password Policy with domain name "+w.account+" cannot be found.")
	_, err = w.UpdateAccountPasswordPolicy(ctx, &iam.UpdateAccountPasswordPolicyInput{MinimumPasswordLength: aws.Int32(14), MaxPasswordAge: aws.Int32(90)})
	must(t, err)
	out, err := w.GetAccountPasswordPolicy(ctx, &iam.GetAccountPasswordPolicyInput{})
	must(t, err)
	if p := out.PasswordPolicy; *p.MinimumPasswordLength != 14 || !p.ExpirePasswords {
		t.Errorf("policy is %+v", p)
	}
}
