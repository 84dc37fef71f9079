package kms_test

import (
	"strings"
	"testing"

	sdk "github.com/aws/aws-sdk-go-v2/service/kms"
)

func TestMultiRegionKeyIsThePrimaryOfNoReplica(t *testing.T) {
	t.Parallel()
	a := start(t)
	made, err := a.CreateKey(ctx, &sdk.CreateKeyInput{MultiRegion: ptr(true)})
	must(t, err)
	m := made.KeyMetadata
	c := m.MultiRegionConfiguration
	if !*m.MultiRegion || !strings.HasPrefix(*m.KeyId, "mrk-") || c.MultiRegionKeyType != "PRIMARY" || *c.PrimaryKey.Arn != *m.Arn || *c.PrimaryKey.Region != region || len(c.ReplicaKeys) > 0 {
		t.Errorf("got %+v %+v", m, c)
	}
	b := a.mustEncrypt(t, *m.KeyId, "a", "b")
	must(t, a.rotate(*m.KeyId))
	if plain, err := a.decrypt(b, "a", "b"); err != nil || plain != "attack at dawn" {
		t.Errorf("got %q, %v", plain, err)
	}
	b[1] = 1
	_, err = a.decrypt(b, "a", "b")
	refused(t, err, "InvalidCiphertextException", "")
}

func TestReplicasAreRefused(t *testing.T) {
	t.Parallel()
	a := start(t)
	single := a.createKey(t, "")
	made, err := a.CreateKey(ctx, &sdk.CreateKeyInput{MultiRegion: ptr(true)})
	must(t, err)
	key := *made.KeyMetadata.Arn
	for _, c := range []struct{ key, region, code, message string }{
		{single, "eu-west-1", "UnsupportedOperationException", single + " is not a multi-Region primary key."},
		{key, region, "ValidationException", "...Region must not be the Region of the primary key."},
		{key, "eu-west-1", "UnsupportedOperationException", "...Region eu-west-1 is not reachable: Redoubt serves the Region us-east-1 only."},
	} {
		_, err := a.ReplicateKey(ctx, &sdk.ReplicateKeyInput{KeyId: &c.key, ReplicaRegion: &c.region})
		refused(t, err, c.code, strings.Replace(c.message, "...", "Replica", 1))
		_, err = a.UpdatePrimaryRegion(ctx, &sdk.UpdatePrimaryRegionInput{KeyId: &c.key, PrimaryRegion: &c.region})
		refused(t, err, c.code, strings.Replace(c.message, "...", "Primary", 1))
	}
}
