package wire

import (
	"encoding/xml"
	"reflect"
	"strings"
)

// xmlWriter appends XML to a buffer.
type xmlWriter struct{ buf []byte }

// Write lets xml.EscapeText append.
func (w *xmlWriter) Write(p []byte) (int, error) {
	w.buf = append(w.buf, p...)
	return len(p), nil
}

func (w *xmlWriter) open(name, attrs string) {
	w.buf = append(w.buf, '<')
	w.buf = append(w.buf, name...)
	w.buf = append(w.buf, attrs...)
	w.buf = append(w.buf, '>')
}

func (w *xmlWriter) close(name string) {
	w.buf = append(w.buf, "</"...)
	w.buf = append(w.buf, name...)
	w.buf = append(w.buf, '>')
}

// leaf writes an element that holds text.
func (w *xmlWriter) leaf(name, text string) {
	w.open(name, "")
	xml.EscapeText(w, []byte(text))
	w.close(name)
}

// xmlns renders a namespace declaration.
func xmlns(prefix, uri string) string {
	if uri == "" {
		return ""
	}
	if prefix != "" {
		prefix = ":" + prefix
	}
	return ` xmlns` + prefix + `="` + uri + `"`
}

// element writes v, which is present, as an element; flat lists repeat it.
func (w *xmlWriter) element(name string, c *codec, r *ref, v reflect.Value) {
	switch c.kind {
	case kindStruct:
		v = indirect(v)
		w.open(name, w.attributes(c, r, v))
		w.members(c, v)
		w.close(name)
	case kindUnion:
		w.open(name, "")
		if f := c.variantOf(v); f != nil {
			w.element(f.xml, f.codec, f.ref, variantValue(v))
		}
		w.close(name)
	case kindList:
		w.list(name, c, r, v)
	case kindMap:
		w.table(name, c, r, v)
	default:
		format := formatISO
		if r != nil && r.Format != "" {
			format = r.Format
		}
		w.leaf(name, c.text(v, format))
	}
}

func (w *xmlWriter) list(name string, c *codec, r *ref, v reflect.Value) {
	inner := name
	if !c.flat(r) {
		w.open(name, "")
		defer w.close(name)
		inner = c.listName()
	}
	for i := range v.Len() {
		w.element(inner, c.elem, c.elemRef, v.Index(i))
	}
}

func (w *xmlWriter) table(name string, c *codec, r *ref, v reflect.Value) {
	inner := name
	if !c.flat(r) {
		w.open(name, "")
		defer w.close(name)
		inner = "entry"
	}
	key, value := c.mapNames()
	for _, k := range sortedKeys(v) {
		w.open(inner, "")
		w.leaf(key, k.String())
		w.element(value, c.elem, c.elemRef, v.MapIndex(k))
		w.close(inner)
	}
}

func (w *xmlWriter) members(c *codec, v reflect.Value) {
	for _, f := range c.fields {
		if f.location != inBody || f.ref.Attribute {
			continue
		}
		if fv := v.Field(f.index); !absent(fv) {
			w.element(f.xml, f.codec, f.ref, fv)
		}
	}
}

// attributes renders the namespace and the members that are attributes.
func (w *xmlWriter) attributes(c *codec, r *ref, v reflect.Value) string {
	var b strings.Builder
	if ns := namespace(c, r); ns != nil {
		b.WriteString(xmlns(ns.Prefix, ns.URI))
	}
	for _, f := range c.fields {
		if !f.ref.Attribute {
			continue
		}
		if fv := v.Field(f.index); !absent(fv) {
			b.WriteString(" " + f.xml + `="`)
			xml.EscapeText(&b, []byte(f.codec.text(fv, formatISO)))
			b.WriteByte('"')
		}
	}
	return b.String()
}

func namespace(c *codec, r *ref) *xmlNamespace {
	if r != nil && r.XMLNS != nil {
		return r.XMLNS
	}
	return c.shape.XMLNS
}
