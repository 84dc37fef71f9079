package wire

import (
	"fmt"
	"reflect"
	"strconv"
	"strings"
)

// violations collects the broken constraints of one input.
type violations []string

func (v *violations) add(shown, path, constraint string) {
	*v = append(*v, "Value "+shown+"at '"+path+"' failed to satisfy constraint: "+constraint)
}

// err makes one error of all violations, as AWS words it.
func (v violations) err(e validationError) error {
	if len(v) == 0 {
		return nil
	}
	noun := "errors"
	if len(v) == 1 {
		noun = "error"
	}
	return Errorf(e.Code, e.Status, "%d validation %s detected: %s", len(v), noun, strings.Join(v, "; "))
}

// validate checks v, which is present, and everything in it.
func (c *codec) validate(v reflect.Value, path string, out *violations) {
	switch c.kind {
	case kindStruct:
		c.validateMembers(indirect(v), path, out)
	case kindUnion:
		if f := c.variantOf(v); f != nil {
			f.codec.validate(variantValue(v), f.path(path), out)
		}
	case kindList:
		c.report(c.rules.check(c, v), v, path, out)
		c.validateElements(v, path, out)
	case kindMap:
		c.report(c.rules.check(c, v), v, path, out)
		c.validateEntries(v, path, out)
	default:
		if c.rules != nil {
			v = indirect(v)
			c.report(c.rules.check(c, v), v, path, out)
		}
	}
}

func (c *codec) validateMembers(v reflect.Value, path string, out *violations) {
	for _, f := range c.fields {
		fv := v.Field(f.index)
		switch {
		case !absent(fv):
			f.codec.validate(fv, f.path(path), out)
		case f.required:
			out.add("null ", f.path(path), "Member must not be null")
		}
	}
}

// validateElements reports a bad scalar against the list, which is shown whole,
// and a bad member of a structure by its own path.
func (c *codec) validateElements(v reflect.Value, path string, out *violations) {
	bad := false
	for i := range v.Len() {
		e := v.Index(i)
		switch {
		case absent(e) && e.Kind() != reflect.String:
		case c.elem.kind < kindString:
			c.elem.validate(e, path+"."+strconv.Itoa(i+1)+".member", out)
		default:
			bad = bad || len(c.elem.rules.check(c.elem, indirect(e))) > 0
		}
	}
	if bad {
		out.add(c.shown(v), path, "Member must satisfy constraint: "+c.elem.rules.all(c.elem.measure()))
	}
}

func (c *codec) validateEntries(v reflect.Value, path string, out *violations) {
	badKey, badValue := false, false
	for it := v.MapRange(); it.Next(); {
		k, e := it.Key(), it.Value()
		badKey = badKey || len(c.keyCodec.rules.check(c.keyCodec, k)) > 0
		switch {
		case absent(e) && e.Kind() != reflect.String:
		case c.elem.kind < kindString:
			c.elem.validate(e, path+"."+k.String()+".member", out)
		default:
			badValue = badValue || len(c.elem.rules.check(c.elem, indirect(e))) > 0
		}
	}
	if badKey {
		out.add(c.shown(v), path, "Map keys must satisfy constraint: "+c.keyCodec.rules.all("length"))
	}
	if badValue {
		out.add(c.shown(v), path, "Map value must satisfy constraint: "+c.elem.rules.all(c.elem.measure()))
	}
}

// check returns the constraints that v itself breaks. r may be nil.
func (r *rules) check(c *codec, v reflect.Value) []string {
	if r == nil {
		return nil
	}
	switch c.kind {
	case kindString:
		return r.text(v.String())
	case kindInt:
		return r.size(v.Int(), "value")
	case kindFloat:
		return r.size(int64(v.Float()), "value")
	case kindList, kindMap, kindBlob:
		return r.size(int64(v.Len()), "length")
	}
	return nil
}

// measure is the word for what min and max limit.
func (c *codec) measure() string {
	if c.kind == kindInt || c.kind == kindFloat {
		return "value"
	}
	return "length"
}

func (c *codec) report(broken []string, v reflect.Value, path string, out *violations) {
	for _, text := range broken {
		out.add(c.shown(v), path, text)
	}
}

// path extends a path by the field. AWS lowers the first letter: 'kMSKeyArn'.
func (f *field) path(parent string) string {
	name := lowerFirst(f.member)
	if parent == "" {
		return name
	}
	return parent + "." + name
}

// shown renders a value for a message; what is sensitive is left out.
func (c *codec) shown(v reflect.Value) string {
	if c.sensitive() {
		return ""
	}
	return "'" + c.java(v) + "' "
}

func (c *codec) sensitive() bool {
	return c.shape.Sensitive || c.elem != nil && c.elem.shape.Sensitive
}

// java renders a value as the services, which are written in Java, print it.
func (c *codec) java(v reflect.Value) string {
	v = indirect(v)
	if !v.IsValid() {
		return "null"
	}
	switch c.kind {
	case kindStruct:
		return c.javaStruct(v)
	case kindList:
		parts := make([]string, v.Len())
		for i := range parts {
			parts[i] = c.elem.java(v.Index(i))
		}
		return "[" + strings.Join(parts, ", ") + "]"
	case kindMap:
		var parts []string
		for _, k := range sortedKeys(v) {
			parts = append(parts, k.String()+"="+c.elem.java(v.MapIndex(k)))
		}
		return "{" + strings.Join(parts, ", ") + "}"
	case kindBlob:
		return fmt.Sprintf("java.nio.HeapByteBuffer[pos=0 lim=%d cap=%[1]d]", v.Len())
	case kindUnion, kindStream:
		return c.name
	}
	return fmt.Sprint(v.Interface())
}

func (c *codec) javaStruct(v reflect.Value) string {
	var parts []string
	for _, f := range c.fields {
		if fv := v.Field(f.index); !absent(fv) && !f.codec.sensitive() {
			parts = append(parts, lowerFirst(f.member)+"="+f.codec.java(fv))
		}
	}
	return c.name + "(" + strings.Join(parts, ", ") + ")"
}
