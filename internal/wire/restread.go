package wire

import (
	"bytes"
	"io"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strings"
)

// bind fills an input from the parts of a REST request.
func (c *Call) bind(b *bound, v reflect.Value) error {
	query := c.request.URL.Query()
	for _, f := range b.in.fields {
		fv := v.Field(f.index)
		var err error
		switch f.location {
		case inPath:
			err = c.bindLabel(f, fv)
		case inQuery:
			err = f.bindQuery(query, c.taken(b.in), fv)
		case inHeader:
			err = f.bindHeader(c.request, fv)
		case inHeaders:
			f.bindHeaders(c.request.Header, fv)
		}
		if err != nil {
			return err
		}
	}
	return c.bindBody(b.in, v)
}

func (c *Call) bindLabel(f *field, v reflect.Value) error {
	for i, name := range c.route.labels {
		if name != f.json {
			continue
		}
		s, err := url.PathUnescape(c.labels[i])
		if err != nil {
			return malformed("Invalid path")
		}
		return f.codec.parseText(s, settle(v))
	}
	return nil
}

func (f *field) bindQuery(query url.Values, taken func(string) bool, v reflect.Value) error {
	if f.codec.kind == kindMap {
		f.bindQueryMap(query, taken, v)
		return nil
	}
	values := query[f.json]
	if len(values) == 0 {
		return nil
	}
	if f.codec.kind == kindList {
		return f.codec.parseTexts(values, v)
	}
	if values[0] == "" && f.codec.kind != kindString { // ?marker= is no value
		return nil
	}
	return f.codec.parseText(values[0], settle(v))
}

// taken tells the query parameters that have a place: in a member, or in the
// URI of the operation.
func (c *Call) taken(in *codec) func(name string) bool {
	return func(name string) bool {
		return slices.ContainsFunc(in.fields, func(f *field) bool { return f.location == inQuery && f.json == name && f.codec.kind != kindMap }) ||
			slices.ContainsFunc(c.route.query, func(p pair) bool { return p.name == name })
	}
}

// bindQueryMap collects the parameters that are not taken.
func (f *field) bindQueryMap(query url.Values, taken func(string) bool, v reflect.Value) {
	m := reflect.MakeMap(v.Type())
	for name, values := range query {
		if taken(name) {
			continue
		}
		if v.Type().Elem().Kind() == reflect.Slice {
			m.SetMapIndex(reflect.ValueOf(name), reflect.ValueOf(values))
		} else {
			m.SetMapIndex(reflect.ValueOf(name), reflect.ValueOf(values[0]))
		}
	}
	if m.Len() > 0 {
		v.Set(m)
	}
}

// parseTexts decodes a list of scalars.
func (c *codec) parseTexts(texts []string, v reflect.Value) error {
	list := reflect.MakeSlice(v.Type(), len(texts), len(texts))
	for i, s := range texts {
		if err := c.elem.parseText(s, settle(list.Index(i))); err != nil {
			return err
		}
	}
	v.Set(list)
	return nil
}

func (f *field) bindHeader(r *http.Request, v reflect.Value) error {
	s := strings.Join(r.Header.Values(f.json), ",")
	if s == "" && strings.EqualFold(f.json, "Content-Length") && r.ContentLength > 0 {
		settle(v).SetInt(r.ContentLength) // net/http takes this one out of the headers
		return nil
	}
	if s == "" {
		return nil
	}
	if f.codec.kind == kindList {
		return f.codec.parseTexts(splitHeader(s), v)
	}
	return f.codec.parseText(s, settle(v))
}

// splitHeader splits a header's list at commas outside quotes.
func splitHeader(s string) (out []string) {
	for s != "" {
		s = strings.TrimLeft(s, " \t")
		var item string
		if strings.HasPrefix(s, `"`) {
			item, s = cutQuoted(s)
		} else {
			item, s, _ = strings.Cut(s, ",")
			item = strings.TrimSpace(item)
		}
		out = append(out, item)
	}
	return out
}

// cutQuoted takes a quoted item, in which \ escapes, off the front of s.
func cutQuoted(s string) (item, rest string) {
	var b strings.Builder
	for i := 1; i < len(s); i++ {
		switch {
		case s[i] == '\\' && i+1 < len(s):
			i++
			b.WriteByte(s[i])
		case s[i] == '"':
			_, rest, _ = strings.Cut(s[i:], ",")
			return b.String(), rest
		default:
			b.WriteByte(s[i])
		}
	}
	return b.String(), ""
}

// bindHeaders collects headers with a prefix; Go has changed the case of their
// names, which S3's metadata has in lower case.
func (f *field) bindHeaders(h http.Header, v reflect.Value) {
	m := reflect.MakeMap(v.Type())
	for name, values := range h {
		if len(name) > len(f.json) && strings.EqualFold(name[:len(f.json)], f.json) {
			key := strings.ToLower(name[len(f.json):])
			m.SetMapIndex(reflect.ValueOf(key), reflect.ValueOf(strings.Join(values, ",")))
		}
	}
	if m.Len() > 0 {
		v.Set(m)
	}
}

// bindBody reads the body: as one member, or as the members that are left.
func (c *Call) bindBody(in *codec, v reflect.Value) error {
	f := in.payload
	if f == nil {
		if !in.body {
			return nil
		}
		return c.readBody(in, nil, v)
	}
	fv := v.Field(f.index)
	switch f.codec.kind {
	case kindStream:
		fv.Set(reflect.ValueOf(c.stream()))
		return nil
	case kindBlob:
		if len(c.body) > 0 {
			fv.SetBytes(c.body)
		}
		return nil
	case kindString:
		if len(c.body) > 0 {
			settle(fv).SetString(string(c.body))
		}
		return nil
	}
	return c.readBody(f.codec, f.ref, fv)
}

// stream is the body of an operation that reads it piecemeal.
func (c *Call) stream() io.ReadCloser {
	if c.streamed && c.request.Body != nil {
		return c.request.Body
	}
	return io.NopCloser(bytes.NewReader(c.body))
}

func (c *Call) readBody(to *codec, r *ref, v reflect.Value) error {
	if c.protocol == protoRESTJSON {
		return c.readDocument(&jsonDocument{scanner: scanner{src: c.body}}, to, v)
	}
	n, err := parseXML(c.body)
	if err != nil || n == nil {
		return err
	}
	return to.parse(n, r, v)
}
