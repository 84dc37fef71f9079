package codesign

import (
	"bytes"
	"encoding/asn1"
	"errors"
	"slices"
	"time"
)

// encodeAttributes is the SET of signed attributes, in DER: sorted by their encoding.
func (e *envelope) encodeAttributes() ([]byte, error) {
	var list [][]byte
	add := func(kind, value []byte) error {
		a, err := asn1.Marshal(attribute{asn1.RawValue{FullBytes: kind}, []asn1.RawValue{{FullBytes: value}}})
		list = append(list, a)
		return err
	}
	for _, a := range e.values() {
		value, err := a.encode()
		if err != nil {
			return nil, err
		}
		if err := add(a.kind, value); err != nil {
			return nil, err
		}
	}
	slices.SortFunc(list, bytes.Compare)
	return asn1.Marshal(asn1.RawValue{Tag: asn1.TagSet, IsCompound: true, Bytes: slices.Concat(list...)})
}

// A value is one attribute: how it is named, written and read.
type value struct {
	kind   []byte
	encode func() ([]byte, error)
	decode func(der []byte) error
}

// values lists all attributes. A signature has each of them, once.
func (e *envelope) values() []value {
	return []value{
		fixed(oidContentType, oidData),
		fixed(oidProtection, protection{sha384, ecdsaSHA384}),
		of(named(oidMessage), "", &e.message),
		of(oidFramed, "", &e.framed),
		of(named(oidJob), "utf8", &e.Job),
		of(named(oidProfile), "utf8", &e.Profile),
		moment(oidSigned, &e.Signed),
		moment(oidExpires, &e.Expires),
	}
}

func named(id asn1.ObjectIdentifier) []byte {
	der, err := asn1.Marshal(id)
	if err != nil {
		panic(err) // the identifiers are constants
	}
	return der
}

// of is an attribute that is kept in a field.
func of[T any](kind []byte, params string, field *T) value {
	return value{kind,
		func() ([]byte, error) { return asn1.MarshalWithParams(*field, params) },
		func(der []byte) error { return whole(asn1.UnmarshalWithParams(der, field, params)) },
	}
}

// moment is an attribute with a time.
func moment(id asn1.ObjectIdentifier, field *time.Time) value {
	v := of(named(id), "generalized", field)
	v.encode = func() ([]byte, error) { return stamp(*field) }
	return v
}

// fixed is an attribute that is always the same.
func fixed(id asn1.ObjectIdentifier, content any) value {
	encode := func() ([]byte, error) { return asn1.Marshal(content) }
	return value{named(id), encode, func(der []byte) error {
		if want, err := encode(); err != nil || !bytes.Equal(der, want) {
			return errors.New("it is another")
		}
		return nil
	}}
}

func whole(rest []byte, err error) error {
	if err == nil && len(rest) > 0 {
		err = errors.New("there is more behind it")
	}
	return err
}

var errAttributes = errors.New("its signed attributes are not those of a signature")

// decodeAttributes reads the attributes; that they are written as encodeAttributes does is checked with them.
func (e *envelope) decodeAttributes() error {
	var list []attribute
	if whole(asn1.UnmarshalWithParams(e.attributes, &list, "set")) != nil {
		return errAttributes
	}
	values := e.values()
	for _, a := range list {
		i := slices.IndexFunc(values, func(v value) bool { return bytes.Equal(v.kind, a.Type.FullBytes) })
		if i < 0 || len(a.Values) != 1 || values[i].decode(a.Values[0].FullBytes) != nil {
			return errAttributes
		}
	}
	if again, err := e.encodeAttributes(); err != nil || !bytes.Equal(again, e.attributes) {
		return errAttributes
	}
	return nil
}
