package kms_test

import (
	"fmt"
	"testing"
	"time"

	sdk "github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"
)

// under is an identity policy for kms:* on the condition that a key of the request has a value.
func under(operator, key, value string) string {
	return fmt.Sprintf(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"kms:*","Resource":"*","Condition":{%q:{%q:%q}}}]}`, operator, key, value)
}

// A conditionCase is a call that a condition allows, and another that it does not.
type conditionCase struct {
	operator, key, value string
	allowed, denied      func(p *principal) error
}

func TestConditionKeysDecideAccess(t *testing.T) {
	t.Parallel()
	a := start(t)
	for i, c := range conditionCases(t, a) {
		name := fmt.Sprint("u", i)
		u := a.user(t, name, under(c.operator, c.key, c.value))
		if err := c.allowed(u); err != nil && !isDryRun(err) {
			t.Errorf("%s %s: %v", c.key, c.value, err)
		}
		refused(t, c.denied(u), "AccessDeniedException", "...")
	}
}

func isDryRun(err error) bool { return codeOf(err) == "DryRunOperationException" }

func conditionCases(t *testing.T, a *principal) []conditionCase {
	t.Helper()
	rsa, ecc := a.make(t, "RSA_2048", "SIGN_VERIFY"), a.make(t, "ECC_NIST_P256", "SIGN_VERIFY")
	open, mac := a.make(t, "RSA_2048", "ENCRYPT_DECRYPT"), a.make(t, "HMAC_256", "GENERATE_VERIFY_MAC")
	agree, kem := a.make(t, "ECC_NIST_P256", "KEY_AGREEMENT"), a.make(t, "ML_KEM_768", "ENCAPSULATE_DECAPSULATE")
	symmetric, external := a.createKey(t, ""), a.external(t, "", "")
	multi, err := a.CreateKey(ctx, &sdk.CreateKeyInput{MultiRegion: ptr(true)})
	must(t, err)
	mrk := *multi.KeyMetadata.Arn
	must(t, a.name("alias/conditions", symmetric))
	peer, err := a.GetPublicKey(ctx, &sdk.GetPublicKeyInput{KeyId: &agree})
	must(t, err)

	sign := func(key string, algorithm types.SigningAlgorithmSpec, kind types.MessageType) func(*principal) error {
		return func(p *principal) error {
			_, err := p.sign(key, algorithm, kind, make([]byte, 32))
			return err
		}
	}
	encrypt := func(key string, algorithm types.EncryptionAlgorithmSpec) func(*principal) error {
		return func(p *principal) error {
			_, err := p.Encrypt(ctx, &sdk.EncryptInput{KeyId: &key, EncryptionAlgorithm: algorithm, Plaintext: []byte("x")})
			return err
		}
	}
	describe := func(key string) func(*principal) error {
		return func(p *principal) error {
			_, err := p.DescribeKey(ctx, &sdk.DescribeKeyInput{KeyId: &key})
			return err
		}
	}
	create := func(in sdk.CreateKeyInput) func(*principal) error {
		return func(p *principal) error { _, err := p.CreateKey(ctx, &in); return err }
	}
	pair := func(spec types.DataKeyPairSpec) func(*principal) error {
		return func(p *principal) error {
			_, err := p.GenerateDataKeyPairWithoutPlaintext(ctx, &sdk.GenerateDataKeyPairWithoutPlaintextInput{KeyId: &symmetric, KeyPairSpec: spec})
			return err
		}
	}
	macOf := func(p *principal) error { _, err := p.macOf(mac, "HMAC_SHA_256", []byte("x")); return err }
	derive := func(p *principal) error {
		_, err := p.DeriveSharedSecret(ctx, &sdk.DeriveSharedSecretInput{KeyId: &agree, KeyAgreementAlgorithm: "ECDH", PublicKey: peer.PublicKey})
		return err
	}
	encapsulate := func(p *principal) error {
		_, err := p.Encapsulate(ctx, &sdk.EncapsulateInput{KeyId: &kem, EncapsulationAlgorithm: "ML_KEM"})
		return err
	}
	parameters := func(algorithm types.AlgorithmSpec, spec types.WrappingKeySpec) func(*principal) error {
		return func(p *principal) error {
			_, err := p.GetParametersForImport(ctx, &sdk.GetParametersForImportInput{KeyId: &external, WrappingAlgorithm: algorithm, WrappingKeySpec: spec})
			return err
		}
	}
	load := func(change func(*sdk.ImportKeyMaterialInput)) func(*principal) error {
		material := newMaterial(32)
		return func(p *principal) error {
			in := a.wrap(t, a.external(t, "", ""), "RSAES_OAEP_SHA_256", material)
			change(in)
			_, err := p.ImportKeyMaterial(ctx, in)
			return err
		}
	}
	lasting := func(*sdk.ImportKeyMaterialInput) {}
	replicate := func(region string) func(*principal) error {
		return func(p *principal) error {
			_, err := p.ReplicateKey(ctx, &sdk.ReplicateKeyInput{KeyId: &mrk, ReplicaRegion: &region})
			return beyondDenial(err)
		}
	}
	primary := func(region string) func(*principal) error {
		return func(p *principal) error {
			_, err := p.UpdatePrimaryRegion(ctx, &sdk.UpdatePrimaryRegionInput{KeyId: &mrk, PrimaryRegion: &region})
			return beyondDenial(err)
		}
	}
	delete := func(days int32) func(*principal) error {
		return func(p *principal) error {
			_, err := p.ScheduleKeyDeletion(ctx, &sdk.ScheduleKeyDeletionInput{KeyId: ptr(a.createKey(t, "")), PendingWindowInDays: &days})
			return err
		}
	}
	soon := fmt.Sprint(time.Now().Add(2 * time.Hour).Unix())
	return []conditionCase{
		{"StringEquals", "kms:SigningAlgorithm", "RSASSA_PSS_SHA_256", sign(rsa, "RSASSA_PSS_SHA_256", ""), sign(rsa, "RSASSA_PKCS1_V1_5_SHA_256", "")},
		{"StringEquals", "kms:MessageType", "RAW", sign(ecc, "ECDSA_SHA_256", ""), sign(ecc, "ECDSA_SHA_256", "DIGEST")},
		{"StringEquals", "kms:EncryptionAlgorithm", "RSAES_OAEP_SHA_256", encrypt(open, "RSAES_OAEP_SHA_256"), encrypt(open, "RSAES_OAEP_SHA_1")},
		{"StringEquals", "kms:MacAlgorithm", "HMAC_SHA_256", macOf, describe(mac)},
		{"StringEquals", "kms:KeyAgreementAlgorithm", "ECDH", derive, describe(agree)},
		{"StringEquals", "kms:EncapsulationAlgorithm", "ML_KEM", encapsulate, describe(kem)},
		{"StringEquals", "kms:DataKeyPairSpec", "ECC_NIST_P256", pair("ECC_NIST_P256"), pair("ECC_NIST_P384")},
		{"StringEquals", "kms:KeySpec", "HMAC_256", describe(mac), describe(symmetric)},
		{"StringEquals", "kms:KeyUsage", "KEY_AGREEMENT", describe(agree), describe(ecc)},
		{"StringEquals", "kms:KeyOrigin", "EXTERNAL", describe(external), describe(symmetric)},
		{"Bool", "kms:MultiRegion", "true", describe(mrk), describe(symmetric)},
		{"StringEquals", "kms:MultiRegionKeyType", "PRIMARY", describe(mrk), describe(symmetric)},
		{"StringEquals", "kms:RequestAlias", "alias/conditions", describe("alias/conditions"), describe(symmetric)},
		{"ForAnyValue:StringEquals", "kms:ResourceAliases", "alias/conditions", describe(symmetric), describe(mac)},
		{"StringEquals", "kms:WrappingAlgorithm", "RSAES_OAEP_SHA_256", parameters("RSAES_OAEP_SHA_256", "RSA_2048"), parameters("RSAES_OAEP_SHA_1", "RSA_2048")},
		{"StringEquals", "kms:WrappingKeySpec", "RSA_2048", parameters("RSAES_OAEP_SHA_256", "RSA_2048"), parameters("RSAES_OAEP_SHA_256", "RSA_3072")},
		{"StringEquals", "kms:ExpirationModel", "KEY_MATERIAL_EXPIRES", load(expiring), load(lasting)},
		{"NumericLessThan", "kms:ValidTo", soon, load(expiring), load(func(in *sdk.ImportKeyMaterialInput) { expiring(in); *in.ValidTo = in.ValidTo.AddDate(0, 1, 0) })},
		{"StringEquals", "kms:KeySpec", "ECC_NIST_P256", create(sdk.CreateKeyInput{KeySpec: "ECC_NIST_P256", KeyUsage: "SIGN_VERIFY"}), create(sdk.CreateKeyInput{})},
		{"StringEquals", "kms:KeyOrigin", "EXTERNAL", create(sdk.CreateKeyInput{Origin: "EXTERNAL"}), create(sdk.CreateKeyInput{})},
		{"StringEquals", "kms:KeyUsage", "ENCRYPT_DECRYPT", create(sdk.CreateKeyInput{}), create(sdk.CreateKeyInput{KeySpec: "HMAC_256", KeyUsage: "GENERATE_VERIFY_MAC"})},
		{"Bool", "kms:MultiRegion", "false", create(sdk.CreateKeyInput{}), create(sdk.CreateKeyInput{MultiRegion: ptr(true)})},
		{"Bool", "kms:BypassPolicyLockoutSafetyCheck", "true", create(sdk.CreateKeyInput{BypassPolicyLockoutSafetyCheck: true}), create(sdk.CreateKeyInput{})},
		{"StringEquals", "kms:ReplicaRegion", "eu-west-1", replicate("eu-west-1"), replicate("eu-west-2")},
		{"StringEquals", "kms:PrimaryRegion", "eu-west-1", primary("eu-west-1"), primary("eu-west-2")},
		{"NumericGreaterThan", "kms:ScheduleKeyDeletionPendingWindowInDays", "7", delete(8), delete(7)},
	}
}

// beyondDenial forgives refusals that come after permission.
func beyondDenial(err error) error {
	if codeOf(err) == "UnsupportedOperationException" {
		return nil
	}
	return err
}

func TestGrantsPermitWhatTheirKeyCanDo(t *testing.T) {
	t.Parallel()
	a := start(t)
	n := a.nobody(t, "n")
	key := a.make(t, "ECC_NIST_P256", "SIGN_VERIFY")
	_, err := n.sign(key, "ECDSA_SHA_256", "", []byte("x"))
	refused(t, err, "AccessDeniedException", "...")
	_, err = a.grant(key, n.arn, nil, "Sign", "GetPublicKey")
	must(t, err)
	signature, err := n.sign(key, "ECDSA_SHA_256", "", []byte("x"))
	must(t, err)
	n.public(t, key)
	refused(t, n.verify(key, "ECDSA_SHA_256", "", []byte("x"), signature), "AccessDeniedException", "...")
	for _, c := range []struct {
		spec       types.KeySpec
		usage      types.KeyUsageType
		yes, never []types.GrantOperation
	}{
		{"", "", []types.GrantOperation{"GenerateDataKeyPair", "ReEncryptTo"}, []types.GrantOperation{"Sign", "GenerateMac", "GetPublicKey", "DeriveSharedSecret", "Encapsulate"}},
		{"RSA_2048", "ENCRYPT_DECRYPT", []types.GrantOperation{"Encrypt", "ReEncryptFrom", "GetPublicKey"}, []types.GrantOperation{"GenerateDataKey", "GenerateDataKeyPair", "Sign"}},
		{"HMAC_256", "GENERATE_VERIFY_MAC", []types.GrantOperation{"GenerateMac", "VerifyMac", "DescribeKey"}, []types.GrantOperation{"Encrypt", "GetPublicKey", "Verify"}},
		{"ECC_NIST_P256", "KEY_AGREEMENT", []types.GrantOperation{"DeriveSharedSecret", "GetPublicKey"}, []types.GrantOperation{"Sign", "Encrypt"}},
		{"ML_KEM_768", "ENCAPSULATE_DECAPSULATE", []types.GrantOperation{"Encapsulate", "Decapsulate", "GetPublicKey"}, []types.GrantOperation{"Encrypt", "DeriveSharedSecret"}},
	} {
		key := a.make(t, c.spec, c.usage)
		_, err := a.grant(key, n.arn, nil, c.yes...)
		must(t, err)
		for _, op := range c.never {
			_, err := a.grant(key, n.arn, nil, op)
			refused(t, err, "ValidationException", "The operation "+string(op)+" is not compatible with the key spec ...")
		}
		if c.spec != "" {
			_, err = a.grant(key, n.arn, &types.GrantConstraints{EncryptionContextEquals: contextOf([]string{"a", "b"})}, c.yes...)
			refused(t, err, "ValidationException", "...")
		}
	}
}
