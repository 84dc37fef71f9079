package wire_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	logstypes "github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	lambdatypes "github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/smithy-go/middleware"

	"redoubt/internal/patient"
	"redoubt/internal/wire"
)

// subject is a service whose SDK client is the reference for this package:
// whatever it sends must be decoded, and it must understand whatever is encoded.
type subject struct {
	name   string
	client func(aws.Config) any
	unions []wire.Union
	errors []error
}

// streams makes the outputs of operations that answer with event streams.
var streams = map[string]func(head any) any{
	"InvokeWithResponseStream": func(head any) any {
		return &wire.Stream[lambda.InvokeWithResponseStreamOutput, lambdatypes.InvokeWithResponseStreamResponseEvent]{Output: head.(*lambda.InvokeWithResponseStreamOutput)}
	},
	"StartLiveTail": func(head any) any {
		return &wire.Stream[cloudwatchlogs.StartLiveTailOutput, logstypes.StartLiveTailResponseStream]{Output: head.(*cloudwatchlogs.StartLiveTailOutput)}
	},
	"GetLogObject": func(head any) any {
		return &wire.Stream[cloudwatchlogs.GetLogObjectOutput, logstypes.GetLogObjectResponseStream]{Output: head.(*cloudwatchlogs.GetLogObjectOutput)}
	},
}

// excused are the differences that the SDK's own doing makes, by service,
// operation and member.
var excused = map[string]string{
	"apigateway.GetExport.Accepts": "the SDK puts application/json into the header",
	"s3.GetObject.Expires":         "the SDK fills ExpiresString instead",
	"s3.HeadObject.Expires":        "the SDK fills ExpiresString instead",
}

// report fails for every difference that is not excused.
func (b *bench) report(t *testing.T, op, side string, differences []string) {
	for _, d := range differences {
		member, _, _ := strings.Cut(d, " ")
		if excused[b.name+"."+op+member] == "" {
			t.Errorf("%s: %s %s", op, side, d)
		}
	}
}

// modelView is what the tests read of a model themselves.
type modelView struct {
	Metadata   struct{ Protocol string }
	Operations map[string]struct {
		Method        string
		Input, Output json.RawMessage
		Errors        []string
		Unserved      bool
	}
	Shapes map[string]struct {
		Members, Late map[string]json.RawMessage
	}
}

// bench is one service, its client and a server between them.
type bench struct {
	subject
	model   modelView
	service *wire.Service
	config  aws.Config
	calls   map[string]reflect.Value // the client's methods
	types   map[string]wire.Binding

	op   string // what the client calls
	got  any    // the input that the server decoded
	give any    // the output that it answers with
	fail error  // or the error
}

func newBench(t testing.TB, s subject) *bench {
	t.Helper()
	return newBenchWith(t, s, readModel(t, s.name))
}

func newBenchWith(t testing.TB, s subject, m wire.Model) *bench {
	t.Helper()
	b := &bench{subject: s, calls: map[string]reflect.Value{}, types: map[string]wire.Binding{}}
	if err := json.Unmarshal(m.JSON, &b.model); err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(b)
	t.Cleanup(server.Close)
	var bindings []wire.Binding
	b.config = configFor(server)
	client := reflect.ValueOf(s.client(b.config))
	for i := range client.NumMethod() {
		method := client.Type().Method(i)
		op, ok := b.model.Operations[method.Name]
		if !ok || op.Unserved || method.Type.NumIn() != 4 {
			continue
		}
		binding := wire.Binding{Name: method.Name, In: method.Type.In(2).Elem(), Out: method.Type.Out(0).Elem()}
		b.calls[method.Name], b.types[method.Name] = client.Method(i), binding
		if wrap := streams[method.Name]; wrap != nil {
			binding.Out = reflect.TypeOf(wrap(reflect.New(binding.Out).Interface())).Elem()
		}
		bindings = append(bindings, binding)
	}
	var err error
	if b.service, err = wire.New(m, bindings, s.unions...); err != nil {
		t.Fatal(err)
	}
	if err := b.service.Compile(); err != nil {
		t.Fatal(err)
	}
	return b
}

func readModel(t testing.TB, service string) wire.Model {
	t.Helper()
	dir := filepath.Join("..", "service", service)
	text, err := os.ReadFile(filepath.Join(dir, "api.json"))
	if err != nil {
		t.Fatal(err)
	}
	patch, err := os.ReadFile(filepath.Join(dir, "api.patch.json"))
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	return wire.Model{JSON: text, Patch: patch}
}

func configFor(server *httptest.Server) aws.Config {
	dial := func(context.Context, string, string) (net.Conn, error) {
		return net.Dial("tcp", server.Listener.Addr().String())
	}
	return aws.Config{
		HTTPClient:                 &http.Client{Transport: patient.Transport{Transport: &http.Transport{DialContext: dial}}},
		Region:                     "us-east-1",
		BaseEndpoint:               aws.String("http://aws.test"),
		Credentials:                credentials.NewStaticCredentialsProvider("AKIDEXAMPLE", "secret", ""),
		RetryMaxAttempts:           1,
		RequestChecksumCalculation: aws.RequestChecksumCalculationWhenRequired,
		ResponseChecksumValidation: aws.ResponseChecksumValidationWhenRequired,
		APIOptions:                 []func(*middleware.Stack) error{acceptAnything},
	}
}

// acceptAnything switches the client's own validation off: random values of
// recursive types end somewhere, with members missing.
func acceptAnything(s *middleware.Stack) error {
	s.Initialize.Remove("OperationInputValidation") // fails where there is none
	return nil
}

