package kms_test

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/sha256"
	"hash"
	"testing"

	sdk "github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"
)

var oaep = map[types.EncryptionAlgorithmSpec]func() hash.Hash{"RSAES_OAEP_SHA_1": sha1.New, "RSAES_OAEP_SHA_256": sha256.New}

func (p *principal) decryptWith(key *string, algorithm types.EncryptionAlgorithmSpec, b []byte) (string, error) {
	out, err := p.Decrypt(ctx, &sdk.DecryptInput{KeyId: key, EncryptionAlgorithm: algorithm, CiphertextBlob: b})
	if err != nil {
		return "", err
	}
	return string(out.Plaintext), nil
}

func TestWhatIsEncryptedOutsideUnderAnRSAKeyDecryptsInside(t *testing.T) {
	t.Parallel()
	a := start(t)
	key := a.make(t, "RSA_2048", "ENCRYPT_DECRYPT")
	public := a.public(t, key).(*rsa.PublicKey)
	for algorithm, hash := range oaep {
		outside, err := rsa.EncryptOAEP(hash(), rand.Reader, public, []byte("outside"), nil)
		must(t, err)
		if plain, err := a.decryptWith(&key, algorithm, outside); err != nil || plain != "outside" {
			t.Errorf("%s: got %q, %v", algorithm, plain, err)
		}
		inside, err := a.Encrypt(ctx, &sdk.EncryptInput{KeyId: &key, EncryptionAlgorithm: algorithm, Plaintext: []byte("inside")})
		must(t, err)
		if plain, err := a.decryptWith(&key, algorithm, inside.CiphertextBlob); err != nil || plain != "inside" || len(inside.CiphertextBlob) != 256 {
			t.Errorf("%s: got %q, %v", algorithm, plain, err)
		}
		inside.CiphertextBlob[7] ^= 1
		_, err = a.decryptWith(&key, algorithm, inside.CiphertextBlob)
		refused(t, err, "InvalidCiphertextException", "")
	}
}

func TestRSAEncryptionIsLimitedByKeyAndHash(t *testing.T) {
	t.Parallel()
	a := start(t)
	for _, c := range []struct {
		spec      types.KeySpec
		algorithm types.EncryptionAlgorithmSpec
		most      int
		message   string
	}{
		{"RSA_2048", "RSAES_OAEP_SHA_1", 214, "Algorithm RSAES_OAEP_SHA_1 and key spec RSA_2048 cannot encrypt data larger than 214 bytes."},
		{"RSA_2048", "RSAES_OAEP_SHA_256", 190, "Algorithm RSAES_OAEP_SHA_256 and key spec RSA_2048 cannot encrypt data larger than 190 bytes."},
		{"RSA_3072", "RSAES_OAEP_SHA_256", 318, "Algorithm RSAES_OAEP_SHA_256 and key spec RSA_3072 cannot encrypt data larger than 318 bytes."},
	} {
		key := a.make(t, c.spec, "ENCRYPT_DECRYPT")
		_, err := a.Encrypt(ctx, &sdk.EncryptInput{KeyId: &key, EncryptionAlgorithm: c.algorithm, Plaintext: make([]byte, c.most)})
		must(t, err)
		_, err = a.Encrypt(ctx, &sdk.EncryptInput{KeyId: &key, EncryptionAlgorithm: c.algorithm, Plaintext: make([]byte, c.most+1)})
		refused(t, err, "ValidationException", c.message)
	}
}

func TestRSAKeysHaveNoContextAndMustBeNamed(t *testing.T) {
	t.Parallel()
	a := start(t)
	key := a.make(t, "RSA_2048", "ENCRYPT_DECRYPT")
	const algorithm = types.EncryptionAlgorithmSpecRsaesOaepSha256
	_, err := a.encrypt(key)
	refused(t, err, "InvalidKeyUsageException", "Algorithm SYMMETRIC_DEFAULT is incompatible with key spec RSA_2048.")
	pairs := map[string]string{"a": "b"}
	_, err = a.Encrypt(ctx, &sdk.EncryptInput{KeyId: &key, EncryptionAlgorithm: algorithm, Plaintext: []byte("x"), EncryptionContext: pairs})
	refused(t, err, "ValidationException", "...")
	out, err := a.Encrypt(ctx, &sdk.EncryptInput{KeyId: &key, EncryptionAlgorithm: algorithm, Plaintext: []byte("x")})
	must(t, err)
	_, err = a.Decrypt(ctx, &sdk.DecryptInput{KeyId: &key, EncryptionAlgorithm: algorithm, CiphertextBlob: out.CiphertextBlob, EncryptionContext: pairs})
	refused(t, err, "ValidationException", "...")
	_, err = a.decryptWith(nil, algorithm, out.CiphertextBlob)
	refused(t, err, "ValidationException", "...")
	_, err = a.decryptWith(&key, "RSAES_OAEP_SHA_1", out.CiphertextBlob)
	refused(t, err, "InvalidCiphertextException", "")
	_, err = a.decryptWith(&key, "", out.CiphertextBlob)
	refused(t, err, "InvalidKeyUsageException", "...")
	_, err = a.decryptWith(nil, "", out.CiphertextBlob)
	refused(t, err, "InvalidCiphertextException", "")
}

func TestReEncryptMovesBetweenKindsOfKeys(t *testing.T) {
	t.Parallel()
	a := start(t)
	symmetric, pair := a.createKey(t, ""), a.make(t, "RSA_2048", "ENCRYPT_DECRYPT")
	const algorithm = types.EncryptionAlgorithmSpecRsaesOaepSha256
	there, err := a.ReEncrypt(ctx, &sdk.ReEncryptInput{
		CiphertextBlob: a.mustEncrypt(t, symmetric, "v", "1"), SourceEncryptionContext: map[string]string{"v": "1"},
		DestinationKeyId: &pair, DestinationEncryptionAlgorithm: algorithm,
	})
	must(t, err)
	if there.DestinationEncryptionAlgorithm != algorithm || there.SourceEncryptionAlgorithm != "SYMMETRIC_DEFAULT" || there.DestinationKeyMaterialId != nil {
		t.Errorf("got %+v", there)
	}
	back, err := a.ReEncrypt(ctx, &sdk.ReEncryptInput{
		CiphertextBlob: there.CiphertextBlob, SourceKeyId: &pair, SourceEncryptionAlgorithm: algorithm, DestinationKeyId: &symmetric,
	})
	must(t, err)
	if plain, err := a.decrypt(back.CiphertextBlob); err != nil || plain != "attack at dawn" {
		t.Errorf("got %q, %v", plain, err)
	}
}
