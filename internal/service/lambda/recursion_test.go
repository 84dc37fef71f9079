package lambda_test

import (
	"context"
	"encoding/json"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// traced sends an X-Ray header, as the SDK does inside of a function.
func traced(header string) func(*lambda.Options) {
	return func(o *lambda.Options) {
		o.APIOptions = append(o.APIOptions, func(s *middleware.Stack) error {
			return s.Build.Add(middleware.BuildMiddlewareFunc("trace", func(ctx context.Context, in middleware.BuildInput, next middleware.BuildHandler) (middleware.BuildOutput, middleware.Metadata, error) {
				in.Request.(*smithyhttp.Request).Header.Set("X-Amzn-Trace-Id", header)
				return next.HandleBuild(ctx, in)
			}), middleware.After)
		})
	}
}

func TestRecursiveLoopsAreStopped(t *testing.T) {
	needs(t, "python3")
	t.Parallel()
	w := newWorld(t)
	w.create("f", python(`import os
def handler(e, c): return os.environ["_X_AMZN_TRACE_ID"]`))
	w.publish("f")
	header := ""
	invoke := func(name string) (string, error) {
		out, err := w.lambda.Invoke(w.ctx, &lambda.InvokeInput{FunctionName: &name}, traced(header))
		if err != nil {
			return "", err
		}
		var next string
		w.must(json.Unmarshal(out.Payload, &next))
		return next, nil
	}
	for i := range 16 { // as a whole, however it is named
		next, err := invoke([]string{"f", "f:1"}[i%2])
		w.must(err)
		root, _, _ := strings.Cut(header, ";")
		if !strings.HasPrefix(next, root) || !strings.Contains(next, ";Lineage=") {
			t.Fatalf("%s became %s", header, next)
		}
		header = strings.ReplaceAll(next, "|", "%7C")
	}
	_, err := invoke("f")
	wantError(t, err, "RecursiveInvocationException", "Lambda has detected your function being invoked in a recursive loop with other AWS resources and stopped your function's invocation.")
	set := func(loop types.RecursiveLoop) {
		t.Helper()
		_, err := w.lambda.PutFunctionRecursionConfig(w.ctx, &lambda.PutFunctionRecursionConfigInput{FunctionName: aws.String("f"), RecursiveLoop: loop})
		w.must(err)
		got, err := w.lambda.GetFunctionRecursionConfig(w.ctx, &lambda.GetFunctionRecursionConfigInput{FunctionName: aws.String("f")})
		w.must(err)
		if got.RecursiveLoop != loop {
			t.Errorf("got %s, want %s", got.RecursiveLoop, loop)
		}
	}
	set(types.RecursiveLoopAllow)
	for range 3 {
		header, err = invoke("f")
		w.must(err)
	}
	set(types.RecursiveLoopTerminate)
	_, err = invoke("f")
	wantError(t, err, "RecursiveInvocationException", "")
}

func TestRecursionIsOfTheWholeFunction(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.script("f")
	got, err := w.lambda.GetFunctionRecursionConfig(w.ctx, &lambda.GetFunctionRecursionConfigInput{FunctionName: aws.String("f")})
	w.must(err)
	if got.RecursiveLoop != types.RecursiveLoopTerminate {
		t.Errorf("got %s", got.RecursiveLoop)
	}
	_, err = w.lambda.PutFunctionRecursionConfig(w.ctx, &lambda.PutFunctionRecursionConfigInput{FunctionName: aws.String("f:1"), RecursiveLoop: types.RecursiveLoopAllow})
	wantError(t, err, "InvalidParameterValueException", "This operation is permitted on Lambda functions only.")
	_, err = w.lambda.PutFunctionRecursionConfig(w.ctx, &lambda.PutFunctionRecursionConfigInput{FunctionName: aws.String("f"), RecursiveLoop: "Perhaps"})
	wantError(t, err, "ValidationException", "recursiveLoop")
}
