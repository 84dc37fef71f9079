package kms_test

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/x509"
	"hash"
	"strings"
	"testing"
	"time"

	sdk "github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"
	kwp "github.com/tink-crypto/tink-go/v2/kwp/subtle"
)

// external makes a key that waits for its material.
func (p *principal) external(t testing.TB, spec types.KeySpec, usage types.KeyUsageType) string {
	t.Helper()
	out, err := p.CreateKey(ctx, &sdk.CreateKeyInput{KeySpec: spec, KeyUsage: usage, Origin: "EXTERNAL"})
	must(t, err)
	if m := out.KeyMetadata; m.KeyState != "PendingImport" || m.Enabled || m.Origin != "EXTERNAL" || m.CurrentKeyMaterialId != nil {
		t.Errorf("got %+v", m)
	}
	return *out.KeyMetadata.Arn
}

// wrap encrypts material as its owner does, and returns the request that imports it for good.
func (p *principal) wrap(t testing.TB, key string, algorithm types.AlgorithmSpec, material []byte) *sdk.ImportKeyMaterialInput {
	t.Helper()
	out, err := p.GetParametersForImport(ctx, &sdk.GetParametersForImportInput{KeyId: &key, WrappingAlgorithm: algorithm, WrappingKeySpec: "RSA_2048"})
	must(t, err)
	if left := time.Until(*out.ParametersValidTo); *out.KeyId != key || left > 24*time.Hour || left < 23*time.Hour {
		t.Errorf("good for %s, for %s", left, *out.KeyId)
	}
	parsed, err := x509.ParsePKIXPublicKey(out.PublicKey)
	must(t, err)
	return &sdk.ImportKeyMaterialInput{
		KeyId: &key, ImportToken: out.ImportToken, EncryptedKeyMaterial: wrapped(t, algorithm, parsed.(*rsa.PublicKey), material),
		ExpirationModel: "KEY_MATERIAL_DOES_NOT_EXPIRE",
	}
}

func wrapped(t testing.TB, algorithm types.AlgorithmSpec, public *rsa.PublicKey, material []byte) []byte {
	t.Helper()
	var h hash.Hash = sha256.New()
	if strings.HasSuffix(string(algorithm), "SHA_1") {
		h = sha1.New()
	}
	if strings.HasPrefix(string(algorithm), "RSAES") {
		b, err := rsa.EncryptOAEP(h, rand.Reader, public, material, nil)
		must(t, err)
		return b
	}
	aes := make([]byte, 32)
	rand.Read(aes)
	head, err := rsa.EncryptOAEP(h, rand.Reader, public, aes, nil)
	must(t, err)
	k, err := kwp.NewKWP(aes)
	must(t, err)
	rest, err := k.Wrap(material)
	must(t, err)
	return append(head, rest...)
}

// load imports material into a key; change adjusts the request.
func (p *principal) load(t testing.TB, key string, material []byte, change func(*sdk.ImportKeyMaterialInput)) (string, error) {
	t.Helper()
	in := p.wrap(t, key, "RSAES_OAEP_SHA_256", material)
	if change != nil {
		change(in)
	}
	out, err := p.ImportKeyMaterial(ctx, in)
	if err != nil || out.KeyMaterialId == nil {
		return "", err
	}
	return *out.KeyMaterialId, nil
}

func newMaterial(n int) []byte {
	b := make([]byte, n)
	rand.Read(b)
	return b
}

func fresh(in *sdk.ImportKeyMaterialInput) { in.ImportType = "NEW_KEY_MATERIAL" }

func expiring(in *sdk.ImportKeyMaterialInput) {
	in.ExpirationModel, in.ValidTo = "KEY_MATERIAL_EXPIRES", ptr(time.Now().Add(time.Hour))
}

