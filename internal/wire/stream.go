package wire

import (
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
	"reflect"

	"github.com/aws/smithy-go"
	"github.com/aws/smithy-go/eventstream"
)

// Stream is the output of an operation that answers with an event stream, for
// which the SDK's output type has no field:
//
//	func (s *Service) InvokeWithResponseStream(ctx context.Context, in *lambda.InvokeWithResponseStreamInput) (
//		*wire.Stream[lambda.InvokeWithResponseStreamOutput, types.InvokeWithResponseStreamResponseEvent], error)
//
// Output has what goes before the events and may be nil. Events is ranged over
// while the response is written, and each event is flushed; an error ends the
// stream, as an exception of the stream if its model has that.
type Stream[Out, Event any] struct {
	Output *Out
	Events iter.Seq2[Event, error]
}

// stream is a Stream of any types.
type stream interface {
	output() reflect.Type
	event() reflect.Type
	head() reflect.Value
	each() iter.Seq2[reflect.Value, error]
}

func (s Stream[Out, Event]) output() reflect.Type { return reflect.TypeFor[Out]() }
func (s Stream[Out, Event]) event() reflect.Type  { return reflect.TypeFor[Event]() }

func (s Stream[Out, Event]) head() reflect.Value {
	if s.Output == nil {
		return reflect.New(s.output())
	}
	return reflect.ValueOf(s.Output)
}

func (s Stream[Out, Event]) each() iter.Seq2[reflect.Value, error] {
	return func(yield func(reflect.Value, error) bool) {
		if s.Events == nil {
			return
		}
		for e, err := range s.Events {
			if !yield(reflect.ValueOf(&e).Elem(), err) {
				return
			}
		}
	}
}

// events compiles the codec for the events of an output's stream member.
func (c *compiler) events(out *codec, t reflect.Type) (*codec, error) {
	for _, r := range out.shape.Members {
		if s := c.model.shape(r.Shape); s != nil && s.Events {
			return c.compile(r, t)
		}
	}
	return nil, fmt.Errorf("%s has no event stream", out.name)
}

const eventStreamType = "application/vnd.amazon.eventstream"

// streamEvents writes the response of an operation with a Stream.
func (c *Call) streamEvents(w http.ResponseWriter, b *bound, s stream) error {
	p := &eventPump{call: c, codec: b.events, w: w, flush: http.NewResponseController(w)}
	if c.protocol == protoJSON || c.protocol == protoCBOR { // the body is all events, so the members go first
		p.send("event", "initial-response", c.documentType(), c.document(b.out, s.head().Elem()))
	}
	for e, err := range s.each() {
		if err != nil {
			p.fail(err)
			break
		}
		if f := b.events.variantOf(e); f != nil {
			p.event(f, indirect(variantValue(e)))
		}
		if p.err != nil {
			break
		}
	}
	return p.err
}

// eventPump frames events, one message each.
type eventPump struct {
	call  *Call
	codec *codec
	w     io.Writer
	flush *http.ResponseController
	enc   *eventstream.Encoder
	err   error
}

func (p *eventPump) send(kind, name, contentType string, payload []byte, more ...eventstream.Header) {
	var h eventstream.Headers
	h.Set(eventstream.MessageTypeHeader, eventstream.StringValue(kind))
	h.Set(":"+kind+"-type", eventstream.StringValue(name))
	if contentType != "" {
		h.Set(eventstream.ContentTypeHeader, eventstream.StringValue(contentType))
	}
	p.write(eventstream.Message{Headers: append(h, more...), Payload: payload})
}

func (p *eventPump) write(m eventstream.Message) {
	if p.enc == nil {
		p.enc = eventstream.NewEncoder()
	}
	if p.err = p.enc.Encode(p.w, m); p.err == nil {
		p.err = p.flush.Flush()
		if errors.Is(p.err, http.ErrNotSupported) {
			p.err = nil
		}
	}
}

// event sends one variant: some members as headers, one as the payload, or what
// is left as a document.
func (p *eventPump) event(f *field, v reflect.Value) {
	var heads eventstream.Headers
	var payload *field
	rest := false
	for _, m := range f.codec.fields {
		fv := v.Field(m.index)
		switch {
		case m.ref.EventHead:
			if !absent(fv) {
				heads.Set(m.json, m.codec.eventHeader(indirect(fv)))
			}
		case m.ref.Event:
			payload = m
		default:
			rest = true
		}
	}
	switch {
	case payload != nil:
		contentType, body := p.payload(payload, v.Field(payload.index))
		p.send("event", f.json, contentType, body, heads...)
	case rest:
		p.send("event", f.json, p.call.documentType(), p.call.document(f.codec, v), heads...)
	default:
		p.send("event", f.json, "", nil, heads...)
	}
}

func (p *eventPump) payload(f *field, v reflect.Value) (contentType string, body []byte) {
	if absent(v) {
		return "application/octet-stream", nil
	}
	v = indirect(v)
	switch f.codec.kind {
	case kindBlob:
		return "application/octet-stream", v.Bytes()
	case kindString:
		return "text/plain", []byte(v.String())
	}
	return p.call.documentType(), p.call.document(f.codec, v)
}

func (c *codec) eventHeader(v reflect.Value) eventstream.Value {
	switch c.kind {
	case kindBool:
		return eventstream.BoolValue(v.Bool())
	case kindInt:
		if v.Type().Bits() == 64 {
			return eventstream.Int64Value(v.Int())
		}
		return eventstream.Int32Value(int32(v.Int()))
	case kindBlob:
		return eventstream.BytesValue(v.Bytes())
	}
	return eventstream.StringValue(c.text(v, formatISO))
}

// fail ends the stream: by an exception that it models, else by an error message.
func (p *eventPump) fail(err error) {
	api := apiError(err)
	shape := shapeName(api)
	for name, r := range p.codec.shape.Members {
		if r.Shape == shape {
			p.send("exception", name, p.call.documentType(), p.call.errorDocument(api))
			return
		}
	}
	var h eventstream.Headers
	h.Set(eventstream.MessageTypeHeader, eventstream.StringValue("error"))
	h.Set(eventstream.ErrorCodeHeader, eventstream.StringValue(api.ErrorCode()))
	h.Set(eventstream.ErrorMessageHeader, eventstream.StringValue(api.ErrorMessage()))
	p.write(eventstream.Message{Headers: h})
}

// apiError is err as far as clients may know it.
func apiError(err error) smithy.APIError {
	var api smithy.APIError
	if errors.As(err, &api) {
		return api
	}
	return &Error{Code: "InternalFailure", Status: http.StatusInternalServerError,
		Message: "The request processing has failed because of an unknown error, exception or failure."}
}
