package organizations_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	sdk "github.com/aws/aws-sdk-go-v2/service/organizations"
	"github.com/aws/aws-sdk-go-v2/service/organizations/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"

	"redoubt/internal/app"
	"redoubt/redoubttest"
)

func TestMain(m *testing.M) { redoubttest.Main(m) }

// An organization is a server of its own, seen by the administrator of the managing account.
type organization struct {
	*sdk.Client
	*testing.T
	server     *redoubttest.Server
	cfg        aws.Config
	management string
}

func start(t *testing.T) *organization {
	t.Helper()
	t.Parallel()
	s := redoubttest.Run(t, app.Config{})
	cfg := s.Config(t, s.App.Operator.AccessKey, s.App.Operator.SecretKey, "")
	return &organization{sdk.NewFromConfig(cfg), t, s, cfg, s.Client.Account}
}

func (o *organization) must(err error) {
	o.Helper()
	if err != nil {
		o.Fatal(err)
	}
}

func (o *organization) refused(err error, code string) {
	o.Helper()
	var known smithy.APIError
	if !errors.As(err, &known) || known.ErrorCode() != code {
		o.Fatalf("got %v, want %s", err, code)
	}
}

// open makes an account and returns its number.
func (o *organization) open(name string) string {
	o.Helper()
	out, err := o.CreateAccount(o.Context(), &sdk.CreateAccountInput{AccountName: &name, Email: aws.String(name + "@localhost.localdomain")})
	o.must(err)
	done, err := o.DescribeCreateAccountStatus(o.Context(), &sdk.DescribeCreateAccountStatusInput{CreateAccountRequestId: out.CreateAccountStatus.Id})
	o.must(err)
	if s := done.CreateAccountStatus; s.State != types.CreateAccountStateSucceeded || *s.AccountName != name {
		o.Fatalf("account is %s: %s", s.State, s.FailureReason)
	}
	return *done.CreateAccountStatus.AccountId
}

// enter assumes the role through which the managing account administers a member.
func (o *organization) enter(cfg aws.Config, account string) (aws.Config, error) {
	out, err := sts.NewFromConfig(cfg).AssumeRole(o.Context(), &sts.AssumeRoleInput{
		RoleArn: aws.String("arn:aws:iam::" + account + ":role/OrganizationAccountAccessRole"), RoleSessionName: aws.String("admin"),
	})
	if err != nil {
		return cfg, err
	}
	return redoubttest.With(cfg, *out.Credentials.AccessKeyId, *out.Credentials.SecretAccessKey, *out.Credentials.SessionToken), nil
}

func (o *organization) mustEnter(account string) aws.Config {
	o.Helper()
	cfg, err := o.enter(o.cfg, account)
	o.must(err)
	return cfg
}

// user makes a user of an account.
func (o *organization) user(cfg aws.Config, name string, policies ...string) aws.Config {
	o.Helper()
	c := iam.NewFromConfig(cfg)
	_, err := c.CreateUser(o.Context(), &iam.CreateUserInput{UserName: &name})
	o.must(err)
	for _, p := range policies {
		_, err := c.AttachUserPolicy(o.Context(), &iam.AttachUserPolicyInput{UserName: &name, PolicyArn: &p})
		o.must(err)
	}
	key, err := c.CreateAccessKey(o.Context(), &iam.CreateAccessKeyInput{UserName: &name})
	o.must(err)
	return redoubttest.With(cfg, *key.AccessKey.AccessKeyId, *key.AccessKey.SecretAccessKey, "")
}

const administrator = "arn:aws:iam::aws:policy/AdministratorAccess"

func TestTheManagingAccountAdministersAnAccountThatItMade(t *testing.T) {
	o := start(t)
	number := o.open("dev")
	member := o.mustEnter(number)
	who, err := sts.NewFromConfig(member).GetCallerIdentity(t.Context(), &sts.GetCallerIdentityInput{})
	o.must(err)
	if *who.Arn != "arn:aws:sts::"+number+":assumed-role/OrganizationAccountAccessRole/admin" {
		t.Errorf("caller is %s", *who.Arn)
	}
	_, err = iam.NewFromConfig(member).CreateUser(t.Context(), &iam.CreateUserInput{UserName: aws.String("ann")})
	o.must(err)
	users, err := iam.NewFromConfig(o.cfg).ListUsers(t.Context(), &iam.ListUsersInput{})
	o.must(err)
	for _, u := range users.Users {
		if *u.UserName == "ann" {
			t.Error("the member's user is in the managing account")
		}
	}
}

func TestNothingElseCrossesBetweenAccounts(t *testing.T) {
	o := start(t)
	dev, prod := o.open("dev"), o.open("prod")
	_, err := o.enter(o.user(o.cfg, "nobody"), dev)
	o.refused(err, "AccessDenied")
	devAdmin := o.user(o.mustEnter(dev), "admin", administrator)
	_, err = o.enter(devAdmin, prod)
	o.refused(err, "AccessDenied")
	_, err = o.enter(devAdmin, dev) // trust is in the managing account alone
	o.refused(err, "AccessDenied")
	_, err = iam.NewFromConfig(o.cfg).CreateRole(t.Context(), &iam.CreateRoleInput{RoleName: aws.String("r"), AssumeRolePolicyDocument: aws.String(
		`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"` + prod + `"},"Action":"sts:AssumeRole"}]}`)})
	o.must(err)
	_, err = sts.NewFromConfig(devAdmin).AssumeRole(t.Context(), &sts.AssumeRoleInput{
		RoleArn: aws.String("arn:aws:iam::" + o.management + ":role/r"), RoleSessionName: aws.String("session"),
	})
	o.refused(err, "AccessDenied")
}

