package store

import (
	"cmp"
	"encoding"
	"fmt"
	"reflect"

	"github.com/fxamacker/cbor/v2"
)

// A codec turns records into CBOR (RFC 8949) by field name, so fields may be added and removed freely. It keeps the
// difference between nil and empty, strings that are not UTF-8, and times to the nanosecond, in UTC.
type codec struct {
	enc cbor.UserBufferEncMode
	dec cbor.DecMode
}

func newCodec() (codec, error) {
	enc, err := cbor.EncOptions{Time: cbor.TimeRFC3339NanoUTC}.UserBufferEncMode()
	if err != nil {
		return codec{}, fmt.Errorf("CBOR encoding options: %w", err)
	}
	// The limits are the highest there are: what is decoded was written by us and is authenticated.
	dec, err := cbor.DecOptions{
		UTF8:              cbor.UTF8DecodeInvalid,
		MaxArrayElements:  1<<31 - 1,
		MaxMapPairs:       1<<31 - 1,
		MaxNestedLevels:   1000,
		DefaultMapType:    reflect.TypeFor[map[string]any](),
		IntDec:            cbor.IntDecConvertSignedOrFail, // in an any: int64
		FieldNameMatching: cbor.FieldNameMatchingCaseSensitive,
	}.DecMode()
	if err != nil {
		return codec{}, fmt.Errorf("CBOR decoding options: %w", err)
	}
	return codec{enc, dec}, nil
}

// undecodable names the part of a type that could be written but never read back: an interface with methods, such as
// the SDK's unions. It is empty for types that are fine.
func undecodable(t reflect.Type, seen map[reflect.Type]bool) string {
	if seen[t] || reflect.PointerTo(t).Implements(reflect.TypeFor[encoding.BinaryUnmarshaler]()) {
		return ""
	}
	seen[t] = true
	switch t.Kind() {
	case reflect.Interface:
		if t.NumMethod() > 0 {
			return t.String()
		}
	case reflect.Chan, reflect.Func, reflect.UnsafePointer:
		return t.String()
	case reflect.Pointer, reflect.Slice, reflect.Array:
		return undecodable(t.Elem(), seen)
	case reflect.Map:
		return cmp.Or(undecodable(t.Key(), seen), undecodable(t.Elem(), seen))
	case reflect.Struct:
		for f := range t.Fields() {
			if bad := undecodable(f.Type, seen); bad != "" && (f.IsExported() || f.Anonymous) {
				return f.Name + " " + bad
			}
		}
	}
	return ""
}
