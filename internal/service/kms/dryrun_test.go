package kms_test

import (
	"testing"

	sdk "github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"
)

func TestDryRunOfEveryOperationThatHasIt(t *testing.T) {
	t.Parallel()
	a := start(t)
	n, dry := a.nobody(t, "n"), ptr(true)
	symmetric, sign, mac := a.createKey(t, ""), a.make(t, "ECC_NIST_P256", "SIGN_VERIFY"), a.make(t, "HMAC_256", "GENERATE_VERIFY_MAC")
	agree, kem := a.make(t, "ECC_NIST_P256", "KEY_AGREEMENT"), a.make(t, "ML_KEM_768", "ENCAPSULATE_DECAPSULATE")
	message := []byte("x")
	signature, err := a.sign(sign, "ECDSA_SHA_256", "", message)
	must(t, err)
	code, err := a.macOf(mac, "HMAC_SHA_256", message)
	must(t, err)
	peer, err := a.GetPublicKey(ctx, &sdk.GetPublicKeyInput{KeyId: &agree})
	must(t, err)
	b := a.mustEncrypt(t, symmetric)
	g, err := a.grant(symmetric, a.arn, nil, "Encrypt")
	must(t, err)
	for name, call := range map[string]func(p *principal) error{
		"CreateGrant": func(p *principal) error {
			_, err := p.CreateGrant(ctx, &sdk.CreateGrantInput{KeyId: &symmetric, GranteePrincipal: &a.arn, Operations: []types.GrantOperation{"Decrypt"}, DryRun: dry})
			return err
		},
		"Decapsulate": func(p *principal) error {
			_, err := p.Decapsulate(ctx, &sdk.DecapsulateInput{KeyId: &kem, EncapsulationAlgorithm: "ML_KEM", SharedSecretCiphertextBlob: make([]byte, 1088), DryRun: dry})
			return err
		},
		"Decrypt": func(p *principal) error {
			_, err := p.Decrypt(ctx, &sdk.DecryptInput{CiphertextBlob: b, DryRun: dry})
			return err
		},
		"DeriveSharedSecret": func(p *principal) error {
			_, err := p.DeriveSharedSecret(ctx, &sdk.DeriveSharedSecretInput{KeyId: &agree, KeyAgreementAlgorithm: "ECDH", PublicKey: peer.PublicKey, DryRun: dry})
			return err
		},
		"Encapsulate": func(p *principal) error {
			_, err := p.Encapsulate(ctx, &sdk.EncapsulateInput{KeyId: &kem, EncapsulationAlgorithm: "ML_KEM", DryRun: dry})
			return err
		},
		"Encrypt": func(p *principal) error {
			_, err := p.Encrypt(ctx, &sdk.EncryptInput{KeyId: &symmetric, Plaintext: message, DryRun: dry})
			return err
		},
		"GenerateDataKey": func(p *principal) error {
			_, err := p.GenerateDataKey(ctx, &sdk.GenerateDataKeyInput{KeyId: &symmetric, KeySpec: "AES_256", DryRun: dry})
			return err
		},
		"GenerateDataKeyPair": func(p *principal) error {
			_, err := p.GenerateDataKeyPair(ctx, &sdk.GenerateDataKeyPairInput{KeyId: &symmetric, KeyPairSpec: "ECC_NIST_P256", DryRun: dry})
			return err
		},
		"GenerateDataKeyPairWithoutPlaintext": func(p *principal) error {
			_, err := p.GenerateDataKeyPairWithoutPlaintext(ctx, &sdk.GenerateDataKeyPairWithoutPlaintextInput{KeyId: &symmetric, KeyPairSpec: "ECC_NIST_P256", DryRun: dry})
			return err
		},
		"GenerateDataKeyWithoutPlaintext": func(p *principal) error {
			_, err := p.GenerateDataKeyWithoutPlaintext(ctx, &sdk.GenerateDataKeyWithoutPlaintextInput{KeyId: &symmetric, KeySpec: "AES_256", DryRun: dry})
			return err
		},
		"GenerateMac": func(p *principal) error {
			_, err := p.GenerateMac(ctx, &sdk.GenerateMacInput{KeyId: &mac, MacAlgorithm: "HMAC_SHA_256", Message: message, DryRun: dry})
			return err
		},
		"ReEncrypt": func(p *principal) error {
			_, err := p.ReEncrypt(ctx, &sdk.ReEncryptInput{CiphertextBlob: b, DestinationKeyId: &symmetric, DryRun: dry})
			return err
		},
		"RetireGrant": func(p *principal) error {
			_, err := p.RetireGrant(ctx, &sdk.RetireGrantInput{KeyId: &symmetric, GrantId: g.GrantId, DryRun: dry})
			return err
		},
		"RevokeGrant": func(p *principal) error {
			_, err := p.RevokeGrant(ctx, &sdk.RevokeGrantInput{KeyId: &symmetric, GrantId: g.GrantId, DryRun: dry})
			return err
		},
		"Sign": func(p *principal) error {
			_, err := p.Sign(ctx, &sdk.SignInput{KeyId: &sign, SigningAlgorithm: "ECDSA_SHA_256", Message: message, DryRun: dry})
			return err
		},
		"Verify": func(p *principal) error {
			_, err := p.Verify(ctx, &sdk.VerifyInput{KeyId: &sign, SigningAlgorithm: "ECDSA_SHA_256", Message: message, Signature: signature, DryRun: dry})
			return err
		},
		"VerifyMac": func(p *principal) error {
			_, err := p.VerifyMac(ctx, &sdk.VerifyMacInput{KeyId: &mac, MacAlgorithm: "HMAC_SHA_256", Message: message, Mac: code, DryRun: dry})
			return err
		},
	} {
		if err := call(a); !isDryRun(err) {
			t.Errorf("%s: got %v", name, err)
		}
		if code := codeOf(call(n)); code != "AccessDeniedException" {
			t.Errorf("%s by nobody: got %s", name, code)
		}
	}
}

func TestDryRunWithoutACiphertext(t *testing.T) {
	t.Parallel()
	a := start(t)
	key := a.createKey(t, "")
	try := func(in sdk.DecryptInput) error {
		in.DryRunModifiers = []types.DryRunModifierType{"IGNORE_CIPHERTEXT"}
		_, err := a.Decrypt(ctx, &in)
		return err
	}
	refused(t, try(sdk.DecryptInput{KeyId: &key, DryRun: ptr(true)}), "DryRunOperationException", "...")
	refused(t, try(sdk.DecryptInput{KeyId: &key}), "ValidationException", "...")
	refused(t, try(sdk.DecryptInput{DryRun: ptr(true)}), "ValidationException", "...")
	_, err := a.Decrypt(ctx, &sdk.DecryptInput{KeyId: &key})
	refused(t, err, "ValidationException", "1 validation error detected: Value null at 'ciphertextBlob' failed to satisfy constraint: Member must not be null")
}
