package lambda_test

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"redoubt/internal/app"
	"redoubt/redoubttest"
)

// howStarted answers why its environment was initialised, which one it is, and whether another event was there before.
const howStarted = `
import os, time, uuid
me, calls = str(uuid.uuid4()), 0
def handler(event, context):
    global calls
    calls += 1
    if event == "exit":
        os._exit(1)
    time.sleep(event)
    return os.environ["AWS_LAMBDA_INITIALIZATION_TYPE"] + " " + me + " " + str(calls)
`

// provision asks for environments, and returns what Lambda says at once.
func (w *world) provision(name, qualifier string, n int32) (*lambda.PutProvisionedConcurrencyConfigOutput, error) {
	return w.lambda.PutProvisionedConcurrencyConfig(w.ctx, &lambda.PutProvisionedConcurrencyConfigInput{
		FunctionName: &name, Qualifier: &qualifier, ProvisionedConcurrentExecutions: &n,
	})
}

func (w *world) provisioned(name, qualifier string) *lambda.GetProvisionedConcurrencyConfigOutput {
	w.Helper()
	out, err := w.lambda.GetProvisionedConcurrencyConfig(w.ctx, &lambda.GetProvisionedConcurrencyConfigInput{FunctionName: &name, Qualifier: &qualifier})
	w.must(err)
	return out
}

// settled waits until what is provisioned is as it should be, or cannot be so.
func (w *world) settled(name, qualifier string) *lambda.GetProvisionedConcurrencyConfigOutput {
	w.Helper()
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		if out := w.provisioned(name, qualifier); out.Status != types.ProvisionedConcurrencyStatusEnumInProgress {
			return out
		}
	}
	w.Fatal("what is provisioned is still not ready")
	return nil
}

func (w *world) ready(name, qualifier string, n int32) {
	w.Helper()
	out := w.settled(name, qualifier)
	if out.Status != types.ProvisionedConcurrencyStatusEnumReady || *out.AllocatedProvisionedConcurrentExecutions != n || *out.AvailableProvisionedConcurrentExecutions != n {
		w.Fatalf("%s (%s), %d allocated, %d available, want %d", out.Status, aws.ToString(out.StatusReason),
			*out.AllocatedProvisionedConcurrentExecutions, *out.AvailableProvisionedConcurrentExecutions, n)
	}
}

// atOnce invokes a function several times at the same time, and returns the answers.
func (w *world) atOnce(name string, n int, payload string) []string {
	answers := make([]string, n)
	var group sync.WaitGroup
	for i := range answers {
		group.Go(func() {
			out, err := w.lambda.Invoke(w.ctx, &lambda.InvokeInput{FunctionName: &name, Payload: []byte(payload)})
			if err != nil {
				answers[i] = err.Error()
				return
			}
			answers[i] = strings.Trim(string(out.Payload), `"`)
		})
	}
	group.Wait()
	return answers
}

func TestProvisionedEnvironmentsAreReadyBeforeTheFirstEvent(t *testing.T) {
	needs(t, "python3")
	t.Parallel()
	w := newWorld(t)
	in := python(howStarted)
	in.Timeout = aws.Int32(30)
	w.create("f", in)
	w.publish("f")
	put, err := w.provision("f", "1", 2)
	w.must(err)
	if put.Status != types.ProvisionedConcurrencyStatusEnumInProgress || *put.RequestedProvisionedConcurrentExecutions != 2 || *put.AvailableProvisionedConcurrentExecutions != 0 {
		t.Errorf("got %s, %d requested, %d available", put.Status, *put.RequestedProvisionedConcurrentExecutions, *put.AvailableProvisionedConcurrentExecutions)
	}
	w.ready("f", "1", 2)
	first, err := w.lambda.Invoke(w.ctx, &lambda.InvokeInput{FunctionName: aws.String("f:1"), Payload: []byte("0"), LogType: types.LogTypeTail})
	w.must(err)
	log, err := base64.StdEncoding.DecodeString(*first.LogResult)
	w.must(err)
	if !strings.HasPrefix(string(first.Payload), `"provisioned-concurrency `) || strings.Contains(string(log), "Init Duration") {
		t.Errorf("got %s, log is %s", first.Payload, log)
	}
	kinds := map[string]int{}
	for _, a := range w.atOnce("f:1", 3, "1") {
		kinds[strings.Fields(a)[0]]++
	}
	if fmt.Sprint(kinds) != "map[on-demand:1 provisioned-concurrency:2]" {
		t.Errorf("three events at once ran in %v", kinds)
	}
	if got, _ := w.ask("f", "$LATEST"); strings.Contains(got, "provisioned") {
		t.Errorf("$LATEST ran in %s", got)
	}
}

