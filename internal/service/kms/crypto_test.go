package kms_test

import (
	"bytes"
	"testing"

	sdk "github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"
)

func TestCiphertextNamesItsKey(t *testing.T) {
	t.Parallel()
	a := start(t)
	key := a.createKey(t, "")
	b := a.mustEncrypt(t, key)
	if bytes.Contains(b, []byte("attack")) {
		t.Fatal("the ciphertext shows the plaintext")
	}
	out, err := a.Decrypt(ctx, &sdk.DecryptInput{CiphertextBlob: b})
	must(t, err)
	if string(out.Plaintext) != "attack at dawn" || *out.KeyId != key || out.EncryptionAlgorithm != "SYMMETRIC_DEFAULT" {
		t.Fatalf("got %q under %s", out.Plaintext, *out.KeyId)
	}
}

func TestEveryFormOfKeyIdEncrypts(t *testing.T) {
	t.Parallel()
	a := start(t)
	key := a.createKey(t, "")
	_, err := a.CreateAlias(ctx, &sdk.CreateAliasInput{AliasName: ptr("alias/app/db"), TargetKeyId: &key})
	must(t, err)
	for _, form := range []string{key, idOf(key), "alias/app/db", a.arnOf("alias/app/db")} {
		out, err := a.Encrypt(ctx, &sdk.EncryptInput{KeyId: &form, Plaintext: []byte("x")})
		must(t, err)
		if *out.KeyId != key {
			t.Errorf("%s: got %s", form, *out.KeyId)
		}
	}
}

func TestKeyIdsThatMeanNothing(t *testing.T) {
	t.Parallel()
	a := start(t)
	const id = "134f2428-cec1-4b25-a1ae-9048164dba47"
	for _, c := range []struct{ keyID, message string }{
		{"fake-key-id", "Invalid keyId 'fake-key-id'"},
		{"134f2428cec14b25a1ae9048164dba47", "Invalid keyId '134f2428cec14b25a1ae9048164dba47'"},
		{"mrk-fake-key-id", "Invalid keyId 'mrk-fake-key-id'"},
		{id, "Key '" + a.arnOf("key/"+id) + "' does not exist"},
		{a.arnOf("key/" + id), "Key '" + a.arnOf("key/"+id) + "' does not exist"},
		{"mrk-d3b95762d3b95762d3b95762d3b95762", "Key '" + a.arnOf("key/mrk-d3b95762d3b95762d3b95762d3b95762") + "' does not exist"},
		{"alias/missing", "Alias " + a.arnOf("alias/missing") + " is not found."},
		{a.arnOf("alias/missing"), "Alias " + a.arnOf("alias/missing") + " is not found."},
		{"arn:aws:kms:ap-southeast-1:" + a.account + ":key/" + id, "Invalid arn ap-southeast-1"},
		{"arn:aws:s3:::bucket", "Invalid arn arn:aws:s3:::bucket"},
	} {
		_, err := a.DescribeKey(ctx, &sdk.DescribeKeyInput{KeyId: &c.keyID})
		refused(t, err, "NotFoundException", c.message)
		_, err = a.encrypt(c.keyID)
		refused(t, err, "NotFoundException", c.message)
	}
}

func TestEncryptionContextIsPartOfTheCiphertext(t *testing.T) {
	t.Parallel()
	a := start(t)
	b := a.mustEncrypt(t, a.createKey(t, ""), "app", "web", "tier", "1")
	if _, err := a.decrypt(b, "tier", "1", "app", "web"); err != nil {
		t.Fatal(err)
	}
	for _, pairs := range [][]string{
		nil, {"app", "web"}, {"app", "web", "tier", "2"}, {"App", "web", "tier", "1"}, {"app", "web", "tier", "1", "x", ""},
		{"app", "webtier", "", "1"},
	} {
		_, err := a.decrypt(b, pairs...)
		refused(t, err, "InvalidCiphertextException", "")
	}
}

func TestDamagedCiphertextIsInvalid(t *testing.T) {
	t.Parallel()
	a := start(t)
	b := a.mustEncrypt(t, a.createKey(t, ""))
	for i := range b {
		damaged := bytes.Clone(b)
		damaged[i] ^= 1
		_, err := a.decrypt(damaged)
		refused(t, err, "InvalidCiphertextException", "")
	}
	for _, n := range []int{1, 30, 58, len(b) - 1} {
		_, err := a.decrypt(b[:n])
		refused(t, err, "InvalidCiphertextException", "")
	}
	_, err := a.decrypt(append(b, 0))
	refused(t, err, "InvalidCiphertextException", "")
}

