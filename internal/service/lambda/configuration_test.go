package lambda_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
)

func TestFunctionFillsItsStorageAndNoMore(t *testing.T) {
	needs(t, "python3")
	t.Parallel()
	w := newWorld(t)
	in := python(`
import errno, os
def handler(megabytes, c):
    written = 0
    try:
        with open("/tmp/full", "wb", buffering=0) as f:
            while written < megabytes:
                written += f.write(b"x" * (1 << 20)) >> 20
    except OSError as e:
        return [errno.errorcode[e.errno], written]
    finally:
        os.unlink("/tmp/full")
    return ["all", written]
`)
	in.EphemeralStorage, in.Timeout = &types.EphemeralStorage{Size: aws.Int32(600)}, aws.Int32(60)
	w.create("f", in)
	if got := w.invoke("f", `590`); got.payload != `["all", 590]` {
		t.Errorf("got %+v", got)
	}
	if got := w.invoke("f", `700`); !strings.HasPrefix(got.payload, `["ENOSPC", 59`) && got.payload != `["ENOSPC", 600]` {
		t.Errorf("got %+v", got)
	}
}

func TestValuesOutOfTheirRangeAreRefused(t *testing.T) {
	needs(t, "python3")
	t.Parallel()
	w := newWorld(t)
	w.create("f", python(echoPython))
	role := w.role("role")
	both := []types.Architecture{types.ArchitectureX8664, types.ArchitectureArm64}
	for name, c := range map[string]struct {
		change  func(*lambda.CreateFunctionInput)
		message string
	}{
		"two architectures": {func(in *lambda.CreateFunctionInput) { in.Architectures = both }, "at 'architectures' failed to satisfy constraint: Member must have length less than or equal to 1"},
		"no architecture":   {func(in *lambda.CreateFunctionInput) { in.Architectures = []types.Architecture{} }, "at 'architectures' failed to satisfy constraint: Member must have length greater than or equal to 1"},
		"long description":  {func(in *lambda.CreateFunctionInput) { in.Description = aws.String(strings.Repeat("d", 257)) }, "at 'description' failed to satisfy constraint: Member must have length less than or equal to 256"},
		"little memory":     {func(in *lambda.CreateFunctionInput) { in.MemorySize = aws.Int32(127) }, "at 'memorySize' failed to satisfy constraint: Member must have value greater than or equal to 128"},
		"much memory":       {func(in *lambda.CreateFunctionInput) { in.MemorySize = aws.Int32(10241) }, "at 'memorySize' failed to satisfy constraint: Member must have value less than or equal to 10240"},
		"no time":           {func(in *lambda.CreateFunctionInput) { in.Timeout = aws.Int32(0) }, "at 'timeout' failed to satisfy constraint: Member must have value greater than or equal to 1"},
		"little storage": {func(in *lambda.CreateFunctionInput) {
			in.EphemeralStorage = &types.EphemeralStorage{Size: aws.Int32(511)}
		}, "at 'ephemeralStorage.size' failed to satisfy constraint: Member must have value greater than or equal to 512"},
		"much storage": {func(in *lambda.CreateFunctionInput) {
			in.EphemeralStorage = &types.EphemeralStorage{Size: aws.Int32(10241)}
		}, "at 'ephemeralStorage.size' failed to satisfy constraint: Member must have value less than or equal to 10240"},
		"space in handler": {func(in *lambda.CreateFunctionInput) { in.Handler = aws.String("a b") }, "at 'handler' failed to satisfy constraint"},
	} {
		in := python(echoPython)
		in.FunctionName, in.Role = aws.String("new"), &role
		c.change(in)
		_, err := w.lambda.CreateFunction(w.ctx, in)
		t.Run(name+" at creation", func(t *testing.T) { wantError(t, err, "ValidationException", c.message) })
		if in.Architectures != nil {
			_, err = w.lambda.UpdateFunctionCode(w.ctx, &lambda.UpdateFunctionCodeInput{FunctionName: aws.String("f"), ZipFile: in.Code.ZipFile, Architectures: in.Architectures})
		} else {
			_, err = w.lambda.UpdateFunctionConfiguration(w.ctx, &lambda.UpdateFunctionConfigurationInput{
				FunctionName: aws.String("f"), Description: in.Description, MemorySize: in.MemorySize, Timeout: in.Timeout, EphemeralStorage: in.EphemeralStorage, Handler: in.Handler,
			})
		}
		t.Run(name+" at an update", func(t *testing.T) { wantError(t, err, "ValidationException", c.message) })
	}
}

func TestEmptyValuesClearAndMissingOnesKeep(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	in := provided(t)
	in.Description, in.Layers = aws.String("text"), []string{w.layer("l", files{"x": "x"})}
	in.Environment = &types.Environment{Variables: map[string]string{"A1": "b"}}
	w.create("f", in)
	show := func(c *lambda.UpdateFunctionConfigurationOutput, err error) string {
		w.must(err)
		if c.Environment == nil {
			c.Environment = &types.EnvironmentResponse{}
		}
		return fmt.Sprint(*c.Description, " ", len(c.Layers), " ", len(c.Environment.Variables), " ", *c.Timeout)
	}
	if got := show(w.lambda.UpdateFunctionConfiguration(w.ctx, &lambda.UpdateFunctionConfigurationInput{FunctionName: aws.String("f"), Timeout: aws.Int32(7)})); got != "text 1 1 7" {
		t.Errorf("kept %s", got)
	}
	if got := show(w.lambda.UpdateFunctionConfiguration(w.ctx, &lambda.UpdateFunctionConfigurationInput{
		FunctionName: aws.String("f"), Description: aws.String(""), Layers: []string{}, Environment: &types.Environment{Variables: map[string]string{}},
	})); got != " 0 0 7" {
		t.Errorf("cleared to %s", got)
	}
}

// Each changes something of its own, at the same time as the others; what was acknowledged must be there afterwards.
func TestSimultaneousUpdatesLoseNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	arn := w.script("f")
	changes := map[string]*lambda.UpdateFunctionConfigurationInput{
		"description": {Description: aws.String("new")}, "timeout": {Timeout: aws.Int32(77)}, "memory": {MemorySize: aws.Int32(777)}, "handler": {Handler: aws.String("other")},
	}
	var mu sync.Mutex
	failed := map[string]error{}
	var group sync.WaitGroup
	for name, in := range changes {
		in.FunctionName = aws.String("f")
		group.Go(func() {
			_, err := w.lambda.UpdateFunctionConfiguration(w.ctx, in)
			mu.Lock()
			defer mu.Unlock()
			failed[name] = err
		})
	}
	var tagged error
	group.Go(func() {
		_, tagged = w.lambda.TagResource(w.ctx, &lambda.TagResourceInput{Resource: &arn, Tags: map[string]string{"a": "b"}})
	})
	group.Wait()
	w.must(tagged)
	got, err := w.lambda.GetFunction(w.ctx, &lambda.GetFunctionInput{FunctionName: &arn})
	w.must(err)
	c := got.Configuration
	is := map[string]bool{"description": *c.Description == "new", "timeout": *c.Timeout == 77, "memory": *c.MemorySize == 777, "handler": *c.Handler == "other"}
	for name, err := range failed {
		if err != nil {
			wantError(t, err, "ResourceConflictException", "concurrent update operation")
		}
		if is[name] != (err == nil) {
			t.Errorf("%s: changed %v, answered %v", name, is[name], err)
		}
	}
	if got.Tags["a"] != "b" {
		t.Errorf("tags are %v", got.Tags)
	}
}
