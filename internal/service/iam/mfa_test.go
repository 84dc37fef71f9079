package iam_test

import (
	"bytes"
	"image/png"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/pquerna/otp/totp"
)

const (
	wrongCode = "MultiFactorAuthentication failed with invalid MFA one time pass code. "
	noDevice  = "MultiFactorAuthentication failed, unable to validate MFA code.  Please verify your MFA serial number is valid and associated with this user."
)

// codeAt is what a device shows some steps of 30 seconds from now.
func codeAt(t *testing.T, seed string, steps int) *string {
	t.Helper()
	code, err := totp.GenerateCode(seed, time.Now().Add(time.Duration(steps)*30*time.Second))
	must(t, err)
	return &code
}

// device makes a device and gives it to bob, with the codes of the two steps before now.
func (w *world) device() (serial *string, seed string) {
	w.t.Helper()
	out, err := w.CreateVirtualMFADevice(w.t.Context(), &iam.CreateVirtualMFADeviceInput{VirtualMFADeviceName: aws.String("phone")})
	must(w.t, err)
	serial, seed = out.VirtualMFADevice.SerialNumber, string(out.VirtualMFADevice.Base32StringSeed)
	if _, err := png.Decode(bytes.NewReader(out.VirtualMFADevice.QRCodePNG)); err != nil {
		w.t.Errorf("QR code is no picture: %v", err)
	}
	_, err = w.EnableMFADevice(w.t.Context(), &iam.EnableMFADeviceInput{
		UserName: aws.String("bob"), SerialNumber: serial,
		AuthenticationCode1: codeAt(w.t, seed, -2), AuthenticationCode2: codeAt(w.t, seed, -1),
	})
	must(w.t, err)
	return serial, seed
}

func TestACodeMakesASessionWithMFAAndIsGoodOnce(t *testing.T) {
	w := start(t)
	ctx := t.Context()
	bob := w.user("bob")
	w.allowUser("bob", `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"iam:ListUsers","Resource":"*","Condition":{"Bool":{"aws:MultiFactorAuthPresent":"true"}}}]}`)
	serial, seed := w.device()
	_, err := iam.NewFromConfig(bob).ListUsers(ctx, &iam.ListUsersInput{})
	refused(t, err, "AccessDenied", "")
	code := codeAt(t, seed, 1)
	out, err := sts.NewFromConfig(bob).GetSessionToken(ctx, &sts.GetSessionTokenInput{SerialNumber: serial, TokenCode: code})
	must(t, err)
	_, err = iam.NewFromConfig(session(w.cfg, out.Credentials)).ListUsers(ctx, &iam.ListUsersInput{})
	must(t, err)
	_, err = sts.NewFromConfig(bob).GetSessionToken(ctx, &sts.GetSessionTokenInput{SerialNumber: serial, TokenCode: code})
	refused(t, err, "AccessDenied", wrongCode)
}

func TestGuessingCodesIsSlowedDown(t *testing.T) {
	w := start(t)
	bob := sts.NewFromConfig(w.user("bob"))
	serial, seed := w.device()
	right := codeAt(t, seed, 1)
	wrong := []byte(*right)
	wrong[0] = '0' + (wrong[0]-'0'+1)%10
	try := func(code string) error {
		_, err := bob.GetSessionToken(t.Context(), &sts.GetSessionTokenInput{SerialNumber: serial, TokenCode: &code})
		return err
	}
	for range 5 {
		refused(t, try(string(wrong)), "AccessDenied", wrongCode)
	}
	refused(t, try(*right), "AccessDenied", wrongCode)
}

func TestADeviceWorksForItsUserOnly(t *testing.T) {
	w := start(t)
	w.user("bob")
	ann := sts.NewFromConfig(w.user("ann"))
	serial, seed := w.device()
	_, err := ann.GetSessionToken(t.Context(), &sts.GetSessionTokenInput{SerialNumber: serial, TokenCode: codeAt(t, seed, 0)})
	refused(t, err, "AccessDenied", noDevice)
	_, err = ann.GetSessionToken(t.Context(), &sts.GetSessionTokenInput{SerialNumber: aws.String(w.arn("mfa/none")), TokenCode: aws.String("123456")})
	refused(t, err, "AccessDenied", noDevice)
}

func TestADeviceIsEnabledWithTwoCodesInARow(t *testing.T) {
	w := start(t)
	ctx := t.Context()
	w.user("bob")
	out, err := w.CreateVirtualMFADevice(ctx, &iam.CreateVirtualMFADeviceInput{VirtualMFADeviceName: aws.String("phone")})
	must(t, err)
	serial, seed := out.VirtualMFADevice.SerialNumber, string(out.VirtualMFADevice.Base32StringSeed)
	enable := func(first, second *string) error {
		_, err := w.EnableMFADevice(ctx, &iam.EnableMFADeviceInput{
			UserName: aws.String("bob"), SerialNumber: serial, AuthenticationCode1: first, AuthenticationCode2: second,
		})
		return err
	}
	refused(t, enable(codeAt(t, seed, -1), codeAt(t, seed, -1)), "InvalidAuthenticationCode", "Authentication code for device is not valid.")
	must(t, enable(codeAt(t, seed, -1), codeAt(t, seed, 0)))
	_, err = w.DeleteVirtualMFADevice(ctx, &iam.DeleteVirtualMFADeviceInput{SerialNumber: serial})
	refused(t, err, "DeleteConflict", "MFA VirtualDevice in use. Must deactivate first.")
	list, err := w.ListVirtualMFADevices(ctx, &iam.ListVirtualMFADevicesInput{AssignmentStatus: types.AssignmentStatusTypeAssigned})
	must(t, err)
	if len(list.VirtualMFADevices) != 1 || *list.VirtualMFADevices[0].User.UserName != "bob" {
		t.Errorf("devices are %v", list.VirtualMFADevices)
	}
	_, err = w.DeactivateMFADevice(ctx, &iam.DeactivateMFADeviceInput{UserName: aws.String("bob"), SerialNumber: serial})
	must(t, err)
	_, err = w.DeleteVirtualMFADevice(ctx, &iam.DeleteVirtualMFADeviceInput{SerialNumber: serial})
	must(t, err)
}

func TestADeviceWhoseClockIsOffCanBeSynchronised(t *testing.T) {
	w := start(t)
	ctx := t.Context()
	bob := sts.NewFromConfig(w.user("bob"))
	serial, seed := w.device()
	token := func() error {
		_, err := bob.GetSessionToken(ctx, &sts.GetSessionTokenInput{SerialNumber: serial, TokenCode: codeAt(t, seed, 22)})
		return err
	}
	refused(t, token(), "AccessDenied", wrongCode)
	_, err := w.ResyncMFADevice(ctx, &iam.ResyncMFADeviceInput{
		UserName: aws.String("bob"), SerialNumber: serial, AuthenticationCode1: codeAt(t, seed, 20), AuthenticationCode2: codeAt(t, seed, 21),
	})
	must(t, err)
	must(t, token())
}
