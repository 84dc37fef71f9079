package wire

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
)

// compiler makes codecs. It is used under Service.mu.
type compiler struct {
	model  *description
	unions map[reflect.Type]map[string]reflect.Type
	done   map[codecKey]*codec
	lower  *bool // see lowerCamel
}

type codecKey struct {
	shape string
	typ   reflect.Type
}

// compile returns the codec for a use of a shape that the Go type t holds.
func (c *compiler) compile(r *ref, t reflect.Type) (*codec, error) {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	key := codecKey{r.Shape, t}
	if got := c.done[key]; got != nil {
		return got, nil
	}
	s := c.model.shape(r.Shape)
	if s == nil {
		return nil, fmt.Errorf("no shape %q for %s", r.Shape, t)
	}
	out := &codec{shape: s, name: r.Shape, typ: t}
	c.done[key] = out // before the members: shapes can be recursive
	if err := c.fill(out); err != nil {
		delete(c.done, key)
		return nil, err
	}
	own := c.model.meta.ValidationError
	out.constrain(own != nil && own.NotNull)
	return out, nil
}

// fill decides the codec's kind and compiles what it is made of.
func (c *compiler) fill(out *codec) error {
	s, t := out.shape, out.typ
	switch {
	case s.Type == "structure" && t.Kind() == reflect.Interface:
		out.kind = kindUnion
		return c.union(out)
	case s.Type == "structure" && t.Kind() == reflect.Struct:
		out.kind = kindStruct
		return c.structure(out)
	case s.Type == "list" && t.Kind() == reflect.Slice:
		out.kind = kindList
		return c.elements(out, nil, s.Member)
	case s.Type == "map" && t.Kind() == reflect.Map:
		out.kind = kindMap
		return c.elements(out, s.Key, s.Value)
	}
	k, ok := scalarKind(s, t)
	if !ok {
		return fmt.Errorf("cannot bind shape %s (%s) to %s", out.name, s.Type, t)
	}
	out.kind = k
	return nil
}

func scalarKind(s *shape, t reflect.Type) (kind, bool) {
	switch {
	case t == readerType || t == closerType:
		return kindStream, true
	case s.Type == "blob" && t.Kind() == reflect.Slice:
		return kindBlob, true
	case t == timeType:
		return kindTime, true
	case t.Kind() == reflect.String:
		return kindString, true
	case t.Kind() == reflect.Bool:
		return kindBool, true
	case t.Kind() >= reflect.Int && t.Kind() <= reflect.Int64:
		return kindInt, true
	case t.Kind() == reflect.Float32 || t.Kind() == reflect.Float64:
		return kindFloat, true
	}
	return 0, false
}

// elements compiles the parts of a list (no key) or a map.
func (c *compiler) elements(out *codec, key, elem *ref) (err error) {
	out.elemRef, out.keyRef = elem, key
	if key != nil {
		if out.keyCodec, err = c.compile(key, out.typ.Key()); err != nil {
			return err
		}
	}
	out.elem, err = c.compile(elem, out.typ.Elem())
	return err
}

func (c *compiler) structure(out *codec) error {
	out.json = make(map[string]*field, len(out.shape.Members))
	for _, name := range slices.Sorted(maps.Keys(out.shape.Members)) {
		r := out.shape.Members[name]
		gf, ok := out.typ.FieldByName(goName(name, r))
		if !ok {
			continue // AWS withdrew the member from the SDK
		}
		f := c.field(out, name, r)
		f.index = gf.Index[0]
		if err := c.join(out, f, gf.Type); err != nil {
			return err
		}
	}
	return c.newerFields(out)
}

func (c *compiler) union(out *codec) error {
	variants := c.unions[out.typ]
	if variants == nil {
		return fmt.Errorf("union %s is in no table", out.typ)
	}
	out.json = make(map[string]*field, len(variants))
	for _, name := range slices.Sorted(maps.Keys(out.shape.Members)) {
		r := out.shape.Members[name]
		v := variants[goName(name, r)]
		if v == nil {
			continue
		}
		f := c.field(out, name, r)
		f.variant = v
		if err := c.join(out, f, v.Field(0).Type); err != nil {
			return err
		}
	}
	return c.newerVariants(out, variants)
}

// join compiles the field's own codec and adds the field to out.
func (c *compiler) join(out *codec, f *field, t reflect.Type) (err error) {
	if f.codec, err = c.compile(f.ref, t); err != nil {
		return fmt.Errorf("%s: %w", f.member, err)
	}
	f.slot = len(out.fields)
	out.fields = append(out.fields, f)
	if f.location == inBody {
		out.json[f.json] = f
		out.body = true
	}
	if f.member == out.shape.Payload {
		out.payload = f
	}
	return nil
}

// field names a member in every format that the service speaks.
func (c *compiler) field(parent *codec, name string, r *ref) *field {
	f := &field{ref: r, member: name, location: locations[r.Location], required: slices.Contains(parent.shape.Required, name)}
	given := name
	if r.Name != "" {
		given = r.Name
	}
	f.json, f.form, f.xml = given, given, given
	switch c.model.meta.Protocol {
	case "json", "rest-json":
		if r.QueryName != "" {
			f.form = r.QueryName
		}
	case "ec2":
		f.json, f.form = name, upperFirst(given)
		if r.QueryName != "" {
			f.form = r.QueryName
		}
	default:
		if f.location == inBody {
			f.json = name
		}
		c.flatName(f, r)
	}
	return f
}

// flatName gives a flattened list the name of its elements, which is how the
// query and XML protocols write it.
func (c *compiler) flatName(f *field, r *ref) {
	target := c.model.shape(r.Shape)
	if r.Name == "" && target != nil && target.Flattened && target.Member != nil && target.Member.Name != "" {
		f.form, f.xml = target.Member.Name, target.Member.Name
	}
}

// goName is the SDK's name for a member.
func goName(member string, r *ref) string {
	if r.GoName != "" {
		return r.GoName
	}
	return upperFirst(member)
}
