package lambda

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"redoubt/internal/api"
	"redoubt/internal/blob"
	"redoubt/internal/service/lambda/fleet"
	"redoubt/internal/store"
	"redoubt/internal/wire"
)

// Limits of an invocation (API_Invoke).
const (
	maxPayload       = 6 << 20
	maxClientContext = 3583
)

// Invoke runs the function and returns what it answers.
func (s *Service) Invoke(ctx context.Context, in *lambda.InvokeInput) (*lambda.InvokeOutput, error) {
	ev, ref, err := s.event(ctx, in)
	if err != nil {
		return nil, err
	}
	read := func() (*fleet.Function, error) { return s.invocable(ctx, ref, in.TenantId) }
	fn, err := read()
	if err != nil {
		return nil, err
	}
	if in.InvocationType == types.InvocationTypeDryRun {
		return &lambda.InvokeOutput{StatusCode: http.StatusNoContent, ExecutedVersion: &fn.Version}, nil
	}
	fn, o, err := s.perform(ctx, fn, ev, read)
	if err != nil {
		return nil, invokeError(err)
	}
	out := &lambda.InvokeOutput{StatusCode: http.StatusOK, ExecutedVersion: &fn.Version, Payload: o.Payload}
	if o.Failed {
		out.FunctionError = aws.String("Unhandled")
	}
	if ev.Tail {
		out.LogResult = aws.String(base64.StdEncoding.EncodeToString(o.Log))
	}
	return out, nil
}

// perform gives the event to the function; to the function as it is read again, if its code was replaced in this very
// moment. What the execution role does for the event is on disk before the function runs, which may take minutes.
func (s *Service) perform(ctx context.Context, fn *fleet.Function, ev *fleet.Event, again func() (*fleet.Function, error)) (*fleet.Function, *fleet.Outcome, error) {
	o, err := s.fleet.Invoke(api.Detached(ctx), fn, ev)
	if !errors.Is(err, blob.ErrNotFound) {
		return fn, o, err
	}
	if fn, err = again(); err != nil {
		return nil, nil, err
	}
	o, err = s.fleet.Invoke(api.Detached(ctx), fn, ev)
	return fn, o, err
}

// event checks what the function is to be invoked with.
func (s *Service) event(ctx context.Context, in *lambda.InvokeInput) (*fleet.Event, reference, error) {
	ref, err := refer(ctx, in.FunctionName, in.Qualifier)
	if err != nil {
		return nil, ref, err
	}
	if err := ref.check(ctx); err != nil {
		return nil, ref, err
	}
	err = refuse([]lack{
		{in.InvocationType == types.InvocationTypeEvent, "Asynchronous invocation (InvocationType Event)"},
		{in.DurableExecutionName != nil, "Durable execution (DurableExecutionName)"},
	})
	if err != nil {
		return nil, ref, err
	}
	ev := &fleet.Event{
		RequestID: api.CallerOf(ctx).Request.ID, FunctionARN: ref.String(), Payload: in.Payload, Tail: in.LogType == types.LogTypeTail,
	}
	if len(ev.RequestID) != len("00000000-0000-0000-0000-000000000000") {
		ev.RequestID = api.NewUUID()
	}
	if len(ev.Payload) == 0 {
		ev.Payload = []byte("{}")
	}
	if ev.TraceID, err = s.follow(ctx, ref); err != nil {
		return nil, ref, err
	}
	if ev.ClientContext, err = clientContext(in.ClientContext); err != nil {
		return nil, ref, err
	}
	return ev, ref, checkPayload(ev.Payload)
}

func checkPayload(payload []byte) error {
	if len(payload) > maxPayload {
		return tooLarge("Request must be smaller than %d bytes for the InvokeFunction operation", maxPayload)
	}
	if json.Valid(payload) {
		return nil
	}
	var any json.RawMessage
	return badContent("Could not parse request body into json: %v", json.Unmarshal(payload, &any))
}

func badContent(format string, args ...any) error {
	return &types.InvalidRequestContentException{Type: aws.String(user), Message: aws.String(fmt.Sprintf(format, args...))}
}

// clientContext decodes what mobile clients say of themselves.
func clientContext(given *string) (string, error) {
	text := aws.ToString(given)
	if text == "" {
		return "", nil
	}
	if len(text) > maxClientContext {
		return "", badContent("Client context must be at most %d bytes of Base64", maxClientContext)
	}
	decoded, err := base64.StdEncoding.DecodeString(text)
	var object map[string]json.RawMessage
	if err != nil || json.Unmarshal(decoded, &object) != nil {
		return "", badContent("Client context must be a valid Base64-encoded JSON object.")
	}
	compact, err := json.Marshal(object) // a header has no line ends
	return string(compact), err
}

// invocable reads the function and the concurrency of its account.
func (s *Service) invocable(ctx context.Context, ref reference, tenantID *string) (*fleet.Function, error) {
	var f Function
	var a Account
	err := s.deps.DB.View(ctx, func(tx *store.Tx) (err error) {
		if f, err = s.route(tx, ref); err == nil {
			a, _, err = s.accounts.Get(tx, f.Account, f.Region)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	tenant, err := f.tenantOf(tenantID)
	if err != nil {
		return nil, err
	}
	fn := f.runnable()
	fn.Tenant, fn.Unreserved = tenant, accountConcurrency-a.Reserved
	if f.Reserved != nil {
		fn.Reserved = aws.Int32(*f.Reserved - f.provisioned())
	}
	fn.Prepare = func(ctx context.Context) (*fleet.Blueprint, error) { return s.blueprint(ctx, &f) }
	return fn, nil
}

// runnable is the function as the fleet runs it.
func (f *Function) runnable() *fleet.Function {
	return &fleet.Function{
		ARN: f.arn(), Scope: f.Account + " " + f.Region, Generation: f.Generation, Since: f.Modified, Version: f.Version,
		Timeout: time.Duration(f.Timeout) * time.Second, MemoryMB: int(f.Memory),
	}
}

// invokeError says in Lambda's words why there is no answer.
func invokeError(err error) error {
	var t *fleet.Throttled
	switch {
	case errors.As(err, &t):
		return throttledError(t)
	case errors.Is(err, fleet.ErrDraining):
		return wire.Errorf("ServiceUnavailableException", http.StatusServiceUnavailable, "The server is shutting down. Try again.")
	}
	return err
}
