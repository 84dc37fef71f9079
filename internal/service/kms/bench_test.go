package kms_test

import (
	"testing"

	sdk "github.com/aws/aws-sdk-go-v2/service/kms"

	"redoubt/internal/api"
)

// BenchmarkCall measures calls behind the door, 8 at a time for each processor: authorisation, the operation and its
// record on the disk, without HTTP.
func BenchmarkCall(b *testing.B) {
	a := serve(b)
	key := a.createKey(b, "")
	ctx := api.WithCaller(ctx, a.caller(b))
	in := &sdk.EncryptInput{KeyId: &key, Plaintext: make([]byte, 32), EncryptionContext: map[string]string{"a": "b"}}
	b.ReportAllocs()
	b.SetParallelism(8)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if _, err := api.Call[sdk.EncryptOutput](ctx, a.server.App.Registry(), in); err != nil {
				b.Error(err)
			}
		}
	})
}
