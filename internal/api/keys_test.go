package api

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"

	"redoubt/internal/policy"
)

var noon = time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)

func user() *Caller {
	return &Caller{
		Kind: IAMUser, Account: "111122223333", ID: "AIDAX", Name: "ann", Region: "us-east-1",
		Principal: policy.Principal{ARN: "arn:aws:iam::111122223333:user/ann", Account: "111122223333"},
		Request:   Request{SourceIP: "10.1.2.3", UserAgent: "cli", Secure: true, Time: noon},
	}
}

func session() *Caller {
	s := &Session{
		Kind: AssumedRole, ARN: "arn:aws:sts::111122223333:assumed-role/r/s", ID: "AROAX:s", Issuer: "arn:aws:iam::111122223333:role/r",
		Issued: noon.Add(-time.Hour), MFA: noon.Add(-time.Minute), Tags: map[string]string{"Team": "session"}, Identity: "ann",
	}
	c := s.Caller()
	c.Request.Time = noon
	return c
}

func userSession() *Caller {
	c := (&Session{Kind: IAMUser, ARN: "arn:aws:iam::111122223333:user/ann", ID: "AIDAX", Name: "ann", MFA: noon.Add(-time.Minute)}).Caller()
	c.Request.Time = noon
	return c
}

// The global condition keys of every call; an empty want means that the key is absent.
func TestGlobalConditionKeys(t *testing.T) {
	via := *user()
	via.Via = []string{"lambda.amazonaws.com", "kms.amazonaws.com"}
	service := CallerOf(As(context.Background(), "s3.amazonaws.com", "arn:aws:s3:us-east-1:111122223333:b"))
	for _, test := range []struct {
		caller *Caller
		key    string
		want   []string
	}{
		{user(), "aws:sourceip", []string{"10.1.2.3"}},
		{user(), "aws:securetransport", []string{"true"}},
		{user(), "aws:useragent", []string{"cli"}},
		{user(), "aws:referer", nil},
		{user(), "aws:currenttime", []string{"2026-05-01T12:00:00Z"}},
		{user(), "aws:epochtime", []string{"1777636800"}},
		{user(), "aws:requestedregion", []string{"us-east-1"}},
		{user(), "aws:principalarn", []string{"arn:aws:iam::111122223333:user/ann"}},
		{user(), "aws:principalaccount", []string{"111122223333"}},
		{user(), "aws:principaltype", []string{"User"}},
		{user(), "aws:principaltag/team", []string{"identity"}},
		{user(), "aws:userid", []string{"AIDAX"}},
		{user(), "aws:username", []string{"ann"}},
		{user(), "aws:viaawsservice", []string{"false"}},
		{user(), "aws:principalisawsservice", []string{"false"}},
		{user(), "aws:resourceaccount", []string{"444455556666"}},
		{user(), "aws:resourcetag/owner", []string{"bob"}},
		{user(), "kms:resourcetag/owner", []string{"bob"}},
		{user(), "aws:requesttag/cost", []string{"7"}},
		{user(), "aws:tagkeys", []string{"Cost"}},
		{user(), "kms:keyspec", []string{"SYMMETRIC_DEFAULT"}},
		{user(), "aws:multifactorauthpresent", nil}, // absent, not false, for long-term keys
		{user(), "aws:multifactorauthage", nil},
		{user(), "aws:tokenissuetime", nil},
		{user(), "aws:sourcearn", nil},
		{user(), "aws:calledvia", nil},
		{user(), "aws:nosuchkey", nil},
		{session(), "aws:principalarn", []string{"arn:aws:iam::111122223333:role/r"}},
		{session(), "aws:principaltype", []string{"AssumedRole"}},
		{session(), "aws:username", nil},
		{session(), "aws:userid", []string{"AROAX:s"}},
		{session(), "aws:multifactorauthpresent", []string{"false"}}, // a role's session does not show the code given for it
		{session(), "aws:multifactorauthage", nil},
		{userSession(), "aws:multifactorauthpresent", []string{"true"}},
		{userSession(), "aws:multifactorauthage", []string{"60"}},
		{session(), "aws:tokenissuetime", []string{"2026-05-01T11:00:00Z"}},
		{session(), "aws:sourceidentity", []string{"ann"}},
		{session(), "aws:principaltag/team", []string{"session"}}, // over the role's
		{&via, "aws:sourceip", nil},
		{&via, "aws:viaawsservice", []string{"true"}},
		{&via, "aws:calledvia", []string{"lambda.amazonaws.com", "kms.amazonaws.com"}},
		{&via, "aws:calledviafirst", []string{"lambda.amazonaws.com"}},
		{&via, "aws:calledvialast", []string{"kms.amazonaws.com"}},
		{service, "aws:sourcearn", []string{"arn:aws:s3:us-east-1:111122223333:b"}},
		{service, "aws:sourceaccount", []string{"111122223333"}},
		{service, "aws:principalservicename", []string{"s3.amazonaws.com"}},
		{service, "aws:principalisawsservice", []string{"true"}},
		{service, "aws:sourceip", nil},
	} {
		f := &facts{
			caller: test.caller, identity: &Identity{Tags: map[string]string{"team": "identity"}},
			resource: &Resource{
				ARN: "arn:aws:kms:us-east-1:444455556666:key/k", Account: "444455556666", Tags: map[string]string{"Owner": "bob"},
				Keys: policy.MapKeys{"kms:keyspec": {"SYMMETRIC_DEFAULT"}},
			},
			in: &kms.CreateKeyInput{Tags: []types.Tag{{TagKey: aws.String("Cost"), TagValue: aws.String("7")}}},
		}
		got, ok := f.Lookup(test.key)
		if !slices.Equal(got, test.want) || ok != (test.want != nil) {
			t.Errorf("%s of %s: got %q, %v, want %q", test.key, test.caller.Kind, got, ok, test.want)
		}
	}
}

func TestAccessKeyTellsItsAccount(t *testing.T) {
	for _, account := range []string{"000000000001", "123456789012", "999999999999"} {
		id := NewKeyID("AKIA", account)
		if got := AccountOfKey(id); got != account || len(id) != 20 {
			t.Errorf("key %s of %s is read as of %q", id, account, got)
		}
	}
	if got := AccountOfKey("AKIA"); got != "" {
		t.Errorf("got %q from no key", got)
	}
}

func TestIdentifiersHaveTheirForm(t *testing.T) {
	if id := NewID("AROA"); len(id) != 21 || id[:4] != "AROA" {
		t.Errorf("unique id %q is not 21 characters long", id)
	}
	if s := NewSecretKey(); len(s) != 40 {
		t.Errorf("secret has %d characters, want 40", len(s))
	}
}
