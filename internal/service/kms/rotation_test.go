package kms_test

import (
	"testing"

	sdk "github.com/aws/aws-sdk-go-v2/service/kms"
)

func (p *principal) rotate(key string) error {
	_, err := p.RotateKeyOnDemand(ctx, &sdk.RotateKeyOnDemandInput{KeyId: &key})
	return err
}

func TestOldCiphertextsOpenAfterManyRotations(t *testing.T) {
	t.Parallel()
	a := start(t)
	key := a.createKey(t, "")
	var old [][]byte
	for range 25 {
		old = append(old, a.mustEncrypt(t, key))
		must(t, a.rotate(key))
	}
	old = append(old, a.mustEncrypt(t, key))
	materials := map[string]bool{}
	for _, b := range old {
		out, err := a.Decrypt(ctx, &sdk.DecryptInput{CiphertextBlob: b})
		must(t, err)
		materials[*out.KeyMaterialId] = true
	}
	if len(materials) != 26 {
		t.Errorf("%d backing keys were used, want 26", len(materials))
	}
	refused(t, a.rotate(key), "LimitExceededException", "The on-demand rotations limit has been reached for the given keyId. No more on-demand rotations can be performed for this key: "+key)
	n := 0
	for p := sdk.NewListKeyRotationsPaginator(a, &sdk.ListKeyRotationsInput{KeyId: &key, Limit: ptr(int32(10))}); p.HasMorePages(); {
		out, err := p.NextPage(ctx)
		must(t, err)
		for _, r := range out.Rotations {
			if n++; r.RotationType != "ON_DEMAND" || *r.KeyId != idOf(key) {
				t.Errorf("got %+v", r)
			}
		}
	}
	if n != 25 {
		t.Errorf("got %d rotations", n)
	}
}

func TestRotationIsSwitchedOnAndOff(t *testing.T) {
	t.Parallel()
	a := start(t)
	key := a.createKey(t, "")
	status := func() *sdk.GetKeyRotationStatusOutput {
		out, err := a.GetKeyRotationStatus(ctx, &sdk.GetKeyRotationStatusInput{KeyId: &key})
		must(t, err)
		return out
	}
	if s := status(); s.KeyRotationEnabled || s.RotationPeriodInDays != nil {
		t.Errorf("a new key has %+v", s)
	}
	_, err := a.EnableKeyRotation(ctx, &sdk.EnableKeyRotationInput{KeyId: &key})
	must(t, err)
	if s := status(); !s.KeyRotationEnabled || *s.RotationPeriodInDays != 365 {
		t.Errorf("got %+v", s)
	}
	_, err = a.EnableKeyRotation(ctx, &sdk.EnableKeyRotationInput{KeyId: &key, RotationPeriodInDays: ptr(int32(90))})
	must(t, err)
	if s := status(); *s.RotationPeriodInDays != 90 || s.NextRotationDate == nil {
		t.Errorf("got %+v", s)
	}
	_, err = a.EnableKeyRotation(ctx, &sdk.EnableKeyRotationInput{KeyId: &key, RotationPeriodInDays: ptr(int32(89))})
	refused(t, err, "ValidationException", "1 validation error detected: Value '89' at 'rotationPeriodInDays' failed to satisfy constraint: Member must have value greater than or equal to 90")
	_, err = a.DisableKeyRotation(ctx, &sdk.DisableKeyRotationInput{KeyId: &key})
	must(t, err)
	if status().KeyRotationEnabled {
		t.Error("rotation is still on")
	}
}