func TestProvisionedEnvironmentsAreReplaced(t *testing.T) {
	needs(t, "python3")
	t.Parallel()
	w := newWorld(t)
	w.create("f", python(howStarted))
	w.publish("f")
	_, err := w.provision("f", "1", 1)
	w.must(err)
	w.ready("f", "1", 1)
	one := w.atOnce("f:1", 1, "0")[0]
	if _, err := w.lambda.Invoke(w.ctx, &lambda.InvokeInput{FunctionName: aws.String("f:1"), Payload: []byte(`"exit"`)}); err != nil {
		t.Fatal(err)
	}
	w.ready("f", "1", 1)
	other := one
	for other = w.atOnce("f:1", 1, "0")[0]; !strings.HasPrefix(other, "provisioned-concurrency "); {
		other = w.atOnce("f:1", 1, "0")[0] // the end of the first one may not be known yet
	}
	if !strings.HasSuffix(other, " 1") || one == other {
		t.Errorf("first %s, then %s", one, other)
	}
}

func TestProvisionedConcurrencyIsGivenUp(t *testing.T) {
	needs(t, "python3")
	t.Parallel()
	w := newWorld(t)
	w.create("f", python(howStarted))
	w.publish("f")
	_, err := w.provision("f", "1", 3)
	w.must(err)
	w.ready("f", "1", 3)
	_, err = w.provision("f", "1", 1)
	w.must(err)
	w.ready("f", "1", 1)
	for range 2 {
		_, err = w.lambda.DeleteProvisionedConcurrencyConfig(w.ctx, &lambda.DeleteProvisionedConcurrencyConfigInput{FunctionName: aws.String("f"), Qualifier: aws.String("1")})
		w.must(err)
	}
	_, err = w.lambda.GetProvisionedConcurrencyConfig(w.ctx, &lambda.GetProvisionedConcurrencyConfigInput{FunctionName: aws.String("f"), Qualifier: aws.String("1")})
	wantError(t, err, "ProvisionedConcurrencyConfigNotFoundException", "No Provisioned Concurrency Config found for this function")
	if got := w.atOnce("f:1", 1, "0")[0]; !strings.HasPrefix(got, "on-demand ") {
		t.Errorf("got %s", got)
	}
	a, err := w.lambda.GetAccountSettings(w.ctx, &lambda.GetAccountSettingsInput{})
	w.must(err)
	if *a.AccountLimit.UnreservedConcurrentExecutions != 1000 {
		t.Errorf("%d left", *a.AccountLimit.UnreservedConcurrentExecutions)
	}
}

func TestWhatCannotStartIsNotProvisioned(t *testing.T) {
	needs(t, "python3")
	t.Parallel()
	w := newWorld(t)
	w.create("f", python("raise Exception('no')"))
	w.publish("f")
	_, err := w.provision("f", "1", 1)
	w.must(err)
	out := w.settled("f", "1")
	if out.Status != types.ProvisionedConcurrencyStatusEnumFailed || *out.StatusReason != "FUNCTION_ERROR_INIT_FAILURE" || *out.AllocatedProvisionedConcurrentExecutions != 0 {
		t.Errorf("got %s, %q, %d", out.Status, aws.ToString(out.StatusReason), *out.AllocatedProvisionedConcurrentExecutions)
	}
}

