package sts_test

import (
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	sdk "github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/pquerna/otp/totp"

	"redoubt/internal/api"
	"redoubt/internal/app"
	"redoubt/redoubttest"
)

// A device is a virtual MFA device of bob.
type device struct {
	t            *testing.T
	serial, seed string
}

func (a *account) device() *device {
	a.t.Helper()
	out, err := a.CreateVirtualMFADevice(a.t.Context(), &iam.CreateVirtualMFADeviceInput{VirtualMFADeviceName: aws.String("phone")})
	must(a.t, err)
	d := &device{a.t, *out.VirtualMFADevice.SerialNumber, string(out.VirtualMFADevice.Base32StringSeed)}
	_, err = a.EnableMFADevice(a.t.Context(), &iam.EnableMFADeviceInput{
		UserName: aws.String("bob"), SerialNumber: &d.serial, AuthenticationCode1: d.code(-2), AuthenticationCode2: d.code(-1),
	})
	must(a.t, err)
	return d
}

// code is what the device shows some steps of 30 seconds from now.
func (d *device) code(steps int) *string {
	d.t.Helper()
	code, err := totp.GenerateCode(d.seed, time.Now().Add(time.Duration(steps)*30*time.Second))
	must(d.t, err)
	return &code
}

func sessionToken(t *testing.T, cfg aws.Config, serial, code *string) (aws.Config, error) {
	t.Helper()
	out, err := sdk.NewFromConfig(cfg).GetSessionToken(t.Context(), &sdk.GetSessionTokenInput{SerialNumber: serial, TokenCode: code})
	if err != nil {
		return cfg, err
	}
	return as(cfg, out.Credentials), nil
}

// mayListKeys tells whether somebody may list KMS keys, and lists them.
func mayListKeys(t *testing.T, cfg aws.Config) error {
	t.Helper()
	_, err := kms.NewFromConfig(cfg).ListKeys(t.Context(), &kms.ListKeysInput{})
	return err
}

func TestAPolicyLetsOnlyASessionWithMFAThrough(t *testing.T) {
	t.Parallel()
	a := start(t)
	bob := a.user("bob", allow("kms:ListKeys", condition("Bool", "aws:MultiFactorAuthPresent", "true")))
	d := a.device()
	refused(t, mayListKeys(t, bob), "AccessDeniedException")
	without, err := sessionToken(t, bob, nil, nil)
	must(t, err)
	refused(t, mayListKeys(t, without), "AccessDeniedException")
	with, err := sessionToken(t, bob, &d.serial, d.code(1))
	must(t, err)
	must(t, mayListKeys(t, with))
}

func TestMFACodesAreCheckedAndGoodOnce(t *testing.T) {
	t.Parallel()
	a := start(t)
	bob := a.user("bob", "")
	d := a.device()
	code := d.code(1)
	_, err := sessionToken(t, bob, &d.serial, code)
	must(t, err)
	_, err = sessionToken(t, bob, &d.serial, code)
	refused(t, err, "AccessDenied", "MultiFactorAuthentication failed with invalid MFA one time pass code. ")
	_, err = sessionToken(t, bob, aws.String(a.arn("mfa/other")), d.code(1))
	refused(t, err, "AccessDenied")
	_, err = sessionToken(t, bob, &d.serial, nil)
	refused(t, err, "ValidationError")
	_, err = sessionToken(t, bob, nil, code)
	refused(t, err, "ValidationError")
}

