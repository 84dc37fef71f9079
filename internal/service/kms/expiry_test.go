package kms_test

import (
	"testing"
	"time"

	sdk "github.com/aws/aws-sdk-go-v2/service/kms"

	"redoubt/internal/service/kms"
)

func TestMaterialIsGoneAtTheMomentItExpires(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	for now, want := range map[time.Time]string{at.Add(-1): "Enabled", at: "PendingImport", at.Add(time.Hour): "PendingImport"} {
		if s := kms.StateOf(at, now); string(s) != want {
			t.Errorf("at %s the key is %s", now, s)
		}
	}
}

func TestExpiredKeyRefusesTheNextCall(t *testing.T) {
	t.Parallel()
	a := start(t)
	key := a.external(t, "", "")
	until := time.Now().Add(time.Second).Truncate(time.Millisecond)
	_, err := a.load(t, key, newMaterial(32), func(in *sdk.ImportKeyMaterialInput) {
		in.ExpirationModel, in.ValidTo = "KEY_MATERIAL_EXPIRES", &until
	})
	must(t, err)
	for err == nil {
		before := time.Now()
		if _, err = a.encrypt(key); err == nil && !before.Before(until) {
			t.Fatal("expired material encrypts")
		}
		if err != nil && time.Now().Before(until) {
			t.Fatalf("refused too early: %v", err)
		}
	}
	refused(t, err, "KMSInvalidStateException", key+" is pending import.")
	if s := a.state(t, key); s != "PendingImport" {
		t.Errorf("the key is %s", s)
	}
}

func TestExpiredMaterialIsWiped(t *testing.T) {
	t.Parallel()
	a := serve(t)
	key, material := a.external(t, "", ""), newMaterial(32)
	_, err := a.load(t, key, material, expiring)
	must(t, err)
	b := a.mustEncrypt(t, key)
	a.later(t, 1)
	if s := a.state(t, key); s != "PendingImport" {
		t.Errorf("the key is %s", s)
	}
	if got := a.materials(t, key); got != "first CURRENT PENDING_IMPORT" {
		t.Errorf("got %s", got)
	}
	_, err = a.load(t, key, material, nil)
	must(t, err)
	if plain, err := a.decrypt(b); err != nil || plain != "attack at dawn" {
		t.Errorf("got %q, %v", plain, err)
	}
}

func TestImportTokenIsGoodForADay(t *testing.T) {
	t.Parallel()
	a := serve(t)
	key := a.external(t, "", "")
	token := a.wrap(t, key, "RSAES_OAEP_SHA_256", newMaterial(32)).ImportToken
	open := func(in time.Duration) error {
		return a.service().OpenToken(a.account, region, idOf(key), token, time.Now().Add(in))
	}
	must(t, open(23*time.Hour))
	refused(t, open(25*time.Hour), "ExpiredImportTokenException", "...")
}
