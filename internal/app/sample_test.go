package app_test

import (
	"encoding/json"
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"time"

	"redoubt/internal/api"
)

// texts are tried, in this order, for a string whose form the model constrains.
var texts = []string{
	"sample", "sample-text-that-is-long-enough-for-all", "arn:aws:iam::200000000001:role/sample", "AKIAIOSFODNN7EXAMPLE", "123456", "v1",
	"arn:aws:lambda:us-east-1:200000000001:function:sample", "/", "200000000001", "sample@localhost.localdomain",
	"0123456789abcdef0123456789abcdef01234567", "car-0123456789abcdef", "lambda:InvokeFunction", "alias/sample", "sample.amazonaws.com",
	"arn:aws:lambda:us-east-1:200000000001:code-signing-config:csc-0123456789abcdef0", "Sample1234", "lambda:GetLayerVersion", "arn:aws:lambda:us-east-1:200000000001:layer:sample:1",
	"eu-west-1",
}

// known are members that a service reads before permissions are asked, because they tell the resource.
var known = map[string]string{
	"kms.AliasName": "alias/sample", "sts.RoleArn": "arn:aws:iam::200000000001:role/sample", "iam.PolicyArn": "arn:aws:iam::200000000001:policy/sample",
	"iam.PermissionsBoundary": "arn:aws:iam::200000000001:policy/sample", "iam.OpenIDConnectProviderArn": "arn:aws:iam::200000000001:oidc-provider/sample.com",
	"iam.PolicySourceArn": "arn:aws:iam::200000000001:user/sample", "iam.SerialNumber": "arn:aws:iam::200000000001:mfa/sample",
	"iam.AWSServiceName": "sample.amazonaws.com", "iam.Url": "https://sample.com",
	"lambda.Resource":      "arn:aws:lambda:us-east-1:200000000001:function:sample",
	"lambda.RecursiveLoop": "Allow", "kms.EncapsulationAlgorithm": "ML_KEM",
	"logs.kmsKeyId":    "arn:aws:kms:us-east-1:200000000001:key/0a0a0a0a-0000-4000-8000-000000000000",
	"logs.resourceArn": "arn:aws:logs:us-east-1:200000000001:log-group:sample",
	"s3.CopySource":    "/sample/sample",
}

// A sampler makes inputs that pass validation out of a service's model.
type sampler struct {
	service    string
	operations map[string]struct{ Input any }
	shapes     map[string]shape
}

type shape struct {
	Type     string
	Members  map[string]any
	Member   any
	Key      any
	Value    any
	Required []string
	Enum     []string
	Pattern  string
	Min, Max *float64
}

func newSampler(s api.Service) (*sampler, error) {
	var m struct {
		Operations map[string]struct{ Input any }
		Shapes     map[string]shape
	}
	err := json.Unmarshal(s.Model().JSON, &m)
	return &sampler{s.Name(), m.Operations, m.Shapes}, err
}

// input fills what the model requires of an operation's input.
func (s *sampler) input(op string, v reflect.Value) error {
	return s.fill(nameOf(s.operations[op].Input), "", v)
}

// nameOf is the shape of a reference: a name, or an object with one.
func nameOf(ref any) string {
	switch ref := ref.(type) {
	case string:
		return ref
	case map[string]any:
		return nameOf(ref["shape"])
	}
	return ""
}

func (s *sampler) fill(name, member string, v reflect.Value) error {
	if v.Kind() == reflect.Pointer {
		v.Set(reflect.New(v.Type().Elem()))
		v = v.Elem()
	}
	sh := s.shapes[name]
	if text, ok := known[s.service+"."+member]; ok && v.Kind() == reflect.String {
		v.SetString(text)
		return nil
	}
	switch {
	case v.Type() == reflect.TypeFor[time.Time]():
		v.Set(reflect.ValueOf(time.Now()))
	case v.Kind() == reflect.Struct:
		return s.fillRequired(sh, v)
	case v.Kind() == reflect.String:
		text, err := sh.text()
		v.SetString(text)
		return err
	case v.Kind() == reflect.Slice && v.Type().Elem().Kind() == reflect.Uint8:
		v.SetBytes([]byte("sample"))
	case v.Kind() == reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		return s.fill(nameOf(sh.Member), member, v.Index(0))
	case v.Kind() == reflect.Map:
		key, value := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
		if err := s.fill(nameOf(sh.Key), "", key); err != nil {
			return err
		}
		v.Set(reflect.MakeMap(v.Type()))
		err := s.fill(nameOf(sh.Value), "", value)
		v.SetMapIndex(key, value)
		return err
	case v.CanInt():
		v.SetInt(int64(sh.least()))
	case v.Kind() == reflect.Bool:
		v.SetBool(true)
	}
	return nil
}

func (s *sampler) fillRequired(sh shape, v reflect.Value) error {
	for name, ref := range sh.Members {
		f := v.FieldByName(strings.ToUpper(name[:1]) + name[1:])
		_, isKnown := known[s.service+"."+name]
		if !f.IsValid() || !slices.Contains(sh.Required, name) && !(isKnown && f.Kind() == reflect.Pointer) {
			continue
		}
		if err := s.fill(nameOf(ref), name, f); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}

func (sh shape) least() float64 {
	if sh.Min != nil {
		return max(1, *sh.Min)
	}
	return 1
}

// text is a string that the shape allows.
func (sh shape) text() (string, error) {
	if len(sh.Enum) > 0 {
		return sh.Enum[0], nil
	}
	form := sh.Pattern
	if form == "" {
		form = "(?s).*"
	}
	pattern, err := regexp.Compile("^(?:" + form + ")$")
	if err != nil { // a form that the wire layer has a rule of its own for
		return texts[0], nil
	}
	for _, t := range texts {
		n := float64(len(t))
		if pattern.MatchString(t) && (sh.Min == nil || n >= *sh.Min) && (sh.Max == nil || n <= *sh.Max) {
			return t, nil
		}
	}
	return "", fmt.Errorf("no sample text fits the pattern %q: add one to texts", sh.Pattern)
}