func TestImportedKeyEncryptsUntilItsMaterialIsDeleted(t *testing.T) {
	t.Parallel()
	a := start(t)
	key := a.external(t, "", "")
	const wanting = " is pending import."
	_, err := a.encrypt(key)
	refused(t, err, "KMSInvalidStateException", key+wanting)
	material := newMaterial(32)
	id, err := a.load(t, key, material, expiring)
	must(t, err)
	b := a.mustEncrypt(t, key)
	out, err := a.DescribeKey(ctx, &sdk.DescribeKeyInput{KeyId: &key})
	must(t, err)
	if m := out.KeyMetadata; m.KeyState != "Enabled" || m.ExpirationModel != "KEY_MATERIAL_EXPIRES" || m.ValidTo == nil || *m.CurrentKeyMaterialId != id {
		t.Errorf("got %+v", m)
	}
	deleted, err := a.DeleteImportedKeyMaterial(ctx, &sdk.DeleteImportedKeyMaterialInput{KeyId: &key})
	must(t, err)
	if *deleted.KeyId != key || *deleted.KeyMaterialId != id {
		t.Errorf("got %+v", deleted)
	}
	_, err = a.decrypt(b)
	refused(t, err, "KMSInvalidStateException", key+wanting)
	_, err = a.load(t, key, newMaterial(32), nil)
	refused(t, err, "IncorrectKeyMaterialException", "...")
	again, err := a.load(t, key, material, func(in *sdk.ImportKeyMaterialInput) { in.KeyMaterialId = &id })
	must(t, err)
	if plain, err := a.decrypt(b); err != nil || plain != "attack at dawn" || again != id {
		t.Errorf("got %q, %v", plain, err)
	}
	if out, _ := a.DescribeKey(ctx, &sdk.DescribeKeyInput{KeyId: &key}); out.KeyMetadata.ExpirationModel != "KEY_MATERIAL_DOES_NOT_EXPIRE" || out.KeyMetadata.ValidTo != nil {
		t.Errorf("got %+v", out.KeyMetadata)
	}
}

func TestEveryWrappingIsUnwrapped(t *testing.T) {
	t.Parallel()
	a := start(t)
	for _, algorithm := range []types.AlgorithmSpec{"RSAES_OAEP_SHA_1", "RSAES_OAEP_SHA_256"} {
		key := a.external(t, "", "")
		_, err := a.ImportKeyMaterial(ctx, a.wrap(t, key, algorithm, newMaterial(32)))
		must(t, err)
		a.mustEncrypt(t, key)
	}
	private, err := rsa.GenerateKey(rand.Reader, 2048)
	must(t, err)
	der, err := x509.MarshalPKCS8PrivateKey(private)
	must(t, err)
	for _, algorithm := range []types.AlgorithmSpec{"RSA_AES_KEY_WRAP_SHA_1", "RSA_AES_KEY_WRAP_SHA_256"} {
		key := a.external(t, "RSA_2048", "SIGN_VERIFY")
		_, err := a.ImportKeyMaterial(ctx, a.wrap(t, key, algorithm, der))
		must(t, err)
		signature, err := a.sign(key, "RSASSA_PSS_SHA_256", "RAW", []byte("x"))
		must(t, err)
		if !holds(&private.PublicKey, "RSASSA_PSS_SHA_256", []byte("x"), signature) {
			t.Errorf("%s: the key signs with another key", algorithm)
		}
	}
}

func TestImportedCurveKeyIsTheOwners(t *testing.T) {
	t.Parallel()
	a := start(t)
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	der, err := x509.MarshalPKCS8PrivateKey(private)
	must(t, err)
	key := a.external(t, "ECC_NIST_P256", "SIGN_VERIFY")
	_, err = a.GetPublicKey(ctx, &sdk.GetPublicKeyInput{KeyId: &key})
	refused(t, err, "KMSInvalidStateException", "...")
	_, err = a.load(t, key, der, nil)
	must(t, err)
	if !private.PublicKey.Equal(a.public(t, key).(crypto.PublicKey)) {
		t.Error("the public key is another")
	}
	_, err = a.DeleteImportedKeyMaterial(ctx, &sdk.DeleteImportedKeyMaterialInput{KeyId: &key})
	must(t, err)
	_, err = a.sign(key, "ECDSA_SHA_256", "", []byte("x"))
	refused(t, err, "KMSInvalidStateException", "...")
	if !private.PublicKey.Equal(a.public(t, key).(crypto.PublicKey)) {
		t.Error("the public key went with the private one")
	}
	other, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	otherDER, err := x509.MarshalPKCS8PrivateKey(other)
	must(t, err)
	_, err = a.load(t, key, otherDER, nil)
	refused(t, err, "IncorrectKeyMaterialException", "...")
	_, err = a.load(t, key, der, fresh)
	refused(t, err, "ValidationException", "...")
	_, err = a.load(t, key, der, nil)
	must(t, err)
}

func TestImportedHMACKeyIsTheOwners(t *testing.T) {
	t.Parallel()
	a := start(t)
	for _, size := range []int{32, 64, 128} {
		key, material := a.external(t, "HMAC_256", "GENERATE_VERIFY_MAC"), newMaterial(size)
		_, err := a.load(t, key, material, nil)
		must(t, err)
		mac, err := a.macOf(key, "HMAC_SHA_256", []byte("message"))
		must(t, err)
		h := hmac.New(sha256.New, material)
		h.Write([]byte("message"))
		if !bytes.Equal(mac, h.Sum(nil)) {
			t.Errorf("%d bytes: got %x", size, mac)
		}
	}
}

