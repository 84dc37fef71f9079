package lambda_test

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
)

// A reading is what a client has read of a stream.
type reading struct {
	chunks []string
	end    types.InvokeWithResponseStreamCompleteEvent
}

func (r reading) text() string { return strings.Join(r.chunks, "") }

// read invokes a function and calls each with every chunk that comes; it returns at the end, or when each says no.
func (w *world) read(name, payload string, each func(chunk string) bool) (r reading) {
	w.Helper()
	out, err := w.lambda.InvokeWithResponseStream(w.ctx, &lambda.InvokeWithResponseStreamInput{FunctionName: &name, Payload: []byte(payload)})
	w.must(err)
	stream := out.GetStream()
	defer stream.Close()
	for e := range stream.Events() {
		switch e := e.(type) {
		case *types.InvokeWithResponseStreamResponseEventMemberPayloadChunk:
			r.chunks = append(r.chunks, string(e.Value.Payload))
			if each != nil && !each(string(e.Value.Payload)) {
				return r
			}
		case *types.InvokeWithResponseStreamResponseEventMemberInvokeComplete:
			r.end = e.Value
		}
	}
	w.must(stream.Err())
	return r
}

func TestStreamOfALargeResponseIsComplete(t *testing.T) {
	needs(t, "node")
	t.Parallel()
	w := newWorld(t)
	in := node(`exports.handler = awslambda.streamifyResponse(async (event, out) => {
	const block = Buffer.alloc(1 << 20, "x")
	for (let i = 0; i < 7; i++) if (!out.write(block)) await new Promise(r => out.once("drain", r))
	out.end()
})`)
	in.Timeout, in.MemorySize = aws.Int32(30), aws.Int32(512)
	w.create("f", in)
	size := 0
	r := w.read("f", `{}`, func(chunk string) bool { size += len(chunk); return true })
	if len(r.text()) != size || size != 7<<20 || r.end.ErrorCode != nil {
		t.Errorf("%d bytes, %v", size, aws.ToString(r.end.ErrorDetails))
	}
	got := w.invoke("f", `{}`) // in one piece it is too much
	if m := fields(t, got.payload); m["errorType"] != "Function.ResponseSizeTooLarge" {
		t.Errorf("got %+v", got)
	}
}

func TestStreamTellsHowItsFunctionFailed(t *testing.T) {
	needs(t, "node")
	t.Parallel()
	w := newWorld(t)
	in := node(`exports.handler = awslambda.streamifyResponse(async (event, out) => {
	if (event.before) throw new TypeError("early")
	out.write("half")
	await new Promise(done => setTimeout(done, 100))
	if (event.exit) process.exit(3)
	if (event.hang) await new Promise(() => setTimeout(() => {}, 1e6))
	throw new RangeError("late")
})`)
	in.Timeout = aws.Int32(2)
	w.create("f", in)
	for event, want := range map[string]string{
		`{"before":true}`: `|TypeError|{"errorType":"TypeError","errorMessage":"early"`,
		`{}`:              `half|`,
		`{"exit":true}`:   `half|Runtime.ExitError|{"errorType":"Runtime.ExitError","errorMessage":"RequestId: `,
		`{"hang":true}`:   `half|Sandbox.Timedout|{"errorType":"Sandbox.Timedout","errorMessage":"RequestId: `,
	} {
		r := w.read("f", event, nil)
		got := r.text() + "|" + aws.ToString(r.end.ErrorCode) + "|" + aws.ToString(r.end.ErrorDetails)
		if !strings.HasPrefix(got, want) || r.end.ErrorCode == nil {
			t.Errorf("%s: got %s", event, got)
		}
	}
}

func TestFunctionFinishesWhenItsClientGoesAway(t *testing.T) {
	needs(t, "node")
	t.Parallel()
	w := newWorld(t)
	w.create("f", node(`exports.handler = awslambda.streamifyResponse(async (event, out) => {
	for (let i = 0; i < 20; i++) {
		out.write("x".repeat(100000))
		await new Promise(done => setTimeout(done, 10))
	}
	console.log("finished")
	out.end()
})`))
	w.read("f", `{}`, func(string) bool { return false })
	w.logOf("f", "finished")
}

func TestFunctionThatDoesNotStreamAnswersInOneChunk(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.create("f", provided(t))
	if r := w.read("f", `{"say":"a"}`, nil); len(r.chunks) != 1 || fields(t, r.text())["said"] != "a" || r.end.ErrorCode != nil {
		t.Errorf("got %+v", r)
	}
	if r := w.read("f", `{"fail":"no"}`, nil); len(r.chunks) != 0 || *r.end.ErrorCode != "Unhandled" || *r.end.ErrorDetails != `{"errorMessage":"no","errorType":"errorString"}` {
		t.Errorf("got %+v", r)
	}
	dry, err := w.lambda.InvokeWithResponseStream(w.ctx, &lambda.InvokeWithResponseStreamInput{
		FunctionName: aws.String("f"), InvocationType: types.ResponseStreamingInvocationTypeDryRun,
	})
	if w.must(err); dry.StatusCode != 204 {
		t.Errorf("dry run: %d", dry.StatusCode)
	}
}
