package wire_test

import (
	"bytes"
	"compress/gzip"
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/aws/smithy-go"

	"redoubt/internal/wire"
)

const fullJSON = `{"Name":"a","Count":3,"On":true,"When":1767355200.5,"Data":"aGk=","Tags":[{"Key":"k","Value":"<v>"}],` +
	`"Names":["x","y"],"Labels":{"l":"1","a":"2"},"Kind":"BIG","Inner":{"Key":"i"},"Choice":{"Text":"t"}}`

func TestJSONIsDecoded(t *testing.T) {
	s := things(t, inJSON)
	call, in := mustDecode[putThingInput](t, s, jsonRequest(fullJSON))
	same(t, in, fullInput())
	if call.Operation() != "PutThing" {
		t.Errorf("operation %q", call.Operation())
	}
}

func TestJSONInputsThatAWSAccepts(t *testing.T) {
	s := things(t, inJSON)
	for _, c := range []struct {
		name, body string
		want       putThingInput
	}{
		{"no body", ``, putThingInput{}},
		{"nothing", `{}`, putThingInput{}},
		{"null member", `{"Name":null}`, putThingInput{}},
		{"unknown member", `{"X":{"a":[1,{"b":null}]},"Name":"a"}`, putThingInput{Name: ptr("a")}},
		{"other case is unknown", `{"name":"a"}`, putThingInput{}},
		{"escapes", `{"Name":"\u00e9\n\"\ud83d\ude00\/"}`, putThingInput{Name: ptr("é\n\"😀/")}},
		{"white space", " {\n\t\"Name\" : \"a\" } \r\n", putThingInput{Name: ptr("a")}},
		{"whole float as integer", `{"Count":3.0,"Big":1e3}`, putThingInput{Count: ptr[int32](3), Big: ptr[int64](1000)}},
		{"fraction is dropped", `{"Count":3.9}`, putThingInput{Count: ptr[int32](3)}},
		{"largest long", `{"Big":9223372036854775807}`, putThingInput{Big: ptr[int64](9223372036854775807)}},
		{"empty list and map", `{"Names":[],"Labels":{}}`, putThingInput{Names: []string{}, Labels: map[string]string{}}},
		{"timestamp as text", `{"When":"2026-01-02T12:00:00.5Z"}`, putThingInput{When: &noon}},
		{"other variant", `{"Choice":{"Tag":{"Key":"k"},"Text":null}}`, putThingInput{Choice: &choiceTag{tag{Key: ptr("k")}}}},
		{"later fields of many elements", `{"Names":["a","b","c","d","e","f"]}`, putThingInput{Names: strings.Split("abcdef", "")}},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, in := mustDecode[putThingInput](t, s, jsonRequest(c.body))
			same(t, in, &c.want)
		})
	}
}

