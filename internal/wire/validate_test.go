package wire_test

import (
	"errors"
	"strings"
	"sync"
	"testing"

	"redoubt/internal/wire"
)

func TestBrokenConstraintsAreReportedInAWSsWords(t *testing.T) {
	s := things(t, inJSON)
	call, _ := mustDecode[putThingInput](t, s, jsonRequest(`{}`))
	const one = "1 validation error detected: "
	for _, c := range []struct {
		name string
		in   putThingInput
		want string
	}{
		{"all is well", putThingInput{Name: ptr("a")}, ""},
		{"missing", putThingInput{}, one + "Value null at 'name' failed to satisfy constraint: Member must not be null"},
		{"too long", putThingInput{Name: ptr("abcdefghi")}, one + "Value 'abcdefghi' at 'name' failed to satisfy constraint: Member must have length less than or equal to 8"},
		{"characters, not bytes", putThingInput{Name: ptr("a"), Kind: "SMALL"}, ""},
		{"pattern and length", putThingInput{Name: ptr("ABCDEFGHI")}, "2 validation errors detected: " +
			"Value 'ABCDEFGHI' at 'name' failed to satisfy constraint: Member must satisfy regular expression pattern: [a-z-]*; " +
			"Value 'ABCDEFGHI' at 'name' failed to satisfy constraint: Member must have length less than or equal to 8"},
		{"empty", putThingInput{Name: ptr("")}, one + "Value '' at 'name' failed to satisfy constraint: Member must have length greater than or equal to 1"},
		{"pattern is for the whole", putThingInput{Name: ptr("a\n")}, one + "Value 'a\n' at 'name' failed to satisfy constraint: Member must satisfy regular expression pattern: [a-z-]*"},
		{"number too small", putThingInput{Name: ptr("a"), Count: ptr[int32](0)}, one + "Value '0' at 'count' failed to satisfy constraint: Member must have value greater than or equal to 1"},
		{"number too large", putThingInput{Name: ptr("a"), Count: ptr[int32](11)}, one + "Value '11' at 'count' failed to satisfy constraint: Member must have value less than or equal to 10"},
		{"enumeration", putThingInput{Name: ptr("a"), Kind: "HUGE"}, one + "Value 'HUGE' at 'kind' failed to satisfy constraint: Member must satisfy enum value set: [BIG, SMALL]"},
		{"blob", putThingInput{Name: ptr("a"), Data: make([]byte, 17)}, one + "Value 'java.nio.HeapByteBuffer[pos=0 lim=17 cap=17]' at 'data' failed to satisfy constraint: Member must have length less than or equal to 16"},
		{"sensitive", putThingInput{Name: ptr("a"), Secret: ptr("abc")}, one + "Value at 'secret' failed to satisfy constraint: Member must have length greater than or equal to 4"},
		{"list", putThingInput{Name: ptr("a"), Tags: []tag{{Key: ptr("a")}, {Key: ptr("b"), Value: ptr("v")}, {Key: ptr("c")}}},
			one + "Value '[Tag(key=a), Tag(key=b, value=v), Tag(key=c)]' at 'tags' failed to satisfy constraint: Member must have length less than or equal to 2"},
		{"member of a structure in a list", putThingInput{Name: ptr("a"), Tags: []tag{{Key: ptr("a")}, {}}},
			one + "Value null at 'tags.2.member.key' failed to satisfy constraint: Member must not be null"},
		{"scalar in a list", putThingInput{Name: ptr("a"), Names: []string{"a", ""}}, one + "Value '[a, ]' at 'names' failed to satisfy constraint: " +
			"Member must satisfy constraint: [Member must have length less than or equal to 8, Member must have length greater than or equal to 1, Member must satisfy regular expression pattern: [a-z-]*]"},
		{"key of a map", putThingInput{Name: ptr("a"), Labels: map[string]string{"B": "2", "A": "1"}}, one + "Value '{A=1, B=2}' at 'labels' failed to satisfy constraint: " +
			"Map keys must satisfy constraint: [Member must have length less than or equal to 8, Member must have length greater than or equal to 1, Member must satisfy regular expression pattern: [a-z-]*]"},
		{"inside a structure", putThingInput{Name: ptr("a"), Inner: &tag{}}, one + "Value null at 'inner.key' failed to satisfy constraint: Member must not be null"},
		{"inside a union", putThingInput{Name: ptr("a"), Choice: &choiceTag{}}, one + "Value null at 'choice.tag.key' failed to satisfy constraint: Member must not be null"},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := call.Validate(&c.in)
			var api *wire.Error
			switch {
			case c.want == "" && err != nil:
				t.Errorf("got %v", err)
			case c.want != "" && (!errors.As(err, &api) || api.Message != c.want || api.Code != "ValidationException" || api.Status != 400):
				t.Errorf("got  %v\nwant %s", err, c.want)
			}
		})
	}
}