// ServeHTTP decodes a request and answers as the test has prepared.
func (b *bench) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	if body == nil {
		body = []byte{}
	}
	call, err := b.service.Match(r, body)
	if err == nil && call.Operation() != b.op {
		err = wire.Errorf("Mistaken", 500, "for %s", call.Operation())
	}
	if err == nil {
		b.got, err = call.Decode()
	}
	if err == nil {
		err = b.fail
	}
	if err == nil {
		err = call.Encode(w, b.give, "request-id")
	}
	if err != nil {
		call.EncodeError(w, err, "request-id")
	}
}

// call calls one operation through the client.
func (b *bench) call(t testing.TB, op string, in reflect.Value) (reflect.Value, error) {
	b.op, b.got = op, nil
	out := b.calls[op].Call([]reflect.Value{reflect.ValueOf(t.Context()), in})
	err, _ := out[1].Interface().(error)
	return out[0], err
}

// outside lists the members of one side of an operation that are not in the
// body, where they may be any text.
func (b *bench) outside(side json.RawMessage) map[string]bool {
	var shape string
	json.Unmarshal(side, &shape)
	out := map[string]bool{}
	for _, members := range []map[string]json.RawMessage{b.model.Shapes[shape].Members, b.model.Shapes[shape].Late} {
		for name, raw := range members {
			var r struct {
				Location  string
				HostLabel bool
			}
			json.Unmarshal(raw, &r)
			out[strings.ToUpper(name[:1])+name[1:]] = r.Location != "" || r.HostLabel
		}
	}
	return out
}

func (b *bench) operations() []string { return slices.Sorted(maps.Keys(b.calls)) }

// inputOf makes a random input for an operation.
func (b *bench) inputOf(op string) reflect.Value {
	f := newFiller(1, b.unions)
	f.plain = b.outside(b.model.Operations[op].Input)
	in := reflect.New(b.types[op].In)
	f.fill(in.Elem(), "")
	return in
}

// outputOf makes a random output, whose members in headers must be plain text.
func (b *bench) outputOf(op string) reflect.Value {
	f := newFiller(2, b.unions)
	f.plain = b.outside(b.model.Operations[op].Output)
	out := reflect.New(b.types[op].Out)
	f.fill(out.Elem(), "")
	for _, name := range []string{"StatusCode", "Status"} {
		status := out.Elem().FieldByName(name)
		if status.IsValid() && status.Kind() == reflect.Pointer {
			status = status.Elem()
		}
		if status.IsValid() && status.CanInt() {
			status.SetInt(http.StatusAccepted)
		}
	}
	return out
}

func TestTheSDKAndTheServerUnderstandEachOther(t *testing.T) {
	for _, s := range subjects() {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, s)
			for _, op := range b.operations() {
				b.roundTrip(t, op)
			}
			t.Logf("%d operations", len(b.calls))
		})
	}
}

func (b *bench) roundTrip(t *testing.T, op string) {
	in, out := b.inputOf(op), b.outputOf(op)
	b.give, b.fail = out.Interface(), nil
	if wrap := streams[op]; wrap != nil {
		b.give = wrap(b.give)
	}
	back, err := b.call(t, op, in)
	if err != nil {
		t.Errorf("%s: %v", op, err)
	}
	if b.got == nil {
		return
	}
	b.report(t, op, "input", differences("", in, reflect.ValueOf(b.got)))
	if err != nil {
		return
	}
	b.report(t, op, "output", differences("", out, back))
}

func TestTheSDKRecognisesModelledErrors(t *testing.T) {
	for _, s := range subjects() {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, s)
			n := 0
			for _, op := range b.operations() {
				n += b.errorTrips(t, op)
			}
			t.Logf("%d errors of %d operations", n, len(b.calls))
		})
	}
}

// errorTrips sends every error that the model lists for an operation.
func (b *bench) errorTrips(t *testing.T, op string) (n int) {
	if b.model.Operations[op].Method == http.MethodHead {
		return 0 // the answer has no body to name the error in
	}
	for _, sample := range b.errors {
		if !slices.Contains(b.model.Operations[op].Errors, reflect.TypeOf(sample).Elem().Name()) {
			continue
		}
		n++
		sent := reflect.New(reflect.TypeOf(sample).Elem())
		f := newFiller(3, b.unions)
		f.plain = map[string]bool{"RetryAfterSeconds": true} // travels in a header
		f.fill(sent.Elem(), "")
		b.withoutMessage(sent.Elem())
		b.fail = sent.Interface().(error)
		_, err := b.call(t, op, b.inputOf(op))
		got := reflect.New(sent.Type())
		if !errors.As(err, got.Interface()) {
			t.Errorf("%s: %T came back as %v", op, b.fail, err)
			continue
		}
		for _, d := range differences("", sent, got.Elem()) {
			t.Errorf("%s: %T%s", op, b.fail, d)
		}
	}
	return n
}

// withoutMessage clears the message of an error whose model has none: the SDK's
// type has the field all the same, and fills it from XML only.
func (b *bench) withoutMessage(v reflect.Value) {
	if !strings.HasSuffix(b.model.Metadata.Protocol, "json") {
		return
	}
	for name := range b.model.Shapes[v.Type().Name()].Members {
		if strings.EqualFold(name, "message") {
			return
		}
	}
	if m := v.FieldByName("Message"); m.IsValid() {
		m.SetZero()
	}
}
