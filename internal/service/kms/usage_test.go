package kms_test

import (
	"testing"
	"time"

	sdk "github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"
)

func (p *principal) lastUse(t *testing.T, key string) *types.KeyLastUsageData {
	t.Helper()
	out, err := p.GetKeyLastUsage(ctx, &sdk.GetKeyLastUsageInput{KeyId: &key})
	must(t, err)
	if *out.KeyId != idOf(key) || out.TrackingStartDate == nil || !out.TrackingStartDate.Equal(*out.KeyCreationDate) {
		t.Errorf("got %+v", out)
	}
	return out.KeyLastUsage
}

func TestLastUseOfAKeyIsTold(t *testing.T) {
	t.Parallel()
	a := start(t)
	key, other := a.createKey(t, ""), a.createKey(t, "")
	if u := a.lastUse(t, key); u == nil || u.Operation != "" || u.Timestamp != nil {
		t.Errorf("a key that nobody has used has %+v", u)
	}
	b := a.mustEncrypt(t, key)
	_, err := a.Encrypt(ctx, &sdk.EncryptInput{KeyId: &other, Plaintext: []byte("x"), DryRun: ptr(true)})
	refused(t, err, "DryRunOperationException", "...")
	if u := a.lastUse(t, key); u.Operation != "Encrypt" || time.Since(*u.Timestamp) > time.Hour || u.KmsRequestId == nil {
		t.Errorf("got %+v", u)
	}
	if u := a.lastUse(t, other); u.Operation != "" {
		t.Errorf("a dry run counts as use: %+v", u)
	}
	_, err = a.ReEncrypt(ctx, &sdk.ReEncryptInput{CiphertextBlob: b, DestinationKeyId: &other})
	must(t, err)
	for _, k := range []string{key, other} {
		if u := a.lastUse(t, k); u.Operation != "ReEncrypt" {
			t.Errorf("got %+v", u)
		}
	}
	_, err = a.UpdateKeyDescription(ctx, &sdk.UpdateKeyDescriptionInput{KeyId: &key, Description: ptr("changed")})
	must(t, err)
	if u := a.lastUse(t, key); u.Operation != "ReEncrypt" {
		t.Errorf("after a change of the key: %+v", u)
	}
}
