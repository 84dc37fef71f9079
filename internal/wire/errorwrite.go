package wire

import (
	"net/http"
	"reflect"
	"strings"

	"github.com/aws/smithy-go"
)

// EncodeError writes any error as the response. An error that is not of the API
// becomes InternalFailure and its text stays here. Code and status are the
// model's where it has the error; an error that has HTTPStatus() int decides
// the status itself.
func (c *Call) EncodeError(w http.ResponseWriter, err error, requestID string) {
	api := apiError(err)
	code, status := c.codeAndStatus(api)
	c.requestHeaders(w, requestID)
	h := w.Header()
	if own, ok := api.(*Error); ok {
		for name, value := range own.Header {
			h.Set(name, value)
		}
	}
	if to := c.service.errorCodec(api); to != nil && c.route != nil {
		to.writeHeaders(h, indirect(reflect.ValueOf(api)))
	}
	switch c.protocol {
	case protoRESTJSON:
		h.Set("X-Amzn-Errortype", code)
		c.send(w, status, "application/json", c.errorDocument(api))
	case protoJSON, protoCBOR:
		if c.service.model.meta.QueryCompatible {
			h.Set("X-Amzn-Query-Error", c.queryCode(api)+";"+fault(status))
		}
		c.send(w, status, c.documentType(), c.errorDocument(api))
	case protoEC2:
		c.send(w, status, "text/xml;charset=UTF-8", c.ec2Error(code, api, requestID))
	case protoQuery:
		c.send(w, status, "text/xml;charset=UTF-8", c.queryError(code, status, api, requestID))
	default:
		c.send(w, status, "application/xml", c.restError(code, status, api, requestID))
	}
}

// codeAndStatus finds what the protocol calls an error.
func (c *Call) codeAndStatus(api smithy.APIError) (code string, status int) {
	code, status = api.ErrorCode(), http.StatusBadRequest
	if api.ErrorFault() == smithy.FaultServer {
		status = http.StatusInternalServerError
	}
	if e := c.trait(api); e != nil {
		if e.Status != 0 {
			status = e.Status
		}
		if e.Fault && e.Status == 0 {
			status = http.StatusInternalServerError
		}
		if e.Code != "" && (c.protocol == protoQuery || c.protocol == protoEC2 || c.protocol == protoRESTXML) {
			code = e.Code
		}
	}
	if own, ok := api.(interface{ HTTPStatus() int }); ok && own.HTTPStatus() != 0 {
		status = own.HTTPStatus()
	}
	return code, status
}

// queryCode is the code that clients of a service's former query protocol know.
func (c *Call) queryCode(api smithy.APIError) string {
	if e := c.trait(api); e != nil && e.Code != "" {
		return e.Code
	}
	return api.ErrorCode()
}

func fault(status int) string {
	if status >= http.StatusInternalServerError {
		return "Receiver"
	}
	return "Sender"
}

// shapeName is the model's name of an error of the SDK: that of its type.
func shapeName(api smithy.APIError) string {
	return reflect.Indirect(reflect.ValueOf(api)).Type().Name()
}

// trait returns what the model says about an error, or nil.
func (c *Call) trait(api smithy.APIError) *errorTrait {
	if to := c.service.errorCodec(api); to != nil {
		return to.shape.Error
	}
	return nil
}

// errorCodec returns the codec of a modelled error, or nil for any other.
func (s *Service) errorCodec(api smithy.APIError) *codec {
	t := reflect.TypeOf(api)
	if t.Kind() != reflect.Pointer || t.Elem() == reflect.TypeFor[Error]() || t.Elem() == reflect.TypeFor[smithy.GenericAPIError]() {
		return nil
	}
	if known, ok := s.errors.Load(t); ok {
		return known.(*codec)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	to, err := s.compile.compile(&ref{Shape: t.Elem().Name()}, t)
	if err != nil {
		to = nil // newer than the model: has a code and a message, no more
	}
	s.errors.Store(t, to)
	return to
}

// errorDocument encodes an error with all its members in JSON or CBOR.
func (c *Call) errorDocument(api smithy.APIError) []byte {
	if c.protocol == protoCBOR {
		w := &cborWriter{}
		c.writeError(w, api)
		return w.buf
	}
	w := &jsonWriter{}
	c.writeError(w, api)
	return w.buf
}

func (c *Call) writeError(w writer, api smithy.APIError) {
	w.beginObject()
	if c.protocol != protoRESTJSON {
		w.key("__type")
		w.str(c.errorType(api))
	}
	if to := c.service.errorCodec(api); to != nil {
		to.writeMembers(w, indirect(reflect.ValueOf(api)))
	} else if api.ErrorMessage() != "" {
		w.key("message")
		w.str(api.ErrorMessage())
	}
	w.endObject()
}

// errorType is the name in __type: that of the shape, which a code for the query
// protocol does not replace.
func (c *Call) errorType(api smithy.APIError) string {
	if c.service.errorCodec(api) != nil {
		return shapeName(api)
	}
	return api.ErrorCode()
}

// queryError is the envelope of the query protocol.
func (c *Call) queryError(code string, status int, api smithy.APIError, requestID string) []byte {
	w := &xmlWriter{}
	w.open("ErrorResponse", xmlns("", c.service.model.meta.XMLNamespace))
	w.open("Error", "")
	w.leaf("Type", fault(status))
	c.errorElements(w, code, api)
	w.close("Error")
	w.leaf("RequestId", requestID)
	w.close("ErrorResponse")
	return w.buf
}

func (c *Call) ec2Error(code string, api smithy.APIError, requestID string) []byte {
	w := &xmlWriter{}
	w.buf = append(w.buf, `<?xml version="1.0" encoding="UTF-8"?>`...)
	for _, name := range []string{"Response", "Errors", "Error"} {
		w.open(name, "")
	}
	c.errorElements(w, code, api)
	w.close("Error")
	w.close("Errors")
	w.leaf("RequestID", requestID)
	w.close("Response")
	return w.buf
}

// restError is S3's bare error, or the envelope of the other REST XML services.
func (c *Call) restError(code string, status int, api smithy.APIError, requestID string) []byte {
	if !c.service.model.meta.BareErrors {
		return c.queryError(code, status, api, requestID)
	}
	w := &xmlWriter{}
	w.buf = append(w.buf, `<?xml version="1.0" encoding="UTF-8"?>`...)
	w.open("Error", "")
	c.errorElements(w, code, api)
	w.leaf("RequestId", requestID)
	w.close("Error")
	return w.buf
}

// errorElements writes code, message and the error's further members.
func (c *Call) errorElements(w *xmlWriter, code string, api smithy.APIError) {
	w.leaf("Code", code)
	w.leaf("Message", api.ErrorMessage())
	if own, ok := api.(*Error); ok {
		for _, d := range own.Detail {
			w.leaf(d.Name, d.Text)
		}
	}
	to := c.service.errorCodec(api)
	if to == nil {
		return
	}
	v := indirect(reflect.ValueOf(api))
	for _, f := range to.fields {
		if strings.EqualFold(f.member, "message") || f.location != inBody {
			continue
		}
		if fv := v.Field(f.index); !absent(fv) {
			w.element(f.xml, f.codec, f.ref, fv)
		}
	}
}
