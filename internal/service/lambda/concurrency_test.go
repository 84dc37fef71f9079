package lambda_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
)

func TestSimultaneousEventsRunInEnvironmentsOfTheirOwn(t *testing.T) {
	needs(t, "python3")
	t.Parallel()
	w := newWorld(t)
	in := python(`
import os, time
count = 0
def handler(event, context):
    global count
    count += 1
    time.sleep(event)
    return [os.environ["AWS_LAMBDA_LOG_STREAM_NAME"], count]
`)
	in.Timeout = aws.Int32(30)
	w.create("f", in)
	answers := make([]string, 4)
	var group sync.WaitGroup
	for i := range answers {
		group.Go(func() { answers[i] = w.invoke("f", `1`).payload })
	}
	group.Wait()
	streams := map[string]bool{}
	for _, a := range answers {
		streams[strings.TrimSuffix(a, ", 1]")] = true
	}
	if len(streams) != len(answers) {
		t.Errorf("got %v", answers)
	}
	if again := w.invoke("f", `0`).payload; !streams[strings.TrimSuffix(again, ", 2]")] {
		t.Errorf("the next event got %s, environments were %v", again, streams)
	}
}

func TestReservedConcurrencyThrottles(t *testing.T) {
	needs(t, "python3")
	t.Parallel()
	w := newWorld(t)
	w.create("f", python(echoPython))
	f := aws.String("f")
	put := func(n int32) error {
		_, err := w.lambda.PutFunctionConcurrency(w.ctx, &lambda.PutFunctionConcurrencyInput{FunctionName: f, ReservedConcurrentExecutions: &n})
		return err
	}
	w.must(put(0))
	_, err := w.lambda.Invoke(w.ctx, &lambda.InvokeInput{FunctionName: f})
	var throttled *types.TooManyRequestsException
	if !errors.As(err, &throttled) || *throttled.Message != "Rate Exceeded." ||
		throttled.Reason != types.ThrottleReasonReservedFunctionConcurrentInvocationLimitExceeded {
		t.Errorf("got %v", err)
	}
	if throttled.RetryAfterSeconds != nil {
		t.Errorf("waiting %s s does not help", *throttled.RetryAfterSeconds)
	}
	w.must(put(1))
	w.invoke("f", `1`)
	wantError(t, put(901), "InvalidParameterValueException", "Specified ReservedConcurrentExecutions for function decreases account's UnreservedConcurrentExecution below its minimum value of [100].")
	w.must(put(900))
	a, err := w.lambda.GetAccountSettings(w.ctx, &lambda.GetAccountSettingsInput{})
	w.must(err)
	got, err := w.lambda.GetFunctionConcurrency(w.ctx, &lambda.GetFunctionConcurrencyInput{FunctionName: f})
	w.must(err)
	if *a.AccountLimit.UnreservedConcurrentExecutions != 100 || *got.ReservedConcurrentExecutions != 900 {
		t.Errorf("%d left, %d reserved", *a.AccountLimit.UnreservedConcurrentExecutions, *got.ReservedConcurrentExecutions)
	}
	_, err = w.lambda.DeleteFunctionConcurrency(w.ctx, &lambda.DeleteFunctionConcurrencyInput{FunctionName: f})
	w.must(err)
	if a, _ = w.lambda.GetAccountSettings(w.ctx, &lambda.GetAccountSettingsInput{}); *a.AccountLimit.UnreservedConcurrentExecutions != 1000 {
		t.Errorf("%d left", *a.AccountLimit.UnreservedConcurrentExecutions)
	}
}

func TestManyEventsFindWarmEnvironments(t *testing.T) {
	needs(t, "python3")
	t.Parallel()
	w := newWorld(t)
	w.create("f", python("import uuid\nme = str(uuid.uuid4())\ndef handler(e, c): return me"))
	seen := map[string]bool{}
	for range 100 {
		seen[w.invoke("f", `1`).payload] = true
	}
	if len(seen) > 5 { // a busy machine may keep a runtime from asking again in time
		t.Errorf("%d environments for 100 events, one after the other", len(seen))
	}
}

// throttle is why Lambda refuses an event.
func (w *world) throttle(err error) types.ThrottleReason {
	w.Helper()
	var throttled *types.TooManyRequestsException
	if !errors.As(err, &throttled) {
		w.Fatalf("got %v", err)
	}
	if s := aws.ToString(throttled.RetryAfterSeconds); s != "1" {
		w.Errorf("retry after %q", s)
	}
	return throttled.Reason
}

func TestReservedConcurrencyIsForAllVersions(t *testing.T) {
	needs(t, "python3")
	t.Parallel()
	w := newWorld(t)
	in := python("import time\ndef handler(e, c): time.sleep(e)")
	in.Timeout = aws.Int32(60)
	w.create("f", in)
	w.publish("f")
	w.alias("f", "live", "1")
	_, err := w.lambda.PutFunctionConcurrency(w.ctx, &lambda.PutFunctionConcurrencyInput{FunctionName: aws.String("f"), ReservedConcurrentExecutions: aws.Int32(1)})
	w.must(err)
	ctx, stop := context.WithCancel(w.ctx)
	defer stop()
	go func() {
		for ctx.Err() == nil {
			w.lambda.Invoke(ctx, &lambda.InvokeInput{FunctionName: aws.String("f:live"), Payload: []byte("30")})
		}
	}()
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); <-time.After(200 * time.Millisecond) {
		_, err := w.lambda.Invoke(w.ctx, &lambda.InvokeInput{FunctionName: aws.String("f"), Payload: []byte("0")})
		if err != nil && w.throttle(err) == types.ThrottleReasonReservedFunctionConcurrentInvocationLimitExceeded {
			return
		}
	}
	t.Error("an event of a version leaves room for one of $LATEST")
}
