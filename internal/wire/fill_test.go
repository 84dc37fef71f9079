package wire_test

import (
	"bytes"
	"fmt"
	"io"
	"maps"
	"math/rand"
	"reflect"
	"slices"
	"strings"
	"time"

	"redoubt/internal/wire"
)

// filler makes random values of the SDK's types.
type filler struct {
	*rand.Rand
	unions map[reflect.Type]map[string]reflect.Type
	plain  map[string]bool // members that travel outside the body
	depth  int
}

const maxFill = 7

func newFiller(seed int64, unions []wire.Union) *filler {
	f := &filler{Rand: rand.New(rand.NewSource(seed)), unions: map[reflect.Type]map[string]reflect.Type{}}
	for _, u := range unions {
		f.unions[u.Interface] = u.Variants
	}
	return f
}

func (f *filler) fill(v reflect.Value, name string) {
	switch v.Kind() {
	case reflect.Pointer:
		if v.Type().Elem().Kind() == reflect.Struct && f.depth > maxFill {
			return
		}
		p := reflect.New(v.Type().Elem())
		f.fill(p.Elem(), name)
		v.Set(p)
	case reflect.Struct:
		f.fillStruct(v)
	case reflect.Slice:
		f.fillSlice(v, name)
	case reflect.Map:
		f.fillMap(v, name)
	case reflect.Interface:
		f.fillInterface(v)
	default:
		f.fillScalar(v, name)
	}
}

func (f *filler) fillStruct(v reflect.Value) {
	if v.Type() == reflect.TypeFor[time.Time]() {
		v.Set(reflect.ValueOf(time.Unix(1700000000+f.Int63n(1e6), 0).UTC()))
		return
	}
	f.depth++
	defer func() { f.depth-- }()
	for i := range v.NumField() {
		if sf := v.Type().Field(i); sf.IsExported() && sf.Name != "ResultMetadata" && sf.Name != "ErrorCodeOverride" {
			f.fill(v.Field(i), sf.Name)
		}
	}
}

func (f *filler) fillSlice(v reflect.Value, name string) {
	if v.Type().Elem().Kind() == reflect.Uint8 {
		v.SetBytes(fmt.Appendf(nil, "blob-%d", f.Intn(1000)))
		return
	}
	if f.depth > maxFill+1 {
		return
	}
	f.depth++
	defer func() { f.depth-- }()
	list := reflect.MakeSlice(v.Type(), 1+f.Intn(2), 2)
	for i := range list.Len() {
		f.fill(list.Index(i), name)
		if empty(list.Index(i)) {
			return
		}
	}
	if f.depth <= 2 && f.plain[name] && list.Len() == 2 && list.Index(0).Kind() == reflect.String && list.Index(0).String() > list.Index(1).String() {
		list.Index(1).SetString(list.Index(0).String()) // the signer sorts the values of a query parameter
	}
	v.Set(list)
}

// empty reports whether nothing could be filled in because of the depth.
func empty(v reflect.Value) bool {
	switch v.Kind() {
	case reflect.Pointer, reflect.Slice, reflect.Map, reflect.Interface:
		return v.IsNil()
	}
	return false
}

func (f *filler) fillMap(v reflect.Value, name string) {
	if f.depth > maxFill+1 {
		return
	}
	f.depth++
	defer func() { f.depth-- }()
	k, e := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
	k.SetString(fmt.Sprintf("key-%d", f.Intn(1000)))
	f.fill(e, name)
	if empty(e) {
		return
	}
	m := reflect.MakeMap(v.Type())
	m.SetMapIndex(k, e)
	v.Set(m)
}

// body is a payload that the SDK can seek in, as it must to sign it.
type body struct{ *bytes.Reader }

func (*body) Close() error { return nil }

func (f *filler) fillInterface(v reflect.Value) {
	if v.Type() == reflect.TypeFor[io.Reader]() || v.Type() == reflect.TypeFor[io.ReadCloser]() {
		v.Set(reflect.ValueOf(&body{bytes.NewReader([]byte("stream-body"))}))
		return
	}
	variants := f.unions[v.Type()]
	if variants == nil || f.depth > maxFill+1 {
		return
	}
	names := slices.Sorted(maps.Keys(variants))
	for range 5 {
		p := reflect.New(variants[names[f.Intn(len(names))]])
		f.depth++
		f.fill(p.Elem().Field(0), "value")
		f.depth--
		if !empty(p.Elem().Field(0)) {
			v.Set(p)
			return
		}
	}
}