func TestAPolicyTellsHowOldTheMFAMayBe(t *testing.T) {
	t.Parallel()
	s := redoubttest.Run(t, app.Config{})
	a := accountOf(t, s.Account(t))
	bob := whoIs(t, a.user("bob", allow("kms:ListKeys", condition("NumericLessThan", "aws:MultiFactorAuthAge", "300"))))
	session := api.Session{Kind: api.IAMUser, ARN: *bob.Arn, ID: *bob.UserId, Name: "bob", Issuer: *bob.Arn}
	refused(t, mayListKeys(t, issued(t, s, a.cfg, session, time.Now().Add(time.Hour))), "AccessDeniedException")
	session.MFA = time.Now().Add(-4 * time.Minute)
	must(t, mayListKeys(t, issued(t, s, a.cfg, session, time.Now().Add(time.Hour))))
	session.MFA = time.Now().Add(-6 * time.Minute)
	refused(t, mayListKeys(t, issued(t, s, a.cfg, session, time.Now().Add(time.Hour))), "AccessDeniedException")
}

func TestASessionTokenIsGoodForIAMWithMFAOnly(t *testing.T) {
	t.Parallel()
	a := start(t)
	bob := a.user("bob", allow("iam:ListUsers"))
	d := a.device()
	must(t, mayList(t, bob))
	without, err := sessionToken(t, bob, nil, nil)
	must(t, err)
	refused(t, mayList(t, without), "InvalidClientTokenId", invalid)
	with, err := sessionToken(t, bob, &d.serial, d.code(1))
	must(t, err)
	must(t, mayList(t, with))
}

func TestASessionTokenGetsNoFurtherTokensButAssumesRoles(t *testing.T) {
	t.Parallel()
	a := start(t)
	session, err := sessionToken(t, a.user("bob", allow("sts:*")), nil, nil)
	must(t, err)
	_, err = sessionToken(t, session, nil, nil)
	refused(t, err, "AccessDenied", "Cannot call GetSessionToken with session credentials")
	_, err = sdk.NewFromConfig(session).GetFederationToken(t.Context(), &sdk.GetFederationTokenInput{Name: aws.String("alice")})
	refused(t, err, "AccessDenied", "Cannot call GetFederationToken with session credentials")
	_, err = sdk.NewFromConfig(session).GetAccessKeyInfo(t.Context(), &sdk.GetAccessKeyInfoInput{AccessKeyId: aws.String("AKIAIOSFODNN7EXAMPLE")})
	refused(t, err, "AccessDenied")
	mustAssume(t, session, a.role("r", trusting(a.arn("user/bob")), ""))
}

func TestARoleCanDemandMFAOfWhoAssumesIt(t *testing.T) {
	t.Parallel()
	a := start(t)
	present := condition("Bool", "aws:MultiFactorAuthPresent", "true")
	bob := a.user("bob", "")
	d := a.device()
	role := a.role("r", trusting(a.arn("user/bob"), present), document(statement("Allow", "iam:ListUsers"), statement("Allow", "iam:ListRoles", present)))
	_, err := assume(t, bob, role)
	refused(t, err, "AccessDenied")
	code := d.code(1)
	giving := func(code *string) func(*sdk.AssumeRoleInput) {
		return func(in *sdk.AssumeRoleInput) { in.SerialNumber, in.TokenCode = &d.serial, code }
	}
	_, err = assume(t, bob, a.role("other", trusting(a.arn("user/operator")), ""), giving(code)) // who may not spends no code
	refused(t, err, "AccessDenied")
	session := mustAssume(t, bob, role, giving(code))
	_, err = assume(t, bob, role, giving(code))
	refused(t, err, "AccessDenied", "MultiFactorAuthentication failed with invalid MFA one time pass code. ")

	must(t, mayList(t, session))
	refused(t, mayListRoles(t, session), "AccessDenied") // policies of the role do not see the code
}

func TestASessionWithMFAAssumesARoleThatDemandsIt(t *testing.T) {
	t.Parallel()
	a := start(t)
	bob := a.user("bob", "")
	d := a.device()
	role := a.role("r", trusting(a.arn("user/bob"), condition("Bool", "aws:MultiFactorAuthPresent", "true")), "")
	with, err := sessionToken(t, bob, &d.serial, d.code(1))
	must(t, err)
	mustAssume(t, with, role)
}
