package wire

import (
	"iter"
	"reflect"
	"strconv"
)

// node is a place in a form or in XML, where everything is text and the names of
// list elements depend on traits.
type node interface {
	text() string
	// leaf reports whether there is text only, and nothing below.
	leaf() bool
	// member returns the value of a structure's member.
	member(*field) (node, bool)
	// items yields the elements of a list; entries the keys and values of a map.
	items(*codec, *ref) iter.Seq2[node, error]
	entries(*codec, *ref) iter.Seq2[[2]node, error]
}

// parse decodes n into v.
func (c *codec) parse(n node, r *ref, v reflect.Value) error {
	switch c.kind {
	case kindStruct:
		return c.parseStruct(n, settle(v))
	case kindUnion:
		return c.parseUnion(n, v)
	case kindList:
		return c.parseList(n, r, v)
	case kindMap:
		return c.parseMap(n, r, v)
	}
	if !n.leaf() {
		return errMapTop
	}
	return c.parseText(n.text(), settle(v))
}

func (c *codec) parseStruct(n node, v reflect.Value) error {
	for _, f := range c.fields {
		if f.location != inBody {
			continue
		}
		m, ok := n.member(f)
		if !ok {
			continue
		}
		if err := f.codec.parse(m, f.ref, v.Field(f.index)); err != nil {
			return err
		}
	}
	return nil
}

func (c *codec) parseUnion(n node, v reflect.Value) error {
	for _, f := range c.fields {
		m, ok := n.member(f)
		if !ok {
			continue
		}
		if !v.IsNil() {
			return malformed("Union %s has more than one member", c.name)
		}
		p := reflect.New(f.variant)
		if err := f.codec.parse(m, f.ref, p.Elem().Field(0)); err != nil {
			return err
		}
		v.Set(p)
	}
	return nil
}

func (c *codec) parseList(n node, r *ref, v reflect.Value) error {
	list := reflect.MakeSlice(v.Type(), 0, 4)
	for item, err := range n.items(c, r) {
		if err != nil {
			return err
		}
		e := reflect.New(v.Type().Elem()).Elem()
		if err := c.elem.parse(item, c.elemRef, e); err != nil {
			return err
		}
		list = reflect.Append(list, e)
	}
	v.Set(list)
	return nil
}

func (c *codec) parseMap(n node, r *ref, v reflect.Value) error {
	t := v.Type()
	m := reflect.MakeMap(t)
	for entry, err := range n.entries(c, r) {
		if err != nil {
			return err
		}
		k := reflect.ValueOf(entry[0].text()).Convert(t.Key())
		if m.MapIndex(k).IsValid() {
			return malformed("Duplicate key: %s", entry[0].text())
		}
		e := reflect.New(t.Elem()).Elem()
		if err := c.elem.parse(entry[1], c.elemRef, e); err != nil {
			return err
		}
		m.SetMapIndex(k, e)
	}
	v.Set(m)
	return nil
}

// parseText decodes a scalar from text: of a form, XML, a header or a path.
func (c *codec) parseText(s string, v reflect.Value) error {
	switch c.kind {
	case kindString:
		v.SetString(s)
	case kindInt:
		n, err := parseInt(s, v.Type().Bits())
		if err != nil {
			return malformed("STRING_VALUE cannot be converted to %s", c.javaType())
		}
		v.SetInt(n)
	case kindFloat:
		f, err := parseFloat(s, v.Type().Bits())
		v.SetFloat(f)
		return err
	case kindBool:
		b, err := parseBool(s)
		if err != nil {
			return err
		}
		v.SetBool(b)
	case kindBlob:
		b, err := decodeBase64(s)
		v.SetBytes(b)
		return err
	case kindTime:
		t, err := parseTime(s)
		if err != nil {
			return err
		}
		v.Set(reflect.ValueOf(t))
	default:
		return errField
	}
	return nil
}

// parseFloat accepts NaN and the infinities by their names.
func parseFloat(s string, bits int) (float64, error) {
	if f, ok := special(s); ok {
		return f, nil
	}
	f, err := strconv.ParseFloat(s, bits)
	if err != nil {
		return 0, malformed("STRING_VALUE cannot be converted to Double")
	}
	return f, nil
}

// parseBool accepts what Java's Boolean writes, in any case.
func parseBool(s string) (bool, error) {
	switch s {
	case "true", "True", "TRUE":
		return true, nil
	case "false", "False", "FALSE":
		return false, nil
	}
	return false, malformed("STRING_VALUE cannot be converted to Boolean")
}
