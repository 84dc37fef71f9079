package kms_test

import (
	"testing"
	"time"

	sdk "github.com/aws/aws-sdk-go-v2/service/kms"

	"redoubt/internal/service/kms"
)

// later does the background work that is due after some days.
func (p *principal) later(t *testing.T, days int) {
	t.Helper()
	must(t, kms.RunDueAt(p.service(), ctx, time.Now().UTC().AddDate(0, 0, days)))
}

func TestKeyIsDeletedWhenItsTimeHasCome(t *testing.T) {
	t.Parallel()
	a := serve(t)
	key := a.createKey(t, "")
	b := a.mustEncrypt(t, key)
	must(t, a.name("alias/a", key))
	g, err := a.grant(key, a.arn, nil, "Encrypt")
	must(t, err)
	_, err = a.ScheduleKeyDeletion(ctx, &sdk.ScheduleKeyDeletionInput{KeyId: &key, PendingWindowInDays: ptr(int32(7))})
	must(t, err)
	a.later(t, 6)
	if s := a.state(t, key); s != "PendingDeletion" {
		t.Errorf("a day before, the key is %s", s)
	}
	a.later(t, 8)
	for _, name := range []string{key, "alias/a"} {
		_, err = a.encrypt(name)
		refused(t, err, "NotFoundException", "...")
	}
	_, err = a.RetireGrant(ctx, &sdk.RetireGrantInput{GrantToken: g.GrantToken})
	refused(t, err, "NotFoundException", "...")
	_, err = a.decrypt(b)
	refused(t, err, "AccessDeniedException", "The ciphertext refers to a customer master key that does not exist, does not exist in this region, or you are not allowed to access.")
	must(t, a.name("alias/a", a.createKey(t, "")))
}

func TestCancelledDeletionDoesNotHappen(t *testing.T) {
	t.Parallel()
	a := serve(t)
	key := a.createKey(t, "")
	_, err := a.ScheduleKeyDeletion(ctx, &sdk.ScheduleKeyDeletionInput{KeyId: &key})
	must(t, err)
	_, err = a.CancelKeyDeletion(ctx, &sdk.CancelKeyDeletionInput{KeyId: &key})
	must(t, err)
	a.later(t, 40)
	a.state(t, key)
}

func TestKeyRotatesOnSchedule(t *testing.T) {
	t.Parallel()
	a := serve(t)
	key := a.createKey(t, "")
	old := a.mustEncrypt(t, key)
	_, err := a.EnableKeyRotation(ctx, &sdk.EnableKeyRotationInput{KeyId: &key, RotationPeriodInDays: ptr(int32(90))})
	must(t, err)
	rotations := func() int {
		out, err := a.ListKeyRotations(ctx, &sdk.ListKeyRotationsInput{KeyId: &key})
		must(t, err)
		return len(out.Rotations)
	}
	for _, c := range []struct{ days, want int }{{89, 0}, {91, 1}, {92, 1}, {181, 2}, {1000, 3}} {
		a.later(t, c.days)
		if n := rotations(); n != c.want {
			t.Errorf("after %d days there were %d rotations, want %d", c.days, n, c.want)
		}
	}
	if _, err := a.decrypt(old); err != nil {
		t.Error(err)
	}
}

func TestDisabledKeyRotatesOnceItIsEnabled(t *testing.T) {
	t.Parallel()
	a := serve(t)
	key := a.createKey(t, "")
	_, err := a.EnableKeyRotation(ctx, &sdk.EnableKeyRotationInput{KeyId: &key, RotationPeriodInDays: ptr(int32(90))})
	must(t, err)
	material := func() string {
		out, err := a.DescribeKey(ctx, &sdk.DescribeKeyInput{KeyId: &key})
		must(t, err)
		return *out.KeyMetadata.CurrentKeyMaterialId
	}
	first := material()
	_, err = a.DisableKey(ctx, &sdk.DisableKeyInput{KeyId: &key})
	must(t, err)
	a.later(t, 100)
	if material() != first {
		t.Error("a disabled key was rotated")
	}
	_, err = a.EnableKey(ctx, &sdk.EnableKeyInput{KeyId: &key})
	must(t, err)
	a.later(t, 100)
	if material() == first {
		t.Error("the key was not rotated")
	}
}