func TestProvisionedConcurrencyThatAWSRefuses(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	arn := w.script("f")
	for i := range 2 {
		_, err := w.lambda.UpdateFunctionCode(w.ctx, &lambda.UpdateFunctionCodeInput{FunctionName: aws.String("f"), ZipFile: files{"bootstrap": fmt.Sprint(i)}.zip(), Publish: true})
		w.must(err)
	}
	w.alias("f", "latest", "$LATEST")
	w.alias("f", "one", "1")
	_, err := w.lambda.CreateAlias(w.ctx, &lambda.CreateAliasInput{FunctionName: aws.String("f"), Name: aws.String("both"), FunctionVersion: aws.String("1"), RoutingConfig: weights("2", 0.5)})
	w.must(err)
	_, err = w.provision("f", "2", 5)
	w.must(err)
	w.alias("f", "two", "2")
	for _, c := range []struct {
		qualifier     string
		n             int32
		code, message string
	}{
		{"$LATEST", 1, "InvalidParameterValueException", "Provisioned Concurrency Configs cannot be applied to unpublished function versions."},
		{"latest", 1, "InvalidParameterValueException", "Provisioned Concurrency Configs cannot be applied to unpublished function versions."},
		{"none", 1, "ResourceNotFoundException", "Cannot find alias arn: " + arn + ":none"},
		{"9", 1, "ResourceNotFoundException", "Function not found: " + arn + ":9"},
		{"1", 0, "ValidationException", "at 'provisionedConcurrentExecutions' failed to satisfy constraint: Member must have value greater than or equal to 1"},
		{"1", 1001, "InvalidParameterValueException", "Specified ConcurrentExecutions for function is greater than account's unreserved concurrency [1000]."},
		{"1", 896, "InvalidParameterValueException", "Specified ConcurrentExecutions for function decreases account's UnreservedConcurrentExecution below its minimum value of [100]."},
		{"both", 1, "InvalidParameterValueException", "Alias with weights can not be used with Provisioned Concurrency"},
		{"two", 1, "ResourceConflictException", "Alias can't be used for Provisioned Concurrency configuration on an already Provisioned version"},
	} {
		_, err := w.provision("f", c.qualifier, c.n)
		wantError(t, err, c.code, c.message)
	}
	_, err = w.provision("f", "one", 1)
	w.must(err)
	_, err = w.provision("f", "1", 1)
	wantError(t, err, "ResourceConflictException", "Version is pointed by a Provisioned Concurrency alias")
	_, err = w.lambda.UpdateAlias(w.ctx, &lambda.UpdateAliasInput{FunctionName: aws.String("f"), Name: aws.String("one"), FunctionVersion: aws.String("2")})
	wantError(t, err, "ResourceConflictException", "Alias can't be used for Provisioned Concurrency configuration on an already Provisioned version")
	_, err = w.lambda.GetProvisionedConcurrencyConfig(w.ctx, &lambda.GetProvisionedConcurrencyConfigInput{FunctionName: aws.String("f"), Qualifier: aws.String("$LATEST")})
	wantError(t, err, "InvalidParameterValueException", "The function resource provided must be an alias or a published version.")
	var listed strings.Builder
	pages := lambda.NewListProvisionedConcurrencyConfigsPaginator(w.lambda, &lambda.ListProvisionedConcurrencyConfigsInput{FunctionName: aws.String("f"), MaxItems: aws.Int32(1)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(w.ctx)
		w.must(err)
		for _, c := range page.ProvisionedConcurrencyConfigs {
			fmt.Fprint(&listed, strings.TrimPrefix(*c.FunctionArn, arn), "=", *c.RequestedProvisionedConcurrentExecutions, "|")
		}
	}
	if listed.String() != ":2=5|:one=1|" {
		t.Errorf("got %s", &listed)
	}
}

func TestProvisionedConcurrencyIsPartOfWhatIsReserved(t *testing.T) {
	needs(t, "python3")
	t.Parallel()
	w := newWorld(t)
	w.create("f", python(howStarted))
	w.publish("f")
	reserve := func(n int32) error {
		_, err := w.lambda.PutFunctionConcurrency(w.ctx, &lambda.PutFunctionConcurrencyInput{FunctionName: aws.String("f"), ReservedConcurrentExecutions: &n})
		return err
	}
	left := func() int32 {
		a, err := w.lambda.GetAccountSettings(w.ctx, &lambda.GetAccountSettingsInput{})
		w.must(err)
		return *a.AccountLimit.UnreservedConcurrentExecutions
	}
	w.must(reserve(2))
	_, err := w.provision("f", "1", 3)
	wantError(t, err, "InvalidParameterValueException", "Requested Provisioned Concurrency should not be greater than the reservedConcurrentExecution for function")
	_, err = w.provision("f", "1", 2)
	w.must(err)
	if n := left(); n != 998 {
		t.Errorf("%d left with a reservation", n)
	}
	wantError(t, reserve(1), "InvalidParameterValueException", "ReservedConcurrentExecutions  1 should not be lower than function's total provisioned concurrency [2].")
	w.ready("f", "1", 2)
	_, err = w.lambda.Invoke(w.ctx, &lambda.InvokeInput{FunctionName: aws.String("f"), Payload: []byte("0")})
	var throttled *types.TooManyRequestsException
	if !errors.As(err, &throttled) || throttled.Reason != types.ThrottleReasonReservedFunctionConcurrentInvocationLimitExceeded {
		t.Errorf("$LATEST has nothing left, and got %v", err)
	}
	if got := w.atOnce("f:1", 1, "0")[0]; !strings.HasPrefix(got, "provisioned-concurrency ") {
		t.Errorf("got %s", got)
	}
	_, err = w.lambda.DeleteFunctionConcurrency(w.ctx, &lambda.DeleteFunctionConcurrencyInput{FunctionName: aws.String("f")})
	w.must(err)
	if n := left(); n != 998 {
		t.Errorf("%d left without a reservation", n)
	}
	_, err = w.lambda.DeleteFunction(w.ctx, &lambda.DeleteFunctionInput{FunctionName: aws.String("f")})
	w.must(err)
	if n := left(); n != 1000 {
		t.Errorf("%d left without the function", n)
	}
}

func TestProvisionedConcurrencyFollowsItsAlias(t *testing.T) {
	needs(t, "python3")
	t.Parallel()
	w := newWorld(t)
	w.create("f", python(howStarted))
	w.publish("f")
	w.rewrite("f", howStarted+"\n")
	w.publish("f")
	w.alias("f", "live", "1")
	_, err := w.provision("f", "live", 2)
	w.must(err)
	w.ready("f", "live", 2)
	update := func(in lambda.UpdateAliasInput) {
		t.Helper()
		in.FunctionName, in.Name = aws.String("f"), aws.String("live")
		_, err := w.lambda.UpdateAlias(w.ctx, &in)
		w.must(err)
		w.ready("f", "live", 2)
	}
	kinds := func() string {
		var list []string
		for _, name := range []string{"f:1", "f:2"} {
			kind, _, _ := strings.Cut(w.atOnce(name, 1, "0")[0], " ")
			list = append(list, kind)
		}
		return strings.Join(list, ", ")
	}
	if got := kinds(); got != "provisioned-concurrency, on-demand" {
		t.Errorf("for version 1: %s", got)
	}
	update(lambda.UpdateAliasInput{RoutingConfig: weights("2", 0.5)})
	if got := kinds(); got != "provisioned-concurrency, provisioned-concurrency" {
		t.Errorf("for both versions: %s", got)
	}
	update(lambda.UpdateAliasInput{FunctionVersion: aws.String("2"), RoutingConfig: &types.AliasRoutingConfiguration{}})
	if got := kinds(); got != "on-demand, provisioned-concurrency" {
		t.Errorf("for version 2: %s", got)
	}
	_, err = w.lambda.DeleteAlias(w.ctx, &lambda.DeleteAliasInput{FunctionName: aws.String("f"), Name: aws.String("live")})
	w.must(err)
	if got := kinds(); got != "on-demand, on-demand" {
		t.Errorf("without the alias: %s", got)
	}
}

func TestProvisionedEnvironmentsComeBackWithTheServer(t *testing.T) {
	needs(t, "python3")
	data := t.TempDir()
	server := redoubttest.Run(t, app.Config{Data: data})
	cfg := server.Account(t)
	keys, err := cfg.Credentials.Retrieve(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	w := worldOf(t, cfg)
	w.create("f", python(howStarted))
	w.publish("f")
	_, err = w.provision("f", "1", 2)
	w.must(err)
	w.ready("f", "1", 2)
	w.must(server.Stop())
	server = redoubttest.Run(t, app.Config{Data: data})
	w = worldOf(t, server.Config(t, keys.AccessKeyID, keys.SecretAccessKey, ""))
	w.ready("f", "1", 2)
	if got := w.atOnce("f:1", 1, "0")[0]; !strings.HasPrefix(got, "provisioned-concurrency ") || !strings.HasSuffix(got, " 1") {
		t.Errorf("got %s", got)
	}
}
