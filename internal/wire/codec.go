package wire

import (
	"io"
	"reflect"
	"strings"
	"time"
)

// kind is what a codec does with a value; it joins the shape's type and Go's.
type kind uint8

const (
	kindStruct kind = iota
	kindUnion
	kindList
	kindMap
	kindString // the scalars begin here
	kindInt
	kindFloat
	kindBool
	kindTime
	kindBlob
	kindStream // an io.Reader payload
)

// location is where in an HTTP message a member travels.
type location uint8

const (
	inBody location = iota
	inPath
	inQuery
	inHeader
	inHeaders // a map spread over all headers with a prefix
	inStatus
)

var locations = map[string]location{
	"": inBody, "uri": inPath, "querystring": inQuery, "header": inHeader, "headers": inHeaders, "statusCode": inStatus,
}

// codec joins one shape with the Go type that holds it. It is immutable once
// compiled, and may refer to itself where shapes are recursive.
type codec struct {
	kind     kind
	shape    *shape
	name     string // of the shape
	typ      reflect.Type
	fields   []*field
	json     map[string]*field // body members by name in JSON and CBOR
	body     bool              // has members in the body
	elem     *codec            // of a list or map
	elemRef  *ref
	keyCodec *codec
	keyRef   *ref
	payload  *field // the member that is the whole body
	rules    *rules // constraints, or nil
}

// field is a member of a structure or union, bound to a Go field.
type field struct {
	ref      *ref
	member   string // name in the model
	json     string // name in JSON and CBOR, of a header or of a query parameter
	form     string // name in a query or EC2 request
	xml      string // name in XML
	location location
	index    int          // of the Go field
	slot     int          // of the field in codec.fields
	variant  reflect.Type // Go type of a union's variant
	codec    *codec
	required bool
}

var (
	timeType   = reflect.TypeFor[time.Time]()
	readerType = reflect.TypeFor[io.Reader]()
	closerType = reflect.TypeFor[io.ReadCloser]()
)

// indirect follows pointers to the value.
func indirect(v reflect.Value) reflect.Value {
	for v.Kind() == reflect.Pointer {
		v = v.Elem()
	}
	return v
}

// settle allocates what a pointer field needs and returns the value to fill.
func settle(v reflect.Value) reflect.Value {
	if v.Kind() == reflect.Pointer {
		v.Set(reflect.New(v.Type().Elem()))
		return v.Elem()
	}
	return v
}

// absent reports whether a member is left out of messages: nil, or the empty
// string of an enumeration. Plain numbers and booleans are always present.
func absent(v reflect.Value) bool {
	switch v.Kind() {
	case reflect.Pointer, reflect.Slice, reflect.Map, reflect.Interface, reflect.Func:
		return v.IsNil()
	case reflect.String:
		return v.Len() == 0
	}
	return false
}

// flat reports whether a list or map has no element of its own in XML and query.
func (c *codec) flat(r *ref) bool { return c.shape.Flattened || r != nil && r.Flattened }

// listName is the name of a list's elements in XML and query.
func (c *codec) listName() string {
	if c.elemRef != nil && c.elemRef.Name != "" {
		return c.elemRef.Name
	}
	return "member"
}

// mapNames are the names of a map's keys and values in XML and query.
func (c *codec) mapNames() (key, value string) {
	key, value = "key", "value"
	if c.keyRef != nil && c.keyRef.Name != "" {
		key = c.keyRef.Name
	}
	if c.elemRef != nil && c.elemRef.Name != "" {
		value = c.elemRef.Name
	}
	return key, value
}

// variantOf finds the member that the union value v holds.
func (c *codec) variantOf(v reflect.Value) *field {
	t := v.Elem().Type()
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	for _, f := range c.fields {
		if f.variant == t {
			return f
		}
	}
	return nil
}

// variantValue is what the union value v holds.
func variantValue(v reflect.Value) reflect.Value { return indirect(v.Elem()).Field(0) }

// sparse reports whether elements may be null: the SDK then holds pointers to scalars.
func (c *codec) sparse() bool {
	return c.typ.Elem().Kind() == reflect.Pointer && c.elem.kind >= kindString
}

func upperFirst(s string) string { return strings.ToUpper(s[:1]) + s[1:] }
func lowerFirst(s string) string { return strings.ToLower(s[:1]) + s[1:] }
