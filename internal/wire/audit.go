package wire

import (
	"reflect"
	"time"
)

// hidden is what CloudTrail records in place of a sensitive value.
const hidden = "HIDDEN_DUE_TO_SECURITY_REASONS"

// auditTime is how CloudTrail writes timestamps inside parameters.
const auditTime = "Jan 2, 2006 3:04:05 PM"

// Parameters is the requestParameters of a CloudTrail record: the input as JSON,
// its names in lower camel case, sensitive strings hidden, blobs left out. It is
// nil if there is nothing to record.
func (s *Service) Parameters(op string, in any) []byte {
	b, err := s.operation(op)
	if err != nil || b == nil {
		return nil
	}
	return b.in.audit(reflect.ValueOf(in))
}

// Elements is the responseElements of a CloudTrail record: the same for outputs.
func (s *Service) Elements(op string, out any) []byte {
	b, err := s.operation(op)
	if err != nil || b == nil {
		return nil
	}
	if st, ok := out.(stream); ok {
		return b.out.audit(st.head())
	}
	return b.out.audit(reflect.ValueOf(out))
}

func (c *codec) audit(v reflect.Value) []byte {
	if v = indirect(v); !v.IsValid() {
		return nil
	}
	w := &auditor{}
	w.beginObject()
	w.members(c, v)
	w.endObject()
	if len(w.buf) == len("{}") {
		return nil
	}
	return w.buf
}

// auditor writes values for a reader who may see less than the caller.
type auditor struct{ jsonWriter }

func (w *auditor) members(c *codec, v reflect.Value) {
	for _, f := range c.fields {
		fv := v.Field(f.index)
		if absent(fv) || f.location == inStatus || f.codec.unrecorded() {
			continue
		}
		w.key(lowerFirst(f.member))
		w.value(f.codec, fv)
	}
}

// unrecorded reports whether values are left out altogether.
func (c *codec) unrecorded() bool {
	return c.kind == kindBlob || c.kind == kindStream || c.kind == kindList && c.elem.kind == kindBlob || c.kind == kindMap && c.elem.kind == kindBlob
}

func (w *auditor) value(c *codec, v reflect.Value) {
	if c.shape.Sensitive {
		w.str(hidden)
		return
	}
	switch c.kind {
	case kindStruct:
		w.beginObject()
		w.members(c, indirect(v))
		w.endObject()
	case kindUnion:
		w.variant(c, v)
	case kindList:
		w.beginList()
		for i := range v.Len() {
			w.element(c.elem, v.Index(i))
		}
		w.endList()
	case kindMap:
		w.beginObject()
		for _, k := range sortedKeys(v) {
			w.key(k.String())
			w.element(c.elem, v.MapIndex(k))
		}
		w.endObject()
	case kindTime:
		w.str(indirect(v).Interface().(time.Time).UTC().Format(auditTime))
	default:
		c.writeScalar(w, indirect(v), "")
	}
}

func (w *auditor) element(c *codec, v reflect.Value) {
	if absent(v) && v.Kind() == reflect.Pointer {
		w.null()
		return
	}
	w.value(c, v)
}

func (w *auditor) variant(c *codec, v reflect.Value) {
	w.beginObject()
	if f := c.variantOf(v); f != nil && !f.codec.unrecorded() {
		w.key(lowerFirst(f.member))
		w.value(f.codec, variantValue(v))
	}
	w.endObject()
}
