package wire

import (
	"errors"
	"fmt"
	"reflect"
)

// Decode reads the input of the operation that Match found: a pointer to the
// Binding's In.
func (c *Call) Decode() (any, error) {
	b, err := c.service.operation(c.name)
	if err != nil {
		return nil, fmt.Errorf("compiling %s: %w", c.name, err)
	}
	if b == nil {
		return nil, Errorf("UnknownOperationException", 400, "")
	}
	in := reflect.New(b.types.In)
	if err := c.decode(b, in.Elem()); err != nil {
		return nil, c.refuse(err)
	}
	return in.Interface(), nil
}

func (c *Call) decode(b *bound, v reflect.Value) error {
	switch c.protocol {
	case protoJSON:
		return c.readDocument(&jsonDocument{scanner: scanner{src: c.body}}, b.in, v)
	case protoCBOR:
		return c.readDocument(&cborDocument{src: c.body}, b.in, v)
	case protoQuery, protoEC2:
		return b.in.parse(c.form, nil, v)
	}
	return c.bind(b, v)
}

// readDocument reads a whole document; none at all is an empty input.
func (c *Call) readDocument(d document, to *codec, v reflect.Value) error {
	if len(c.body) == 0 {
		return nil
	}
	if err := to.read(d, v); err != nil {
		return err
	}
	return d.end()
}

// refuse makes an error of the API of a decoding error.
func (c *Call) refuse(err error) error {
	var api *Error
	if !errors.As(err, &api) {
		api = malformed("%s", err)
		if errors.Is(err, errSyntax) {
			api.Message = "" // as AWS answers
		}
	}
	if c.protocol == protoQuery && api.Code == "SerializationException" {
		api.Code = "MalformedInput"
	}
	if c.protocol == protoRESTXML && api.Code == "SerializationException" {
		return malformedXML()
	}
	return api
}

// Validate checks a decoded input against the constraints of the model and
// reports all violations in one error.
func (c *Call) Validate(in any) error {
	b, err := c.service.operation(c.name)
	if err != nil || b == nil {
		return err
	}
	var broken violations
	b.in.validate(reflect.ValueOf(in), "", &broken)
	return broken.err(c.validationError())
}

// validationError is the service's own code for broken constraints, or that of
// the protocol.
func (c *Call) validationError() validationError {
	e := validationError{Code: "ValidationException", Status: 400}
	if c.protocol == protoQuery || c.protocol == protoEC2 {
		e.Code = "ValidationError"
	}
	if own := c.service.model.meta.ValidationError; own != nil {
		if own.Code != "" {
			e.Code = own.Code
		}
		if own.Status != 0 {
			e.Status = own.Status
		}
	}
	return e
}