func TestMaterialThatDoesNotFitIsRefused(t *testing.T) {
	t.Parallel()
	a := start(t)
	p384, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	must(t, err)
	der, err := x509.MarshalPKCS8PrivateKey(p384)
	must(t, err)
	for _, c := range []struct {
		spec     types.KeySpec
		usage    types.KeyUsageType
		material []byte
	}{
		{"", "", newMaterial(31)}, {"", "", newMaterial(33)}, {"", "", der}, {"HMAC_256", "GENERATE_VERIFY_MAC", newMaterial(31)},
		{"HMAC_256", "GENERATE_VERIFY_MAC", newMaterial(129)}, {"ECC_NIST_P256", "SIGN_VERIFY", der}, {"ECC_NIST_P256", "SIGN_VERIFY", newMaterial(32)},
		{"ECC_NIST_EDWARDS25519", "SIGN_VERIFY", der}, {"ECC_NIST_P384", "KEY_AGREEMENT", append(der[:len(der):len(der)], 0)},
	} {
		_, err := a.load(t, a.external(t, c.spec, c.usage), c.material, nil)
		refused(t, err, "IncorrectKeyMaterialException", "...")
	}
}

func TestImportTokenIsForItsKeyAndItsWrapping(t *testing.T) {
	t.Parallel()
	a := start(t)
	key, other := a.external(t, "", ""), a.external(t, "", "")
	in := a.wrap(t, key, "RSAES_OAEP_SHA_256", newMaterial(32))
	elsewhere := *in
	elsewhere.KeyId = &other
	_, err := a.ImportKeyMaterial(ctx, &elsewhere)
	refused(t, err, "InvalidImportTokenException", "...")
	forged := *in
	forged.ImportToken = bytes.Clone(in.ImportToken)
	forged.ImportToken[len(forged.ImportToken)/2] ^= 1
	_, err = a.ImportKeyMaterial(ctx, &forged)
	refused(t, err, "InvalidImportTokenException", "...")
	damaged := *in
	damaged.EncryptedKeyMaterial = bytes.Clone(in.EncryptedKeyMaterial)
	damaged.EncryptedKeyMaterial[9] ^= 1
	_, err = a.ImportKeyMaterial(ctx, &damaged)
	refused(t, err, "InvalidCiphertextException", "")
	mixed := *in
	mixed.ImportToken = a.wrap(t, key, "RSAES_OAEP_SHA_256", newMaterial(32)).ImportToken
	_, err = a.ImportKeyMaterial(ctx, &mixed)
	refused(t, err, "InvalidCiphertextException", "")
	_, err = a.ImportKeyMaterial(ctx, in)
	must(t, err)
}

func TestImportFollowsAWSRules(t *testing.T) {
	t.Parallel()
	a := start(t)
	key := a.external(t, "", "")
	try := func(change func(*sdk.ImportKeyMaterialInput)) error {
		in := &sdk.ImportKeyMaterialInput{KeyId: &key, ImportToken: []byte("x"), EncryptedKeyMaterial: []byte("x")}
		change(in)
		_, err := a.ImportKeyMaterial(ctx, in)
		return err
	}
	for name, change := range map[string]func(*sdk.ImportKeyMaterialInput){
		"no date":     func(in *sdk.ImportKeyMaterialInput) {},
		"a past date": func(in *sdk.ImportKeyMaterialInput) { in.ValidTo = ptr(time.Now().Add(-time.Second)) },
		"a far date":  func(in *sdk.ImportKeyMaterialInput) { in.ValidTo = ptr(time.Now().AddDate(1, 0, 2)) },
		"a spare date": func(in *sdk.ImportKeyMaterialInput) {
			expiring(in)
			in.ExpirationModel = "KEY_MATERIAL_DOES_NOT_EXPIRE"
		},
		"an id of new": func(in *sdk.ImportKeyMaterialInput) {
			expiring(in)
			fresh(in)
			in.KeyMaterialId = ptr(strings.Repeat("0", 64))
		},
	} {
		t.Log(name)
		refused(t, try(change), "ValidationException", "...")
	}
	made, ecc := a.createKey(t, ""), a.external(t, "RSA_2048", "SIGN_VERIFY")
	p521 := a.external(t, "ECC_NIST_P521", "SIGN_VERIFY")
	for _, c := range []struct {
		key       string
		algorithm types.AlgorithmSpec
		spec      types.WrappingKeySpec
		code      string
	}{
		{made, "RSAES_OAEP_SHA_256", "RSA_2048", "UnsupportedOperationException"}, {ecc, "RSAES_OAEP_SHA_256", "RSA_2048", "ValidationException"},
		{p521, "RSAES_OAEP_SHA_1", "RSA_2048", "ValidationException"}, {key, "RSAES_PKCS1_V1_5", "RSA_2048", "UnsupportedOperationException"},
		{key, "RSA_AES_KEY_WRAP_SHA_256", "RSA_2048", "ValidationException"}, {key, "RSAES_OAEP_SHA_256", "SM2", "UnsupportedOperationException"},
	} {
		_, err := a.GetParametersForImport(ctx, &sdk.GetParametersForImportInput{KeyId: &c.key, WrappingAlgorithm: c.algorithm, WrappingKeySpec: c.spec})
		refused(t, err, c.code, "...")
	}
	_, err := a.DeleteImportedKeyMaterial(ctx, &sdk.DeleteImportedKeyMaterialInput{KeyId: &made})
	refused(t, err, "UnsupportedOperationException", made+" origin is AWS_KMS which is not valid for this operation.")
}

