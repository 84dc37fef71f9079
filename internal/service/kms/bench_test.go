package kms_test

import (
	"testing"

	sdk "github.com/aws/aws-sdk-go-v2/service/kms"

	"redoubt/internal/api"
)

// BenchmarkCall measures a call behind the door: authorisation, the operation and its record, without HTTP.
func BenchmarkCall(b *testing.B) {
	a := serve(b)
	key := a.createKey(b, "")
	ctx := api.WithCaller(ctx, a.caller(b))
	in := &sdk.EncryptInput{KeyId: &key, Plaintext: make([]byte, 32), EncryptionContext: map[string]string{"a": "b"}}
	b.ReportAllocs()
	for b.Loop() {
		_, err := api.Call[sdk.EncryptOutput](ctx, a.server.App.Registry(), in)
		must(b, err)
	}
}
