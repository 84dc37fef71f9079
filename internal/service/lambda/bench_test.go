package lambda_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
)

// Warm invocations one after another, as one client of the real SDK sees them.
func BenchmarkWarm(b *testing.B) {
	for name, in := range map[string]*lambda.CreateFunctionInput{
		"python": python(echoPython), "node": node("exports.handler = async (e) => e"), "go": provided(b),
		"variables": func() *lambda.CreateFunctionInput {
			in := python(echoPython)
			in.Environment = &types.Environment{Variables: map[string]string{"AB": "c"}}
			return in
		}(),
		"key": python(echoPython),
	} {
		b.Run(name, func(b *testing.B) {
			w := newWorld(b)
			in.MemorySize, in.Role = aws.Int32(1769), nil
			if name == "key" {
				in.Environment, in.KMSKeyArn = &types.Environment{Variables: map[string]string{"AB": "c"}}, aws.String(w.key())
				in.Role = aws.String(w.role("role", mayLog, strings.ReplaceAll(mayLog, "logs:", "kms:")))
			}
			w.create("f", in)
			call := &lambda.InvokeInput{FunctionName: aws.String("f"), Payload: []byte(`{"say":"hi"}`)}
			_, err := w.lambda.Invoke(w.ctx, call)
			w.must(err)
			var took []time.Duration
			for b.Loop() {
				begin := time.Now()
				if _, err := w.lambda.Invoke(w.ctx, call); err != nil {
					b.Fatal(err)
				}
				took = append(took, time.Since(begin))
			}
			slices.Sort(took)
			b.ReportMetric(float64(took[len(took)/2].Microseconds()), "p50-us")
			b.ReportMetric(float64(took[len(took)*99/100].Microseconds()), "p99-us")
		})
	}
}

// First invocations: an environment for each.
func BenchmarkCold(b *testing.B) {
	for name, in := range map[string]*lambda.CreateFunctionInput{
		"python": python(echoPython), "node": node("exports.handler = async (e) => e"), "go": provided(b),
	} {
		b.Run(name, func(b *testing.B) {
			w := newWorld(b)
			in.Role = aws.String(w.role("role", mayLog))
			w.create("f", in)
			for i := 0; b.Loop(); i++ {
				b.StopTimer()
				_, err := w.lambda.UpdateFunctionConfiguration(w.ctx, &lambda.UpdateFunctionConfigurationInput{
					FunctionName: aws.String("f"), Description: aws.String(fmt.Sprint(i)),
				})
				w.must(err)
				b.StartTimer()
				w.invoke("f", `{}`)
			}
		})
	}
}
