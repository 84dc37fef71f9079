package wire

import (
	"errors"
	"reflect"
	"time"
)

// token is what comes next in a document.
type token uint8

const (
	tokNull token = iota
	tokList
	tokObject
	tokScalar
)

// document pulls values out of JSON or CBOR text, in order.
type document interface {
	// peek tells what comes next without consuming it.
	peek() (token, error)
	// open enters a list or an object; next steps to its next entry and, when
	// there is none, leaves it and reports false.
	open() error
	next() (bool, error)
	// key consumes the key of an object's entry; it is valid until the next call.
	key() ([]byte, error)
	skip() error
	str() (string, error)
	int(bits int) (int64, error)
	float(bits int) (float64, error)
	bool() (bool, error)
	blob() ([]byte, error)
	time() (time.Time, error)
	// end fails unless the whole document is consumed.
	end() error
}

// maxDepth bounds the nesting of documents. DynamoDB's items, the deepest of
// all inputs, have 32 levels, which are twice as many in JSON.
const maxDepth = 128

var (
	errDepth  = errors.New("nested too deeply")
	errMapTop = errors.New("Start of structure or map found where not expected.")
	errField  = errors.New("Unexpected field type")
)

// read decodes the next value of d, which is not null, into v.
func (c *codec) read(d document, v reflect.Value) error {
	tok, err := d.peek()
	if err != nil {
		return err
	}
	if err := c.expect(tok); err != nil {
		return err
	}
	switch c.kind {
	case kindStruct:
		return c.readStruct(d, settle(v))
	case kindUnion:
		return c.readUnion(d, v)
	case kindList:
		return c.readList(d, v)
	case kindMap:
		return c.readMap(d, v)
	}
	return c.readScalar(d, settle(v))
}

// expect refuses what has the wrong form, in AWS's words.
func (c *codec) expect(tok token) error {
	want := tokScalar
	switch c.kind {
	case kindStruct, kindUnion, kindMap:
		want = tokObject
	case kindList:
		want = tokList
	}
	switch {
	case tok == want:
		return nil
	case tok == tokObject:
		return errMapTop
	case tok == tokList && want == tokScalar:
		return malformed("Unrecognized collection type class java.lang.%s", c.javaType())
	}
	return errField
}

// javaType is the class of a scalar in the services, which are written in Java.
func (c *codec) javaType() string {
	switch c.kind {
	case kindInt:
		if c.typ.Bits() == 64 {
			return "Long"
		}
		return "Integer"
	case kindFloat:
		return "Double"
	case kindBool:
		return "Boolean"
	}
	return "String"
}

func (c *codec) readStruct(d document, v reflect.Value) error {
	if err := d.open(); err != nil {
		return err
	}
	var seen bitset
	for {
		more, err := d.next()
		if err != nil || !more {
			return err
		}
		f, err := c.member(d, &seen)
		if err != nil {
			return err
		}
		if f == nil {
			continue
		}
		if err := f.codec.read(d, v.Field(f.index)); err != nil {
			return err
		}
	}
}

// member reads the key of an entry and returns the field it is for, or nil
// after consuming an entry that is unknown or null. AWS ignores unknown members.
func (c *codec) member(d document, seen *bitset) (*field, error) {
	key, err := d.key()
	if err != nil {
		return nil, err
	}
	f := c.json[string(key)]
	if f == nil {
		return nil, d.skip()
	}
	if !seen.add(f.slot) {
		return nil, malformed("Duplicate field: %s", f.json)
	}
	if tok, err := d.peek(); err != nil || tok == tokNull {
		return nil, errors.Join(err, d.skip())
	}
	return f, nil
}

// readUnion sets the interface v to the one variant that is present.
func (c *codec) readUnion(d document, v reflect.Value) error {
	if err := d.open(); err != nil {
		return err
	}
	var seen bitset
	for {
		more, err := d.next()
		if err != nil || !more {
			return err
		}
		f, err := c.member(d, &seen)
		if err != nil {
			return err
		}
		if f == nil {
			continue
		}
		if !v.IsNil() {
			return malformed("Union %s has more than one member", c.name)
		}
		p := reflect.New(f.variant)
		if err := f.codec.read(d, p.Elem().Field(0)); err != nil {
			return err
		}
		v.Set(p)
	}
}

func (c *codec) readList(d document, v reflect.Value) error {
	if err := d.open(); err != nil {
		return err
	}
	list := reflect.New(v.Type()).Elem() // addressable, so that it can grow
	list.Set(reflect.MakeSlice(v.Type(), 0, 4))
	for {
		more, err := d.next()
		if err != nil {
			return err
		}
		if !more {
			v.Set(list)
			return nil
		}
		n := list.Len()
		list.Grow(1)
		list.SetLen(n + 1)
		if err := c.readElement(d, list.Index(n)); err != nil {
			return err
		}
	}
}

// readElement reads a list's element or a map's value; null is for sparse ones.
func (c *codec) readElement(d document, v reflect.Value) error {
	if tok, err := d.peek(); err != nil || tok != tokNull {
		if err != nil {
			return err
		}
		return c.elem.read(d, v)
	}
	if !c.sparse() {
		return malformed("Unexpected null in %s", c.name)
	}
	return d.skip()
}

func (c *codec) readMap(d document, v reflect.Value) error {
	if err := d.open(); err != nil {
		return err
	}
	t := v.Type()
	m := reflect.MakeMap(t)
	for {
		more, err := d.next()
		if err != nil {
			return err
		}
		if !more {
			v.Set(m)
			return nil
		}
		key, err := d.key()
		if err != nil {
			return err
		}
		k := reflect.ValueOf(string(key)).Convert(t.Key())
		if m.MapIndex(k).IsValid() {
			return malformed("Duplicate field: %s", key)
		}
		e := reflect.New(t.Elem()).Elem()
		if err := c.readElement(d, e); err != nil {
			return err
		}
		m.SetMapIndex(k, e)
	}
}

func (c *codec) readScalar(d document, v reflect.Value) error {
	switch c.kind {
	case kindString:
		s, err := d.str()
		v.SetString(s)
		return err
	case kindInt:
		n, err := d.int(v.Type().Bits())
		v.SetInt(n)
		return err
	case kindFloat:
		f, err := d.float(v.Type().Bits())
		v.SetFloat(f)
		return err
	case kindBool:
		b, err := d.bool()
		v.SetBool(b)
		return err
	case kindBlob:
		b, err := d.blob()
		v.SetBytes(b)
		return err
	case kindTime:
		t, err := d.time()
		v.Set(reflect.ValueOf(t))
		return err
	}
	return errField
}

// bitset remembers which of a structure's fields were seen.
type bitset [4]uint64

// add reports whether n is new. No structure of AWS has 256 members.
func (b *bitset) add(n int) bool {
	word, bit := &b[n/64%4], uint64(1)<<(n%64)
	fresh := *word&bit == 0
	*word |= bit
	return fresh
}
