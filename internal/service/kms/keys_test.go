package kms_test

import (
	"fmt"
	"testing"
	"time"

	sdk "github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"
)

func TestNewKeyIsDescribedAsAWSDoes(t *testing.T) {
	t.Parallel()
	a := start(t)
	made, err := a.CreateKey(ctx, &sdk.CreateKeyInput{Description: ptr("test key 123")})
	must(t, err)
	out, err := a.DescribeKey(ctx, &sdk.DescribeKeyInput{KeyId: made.KeyMetadata.KeyId})
	must(t, err)
	m := out.KeyMetadata
	got := fmt.Sprintln(*m.AWSAccountId, *m.Arn, m.CustomerMasterKeySpec, *m.Description, m.Enabled, m.EncryptionAlgorithms,
		m.KeyManager, m.KeySpec, m.KeyState, m.KeyUsage, *m.MultiRegion, m.Origin, m.DeletionDate, len(*m.CurrentKeyMaterialId))
	want := fmt.Sprintln(a.account, a.arnOf("key/"+*m.KeyId), "SYMMETRIC_DEFAULT", "test key 123", true, []string{"SYMMETRIC_DEFAULT"},
		"CUSTOMER", "SYMMETRIC_DEFAULT", "Enabled", "ENCRYPT_DECRYPT", false, "AWS_KMS", nil, 64)
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestKeysThatCannotBeAreRefused(t *testing.T) {
	t.Parallel()
	a := start(t)
	const noUsage = "You must specify a KeyUsage value for all KMS keys except for symmetric encryption keys."
	for _, c := range []struct {
		in            sdk.CreateKeyInput
		code, message string
	}{
		{sdk.CreateKeyInput{KeySpec: "ECC_SECG_P256K1", KeyUsage: "SIGN_VERIFY"}, "UnsupportedOperationException", "KeySpec ECC_SECG_P256K1 is not supported by Redoubt."},
		{sdk.CreateKeyInput{KeySpec: "ML_DSA_65", KeyUsage: "SIGN_VERIFY"}, "UnsupportedOperationException", "KeySpec ML_DSA_65 is not supported by Redoubt."},
		{sdk.CreateKeyInput{KeySpec: "ML_KEM_512", KeyUsage: "ENCAPSULATE_DECAPSULATE"}, "UnsupportedOperationException", "KeySpec ML_KEM_512 is not supported by Redoubt."},
		{sdk.CreateKeyInput{KeySpec: "SM2", KeyUsage: "SIGN_VERIFY"}, "UnsupportedOperationException", "KeySpec SM2 is not supported by Redoubt."},
		{sdk.CreateKeyInput{KeySpec: "RSA_2048"}, "ValidationException", noUsage},
		{sdk.CreateKeyInput{KeySpec: "HMAC_256"}, "ValidationException", noUsage},
		{sdk.CreateKeyInput{KeyUsage: "SIGN_VERIFY"}, "ValidationException", "KeyUsage SIGN_VERIFY is not compatible with KeySpec SYMMETRIC_DEFAULT"},
		{sdk.CreateKeyInput{KeySpec: "RSA_2048", KeyUsage: "KEY_AGREEMENT"}, "ValidationException", "KeyUsage KEY_AGREEMENT is not compatible with KeySpec RSA_2048"},
		{sdk.CreateKeyInput{KeySpec: "ECC_NIST_P256", KeyUsage: "ENCRYPT_DECRYPT"}, "ValidationException", "KeyUsage ENCRYPT_DECRYPT is not compatible with KeySpec ECC_NIST_P256"},
		{sdk.CreateKeyInput{KeySpec: "ECC_NIST_EDWARDS25519", KeyUsage: "KEY_AGREEMENT"}, "ValidationException", "..."},
		{sdk.CreateKeyInput{KeySpec: "ML_KEM_768", KeyUsage: "ENCAPSULATE_DECAPSULATE", Origin: "EXTERNAL"}, "UnsupportedOperationException", "Origin EXTERNAL is not supported for key spec ML_KEM_768."},
		{sdk.CreateKeyInput{Origin: "EXTERNAL_KEY_STORE"}, "UnsupportedOperationException", "Origin EXTERNAL_KEY_STORE is not supported by Redoubt."},
		{sdk.CreateKeyInput{Origin: "AWS_CLOUDHSM", CustomKeyStoreId: ptr("cks-1")}, "UnsupportedOperationException", "Custom key stores are not supported by Redoubt."},
		{sdk.CreateKeyInput{KeySpec: "SYMMETRIC_DEFAULT", CustomerMasterKeySpec: "SYMMETRIC_DEFAULT"}, "ValidationException", "You cannot specify KeySpec and CustomerMasterKeySpec in the same request. CustomerMasterKeySpec is deprecated."},
	} {
		_, err := a.CreateKey(ctx, &c.in)
		refused(t, err, c.code, c.message)
	}
}

func TestCustomKeyStoresAreUnknown(t *testing.T) {
	t.Parallel()
	a := start(t)
	_, err := a.DescribeCustomKeyStores(ctx, &sdk.DescribeCustomKeyStoresInput{})
	refused(t, err, "UnknownOperationException", "...")
}

func TestDisabledKeyRefusesTheNextCall(t *testing.T) {
	t.Parallel()
	a := start(t)
	key := a.createKey(t, "")
	b := a.mustEncrypt(t, key)
	_, err := a.DisableKey(ctx, &sdk.DisableKeyInput{KeyId: &key})
	must(t, err)
	_, err = a.encrypt(key)
	refused(t, err, "DisabledException", key+" is disabled.")
	_, err = a.decrypt(b)
	refused(t, err, "DisabledException", key+" is disabled.")
	_, err = a.EnableKeyRotation(ctx, &sdk.EnableKeyRotationInput{KeyId: &key})
	refused(t, err, "DisabledException", key+" is disabled.")
	_, err = a.EnableKey(ctx, &sdk.EnableKeyInput{KeyId: &key})
	must(t, err)
	if _, err := a.decrypt(b); err != nil {
		t.Error(err)
	}
}

func TestKeyPendingDeletionRefusesWhatWouldUseOrChangeIt(t *testing.T) {
	t.Parallel()
	a := start(t)
	key := a.createKey(t, "")
	b := a.mustEncrypt(t, key)
	out, err := a.ScheduleKeyDeletion(ctx, &sdk.ScheduleKeyDeletionInput{KeyId: ptr(idOf(key)), PendingWindowInDays: ptr(int32(7))})
	must(t, err)
	if d := time.Until(*out.DeletionDate); *out.KeyId != key || out.KeyState != "PendingDeletion" || d > 7*24*time.Hour || d < 7*24*time.Hour-time.Hour {
		t.Errorf("got %s, %s in %s", *out.KeyId, out.KeyState, d)
	}
	_, decrypting := a.decrypt(b)
	_, enabling := a.EnableKey(ctx, &sdk.EnableKeyInput{KeyId: &key})
	_, disabling := a.DisableKey(ctx, &sdk.DisableKeyInput{KeyId: &key})
	_, tagging := a.TagResource(ctx, &sdk.TagResourceInput{KeyId: &key, Tags: []types.Tag{{TagKey: ptr("a"), TagValue: ptr("b")}}})
	_, naming := a.CreateAlias(ctx, &sdk.CreateAliasInput{AliasName: ptr("alias/x"), TargetKeyId: &key})
	_, describing := a.UpdateKeyDescription(ctx, &sdk.UpdateKeyDescriptionInput{KeyId: &key, Description: ptr("x")})
	_, rotating := a.RotateKeyOnDemand(ctx, &sdk.RotateKeyOnDemandInput{KeyId: &key})
	_, again := a.ScheduleKeyDeletion(ctx, &sdk.ScheduleKeyDeletionInput{KeyId: &key})
	for _, err := range []error{decrypting, enabling, disabling, tagging, naming, describing, rotating, again} {
		refused(t, err, "KMSInvalidStateException", key+" is pending deletion.")
	}
	_, err = a.CancelKeyDeletion(ctx, &sdk.CancelKeyDeletionInput{KeyId: &key})
	must(t, err)
	if s := a.state(t, key); s != types.KeyStateDisabled {
		t.Errorf("a key whose deletion was cancelled is %s", s)
	}
	_, err = a.CancelKeyDeletion(ctx, &sdk.CancelKeyDeletionInput{KeyId: &key})
	refused(t, err, "KMSInvalidStateException", key+" is not pending deletion.")
}

func TestDeletionWaitsSevenToThirtyDays(t *testing.T) {
	t.Parallel()
	a := start(t)
	key := a.createKey(t, "")
	for _, days := range []int32{6, 31} {
		_, err := a.ScheduleKeyDeletion(ctx, &sdk.ScheduleKeyDeletionInput{KeyId: &key, PendingWindowInDays: &days})
		refused(t, err, "ValidationException", "...")
	}
}

func TestListKeysPages(t *testing.T) {
	t.Parallel()
	a := start(t)
	want := map[string]bool{}
	for range 5 {
		want[a.createKey(t, "")] = true
	}
	pages := 0
	for p := sdk.NewListKeysPaginator(a, &sdk.ListKeysInput{Limit: ptr(int32(2))}); p.HasMorePages(); pages++ {
		out, err := p.NextPage(ctx)
		must(t, err)
		for _, k := range out.Keys {
			delete(want, *k.KeyArn)
		}
	}
	if pages != 3 || len(want) > 0 {
		t.Errorf("after %d pages, %d keys are missing", pages, len(want))
	}
	_, err := a.ListKeys(ctx, &sdk.ListKeysInput{Marker: ptr("!")})
	refused(t, err, "InvalidMarkerException", "...")
}

func TestAliasesAreRefusedWhereAWSRefusesThem(t *testing.T) {
	t.Parallel()
	a := start(t)
	key := a.createKey(t, "")
	_, err := a.CreateAlias(ctx, &sdk.CreateAliasInput{AliasName: ptr("alias/x"), TargetKeyId: &key})
	must(t, err)
	for _, name := range []string{"alias/x", a.arnOf("alias/x")} {
		_, reading := a.GetKeyPolicy(ctx, &sdk.GetKeyPolicyInput{KeyId: &name})
		_, disabling := a.DisableKey(ctx, &sdk.DisableKeyInput{KeyId: &name})
		_, granting := a.CreateGrant(ctx, &sdk.CreateGrantInput{KeyId: &name, GranteePrincipal: &a.arn, Operations: []types.GrantOperation{"Encrypt"}})
		for _, err := range []error{reading, disabling, granting} {
			refused(t, err, "InvalidArnException", "Key Aliases are not supported for this operation.")
		}
	}
}

func TestTagsFollowAWSRules(t *testing.T) {
	t.Parallel()
	a := start(t)
	tag := func(k, v string) types.Tag { return types.Tag{TagKey: &k, TagValue: &v} }
	made, err := a.CreateKey(ctx, &sdk.CreateKeyInput{Tags: []types.Tag{tag("b", "2"), tag("a", "1")}})
	must(t, err)
	key := made.KeyMetadata.KeyId
	_, err = a.TagResource(ctx, &sdk.TagResourceInput{KeyId: key, Tags: []types.Tag{tag("a", "one"), tag("c", "")}})
	must(t, err)
	_, err = a.UntagResource(ctx, &sdk.UntagResourceInput{KeyId: key, TagKeys: []string{"b", "none"}})
	must(t, err)
	out, err := a.ListResourceTags(ctx, &sdk.ListResourceTagsInput{KeyId: key})
	must(t, err)
	if len(out.Tags) != 2 || *out.Tags[0].TagValue != "one" || *out.Tags[1].TagKey != "c" {
		t.Errorf("got %+v", out.Tags)
	}
	put := func(tags ...types.Tag) error {
		_, err := a.TagResource(ctx, &sdk.TagResourceInput{KeyId: key, Tags: tags})
		return err
	}
	refused(t, put(tag("AWS:x", "")), "TagException", "Tags beginning with aws: are reserved")
	refused(t, put(tag("x", ""), tag("x", "")), "TagException", "Duplicate tag keys")
	refused(t, put(tag("x<", "")), "TagException", "...")
	var many []types.Tag
	for i := range 49 {
		many = append(many, tag(fmt.Sprint("k", i), ""))
	}
	refused(t, put(many...), "TagException", "Too many tags")
}

func TestTagDecidesAccess(t *testing.T) {
	t.Parallel()
	a := start(t)
	key := a.createKey(t, "")
	u := a.user(t, "u", `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"kms:Encrypt","Resource":"*","Condition":{"StringEquals":{"aws:ResourceTag/team":"blue"}}}]}`)
	_, err := u.encrypt(key)
	refused(t, err, "AccessDeniedException", "...")
	_, err = a.TagResource(ctx, &sdk.TagResourceInput{KeyId: &key, Tags: []types.Tag{{TagKey: ptr("team"), TagValue: ptr("blue")}}})
	must(t, err)
	_, err = u.encrypt(key)
	must(t, err)
}
