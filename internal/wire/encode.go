package wire

import (
	"encoding/base64"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
)

// writer builds one document: JSON or CBOR.
type writer interface {
	beginObject()
	endObject()
	beginList()
	endList()
	key(string)
	str(string)
	int(int64)
	float(float64, int)
	bool(bool)
	blob([]byte)
	time(time.Time, string)
	null()
}

// write encodes v, which is present.
func (c *codec) write(w writer, v reflect.Value, format string) {
	switch c.kind {
	case kindStruct:
		w.beginObject()
		c.writeMembers(w, indirect(v))
		w.endObject()
	case kindUnion:
		w.beginObject()
		if f := c.variantOf(v); f != nil {
			w.key(f.json)
			f.codec.write(w, variantValue(v), f.ref.Format)
		}
		w.endObject()
	case kindList:
		w.beginList()
		for i := range v.Len() {
			c.writeElement(w, v.Index(i))
		}
		w.endList()
	case kindMap:
		w.beginObject()
		for _, k := range sortedKeys(v) {
			w.key(k.String())
			c.writeElement(w, v.MapIndex(k))
		}
		w.endObject()
	default:
		c.writeScalar(w, indirect(v), format)
	}
}

func (c *codec) writeMembers(w writer, v reflect.Value) {
	for _, f := range c.fields {
		if f.location != inBody {
			continue
		}
		if fv := v.Field(f.index); !absent(fv) {
			w.key(f.json)
			f.codec.write(w, fv, f.ref.Format)
		}
	}
}

// writeElement writes a list's element or a map's value.
func (c *codec) writeElement(w writer, v reflect.Value) {
	if absent(v) && v.Kind() != reflect.String && v.Kind() != reflect.Slice && v.Kind() != reflect.Map {
		w.null()
		return
	}
	c.elem.write(w, v, c.elemRef.Format)
}

func (c *codec) writeScalar(w writer, v reflect.Value, format string) {
	switch c.kind {
	case kindString:
		w.str(v.String())
	case kindInt:
		w.int(v.Int())
	case kindFloat:
		w.float(v.Float(), v.Type().Bits())
	case kindBool:
		w.bool(v.Bool())
	case kindBlob:
		w.blob(v.Bytes())
	case kindTime:
		w.time(v.Interface().(time.Time), c.format(format))
	}
}

// format is the timestamp format of a use of c: that of the use, else the shape's.
func (c *codec) format(use string) string {
	if use != "" {
		return use
	}
	return c.shape.Format
}

// sortedKeys makes the order of maps the same in every answer.
func sortedKeys(v reflect.Value) []reflect.Value {
	keys := v.MapKeys()
	if len(keys) > 1 {
		slices.SortFunc(keys, func(a, b reflect.Value) int { return strings.Compare(a.String(), b.String()) })
	}
	return keys
}

// text renders a scalar, or a list of them, for XML, a header or a path; format
// is that of timestamps where the model states none.
func (c *codec) text(v reflect.Value, format string) string {
	v = indirect(v)
	switch c.kind {
	case kindInt:
		return strconv.FormatInt(v.Int(), 10)
	case kindFloat:
		return formatFloat(v.Float(), v.Type().Bits())
	case kindBool:
		return strconv.FormatBool(v.Bool())
	case kindBlob:
		return base64.StdEncoding.EncodeToString(v.Bytes())
	case kindTime:
		if c.shape.Format != "" {
			format = c.shape.Format
		}
		return formatTime(v.Interface().(time.Time), format)
	case kindList:
		parts := make([]string, v.Len())
		for i := range parts {
			parts[i] = c.elem.text(v.Index(i), format)
		}
		return strings.Join(parts, ",")
	}
	return v.String()
}
