package wire

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"reflect"
	"sync"
)

// Encode writes out, a pointer to the Binding's Out, as the response.
func (c *Call) Encode(w http.ResponseWriter, out any, requestID string) error {
	b, err := c.service.operation(c.name)
	if err != nil || b == nil {
		return fmt.Errorf("encoding %q: no such operation: %w", c.name, err)
	}
	c.requestHeaders(w, requestID)
	v := reflect.ValueOf(out)
	st, streams := out.(stream)
	if streams {
		v = st.head()
	}
	v = v.Elem()
	if streams {
		w.Header().Set("Content-Type", eventStreamType)
		if c.route != nil {
			w.WriteHeader(headers(w.Header(), b, v))
		}
		return c.streamEvents(w, b, st)
	}
	switch c.protocol {
	case protoJSON, protoCBOR:
		if b.op.Output == nil && !b.out.body { // AWS answers DeleteAlias, say, with nothing at all
			return c.send(w, http.StatusOK, c.documentType(), nil)
		}
		return c.send(w, http.StatusOK, c.documentType(), c.document(b.out, v))
	case protoQuery, protoEC2:
		return c.send(w, http.StatusOK, "text/xml;charset=UTF-8", c.envelope(b, v, requestID))
	}
	return c.respond(w, b, v)
}

// Headers sets those members of an operation's output that travel in headers, for answers of another form.
func (c *Call) Headers(h http.Header, out any) {
	if b, err := c.service.operation(c.name); err == nil && b != nil {
		b.out.writeHeaders(h, reflect.ValueOf(out).Elem())
	}
}

func (c *Call) send(w http.ResponseWriter, status int, contentType string, body []byte) error {
	if contentType != "" {
		w.Header().Set("Content-Type", contentType)
	}
	w.WriteHeader(status)
	if status == http.StatusNoContent || status == http.StatusNotModified {
		return nil
	}
	_, err := w.Write(body)
	return err
}

// requestHeaders names the request as the protocol's clients look for it.
func (c *Call) requestHeaders(w http.ResponseWriter, requestID string) {
	h := w.Header()
	if c.protocol == protoRESTXML {
		h.Set("X-Amz-Request-Id", requestID)
		return
	}
	h.Set("X-Amzn-Requestid", requestID)
	if c.protocol == protoCBOR {
		h.Set("Smithy-Protocol", "rpc-v2-cbor")
	}
}

// documentType is the media type of documents in the call's protocol.
func (c *Call) documentType() string {
	switch c.protocol {
	case protoCBOR:
		return "application/cbor"
	case protoRESTJSON:
		return "application/json"
	case protoRESTXML:
		return "application/xml"
	}
	if t := mediaType(c.request); t != "" {
		return t
	}
	return "application/x-amz-json-" + c.service.model.meta.JSONVersion
}

// document encodes v as a whole document.
func (c *Call) document(to *codec, v reflect.Value) []byte {
	switch c.protocol {
	case protoCBOR:
		w := &cborWriter{}
		to.write(w, v, "")
		return w.buf
	case protoRESTXML:
		w := &xmlWriter{}
		w.element(to.name, to, nil, v)
		return w.buf
	}
	w := &jsonWriter{buf: make([]byte, 0, 512)}
	to.write(w, v, "")
	return w.buf
}

// envelope wraps an output as the query protocols do.
func (c *Call) envelope(b *bound, v reflect.Value, requestID string) []byte {
	w := &xmlWriter{buf: make([]byte, 0, 512)}
	name := b.name + "Response"
	w.open(name, xmlns("", c.service.model.meta.XMLNamespace))
	if c.protocol == protoEC2 {
		w.leaf("requestId", requestID)
		w.members(b.out, v)
	} else {
		c.result(w, b, v)
		w.open("ResponseMetadata", "")
		w.leaf("RequestId", requestID)
		w.close("ResponseMetadata")
	}
	w.close(name)
	return w.buf
}

// result writes the members in their wrapper, which outputs without members
// have only if the model says so.
func (c *Call) result(w *xmlWriter, b *bound, v reflect.Value) {
	wrapper := b.op.Wrapper
	if wrapper == "" && b.out.body {
		wrapper = b.name + "Result"
	}
	if wrapper == "" {
		return
	}
	w.open(wrapper, "")
	w.members(b.out, v)
	w.close(wrapper)
}

// headers sets the members of an output that are headers and returns the status.
func headers(h http.Header, b *bound, v reflect.Value) int {
	status := b.op.Status
	if status == 0 {
		status = http.StatusOK
	}
	if n := b.out.writeHeaders(h, v); n != 0 {
		return n
	}
	return status
}

