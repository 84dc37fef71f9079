package ssm_test

import (
	"testing"

	sdk "github.com/aws/aws-sdk-go-v2/service/ssm"
)

// The benchmarks read a parameter through the whole path, 8 clients for each processor, and by one client alone.

func BenchmarkGetParameter(b *testing.B) { benchmarkGet(b, "/plain") }

func BenchmarkGetSecureString(b *testing.B) { benchmarkGet(b, "/secure") }

func BenchmarkGetParameterAlone(b *testing.B) {
	p, in := prepare(b, "/plain")
	for b.Loop() {
		if _, err := p.GetParameter(ctx, in); err != nil {
			b.Fatal(err)
		}
	}
}

func prepare(b *testing.B, name string) (*principal, *sdk.GetParameterInput) {
	p := start(b)
	p.mustPut(b, "/plain", "db.local")
	p.mustPut(b, "/secure", "secret", isSecure)
	b.ReportAllocs()
	return p, &sdk.GetParameterInput{Name: &name, WithDecryption: ptr(true)}
}

func benchmarkGet(b *testing.B, name string) {
	p, in := prepare(b, name)
	b.SetParallelism(8)
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if _, err := p.GetParameter(ctx, in); err != nil {
				b.Error(err)
			}
		}
	})
}