func TestDecryptWithAnotherKeyNamed(t *testing.T) {
	t.Parallel()
	a := start(t)
	key, other := a.createKey(t, ""), a.createKey(t, "")
	b := a.mustEncrypt(t, key)
	_, err := a.Decrypt(ctx, &sdk.DecryptInput{CiphertextBlob: b, KeyId: &key})
	must(t, err)
	_, err = a.Decrypt(ctx, &sdk.DecryptInput{CiphertextBlob: b, KeyId: &other})
	refused(t, err, "IncorrectKeyException", "The key ID in the request does not identify a CMK that can perform this operation.")
}

func TestPlaintextIsLimitedTo4096Bytes(t *testing.T) {
	t.Parallel()
	a := start(t)
	key := a.createKey(t, "")
	_, err := a.Encrypt(ctx, &sdk.EncryptInput{KeyId: &key, Plaintext: make([]byte, 4096)})
	must(t, err)
	_, err = a.Encrypt(ctx, &sdk.EncryptInput{KeyId: &key, Plaintext: make([]byte, 4097)})
	refused(t, err, "ValidationException", "1 validation error detected: Value at 'plaintext' failed to satisfy constraint: Member must have length less than or equal to 4096")
}

func TestAsymmetricAlgorithmDoesNotFitASymmetricKey(t *testing.T) {
	t.Parallel()
	a := start(t)
	key := a.createKey(t, "")
	_, err := a.Encrypt(ctx, &sdk.EncryptInput{KeyId: &key, Plaintext: []byte("x"), EncryptionAlgorithm: types.EncryptionAlgorithmSpecRsaesOaepSha256})
	refused(t, err, "InvalidKeyUsageException", "Algorithm RSAES_OAEP_SHA_256 is incompatible with key spec SYMMETRIC_DEFAULT.")
}

func TestDataKeysDecryptToTheirPlaintext(t *testing.T) {
	t.Parallel()
	a := start(t)
	key := a.createKey(t, "")
	for _, c := range []struct {
		in   sdk.GenerateDataKeyInput
		size int
	}{
		{sdk.GenerateDataKeyInput{KeySpec: types.DataKeySpecAes128}, 16},
		{sdk.GenerateDataKeyInput{KeySpec: types.DataKeySpecAes256}, 32},
		{sdk.GenerateDataKeyInput{NumberOfBytes: ptr(int32(1024))}, 1024},
	} {
		c.in.KeyId, c.in.EncryptionContext = &key, contextOf([]string{"a", "b"})
		out, err := a.GenerateDataKey(ctx, &c.in)
		must(t, err)
		plain, err := a.decrypt(out.CiphertextBlob, "a", "b")
		must(t, err)
		if plain != string(out.Plaintext) || len(plain) != c.size || *out.KeyId != key {
			t.Errorf("a data key of %d bytes has %d", c.size, len(plain))
		}
	}
	out, err := a.GenerateDataKeyWithoutPlaintext(ctx, &sdk.GenerateDataKeyWithoutPlaintextInput{KeyId: &key, KeySpec: types.DataKeySpecAes256})
	must(t, err)
	if plain, err := a.decrypt(out.CiphertextBlob); err != nil || len(plain) != 32 {
		t.Errorf("got %d bytes, %v", len(plain), err)
	}
}

func TestDataKeyNeedsOneSize(t *testing.T) {
	t.Parallel()
	a := start(t)
	key := a.createKey(t, "")
	for _, in := range []sdk.GenerateDataKeyInput{{}, {KeySpec: types.DataKeySpecAes128, NumberOfBytes: ptr(int32(16))}} {
		in.KeyId = &key
		_, err := a.GenerateDataKey(ctx, &in)
		refused(t, err, "ValidationException", "Please specify either number of bytes or key spec.")
	}
}

func TestReEncryptMovesToAnotherKeyAndContext(t *testing.T) {
	t.Parallel()
	a := start(t)
	from, to := a.createKey(t, ""), a.createKey(t, "")
	out, err := a.ReEncrypt(ctx, &sdk.ReEncryptInput{
		CiphertextBlob: a.mustEncrypt(t, from, "v", "1"), SourceEncryptionContext: contextOf([]string{"v", "1"}),
		DestinationKeyId: &to, DestinationEncryptionContext: contextOf([]string{"v", "2"}),
	})
	must(t, err)
	if *out.SourceKeyId != from || *out.KeyId != to {
		t.Errorf("moved from %s to %s", *out.SourceKeyId, *out.KeyId)
	}
	if plain, err := a.decrypt(out.CiphertextBlob, "v", "2"); err != nil || plain != "attack at dawn" {
		t.Errorf("got %q, %v", plain, err)
	}
}