func TestMembersSeeTheOrganizationAndManageNothing(t *testing.T) {
	o := start(t)
	number := o.open("dev")
	member := sdk.NewFromConfig(o.user(o.mustEnter(number), "admin", administrator))
	out, err := member.DescribeOrganization(t.Context(), &sdk.DescribeOrganizationInput{})
	o.must(err)
	if *out.Organization.MasterAccountId != o.management {
		t.Errorf("managing account is %s", *out.Organization.MasterAccountId)
	}
	_, err = member.CreateAccount(t.Context(), &sdk.CreateAccountInput{AccountName: aws.String("mine"), Email: aws.String("mine@localhost.localdomain")})
	o.refused(err, "AccessDeniedException")
	_, err = member.ListAccounts(t.Context(), &sdk.ListAccountsInput{})
	o.refused(err, "AccessDeniedException")
	_, err = member.DescribeAccount(t.Context(), &sdk.DescribeAccountInput{AccountId: &number})
	o.refused(err, "AccessDeniedException")
}

func TestAStrangersAccountIsInNoOrganization(t *testing.T) {
	o := start(t)
	stranger := sdk.NewFromConfig(o.server.Account(t))
	_, err := stranger.DescribeOrganization(t.Context(), &sdk.DescribeOrganizationInput{})
	o.refused(err, "AWSOrganizationsNotInUseException")
	_, err = stranger.ListAccounts(t.Context(), &sdk.ListAccountsInput{})
	o.refused(err, "AWSOrganizationsNotInUseException")
}

func TestUsersNeedPermission(t *testing.T) {
	o := start(t)
	nobody := sdk.NewFromConfig(o.user(o.cfg, "nobody"))
	_, err := nobody.CreateAccount(t.Context(), &sdk.CreateAccountInput{AccountName: aws.String("mine"), Email: aws.String("mine@localhost.localdomain")})
	o.refused(err, "AccessDeniedException")
	_, err = nobody.ListAccounts(t.Context(), &sdk.ListAccountsInput{})
	o.refused(err, "AccessDeniedException")
}

func TestAccountsAreListedInPages(t *testing.T) {
	o := start(t)
	want := map[string]bool{o.management: true}
	for i := range 22 {
		want[o.open(fmt.Sprintf("account-%d", i))] = true
	}
	first, err := o.ListAccounts(t.Context(), &sdk.ListAccountsInput{})
	o.must(err)
	if len(first.Accounts) != 20 || *first.Accounts[0].Id != o.management {
		t.Errorf("first page has %d accounts", len(first.Accounts))
	}
	pages := sdk.NewListAccountsPaginator(o, &sdk.ListAccountsInput{MaxResults: aws.Int32(5)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(t.Context())
		o.must(err)
		if len(page.Accounts) > 5 {
			t.Errorf("page has %d accounts", len(page.Accounts))
		}
		for _, a := range page.Accounts {
			if !want[*a.Id] {
				t.Errorf("account %s is listed twice, or not one of ours", *a.Id)
			}
			delete(want, *a.Id)
		}
	}
	if len(want) > 0 {
		t.Errorf("not listed: %v", want)
	}
	_, err = o.ListAccounts(t.Context(), &sdk.ListAccountsInput{NextToken: aws.String("garbage")})
	o.refused(err, "InvalidInputException")
}

func TestAccountsAreDescribed(t *testing.T) {
	o := start(t)
	number := o.open("dev")
	out, err := o.DescribeAccount(t.Context(), &sdk.DescribeAccountInput{AccountId: &number})
	o.must(err)
	a := out.Account
	if *a.Name != "dev" || *a.Email != "dev@localhost.localdomain" || a.Status != types.AccountStatusActive || a.JoinedMethod != types.AccountJoinedMethodCreated {
		t.Errorf("got %s %s %s %s", *a.Name, *a.Email, a.Status, a.JoinedMethod)
	}
	_, err = o.DescribeAccount(t.Context(), &sdk.DescribeAccountInput{AccountId: aws.String("999999999999")})
	o.refused(err, "AccountNotFoundException")
	_, err = o.DescribeCreateAccountStatus(t.Context(), &sdk.DescribeCreateAccountStatusInput{CreateAccountRequestId: aws.String("car-0123456789abcdef")})
	o.refused(err, "CreateAccountStatusNotFoundException")
}

func TestNoTwoAccountsHaveTheSameAddress(t *testing.T) {
	o := start(t)
	o.open("dev")
	out, err := o.CreateAccount(t.Context(), &sdk.CreateAccountInput{AccountName: aws.String("again"), Email: aws.String("DEV@localhost.localdomain")})
	o.must(err)
	if s := out.CreateAccountStatus; s.State != types.CreateAccountStateFailed || s.FailureReason != types.CreateAccountFailureReasonEmailAlreadyExists || s.AccountId != nil {
		t.Errorf("got %s %s", s.State, s.FailureReason)
	}
}

func TestWhatIsNotSupportedIsRefused(t *testing.T) {
	o := start(t)
	_, err := o.CreateAccount(t.Context(), &sdk.CreateAccountInput{
		AccountName: aws.String("dev"), Email: aws.String("dev@localhost.localdomain"), RoleName: aws.String("Admin"),
	})
	o.refused(err, "InvalidInputException")
}