func TestImportedKeyRotatesToNewMaterial(t *testing.T) {
	t.Parallel()
	a := start(t)
	key := a.external(t, "", "")
	first, err := a.load(t, key, newMaterial(32), func(in *sdk.ImportKeyMaterialInput) { in.KeyMaterialDescription = ptr("first") })
	must(t, err)
	old := a.mustEncrypt(t, key)
	refused(t, a.rotate(key), "KMSInvalidStateException", "...")
	material := newMaterial(32)
	second, err := a.load(t, key, material, fresh)
	must(t, err)
	_, err = a.load(t, key, newMaterial(32), fresh)
	refused(t, err, "KMSInvalidStateException", "...")
	if got := a.materials(t, key); got != "first CURRENT IMPORTED, second PENDING_ROTATION IMPORTED" {
		t.Errorf("got %s", got)
	}
	must(t, a.rotate(key))
	if got := a.materials(t, key); got != "first NON_CURRENT IMPORTED, second ON_DEMAND CURRENT IMPORTED" {
		t.Errorf("got %s", got)
	}
	recent := a.mustEncrypt(t, key)
	for id, b := range map[string][]byte{first: old, second: recent} {
		out, err := a.Decrypt(ctx, &sdk.DecryptInput{CiphertextBlob: b})
		must(t, err)
		if *out.KeyMaterialId != id {
			t.Errorf("decrypted by %s, want %s", *out.KeyMaterialId, id)
		}
	}
	_, err = a.DeleteImportedKeyMaterial(ctx, &sdk.DeleteImportedKeyMaterialInput{KeyId: &key, KeyMaterialId: &first})
	must(t, err)
	_, err = a.decrypt(recent)
	refused(t, err, "KMSInvalidStateException", "...")
	_, err = a.EnableKeyRotation(ctx, &sdk.EnableKeyRotationInput{KeyId: &key})
	refused(t, err, "UnsupportedOperationException", key+" origin is EXTERNAL which is not valid for this operation.")
}

// materials lists the material of a key, first and second by number.
func (p *principal) materials(t *testing.T, key string) string {
	t.Helper()
	out, err := p.ListKeyRotations(ctx, &sdk.ListKeyRotationsInput{KeyId: &key, IncludeKeyMaterial: "ALL_KEY_MATERIAL"})
	must(t, err)
	var all []string
	for i, r := range out.Rotations {
		words := []string{[]string{"first", "second"}[i]}
		if r.RotationType != "" {
			words = append(words, string(r.RotationType))
		}
		all = append(all, strings.Join(append(words, string(r.KeyMaterialState), string(r.ImportState)), " "))
	}
	return strings.Join(all, ", ")
}

func TestMaterialWaitingForRotationCanBeDropped(t *testing.T) {
	t.Parallel()
	a := start(t)
	key := a.external(t, "", "")
	_, err := a.load(t, key, newMaterial(32), nil)
	must(t, err)
	waiting, err := a.load(t, key, newMaterial(32), fresh)
	must(t, err)
	_, err = a.DeleteImportedKeyMaterial(ctx, &sdk.DeleteImportedKeyMaterialInput{KeyId: &key, KeyMaterialId: &waiting})
	must(t, err)
	a.mustEncrypt(t, key)
	if got := a.materials(t, key); got != "first CURRENT IMPORTED" {
		t.Errorf("got %s", got)
	}
	_, err = a.load(t, key, newMaterial(32), fresh)
	must(t, err)
	must(t, a.rotate(key))
}