// writeHeaders sets the members of v that are headers, and returns the one that
// is the status, or 0.
func (c *codec) writeHeaders(h http.Header, v reflect.Value) (status int) {
	for _, f := range c.fields {
		fv := v.Field(f.index)
		if absent(fv) {
			continue
		}
		switch f.location {
		case inHeader:
			format := formatHTTP
			if f.ref.Format != "" {
				format = f.ref.Format
			}
			h.Set(f.json, f.codec.text(fv, format))
		case inHeaders:
			for _, k := range sortedKeys(fv) {
				h.Set(f.json+k.String(), fv.MapIndex(k).String())
			}
		case inStatus:
			status = int(indirect(fv).Int())
		}
	}
	return status
}

// respond writes the response of a REST operation.
func (c *Call) respond(w http.ResponseWriter, b *bound, v reflect.Value) error {
	status := headers(w.Header(), b, v)
	if f := b.out.payload; f != nil {
		return c.respondPayload(w, status, f, v.Field(f.index))
	}
	switch {
	case !b.out.body && c.protocol == protoRESTJSON && status != http.StatusNoContent && b.op.Output != nil:
		return c.send(w, status, "application/json", []byte("{}"))
	case !b.out.body:
		w.WriteHeader(status)
		return nil
	case c.protocol == protoRESTJSON:
		return c.send(w, status, "application/json", c.document(b.out, v))
	}
	x := &xmlWriter{}
	if b.op.Bare {
		x.members(b.out, v)
	} else {
		x.element(c.rootName(b), b.out, b.op.Output, v)
	}
	return c.send(w, status, "application/xml", x.buf)
}

// rootName is the name of an XML answer's root element.
func (c *Call) rootName(b *bound) string {
	switch {
	case b.op.Output != nil && b.op.Output.Name != "":
		return b.op.Output.Name
	case b.out.shape.Name != "":
		return b.out.shape.Name
	case b.op.Output != nil:
		return b.op.Output.Shape
	}
	return b.name + "Result"
}

// respondPayload writes the one member that is the whole body. The service may
// have set the Content-Type by another member.
func (c *Call) respondPayload(w http.ResponseWriter, status int, f *field, v reflect.Value) error {
	if absent(v) {
		w.WriteHeader(status)
		return nil
	}
	given := w.Header().Get("Content-Type")
	switch f.codec.kind {
	case kindStream:
		return copyStream(w, status, v.Interface().(io.Reader))
	case kindBlob:
		return c.send(w, status, given, v.Bytes())
	case kindString:
		return c.send(w, status, given, []byte(indirect(v).String()))
	}
	if c.protocol == protoRESTJSON {
		return c.send(w, status, "application/json", c.document(f.codec, v))
	}
	x := &xmlWriter{}
	x.element(f.xml, f.codec, f.ref, v)
	return c.send(w, status, "application/xml", x.buf)
}

// ErrBroken says that an answer ended before its end. Its status is on the way already, so the connection must end with
// it: nothing else tells the client.
var ErrBroken = errors.New("the answer broke off")

// streamBuffer is how much of a streamed answer is read at once.
const streamBuffer = 64 << 10

var streamBuffers = sync.Pool{New: func() any { return new([streamBuffer]byte) }}

// copyStream writes a body piece by piece. The first piece is read before the status is sent: what is damaged from the
// start is still an error like any other.
func copyStream(w http.ResponseWriter, status int, r io.Reader) error {
	if closer, ok := r.(io.Closer); ok {
		defer closer.Close()
	}
	buf := streamBuffers.Get().(*[streamBuffer]byte)
	defer streamBuffers.Put(buf)
	n, err := fill(r, buf[:])
	if err != nil && err != io.EOF {
		return err
	}
	w.WriteHeader(status)
	for {
		if _, werr := w.Write(buf[:n]); werr != nil {
			return fmt.Errorf("%w: %w", ErrBroken, werr)
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return fmt.Errorf("%w: %w", ErrBroken, err)
		}
		n, err = r.Read(buf[:])
	}
}

// fill reads until b is full or r ends. Unlike io.ReadFull it does not mistake a reader's own io.ErrUnexpectedEOF for the end.
func fill(r io.Reader, b []byte) (n int, err error) {
	for n < len(b) && err == nil {
		var m int
		m, err = r.Read(b[n:])
		n += m
	}
	return n, err
}