func TestReEncryptNeedsBothPermissions(t *testing.T) {
	t.Parallel()
	a := start(t)
	from, to := a.createKey(t, ""), a.createKey(t, "")
	b := a.mustEncrypt(t, from)
	u := a.nobody(t, "u")
	try := func(policy string) error {
		a.permit(t, "u", policy)
		_, err := u.ReEncrypt(ctx, &sdk.ReEncryptInput{CiphertextBlob: b, DestinationKeyId: &to})
		return err
	}
	refused(t, try(allow("kms:ReEncryptFrom", "*")), "AccessDeniedException", "User: "+"arn:aws:iam::"+a.account+":user/u is not authorized to perform: kms:ReEncryptTo on resource: "+to+"...")
	refused(t, try(allow("kms:ReEncryptTo", "*")), "AccessDeniedException", "User: "+"arn:aws:iam::"+a.account+":user/u is not authorized to perform: kms:ReEncryptFrom on resource: "+from+"...")
	must(t, try(allow("kms:ReEncrypt*", "*")))
	sameKey := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"kms:ReEncrypt*","Resource":"*","Condition":{"Bool":{"kms:ReEncryptOnSameKey":"true"}}}]}`
	refused(t, try(sameKey), "AccessDeniedException", "...")
}

func TestDryRunChecksAndDoesNothing(t *testing.T) {
	t.Parallel()
	a := start(t)
	key := a.createKey(t, "")
	dry := ptr(true)
	_, err := a.Encrypt(ctx, &sdk.EncryptInput{KeyId: &key, Plaintext: []byte("x"), DryRun: dry})
	refused(t, err, "DryRunOperationException", "The request would have succeeded, but the DryRun option is set.")
	_, err = a.GenerateDataKey(ctx, &sdk.GenerateDataKeyInput{KeyId: &key, KeySpec: "AES_256", DryRun: dry})
	refused(t, err, "DryRunOperationException", "...")
	_, err = a.Decrypt(ctx, &sdk.DecryptInput{CiphertextBlob: a.mustEncrypt(t, key), DryRun: dry})
	refused(t, err, "DryRunOperationException", "...")
	_, err = a.nobody(t, "n").Encrypt(ctx, &sdk.EncryptInput{KeyId: &key, Plaintext: []byte("x"), DryRun: dry})
	refused(t, err, "AccessDeniedException", "...")
}

func TestGenerateRandom(t *testing.T) {
	t.Parallel()
	a := start(t)
	one, err := a.GenerateRandom(ctx, &sdk.GenerateRandomInput{NumberOfBytes: ptr(int32(44))})
	must(t, err)
	two, err := a.GenerateRandom(ctx, &sdk.GenerateRandomInput{NumberOfBytes: ptr(int32(44))})
	must(t, err)
	if len(one.Plaintext) != 44 || bytes.Equal(one.Plaintext, two.Plaintext) {
		t.Error("that is not random")
	}
	_, err = a.GenerateRandom(ctx, &sdk.GenerateRandomInput{})
	refused(t, err, "ValidationException", "NumberOfBytes is required.")
	_, err = a.GenerateRandom(ctx, &sdk.GenerateRandomInput{NumberOfBytes: ptr(int32(1025))})
	refused(t, err, "ValidationException", "1 validation error detected: Value '1025' at 'numberOfBytes' failed to satisfy constraint: Member must have value less than or equal to 1024")
}

func TestNitroRecipientIsRefused(t *testing.T) {
	t.Parallel()
	a := start(t)
	key := a.createKey(t, "")
	r := &types.RecipientInfo{AttestationDocument: []byte("x"), KeyEncryptionAlgorithm: types.KeyEncryptionMechanismRsaesOaepSha256}
	_, err := a.Decrypt(ctx, &sdk.DecryptInput{CiphertextBlob: a.mustEncrypt(t, key), Recipient: r})
	refused(t, err, "ValidationException", "Recipient is not supported by Redoubt yet.")
	_, err = a.GenerateDataKey(ctx, &sdk.GenerateDataKeyInput{KeyId: &key, KeySpec: "AES_256", Recipient: r})
	refused(t, err, "ValidationException", "Recipient is not supported by Redoubt yet.")
}
