package kms_test

import (
	"context"
	"testing"

	sdk "github.com/aws/aws-sdk-go-v2/service/kms"

	"redoubt/internal/api"
)

// BenchmarkCall measures a call behind the door: authorisation, the operation and its record, without HTTP.
func BenchmarkCall(b *testing.B) {
	w := newWorld(b)
	c, account := w.newAccount(b)
	k, err := c.CreateKey(context.Background(), &sdk.CreateKeyInput{})
	must(b, err)
	caller := w.caller("arn:aws:iam::" + account + ":user/admin")
	ctx := api.WithCaller(context.Background(), caller)
	in := &sdk.EncryptInput{KeyId: k.KeyMetadata.KeyId, Plaintext: make([]byte, 32), EncryptionContext: map[string]string{"a": "b"}}
	b.ReportAllocs()
	for b.Loop() {
		_, err := api.Call[sdk.EncryptOutput](ctx, w.registry, in)
		must(b, err)
	}
}

// BenchmarkEncrypt measures the operation alone.
func BenchmarkEncrypt(b *testing.B) {
	w := newWorld(b)
	c, account := w.newAccount(b)
	k, err := c.CreateKey(context.Background(), &sdk.CreateKeyInput{})
	must(b, err)
	ctx := api.WithCaller(context.Background(), w.caller("arn:aws:iam::"+account+":user/admin"))
	in := &sdk.EncryptInput{KeyId: k.KeyMetadata.KeyId, Plaintext: make([]byte, 32), EncryptionContext: map[string]string{"a": "b"}}
	b.ReportAllocs()
	for b.Loop() {
		_, err := w.service.Encrypt(ctx, in)
		must(b, err)
	}
}
