package sts_test

import (
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	sdk "github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/aws-sdk-go-v2/service/sts/types"
)

func federate(t *testing.T, cfg aws.Config, policy string, tags ...types.Tag) (aws.Config, error) {
	t.Helper()
	in := &sdk.GetFederationTokenInput{Name: aws.String("alice"), Tags: tags}
	if policy != "" {
		in.Policy = &policy
	}
	out, err := sdk.NewFromConfig(cfg).GetFederationToken(t.Context(), in)
	if err != nil {
		return cfg, err
	}
	return as(cfg, out.Credentials), nil
}

func mayListAliases(t *testing.T, cfg aws.Config) error {
	t.Helper()
	_, err := kms.NewFromConfig(cfg).ListAliases(t.Context(), &kms.ListAliasesInput{})
	return err
}

func TestAFederatedUserHasWhatTheUserAndTheSessionPolicyShare(t *testing.T) {
	t.Parallel()
	a := start(t)
	bob := a.user("bob", allow("sts:GetFederationToken kms:ListKeys"))
	alice, err := federate(t, bob, allow("kms:ListKeys kms:ListAliases"))
	must(t, err)
	must(t, mayListKeys(t, alice))
	refused(t, mayListAliases(t, alice), "AccessDeniedException")
	_, err = a.DeleteUserPolicy(t.Context(), &iam.DeleteUserPolicyInput{UserName: aws.String("bob"), PolicyName: aws.String("p")})
	must(t, err)
	refused(t, mayListKeys(t, alice), "AccessDeniedException")
}

func TestAFederatedUserWithoutPoliciesHasWhatResourcesGrant(t *testing.T) {
	t.Parallel()
	a := start(t)
	alice, err := federate(t, a.user("bob", allow("sts:GetFederationToken kms:*")), "")
	must(t, err)
	refused(t, mayListKeys(t, alice), "AccessDeniedException")
	admin := kms.NewFromConfig(a.cfg)
	policy := document(`{"Effect":"Allow","Principal":{"AWS":"`+a.arn("root")+`"},"Action":"kms:*","Resource":"*"}`,
		`{"Effect":"Allow","Principal":{"AWS":"arn:aws:sts::`+a.id+`:federated-user/alice"},"Action":"kms:DescribeKey","Resource":"*"}`)
	key, err := admin.CreateKey(t.Context(), &kms.CreateKeyInput{Policy: &policy})
	must(t, err)
	_, err = kms.NewFromConfig(alice).DescribeKey(t.Context(), &kms.DescribeKeyInput{KeyId: key.KeyMetadata.KeyId})
	must(t, err)
	_, err = kms.NewFromConfig(alice).GetKeyPolicy(t.Context(), &kms.GetKeyPolicyInput{KeyId: key.KeyMetadata.KeyId})
	refused(t, err, "AccessDeniedException")
}

func TestFederationNeedsPermissionForTheNameAndForTags(t *testing.T) {
	t.Parallel()
	a := start(t)
	_, err := federate(t, a.user("nobody", ""), "")
	refused(t, err, "AccessDenied")
	bob := a.user("bob", allow("sts:GetFederationToken"))
	_, err = federate(t, bob, "", tag("team", "red"))
	refused(t, err, "AccessDenied")
	carl := a.user("carl", allow("sts:GetFederationToken sts:TagSession kms:ListKeys", condition("StringEqualsIfExists", "aws:PrincipalTag/team", "red")))
	alice, err := federate(t, carl, allow("kms:*"), tag("team", "red"))
	must(t, err)
	must(t, mayListKeys(t, alice))
}

func TestAFederatedUserGetsNothingFromIAMAndOnlyItsNameFromSTS(t *testing.T) {
	t.Parallel()
	a := start(t)
	alice, err := federate(t, a.cfg, allow("*"))
	must(t, err)
	must(t, mayListKeys(t, alice))
	refused(t, mayList(t, alice), "InvalidClientTokenId", invalid)
	_, err = assume(t, alice, a.role("r", trusting(a.arn("root")), ""))
	refused(t, err, "AccessDenied", "Cannot call AssumeRole with session credentials")
	_, err = federate(t, alice, "")
	refused(t, err, "AccessDenied")
	whoIs(t, alice)
}

func TestARoleCannotGetTheTokensOfUsers(t *testing.T) {
	t.Parallel()
	a := start(t)
	session := mustAssume(t, a.user("bob", ""), a.role("r", trusting(a.arn("user/bob")), allow("sts:*")))
	_, err := federate(t, session, "")
	refused(t, err, "AccessDenied", "Cannot call GetFederationToken with session credentials")
	_, err = sessionToken(t, session, nil, nil)
	refused(t, err, "AccessDenied", "Cannot call GetSessionToken with session credentials")
}

func TestTokensOfUsersLastAsAskedAndTwelveHoursOtherwise(t *testing.T) {
	t.Parallel()
	a := start(t)
	client := sdk.NewFromConfig(a.user("bob", allow("sts:*")))
	lasts := func(seconds *int32, want time.Duration) {
		t.Helper()
		before := time.Now()
		out, err := client.GetSessionToken(t.Context(), &sdk.GetSessionTokenInput{DurationSeconds: seconds})
		must(t, err)
		if got := out.Credentials.Expiration.Sub(before); got < want-2*time.Second || got > want+time.Minute {
			t.Errorf("lasts %s, want %s", got, want)
		}
	}
	lasts(nil, 12*time.Hour)
	lasts(aws.Int32(900), 15*time.Minute)
	lasts(aws.Int32(129600), 36*time.Hour)
	_, err := client.GetSessionToken(t.Context(), &sdk.GetSessionTokenInput{DurationSeconds: aws.Int32(129601)})
	refused(t, err, "ValidationError")
}
