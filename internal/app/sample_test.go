package app_test

import (
	"fmt"
	"reflect"
	"strings"
)

// samples are values for members whose form is checked before permissions are: by member name, or service and member.
var samples = map[string]any{}

// sample fills the members of an input that a client must send with values that pass validation.
func sample(v reflect.Value, service string) error {
	for i := range v.NumField() {
		f := v.Type().Field(i)
		if !f.IsExported() || f.Name == "ResultMetadata" {
			continue
		}
		if x, ok := known(service, v.Type().Name(), f.Name); ok {
			set(v.Field(i), reflect.ValueOf(x))
			continue
		}
		if err := guess(v.Field(i), f.Name); err != nil {
			return fmt.Errorf("%s: %w", f.Name, err)
		}
	}
	return nil
}

func known(service, input, member string) (any, bool) {
	for _, key := range []string{service + "." + input + "." + member, service + "." + member, member} {
		if x, ok := samples[key]; ok {
			return x, true
		}
	}
	return nil, false
}

// set stores a sample, by pointer where the member is one; nil leaves the member out.
func set(v, x reflect.Value) {
	if !x.IsValid() {
		return
	}
	if v.Kind() == reflect.Pointer {
		p := reflect.New(v.Type().Elem())
		p.Elem().Set(x.Convert(v.Type().Elem()))
		v.Set(p)
		return
	}
	v.Set(x.Convert(v.Type()))
}

// guess fills strings alone; other members are optional nearly everywhere, and have samples where not.
func guess(v reflect.Value, name string) error {
	if v.Kind() != reflect.Pointer || v.Type().Elem().Kind() != reflect.String {
		return nil
	}
	text := "sample"
	if strings.HasSuffix(name, "Arn") || strings.HasSuffix(name, "ARN") {
		text = "arn:aws:iam::200000000001:role/sample"
	}
	set(v, reflect.ValueOf(text))
	return nil
}
