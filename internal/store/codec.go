package store

import (
	"fmt"
	"reflect"

	"github.com/fxamacker/cbor/v2"
)

// A codec turns records into CBOR (RFC 8949) by field name, so fields may be added and removed freely. It keeps the
// difference between nil and empty, strings that are not UTF-8, and times to the nanosecond, in UTC.
type codec struct {
	enc cbor.EncMode
	dec cbor.DecMode
}

func newCodec() (codec, error) {
	enc, err := cbor.EncOptions{Time: cbor.TimeRFC3339NanoUTC}.EncMode()
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
		FieldNameMatching: cbor.FieldNameMatchingCaseSensitive,
	}.DecMode()
	if err != nil {
		return codec{}, fmt.Errorf("CBOR decoding options: %w", err)
	}
	return codec{enc, dec}, nil
}
