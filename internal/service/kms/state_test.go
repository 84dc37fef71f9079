package kms_test

import (
	"testing"

	sdk "github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"
)

// A stateCase is a row of AWS's table of key states: what an operation answers about a key that is disabled, pending
// deletion, and pending import. "" is success.
// https://docs.aws.amazon.com/kms/latest/developerguide/key-state.html
type stateCase struct {
	operation                     string
	spec                          types.KeySpec
	usage                         types.KeyUsageType
	call                          func(p *principal, key string) error
	disabled, deletion, wantsData string
}

const (
	isDisabled  = "DisabledException"
	isInvalid   = "KMSInvalidStateException"
	isUnfit     = "UnsupportedOperationException"
	notImported = "-" // there is no such key
)

var stateCases = []stateCase{
	{"CreateAlias", "", "", func(p *principal, k string) error {
		_, err := p.CreateAlias(ctx, &sdk.CreateAliasInput{AliasName: ptr("alias/" + idOf(k)), TargetKeyId: &k})
		return err
	}, "", isInvalid, ""},
	{"CreateGrant", "", "", func(p *principal, k string) error {
		_, err := p.grant(k, p.arn, nil, "Encrypt")
		return err
	}, isDisabled, isInvalid, isInvalid},
	{"Encrypt", "", "", func(p *principal, k string) error { _, err := p.encrypt(k); return err }, isDisabled, isInvalid, isInvalid},
	{"GenerateDataKey", "", "", func(p *principal, k string) error {
		_, err := p.GenerateDataKey(ctx, &sdk.GenerateDataKeyInput{KeyId: &k, KeySpec: "AES_256"})
		return err
	}, isDisabled, isInvalid, isInvalid},
	{"GenerateDataKeyWithoutPlaintext", "", "", func(p *principal, k string) error {
		_, err := p.GenerateDataKeyWithoutPlaintext(ctx, &sdk.GenerateDataKeyWithoutPlaintextInput{KeyId: &k, KeySpec: "AES_256"})
		return err
	}, isDisabled, isInvalid, isInvalid},
	{"GenerateDataKeyPair", "", "", func(p *principal, k string) error {
		_, err := p.GenerateDataKeyPair(ctx, &sdk.GenerateDataKeyPairInput{KeyId: &k, KeyPairSpec: "ECC_NIST_P256"})
		return err
	}, isDisabled, isInvalid, isInvalid},
	{"GenerateDataKeyPairWithoutPlaintext", "", "", func(p *principal, k string) error {
		_, err := p.GenerateDataKeyPairWithoutPlaintext(ctx, &sdk.GenerateDataKeyPairWithoutPlaintextInput{KeyId: &k, KeyPairSpec: "ECC_NIST_P256"})
		return err
	}, isDisabled, isInvalid, isInvalid},
	{"ReEncrypt", "", "", func(p *principal, k string) error {
		_, err := p.ReEncrypt(ctx, &sdk.ReEncryptInput{SourceKeyId: &k, DestinationKeyId: &k, DryRun: ptr(true), DryRunModifiers: []types.DryRunModifierType{"IGNORE_CIPHERTEXT"}})
		return err
	}, isDisabled, isInvalid, isInvalid},
	{"Decrypt", "", "", func(p *principal, k string) error {
		_, err := p.Decrypt(ctx, &sdk.DecryptInput{KeyId: &k, DryRun: ptr(true), DryRunModifiers: []types.DryRunModifierType{"IGNORE_CIPHERTEXT"}})
		return err
	}, isDisabled, isInvalid, isInvalid},
	{"GenerateMac", "HMAC_256", "GENERATE_VERIFY_MAC", func(p *principal, k string) error {
		_, err := p.macOf(k, "HMAC_SHA_256", []byte("x"))
		return err
	}, isDisabled, isInvalid, isInvalid},
	{"VerifyMac", "HMAC_256", "GENERATE_VERIFY_MAC", func(p *principal, k string) error {
		_, err := p.VerifyMac(ctx, &sdk.VerifyMacInput{KeyId: &k, MacAlgorithm: "HMAC_SHA_256", Message: []byte("x"), Mac: []byte("x")})
		return err
	}, isDisabled, isInvalid, isInvalid},
	{"Sign", "ECC_NIST_P256", "SIGN_VERIFY", func(p *principal, k string) error {
		_, err := p.sign(k, "ECDSA_SHA_256", "", []byte("x"))
		return err
	}, isDisabled, isInvalid, isInvalid},
	{"Verify", "ECC_NIST_P256", "SIGN_VERIFY", func(p *principal, k string) error {
		return p.verify(k, "ECDSA_SHA_256", "", []byte("x"), []byte("x"))
	}, isDisabled, isInvalid, isInvalid},
	{"GetPublicKey", "ECC_NIST_P256", "SIGN_VERIFY", func(p *principal, k string) error {
		_, err := p.GetPublicKey(ctx, &sdk.GetPublicKeyInput{KeyId: &k})
		return err
	}, "", isInvalid, isInvalid}, // AWS's table has success, for keys whose material was there once
	{"DeriveSharedSecret", "ECC_NIST_P256", "KEY_AGREEMENT", func(p *principal, k string) error {
		_, err := p.DeriveSharedSecret(ctx, &sdk.DeriveSharedSecretInput{KeyId: &k, KeyAgreementAlgorithm: "ECDH", PublicKey: []byte("x")})
		return err
	}, isDisabled, isInvalid, isInvalid},
	{"Encapsulate", "ML_KEM_768", "ENCAPSULATE_DECAPSULATE", func(p *principal, k string) error {
		_, err := p.Encapsulate(ctx, &sdk.EncapsulateInput{KeyId: &k, EncapsulationAlgorithm: "ML_KEM"})
		return err
	}, isDisabled, isInvalid, notImported},
	{"Decapsulate", "ML_KEM_768", "ENCAPSULATE_DECAPSULATE", func(p *principal, k string) error {
		_, err := p.Decapsulate(ctx, &sdk.DecapsulateInput{KeyId: &k, EncapsulationAlgorithm: "ML_KEM", SharedSecretCiphertextBlob: make([]byte, 1088)})
		return err
	}, isDisabled, isInvalid, notImported},
	{"DescribeKey", "", "", func(p *principal, k string) error {
		_, err := p.DescribeKey(ctx, &sdk.DescribeKeyInput{KeyId: &k})
		return err
	}, "", "", ""},
	{"GetKeyLastUsage", "", "", func(p *principal, k string) error {
		_, err := p.GetKeyLastUsage(ctx, &sdk.GetKeyLastUsageInput{KeyId: &k})
		return err
	}, "", "", ""},
	{"GetKeyPolicy", "", "", func(p *principal, k string) error {
		_, err := p.GetKeyPolicy(ctx, &sdk.GetKeyPolicyInput{KeyId: &k})
		return err
	}, "", "", ""},
	{"ListKeyPolicies", "", "", func(p *principal, k string) error {
		_, err := p.ListKeyPolicies(ctx, &sdk.ListKeyPoliciesInput{KeyId: &k})
		return err
	}, "", "", ""},
	{"ListAliases", "", "", func(p *principal, k string) error {
		_, err := p.ListAliases(ctx, &sdk.ListAliasesInput{KeyId: &k})
		return err
	}, "", "", ""},
	{"ListGrants", "", "", func(p *principal, k string) error {
		_, err := p.ListGrants(ctx, &sdk.ListGrantsInput{KeyId: &k})
		return err
	}, "", "", ""},
	{"ListKeyRotations", "", "", func(p *principal, k string) error {
		_, err := p.ListKeyRotations(ctx, &sdk.ListKeyRotationsInput{KeyId: &k})
		return err
	}, "", "", ""},
	{"ListResourceTags", "", "", func(p *principal, k string) error {
		_, err := p.ListResourceTags(ctx, &sdk.ListResourceTagsInput{KeyId: &k})
		return err
	}, "", "", ""},
	{"PutKeyPolicy", "", "", func(p *principal, k string) error { return p.setPolicy(k, p.keyPolicy(), false) }, "", "", ""},
	{"DisableKey", "", "", func(p *principal, k string) error {
		_, err := p.DisableKey(ctx, &sdk.DisableKeyInput{KeyId: &k})
		return err
	}, "", isInvalid, isInvalid},
	{"EnableKey", "", "", func(p *principal, k string) error {
		_, err := p.EnableKey(ctx, &sdk.EnableKeyInput{KeyId: &k})
		return err
	}, "", isInvalid, isInvalid},
	{"EnableKeyRotation", "", "", func(p *principal, k string) error {
		_, err := p.EnableKeyRotation(ctx, &sdk.EnableKeyRotationInput{KeyId: &k})
		return err
	}, isDisabled, isInvalid, isUnfit},
	{"DisableKeyRotation", "", "", func(p *principal, k string) error {
		_, err := p.DisableKeyRotation(ctx, &sdk.DisableKeyRotationInput{KeyId: &k})
		return err
	}, isDisabled, isInvalid, isUnfit},
	{"GetKeyRotationStatus", "", "", func(p *principal, k string) error {
		_, err := p.GetKeyRotationStatus(ctx, &sdk.GetKeyRotationStatusInput{KeyId: &k})
		return err
	}, "", "", isUnfit},
	{"RotateKeyOnDemand", "", "", func(p *principal, k string) error { return p.rotate(k) }, isDisabled, isInvalid, isInvalid},
	{"CancelKeyDeletion", "", "", func(p *principal, k string) error {
		_, err := p.CancelKeyDeletion(ctx, &sdk.CancelKeyDeletionInput{KeyId: &k})
		return err
	}, isInvalid, "", isInvalid},
	{"ScheduleKeyDeletion", "", "", func(p *principal, k string) error {
		_, err := p.ScheduleKeyDeletion(ctx, &sdk.ScheduleKeyDeletionInput{KeyId: &k})
		return err
	}, "", isInvalid, ""},
	{"TagResource", "", "", func(p *principal, k string) error {
		_, err := p.TagResource(ctx, &sdk.TagResourceInput{KeyId: &k, Tags: []types.Tag{{TagKey: ptr("a"), TagValue: ptr("b")}}})
		return err
	}, "", isInvalid, ""},
	{"UntagResource", "", "", func(p *principal, k string) error {
		_, err := p.UntagResource(ctx, &sdk.UntagResourceInput{KeyId: &k, TagKeys: []string{"a"}})
		return err
	}, "", isInvalid, ""},
	{"UpdateKeyDescription", "", "", func(p *principal, k string) error {
		_, err := p.UpdateKeyDescription(ctx, &sdk.UpdateKeyDescriptionInput{KeyId: &k, Description: ptr("x")})
		return err
	}, "", isInvalid, ""},
	{"GetParametersForImport", "", "", func(p *principal, k string) error {
		_, err := p.GetParametersForImport(ctx, &sdk.GetParametersForImportInput{KeyId: &k, WrappingAlgorithm: "RSAES_OAEP_SHA_256", WrappingKeySpec: "RSA_2048"})
		return err
	}, isUnfit, isUnfit, ""},
	{"DeleteImportedKeyMaterial", "", "", func(p *principal, k string) error {
		_, err := p.DeleteImportedKeyMaterial(ctx, &sdk.DeleteImportedKeyMaterialInput{KeyId: &k})
		return err
	}, isUnfit, isUnfit, ""},
}