func (f *filler) fillScalar(v reflect.Value, name string) {
	switch v.Kind() {
	case reflect.String:
		v.SetString(f.text(name, v.Type()))
	case reflect.Int32, reflect.Int64:
		v.SetInt(1 + f.Int63n(1000))
		if name == "ContentLength" {
			v.SetInt(int64(len("stream-body")))
		}
	case reflect.Float32, reflect.Float64:
		v.SetFloat(float64(1+f.Intn(1000)) / 4)
	case reflect.Bool:
		v.SetBool(true)
	}
}

// text is wild where any text may stand, and plain in headers and paths.
func (f *filler) text(name string, t reflect.Type) string {
	switch {
	case strings.HasSuffix(t.Name(), "ChecksumAlgorithm"):
		return "CRC32" // the SDK computes one
	case name == "Bucket", name == "AccountId", name == "EndpointId":
		return fmt.Sprintf("s-%d", f.Intn(100000)) // the SDK makes host names of these
	}
	if f.depth <= 2 && f.plain[name] || t != reflect.TypeFor[string]() {
		return fmt.Sprintf("s-%d", f.Intn(100000))
	}
	return fmt.Sprintf("%s-%d", "s<&>é\"\\\n\u2028\U0001F512 %2B+", f.Intn(100000))
}

// differences lists the paths at which two values differ.
func differences(path string, a, b reflect.Value) []string {
	for a.Kind() == reflect.Pointer || a.Kind() == reflect.Interface {
		if a.IsNil() || b.IsNil() {
			if a.IsNil() != b.IsNil() {
				return []string{fmt.Sprintf("%s nil(%v, %v)", path, a.IsNil(), b.IsNil())}
			}
			return nil
		}
		if r, ok := b.Interface().(io.Reader); ok {
			if text, _ := io.ReadAll(r); string(text) != "stream-body" {
				return []string{path + " stream " + string(text)}
			}
			return nil
		}
		a, b = a.Elem(), b.Elem()
	}
	if a.Type() != b.Type() {
		return []string{fmt.Sprintf("%s %s is not %s", path, b.Type(), a.Type())}
	}
	switch a.Kind() {
	case reflect.Struct:
		return structDifferences(path, a, b)
	case reflect.Slice:
		return sliceDifferences(path, a, b)
	case reflect.Map:
		return mapDifferences(path, a, b)
	}
	if !reflect.DeepEqual(a.Interface(), b.Interface()) {
		return []string{fmt.Sprintf("%s %q != %q", path, a.Interface(), b.Interface())}
	}
	return nil
}

func structDifferences(path string, a, b reflect.Value) (out []string) {
	if t, ok := a.Interface().(time.Time); ok {
		if !t.Equal(b.Interface().(time.Time)) {
			out = append(out, fmt.Sprintf("%s %v != %v", path, t, b.Interface()))
		}
		return out
	}
	for i := range a.NumField() {
		if sf := a.Type().Field(i); sf.IsExported() && sf.Name != "ResultMetadata" && sf.Name != "ErrorCodeOverride" {
			out = append(out, differences(path+"."+sf.Name, a.Field(i), b.Field(i))...)
		}
	}
	return out
}

func sliceDifferences(path string, a, b reflect.Value) (out []string) {
	if a.Len() != b.Len() {
		return []string{fmt.Sprintf("%s has %d elements, not %d", path, b.Len(), a.Len())}
	}
	for i := range a.Len() {
		out = append(out, differences(fmt.Sprintf("%s[%d]", path, i), a.Index(i), b.Index(i))...)
	}
	return out
}

func mapDifferences(path string, a, b reflect.Value) (out []string) {
	if a.Len() != b.Len() {
		return []string{fmt.Sprintf("%s has %d entries, not %d", path, b.Len(), a.Len())}
	}
	for _, k := range a.MapKeys() {
		e := b.MapIndex(k)
		if !e.IsValid() {
			return append(out, path+" lacks "+k.String())
		}
		out = append(out, differences(path+"{}", a.MapIndex(k), e)...)
	}
	return out
}
