package s3_test

import (
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/pquerna/otp/totp"

	"redoubt/internal/app"
	"redoubt/redoubttest"
)

func TestVersionsGoOnlyWithACodeWhereTheRootUserSaysSo(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	server := redoubttest.Run(t, app.Config{Data: dir})
	keys, err := app.ReadClient(t.Context(), dir, "")
	ok(t, err)
	root := server.Config(t, keys.Root.AccessKey, keys.Root.SecretKey, "")
	users := iam.NewFromConfig(root)
	device, err := users.CreateVirtualMFADevice(t.Context(), &iam.CreateVirtualMFADeviceInput{VirtualMFADeviceName: aws.String("root")})
	ok(t, err)
	serial := device.VirtualMFADevice.SerialNumber
	code := func(steps int) *string {
		c, err := totp.GenerateCode(string(device.VirtualMFADevice.Base32StringSeed), time.Now().Add(time.Duration(steps)*30*time.Second))
		ok(t, err)
		return &c
	}
	who, err := users.GetUser(t.Context(), &iam.GetUserInput{})
	ok(t, err)
	_, err = users.EnableMFADevice(t.Context(), &iam.EnableMFADeviceInput{UserName: who.User.UserName, SerialNumber: serial, AuthenticationCode1: code(-2), AuthenticationCode2: code(-1)})
	ok(t, err)
	with := func(steps int) *string { return aws.String(*serial + " " + *code(steps)) }

	c, operator := client(root), client(server.Config(t, keys.Operator.AccessKey, keys.Operator.SecretKey, ""))
	b := bucket(t, c)
	guard := func(c *s3.Client, mfa *string) error {
		_, err := c.PutBucketVersioning(t.Context(), &s3.PutBucketVersioningInput{Bucket: b, MFA: mfa, VersioningConfiguration: &types.VersioningConfiguration{
			Status: types.BucketVersioningStatusEnabled, MFADelete: types.MFADeleteEnabled,
		}})
		return err
	}
	must(t, guard(c, nil), "AccessDenied")
	must(t, guard(operator, nil), "AccessDenied")
	ok(t, guard(c, with(0)))
	v := put(t, operator, b, "k", "x").VersionId
	remove := func(mfa *string) error {
		_, err := c.DeleteObject(t.Context(), &s3.DeleteObjectInput{Bucket: b, Key: aws.String("k"), VersionId: v, MFA: mfa})
		return err
	}
	must(t, remove(nil), "AccessDenied")
	ok(t, tryGet(t, c, b, "k"))
	_, err = c.DeleteObject(t.Context(), &s3.DeleteObjectInput{Bucket: b, Key: aws.String("k")}) // a marker takes no code
	ok(t, err)
	ok(t, remove(with(1)))
}