func TestJSONInputsThatAWSRefuses(t *testing.T) {
	s := things(t, inJSON)
	for _, c := range []struct{ name, body, message string }{
		{"string for integer", `{"Count":"3"}`, "STRING_VALUE cannot be converted to Integer"},
		{"string for long", `{"Big":"3"}`, "STRING_VALUE cannot be converted to Long"},
		{"boolean for integer", `{"Count":true}`, "TRUE_VALUE cannot be converted to Integer"},
		{"number for string", `{"Name":1}`, "NUMBER_VALUE cannot be converted to String"},
		{"boolean for string", `{"Name":false}`, "FALSE_VALUE cannot be converted to String"},
		{"string for boolean", `{"On":"true"}`, "STRING_VALUE cannot be converted to Boolean"},
		{"number for blob", `{"Data":1}`, "NUMBER_VALUE cannot be converted to ByteBuffer"},
		{"object for string", `{"Name":{}}`, "Start of structure or map found where not expected."},
		{"list for string", `{"Name":[]}`, "Unrecognized collection type class java.lang.String"},
		{"list for integer", `{"Count":[]}`, "Unrecognized collection type class java.lang.Integer"},
		{"string for structure", `{"Inner":"x"}`, "Unexpected field type"},
		{"list for structure", `{"Inner":[]}`, "Unexpected field type"},
		{"structure for list", `{"Tags":{}}`, "Start of structure or map found where not expected."},
		{"list instead of the input", `[]`, "Unexpected field type"},
		{"null instead of the input", `null`, "Unexpected field type"},
		{"integer too large", `{"Count":2147483648}`, "NUMBER_VALUE cannot be converted to Integer"},
		{"long too large", `{"Big":9223372036854775808}`, "NUMBER_VALUE cannot be converted to Long"},
		{"bad base64", `{"Data":"a"}`, "Invalid Base64"},
		{"bad timestamp", `{"When":"noon"}`, `"noon" is not a valid timestamp`},
		{"timestamp out of range", `{"When":1e300}`, "timestamp out of range"},
		{"null in list", `{"Names":["a",null]}`, "Unexpected null in Names"},
		{"null in map", `{"Labels":{"a":null}}`, "Unexpected null in Labels"},
		{"member twice", `{"Name":"a","Name":"b"}`, "Duplicate field: Name"},
		{"map key twice", `{"Labels":{"a":"1","\u0061":"2"}}`, "Duplicate field: a"},
		{"union with two members", `{"Choice":{"Text":"a","Tag":{}}}`, "Union Choice has more than one member"},
		{"no JSON", `{`, ""},
		{"trailing garbage", `{} x`, ""},
		{"second document", `{}{}`, ""},
		{"trailing comma", `{"Name":"a",}`, ""},
		{"missing comma", `{"Name":"a" "Count":1}`, ""},
		{"leading comma", `{,"Name":"a"}`, ""},
		{"wrong bracket", `{"Names":["a"}}`, ""},
		{"leading zero", `{"Count":01}`, ""},
		{"bare word", `{"Name":abc}`, ""},
		{"control character", "{\"Name\":\"a\nb\"}", ""},
		{"not UTF-8", "{\"Name\":\"\xff\"}", ""},
		{"bad escape", `{"Name":"\x41"}`, ""},
		{"short escape", `{"Name":"\u00e"}`, ""},
		{"too deep", `{"X":` + strings.Repeat("[", 1000), "nested too deeply"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, _, err := decode(s, jsonRequest(c.body))
			var api *wire.Error
			if !errors.As(err, &api) || api.Code != "SerializationException" || api.Message != c.message || api.Status != 400 {
				t.Errorf("got %+v", err)
			}
		})
	}
}

func TestJSONIsEncoded(t *testing.T) {
	s := things(t, inJSON)
	call, _ := mustDecode[putThingInput](t, s, jsonRequest(`{}`))
	w := answer(t, call, fullOutput())
	want := `{"Choice":{"Text":"t"},"Count":3,"Data":"aGk=","Inner":{"Key":"i"},"Kind":"BIG","Labels":{"a":"2","l":"1"},"Name":"a",` +
		`"Names":["x","y"],"On":true,"Tags":[{"Key":"k","Value":"<v>"}],"When":1767355200.5}`
	if got := w.Body.String(); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if h := w.Header(); h.Get("Content-Type") != "application/x-amz-json-1.1" || h.Get("X-Amzn-Requestid") != "req-1" {
		t.Errorf("headers %v", h)
	}
}

