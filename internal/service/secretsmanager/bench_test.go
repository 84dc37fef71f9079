package secretsmanager_test

import (
	"sync"
	"testing"

	sdk "github.com/aws/aws-sdk-go-v2/service/secretsmanager"
)

// BenchmarkGetSecretValue reads a secret with the real client, whose own work counts too. KMS is asked each time.
func BenchmarkGetSecretValue(b *testing.B) {
	p := start(b)
	p.create(b, "x", "correct-horse-battery-staple")
	get := func() {
		if _, err := p.GetSecretValue(ctx, &sdk.GetSecretValueInput{SecretId: ptr("x")}); err != nil {
			b.Error(err)
		}
	}
	b.Run("1", func(b *testing.B) {
		for b.Loop() {
			get()
		}
	})
	b.Run("16", func(b *testing.B) {
		var clients sync.WaitGroup
		for range 16 {
			clients.Go(func() {
				for range b.N / 16 {
					get()
				}
			})
		}
		clients.Wait()
	})
}