func TestServicesNameValidationErrorsTheirWay(t *testing.T) {
	for _, c := range []struct {
		metadata, code string
		status         int
	}{
		{inJSON, "ValidationException", 400},
		{inJSON + `,"validationError":{"code":"InvalidParameterException"}`, "InvalidParameterException", 400},
		{inJSON + `,"validationError":{"status":422}`, "ValidationException", 422},
	} {
		call, in := mustDecode[putThingInput](t, things(t, c.metadata), jsonRequest(`{}`))
		var api *wire.Error
		if err := call.Validate(in); !errors.As(err, &api) || api.Code != c.code || api.Status != c.status {
			t.Errorf("got %v", err)
		}
	}
	call, in := mustDecode[putThingInput](t, things(t, inQuery), formRequest(""))
	var api *wire.Error
	if err := call.Validate(in); !errors.As(err, &api) || api.Code != "ValidationError" {
		t.Errorf("got %v", err)
	}
}

func TestPatchesCorrectModels(t *testing.T) {
	m := thingModel(inJSON)
	m.Patch = []byte(`{"metadata":{"validationError":{"code":"Bad"}},"shapes":{
		"Put":{"members":{"Ratio":{"shape":"Ratio","name":"quotient"}}},"Name":{"max":20},"Extra":{"type":"string"}}}`)
	s, err := wire.New(m, thingBindings, thingUnion)
	if err != nil {
		t.Fatal(err)
	}
	call, in := mustDecode[putThingInput](t, s, jsonRequest(`{"Name":"abcdefghi","quotient":0.5}`))
	same(t, in, &putThingInput{Name: ptr("abcdefghi"), Ratio: ptr(0.5)})
	if err := call.Validate(in); err != nil {
		t.Error(err)
	}
	if err := call.Validate(&putThingInput{}); err == nil || !strings.HasPrefix(err.Error(), "api error Bad: ") {
		t.Errorf("got %v", err)
	}
}

func TestModelsMustKnowTheOperations(t *testing.T) {
	for _, name := range []string{"EatThing", "PaintThing"} {
		if _, err := wire.New(thingModel(inJSON), []wire.Binding{bindingOf[nothing, nothing](name)}); err == nil {
			t.Errorf("%s is bound", name)
		}
	}
	for _, text := range []string{`{`, `[]`, `{"metadata":1}`, `{"operations":{"A":1}}`} {
		if _, err := wire.New(wire.Model{JSON: []byte(text)}, nil); err == nil {
			t.Errorf("%s is a model", text)
		}
	}
}

func TestPatternsOfEveryModelAreUnderstood(t *testing.T) {
	for _, s := range subjects() {
		for _, p := range wire.Inexpressible(readModel(t, s.name)) {
			t.Errorf("%s: %s", s.name, p)
		}
	}
}

func TestPatternsWithLookaround(t *testing.T) {
	for _, c := range []struct {
		pattern string
		yes, no []string
	}{
		{`(?!^[0-9]+$)([a-zA-Z0-9-_]+)`, []string{"prod", "1a", "-"}, []string{"12", "", "a b"}},
		{`^[0-9A-Za-z\.\-_]*(?<!\.)$`, []string{"my.bucket", ""}, []string{"bucket.", "."}},
		{`^[a-z0-9]([a-z0-9]|-(?!-)){1,61}[a-z0-9]$`, []string{"abc", "a-b"}, []string{"ab", "a--b", "-ab", "ab-"}},
		{`[\u0009\u000A\u000D\u0020-\u00FF]+`, []string{"{}\n", "ÿ"}, []string{"", "Ā"}},
		{`[\u0020-\uD7FF\uE000-\uFFFD\uD800\uDC00-\uDBFF\uDFFF\t]*`, []string{"a😀"}, []string{"\n"}},
		{`.{1,2048}`, []string{"a"}, []string{""}},
		{`\p{Print}+`, []string{"a b"}, []string{"\t"}},
	} {
		for _, s := range c.yes {
			if !wire.Matches(c.pattern, s) {
				t.Errorf("%s does not match %q", c.pattern, s)
			}
		}
		for _, s := range c.no {
			if wire.Matches(c.pattern, s) {
				t.Errorf("%s matches %q", c.pattern, s)
			}
		}
	}
}

func TestServicesCompileOnceUnderConcurrentUse(t *testing.T) {
	s, err := wire.New(thingModel(inJSON), thingBindings, thingUnion)
	if err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	for range 16 {
		all.Go(func() {
			call, in, err := decode(s, jsonRequest(fullJSON))
			if err != nil {
				t.Error(err)
				return
			}
			same(t, in, fullInput())
			if err := call.Validate(in); err != nil {
				t.Error(err)
			}
			refusal(call, &thingLost{Message: ptr("gone")})
			s.Parameters("DropThing", &dropThingInput{Name: ptr("a")})
		})
	}
	all.Wait()
}