func TestJSONOmitsWhatIsNilAndNothingElse(t *testing.T) {
	s := things(t, inJSON)
	call, _ := mustDecode[putThingInput](t, s, jsonRequest(`{}`))
	w := answer(t, call, &putThingOutput{Names: []string{}, Labels: map[string]string{}, Data: []byte{}})
	if got, want := w.Body.String(), `{"Count":0,"Data":"","Labels":{},"Names":[],"On":false}`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestJSONTextIsEscaped(t *testing.T) {
	s := things(t, inJSON)
	call, _ := mustDecode[putThingInput](t, s, jsonRequest(`{}`))
	w := answer(t, call, &putThingOutput{Name: ptr("\"\\\n\r\t\x01\x7f\xffé😀<")})
	if got, want := w.Body.String(), `{"Count":0,"Name":"\"\\\n\r\t\u0001\u007f`+"\ufffdé😀<"+`","On":false}`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestJSONErrorsHaveAllTheirMembers(t *testing.T) {
	s := things(t, inJSON)
	call, _ := mustDecode[putThingInput](t, s, jsonRequest(`{}`))
	w := refusal(call, &thingLost{Message: ptr("gone"), Where: ptr("here")})
	if got, want := w.Body.String(), `{"__type":"thingLost","Where":"here","message":"gone"}`; got != want || w.Code != 404 {
		t.Errorf("got %d %s, want %s", w.Code, got, want)
	}
}

// teapot is an error that brings its own status.
type teapot struct{ smithy.GenericAPIError }

func (*teapot) HTTPStatus() int { return http.StatusTeapot }

func TestErrorsThatNoModelHas(t *testing.T) {
	s := things(t, inJSON)
	call, _ := mustDecode[putThingInput](t, s, jsonRequest(`{}`))
	for _, c := range []struct {
		name   string
		err    error
		status int
		body   string
	}{
		{"own", wire.Errorf("Nope", 403, "not %s", "you"), 403, `{"__type":"Nope","message":"not you"}`},
		{"generic", &smithy.GenericAPIError{Code: "Bad", Message: "m", Fault: smithy.FaultClient}, 400, `{"__type":"Bad","message":"m"}`},
		{"server's fault", &smithy.GenericAPIError{Code: "Bad", Message: "m", Fault: smithy.FaultServer}, 500, `{"__type":"Bad","message":"m"}`},
		{"with a status", &teapot{smithy.GenericAPIError{Code: "T"}}, 418, `{"__type":"T"}`},
		{"wrapped", errors.Join(errors.New("x"), wire.Errorf("Nope", 409, "m")), 409, `{"__type":"Nope","message":"m"}`},
		{"internal", errors.New("password is hunter2"), 500,
			`{"__type":"InternalFailure","message":"The request processing has failed because of an unknown error, exception or failure."}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			if w := refusal(call, c.err); w.Code != c.status || w.Body.String() != c.body {
				t.Errorf("got %d %s", w.Code, w.Body)
			}
		})
	}
}

func TestErrorsForClientsOfAFormerQueryProtocol(t *testing.T) {
	s := things(t, inJSON+`,"queryCompatible":true`)
	call, _ := mustDecode[putThingInput](t, s, jsonRequest(`{}`))
	w := refusal(call, &thingLost{Message: ptr("gone")})
	if got := w.Header().Get("X-Amzn-Query-Error"); got != "ThingLost;Sender" {
		t.Errorf("header %q", got)
	}
	if got := w.Body.String(); got != `{"__type":"thingLost","message":"gone"}` {
		t.Errorf("body %s", got)
	}
	if _, in := mustDecode[putThingInput](t, s, formRequest("Name=a")); *in.Name != "a" {
		t.Error("the query form of a request is not understood")
	}
}

func TestUnknownTargetsAreRefused(t *testing.T) {
	s := things(t, inJSON)
	const amz = "application/x-amz-json-1.1"
	for _, c := range []struct {
		name, method, target, contentType string
		status                            int
	}{
		{"operation", "POST", "Things_2026.EatThing", amz, 400},
		{"prefix", "POST", "Other.PutThing", amz, 400},
		{"no prefix", "POST", "PutThing", amz, 400},
		{"nothing", "POST", "", amz, 400},
		{"unserved", "POST", "Things_2026.PaintThing", amz, 400},
		{"method", "GET", "Things_2026.PutThing", amz, 400},
		{"content type", "POST", "Things_2026.PutThing", "text/plain", 404},
	} {
		t.Run(c.name, func(t *testing.T) {
			call, _, err := decode(s, request(c.method, "/", "{}", "X-Amz-Target", c.target, "Content-Type", c.contentType))
			var api *wire.Error
			if !errors.As(err, &api) || api.Code != "UnknownOperationException" || api.Status != c.status {
				t.Errorf("got %v", err)
			}
			if call == nil || call.Operation() != "" {
				t.Errorf("call %v", call)
			}
		})
	}
}

func TestCompressedBodiesAreInflated(t *testing.T) {
	s := things(t, inJSON)
	zip := func(text string) string {
		var b bytes.Buffer
		z := gzip.NewWriter(&b)
		z.Write([]byte(text))
		z.Close()
		return b.String()
	}
	r := jsonRequest(zip(fullJSON))
	r.Header.Set("Content-Encoding", "gzip")
	_, in := mustDecode[putThingInput](t, s, r)
	same(t, in, fullInput())

	for name, body := range map[string]string{"no gzip": "{}", "cut off": zip(fullJSON)[:20], "too large": zip(strings.Repeat(" ", 17<<20))} {
		r := jsonRequest(body)
		r.Header.Set("Content-Encoding", "gzip")
		if _, _, err := decode(s, r); err == nil {
			t.Errorf("%s is accepted", name)
		}
	}
}
