package kms_test

import (
	"bytes"
	"testing"

	sdk "github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"
)

func (p *principal) macOf(key string, algorithm types.MacAlgorithmSpec, message []byte) ([]byte, error) {
	out, err := p.GenerateMac(ctx, &sdk.GenerateMacInput{KeyId: &key, MacAlgorithm: algorithm, Message: message})
	if err != nil {
		return nil, err
	}
	return out.Mac, nil
}

func TestMacsVerifyUnderTheirKeyOnly(t *testing.T) {
	t.Parallel()
	a := start(t)
	for _, c := range []struct {
		spec      types.KeySpec
		algorithm types.MacAlgorithmSpec
		size      int
	}{
		{"HMAC_224", "HMAC_SHA_224", 28}, {"HMAC_256", "HMAC_SHA_256", 32}, {"HMAC_384", "HMAC_SHA_384", 48}, {"HMAC_512", "HMAC_SHA_512", 64},
	} {
		key, other := a.make(t, c.spec, "GENERATE_VERIFY_MAC"), a.make(t, c.spec, "GENERATE_VERIFY_MAC")
		mac, err := a.macOf(key, c.algorithm, []byte("message"))
		must(t, err)
		if again, err := a.macOf(key, c.algorithm, []byte("message")); err != nil || !bytes.Equal(mac, again) || len(mac) != c.size {
			t.Errorf("%s: got %x and %x, %v", c.spec, mac, again, err)
		}
		verify := func(key string, message, mac []byte) error {
			out, err := a.VerifyMac(ctx, &sdk.VerifyMacInput{KeyId: &key, MacAlgorithm: c.algorithm, Message: message, Mac: mac})
			if err == nil && !out.MacValid {
				t.Error("not valid, and no error")
			}
			return err
		}
		must(t, verify(key, []byte("message"), mac))
		refused(t, verify(other, []byte("message"), mac), "KMSInvalidMacException", "")
		refused(t, verify(key, []byte("massage"), mac), "KMSInvalidMacException", "")
		refused(t, verify(key, []byte("message"), mac[:len(mac)-1]), "KMSInvalidMacException", "")
	}
}

func TestMacAlgorithmMustBeTheKeys(t *testing.T) {
	t.Parallel()
	a := start(t)
	key := a.make(t, "HMAC_256", "GENERATE_VERIFY_MAC")
	_, err := a.macOf(key, "HMAC_SHA_512", []byte("x"))
	refused(t, err, "InvalidKeyUsageException", "Algorithm HMAC_SHA_512 is incompatible with key spec HMAC_256.")
	_, err = a.macOf(key, "HMAC_SHA_256", make([]byte, 4097))
	refused(t, err, "ValidationException", "...")
	out, err := a.DescribeKey(ctx, &sdk.DescribeKeyInput{KeyId: &key})
	must(t, err)
	if m := out.KeyMetadata; len(m.MacAlgorithms) != 1 || m.MacAlgorithms[0] != "HMAC_SHA_256" || m.KeyUsage != "GENERATE_VERIFY_MAC" {
		t.Errorf("got %+v", m)
	}
}