func TestKeyStatesRefuseWhatAWSRefuses(t *testing.T) {
	t.Parallel()
	a := start(t)
	disable := func(k string) error {
		_, err := a.DisableKey(ctx, &sdk.DisableKeyInput{KeyId: &k})
		return err
	}
	schedule := func(k string) error {
		_, err := a.ScheduleKeyDeletion(ctx, &sdk.ScheduleKeyDeletionInput{KeyId: &k})
		return err
	}
	for _, c := range stateCases {
		key := a.make(t, c.spec, c.usage)
		must(t, disable(key))
		c.check(t, "disabled", c.call(a, key), c.disabled)
		key = a.make(t, c.spec, c.usage)
		must(t, schedule(key))
		c.check(t, "pending deletion", c.call(a, key), c.deletion)
		if c.wantsData == notImported {
			continue
		}
		c.check(t, "pending import", c.call(a, a.external(t, c.spec, c.usage)), c.wantsData)
	}
}

func (c *stateCase) check(t *testing.T, state string, err error, want string) {
	t.Helper()
	code := codeOf(err)
	if isDryRun(err) {
		code = ""
	}
	if code != want {
		t.Errorf("%s of a key that is %s: got %v, want %q", c.operation, state, err, want)
	}
}

func TestImportedKeyStaysPendingDeletionWithoutItsMaterial(t *testing.T) {
	t.Parallel()
	a := start(t)
	key, material := a.external(t, "", ""), newMaterial(32)
	_, err := a.load(t, key, material, nil)
	must(t, err)
	in := a.wrap(t, key, "RSAES_OAEP_SHA_256", material)
	_, err = a.ScheduleKeyDeletion(ctx, &sdk.ScheduleKeyDeletionInput{KeyId: &key})
	must(t, err)
	_, err = a.DeleteImportedKeyMaterial(ctx, &sdk.DeleteImportedKeyMaterialInput{KeyId: &key})
	must(t, err)
	if s := a.state(t, key); s != "PendingDeletion" {
		t.Errorf("got %s", s)
	}
	_, err = a.ImportKeyMaterial(ctx, in)
	refused(t, err, isInvalid, key+" is pending deletion.")
	_, err = a.CancelKeyDeletion(ctx, &sdk.CancelKeyDeletionInput{KeyId: &key})
	must(t, err)
	if s := a.state(t, key); s != "PendingImport" {
		t.Errorf("got %s", s)
	}
	_, err = a.ImportKeyMaterial(ctx, in)
	must(t, err)
	a.mustEncrypt(t, key)
}
