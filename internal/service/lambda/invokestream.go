package lambda

import (
	"bytes"
	"context"
	"encoding/base64"
	"net/http"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"redoubt/internal/service/lambda/fleet"
	"redoubt/internal/wire"
)

type (
	streamOutput = lambda.InvokeWithResponseStreamOutput
	streamEvent  = types.InvokeWithResponseStreamResponseEvent
)

// InvokeWithResponseStream runs the function and passes on what it answers while it does. It returns when the answer begins,
// or when the function has ended without one.
func (s *Service) InvokeWithResponseStream(ctx context.Context, in *lambda.InvokeWithResponseStreamInput) (*wire.Stream[streamOutput, streamEvent], error) {
	whole := &lambda.InvokeInput{
		FunctionName: in.FunctionName, Qualifier: in.Qualifier, ClientContext: in.ClientContext, LogType: in.LogType, Payload: in.Payload,
	}
	ev, ref, err := s.event(ctx, whole)
	if err != nil {
		return nil, err
	}
	read := func() (*fleet.Function, error) { return s.invocable(ctx, ref, in.TenantId) }
	fn, err := read()
	if err != nil {
		return nil, err
	}
	out := &streamOutput{StatusCode: http.StatusOK, ExecutedVersion: &fn.Version}
	if in.InvocationType == types.ResponseStreamingInvocationTypeDryRun {
		out.StatusCode = http.StatusNoContent
		return &wire.Stream[streamOutput, streamEvent]{Output: out}, nil
	}
	st := &responseStream{client: ctx, tail: ev.Tail, begun: make(chan string, 1), chunks: make(chan []byte), ended: make(chan ending, 1)}
	ev.Stream = st
	go func() {
		_, o, err := s.perform(ctx, fn, ev, read)
		st.ended <- ending{o, err}
	}()
	select {
	case kind := <-st.begun:
		out.ResponseStreamContentType = &kind
	case e := <-st.ended:
		if e.err != nil {
			return nil, invokeError(e.err)
		}
		st.ended <- e
		select {
		case kind := <-st.begun: // both came at once
			out.ResponseStreamContentType = &kind
		default:
		}
	}
	return &wire.Stream[streamOutput, streamEvent]{Output: out, Events: st.events}, nil
}

// A responseStream carries a response from the environment to the client, one chunk at a time: a client that reads slowly
// slows the function down.
type responseStream struct {
	client context.Context // ends when the client is gone, or has got everything
	tail   bool
	begun  chan string // the content type
	chunks chan []byte
	ended  chan ending
}

type ending struct {
	outcome *fleet.Outcome
	err     error
}

// Begin implements fleet.Stream.
func (s *responseStream) Begin(contentType string) { s.begun <- contentType }

// Write implements fleet.Stream.
func (s *responseStream) Write(ctx context.Context, p []byte) error {
	select {
	case s.chunks <- bytes.Clone(p):
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-s.client.Done():
		return context.Cause(s.client)
	}
}

// events are the chunks, and how it ended.
func (s *responseStream) events(yield func(streamEvent, error) bool) {
	for {
		select {
		case p := <-s.chunks:
			if !yield(&types.InvokeWithResponseStreamResponseEventMemberPayloadChunk{Value: types.InvokeResponseStreamUpdate{Payload: p}}, nil) {
				return
			}
		case e := <-s.ended:
			if e.err != nil {
				yield(nil, invokeError(e.err))
				return
			}
			yield(&types.InvokeWithResponseStreamResponseEventMemberInvokeComplete{Value: s.complete(e.outcome)}, nil)
			return
		case <-s.client.Done():
			return
		}
	}
}

func (s *responseStream) complete(o *fleet.Outcome) (c types.InvokeWithResponseStreamCompleteEvent) {
	if o.Failed {
		c.ErrorCode, c.ErrorDetails = aws.String(o.ErrorType), aws.String(string(o.Payload))
		if o.ErrorType == "" {
			c.ErrorCode = aws.String("Unhandled")
		}
	}
	if s.tail {
		c.LogResult = aws.String(base64.StdEncoding.EncodeToString(o.Log))
	}
	return c
}
