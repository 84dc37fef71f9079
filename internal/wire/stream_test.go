package wire_test

import (
	"errors"
	"iter"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	logstypes "github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	lambdatypes "github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/smithy-go"

	"redoubt/internal/wire"
)

// sequence yields values and then, if it is not nil, an error.
func sequence[T any](err error, values ...T) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for _, v := range values {
			if !yield(v, nil) {
				return
			}
		}
		if err != nil {
			var none T
			yield(none, err)
		}
	}
}

func subjectNamed(t testing.TB, name string) subject {
	t.Helper()
	for _, s := range subjects() {
		if s.name == name {
			return s
		}
	}
	t.Fatalf("no subject %s", name)
	return subject{}
}

// Models of the operations here, which services may not implement.
const (
	invokeModel = `{"metadata":{"protocol":"rest-json"},
"operations":{"InvokeWithResponseStream":{"method":"POST","uri":"/2021-11-15/functions/{FunctionName}/response-streaming-invocations","input":"In","output":"Out"}},
"shapes":{
"In":{"type":"structure","members":{"FunctionName":{"shape":"String","location":"uri","name":"FunctionName"}}},
"Out":{"type":"structure","members":{"EventStream":"Event","ExecutedVersion":{"shape":"String","location":"header","name":"X-Amz-Executed-Version"},"StatusCode":{"shape":"Integer","location":"statusCode"}},"payload":"EventStream"},
"Event":{"type":"structure","members":{"InvokeComplete":"Complete","PayloadChunk":"Chunk"},"eventstream":true},
"Complete":{"type":"structure","members":{"ErrorCode":"String","LogResult":"String"}},
"Chunk":{"type":"structure","members":{"Payload":{"shape":"Blob","eventPayload":true}}},
"Blob":{"type":"blob"},"String":{"type":"string"},"Integer":{"type":"integer"}}}`

	tailModel = `{"metadata":{"protocol":"json","jsonVersion":"1.1","targetPrefix":"Logs_20140328"},
"operations":{"StartLiveTail":{"method":"POST","uri":"/","input":"In","output":"Out"}},
"shapes":{
"In":{"type":"structure","members":{"logGroupIdentifiers":"Names"}},
"Out":{"type":"structure","members":{"responseStream":"Event"}},
"Event":{"type":"structure","members":{"SessionTimeoutException":"SessionTimeoutException","sessionStart":"Start"},"eventstream":true},
"Start":{"type":"structure","members":{"sessionId":"String"}},
"SessionTimeoutException":{"type":"structure","members":{"message":"String"},"exception":true},
"Names":{"type":"list","member":"String"},"String":{"type":"string"}}}`
)

func TestInvokeStreamsItsResponse(t *testing.T) {
	b := newBenchWith(t, subjectNamed(t, "lambda"), wire.Model{JSON: []byte(invokeModel)})
	b.op = "InvokeWithResponseStream"
	events := sequence[lambdatypes.InvokeWithResponseStreamResponseEvent](nil,
		&lambdatypes.InvokeWithResponseStreamResponseEventMemberPayloadChunk{Value: lambdatypes.InvokeResponseStreamUpdate{Payload: []byte("chunk")}},
		&lambdatypes.InvokeWithResponseStreamResponseEventMemberPayloadChunk{},
		&lambdatypes.InvokeWithResponseStreamResponseEventMemberInvokeComplete{Value: lambdatypes.InvokeWithResponseStreamCompleteEvent{ErrorCode: ptr("é"), LogResult: ptr("log")}},
	)
	b.give = &wire.Stream[lambda.InvokeWithResponseStreamOutput, lambdatypes.InvokeWithResponseStreamResponseEvent]{
		Output: &lambda.InvokeWithResponseStreamOutput{ExecutedVersion: ptr("7"), StatusCode: 200}, Events: events,
	}
	out, err := lambda.NewFromConfig(b.config).InvokeWithResponseStream(t.Context(), &lambda.InvokeWithResponseStreamInput{FunctionName: ptr("f")})
	if err != nil {
		t.Fatal(err)
	}
	if *out.ExecutedVersion != "7" || out.StatusCode != 200 {
		t.Errorf("got %+v", out)
	}
	var got []lambdatypes.InvokeWithResponseStreamResponseEvent
	for e := range out.GetStream().Events() {
		got = append(got, e)
	}
	if err := out.GetStream().Err(); err != nil || len(got) != 3 {
		t.Fatalf("got %d events, %v", len(got), err)
	}
	if c := got[0].(*lambdatypes.InvokeWithResponseStreamResponseEventMemberPayloadChunk); string(c.Value.Payload) != "chunk" {
		t.Errorf("got %q", c.Value.Payload)
	}
	if c := got[2].(*lambdatypes.InvokeWithResponseStreamResponseEventMemberInvokeComplete); *c.Value.ErrorCode != "é" || *c.Value.LogResult != "log" {
		t.Errorf("got %+v", c.Value)
	}
}

func TestLiveTailEndsWithItsException(t *testing.T) {
	for _, c := range []struct {
		name string
		err  error
		code string
	}{
		{"modelled", &logstypes.SessionTimeoutException{Message: ptr("enough")}, "SessionTimeoutException"},
		{"not modelled", errors.New("secret"), "InternalFailure"},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := newBenchWith(t, subjectNamed(t, "logs"), wire.Model{JSON: []byte(tailModel)})
			b.op = "StartLiveTail"
			b.give = &wire.Stream[cloudwatchlogs.StartLiveTailOutput, logstypes.StartLiveTailResponseStream]{
				Events: sequence[logstypes.StartLiveTailResponseStream](c.err,
					&logstypes.StartLiveTailResponseStreamMemberSessionStart{Value: logstypes.LiveTailSessionStart{SessionId: ptr("s")}}),
			}
			out, err := cloudwatchlogs.NewFromConfig(b.config).StartLiveTail(t.Context(), &cloudwatchlogs.StartLiveTailInput{LogGroupIdentifiers: []string{"g"}})
			if err != nil {
				t.Fatal(err)
			}
			n := 0
			for e := range out.GetStream().Events() {
				n++
				if s := e.(*logstypes.StartLiveTailResponseStreamMemberSessionStart); *s.Value.SessionId != "s" {
					t.Errorf("got %+v", s.Value)
				}
			}
			var api smithy.APIError
			if err := out.GetStream().Err(); n != 1 || !errors.As(err, &api) || api.ErrorCode() != c.code {
				t.Errorf("%d events, then %v", n, err)
			}
		})
	}
}
