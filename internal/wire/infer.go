package wire

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
)

// The models are older than the SDK. What the SDK has and a model has not
// travels in the body, named as the model names its neighbours, unless tools/genapi
// found another binding in the SDK and wrote it into the model.

// newerFields binds the fields of out's Go type that its shape does not know.
func (c *compiler) newerFields(out *codec) error {
	known := map[int]bool{}
	for _, f := range out.fields {
		known[f.index] = true
	}
	for i := range out.typ.NumField() {
		gf := out.typ.Field(i)
		if known[i] || !gf.IsExported() || gf.Name == "ResultMetadata" || gf.Name == "ErrorCodeOverride" {
			continue
		}
		r := c.infer(gf.Type)
		if r == nil {
			continue
		}
		if late := out.shape.Late[gf.Name]; late != nil {
			r = c.late(late, r)
		}
		f := c.field(out, c.spell(gf.Name), r)
		f.index = i
		if err := c.join(out, f, gf.Type); err != nil {
			return err
		}
	}
	return nil
}

// late is the use of an inferred shape with the binding that the SDK gives it.
func (c *compiler) late(binding, inferred *ref) *ref {
	r := *binding
	r.Shape = inferred.Shape
	if s := c.model.shape(r.Shape); r.Member != "" && s.Type == "list" {
		named := *s
		named.Member = &ref{Shape: s.Member.Shape, Name: r.Member}
		r.Shape += " of " + r.Member
		c.model.shapes[r.Shape] = &named
	}
	return &r
}

// newerVariants does the same for a union.
func (c *compiler) newerVariants(out *codec, variants map[string]reflect.Type) error {
	for _, name := range slices.Sorted(maps.Keys(variants)) {
		v := variants[name]
		known := slices.ContainsFunc(out.fields, func(f *field) bool { return f.variant == v })
		r := c.infer(v.Field(0).Type)
		if known || r == nil {
			continue
		}
		f := c.field(out, c.spell(name), r)
		f.variant = v
		if err := c.join(out, f, v.Field(0).Type); err != nil {
			return err
		}
	}
	return nil
}

// spell writes a Go name as this model writes its members.
func (c *compiler) spell(name string) string {
	if c.lowerCamel() {
		return lowerFirst(name)
	}
	return name
}

// lowerCamel reports how the model spells most members of bodies.
func (c *compiler) lowerCamel() bool {
	if c.lower == nil {
		n := 0
		for name := range c.model.raw {
			n += lowerMembers(c.model.shape(name))
		}
		lower := n > 0
		c.lower = &lower
	}
	return *c.lower
}

// lowerMembers counts a shape's lower-case members against its others.
func lowerMembers(s *shape) (n int) {
	if s == nil {
		return 0
	}
	for name, r := range s.Members {
		if r.Location != "" {
			continue
		}
		if r.Name != "" {
			name = r.Name
		}
		if name[0] >= 'a' {
			n++
		} else {
			n--
		}
	}
	return n
}

// infer makes an unconstrained shape for a Go type, or nil if none fits.
func (c *compiler) infer(t reflect.Type) *ref {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if s := c.model.shape(t.Name()); s != nil && s.Type == "structure" && t.Kind() == reflect.Struct {
		return &ref{Shape: t.Name()}
	}
	name := "go:" + t.String()
	if c.model.shapes[name] != nil {
		return &ref{Shape: name}
	}
	s := &shape{}
	c.model.shapes[name] = s // before its parts: types can be recursive
	if !c.inferShape(s, t) {
		delete(c.model.shapes, name)
		return nil
	}
	return &ref{Shape: name}
}

func (c *compiler) inferShape(s *shape, t reflect.Type) bool {
	switch {
	case t == timeType:
		s.Type = "timestamp"
	case t.Kind() == reflect.Struct:
		s.Type = "structure"
	case t.Kind() == reflect.Slice && t.Elem().Kind() == reflect.Uint8:
		s.Type = "blob"
	case t.Kind() == reflect.Slice:
		s.Type, s.Member = "list", c.infer(t.Elem())
		return s.Member != nil
	case t.Kind() == reflect.Map:
		s.Type, s.Key, s.Value = "map", c.infer(t.Key()), c.infer(t.Elem())
		return s.Key != nil && s.Value != nil
	case c.unions[t] != nil:
		s.Type = "structure"
	default:
		s.Type = inferScalar(s, t)
	}
	return s.Type != ""
}

func inferScalar(s *shape, t reflect.Type) string {
	k, ok := scalarKind(s, t)
	if !ok {
		return ""
	}
	switch k {
	case kindString:
		s.Enum = sdkEnum(t)
		return "string"
	case kindBool:
		return "boolean"
	case kindInt:
		return "long"
	case kindFloat:
		return "double"
	}
	return ""
}

// sdkEnum lists the values of the SDK's enumeration types.
func sdkEnum(t reflect.Type) []string {
	values := reflect.Zero(t).MethodByName("Values")
	if !values.IsValid() || values.Type().NumIn() != 0 || values.Type().NumOut() != 1 {
		return nil
	}
	list := values.Call(nil)[0]
	var out []string
	for i := range list.Len() {
		out = append(out, fmt.Sprint(list.Index(i)))
	}
	return out
}
