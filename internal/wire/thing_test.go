package wire_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/aws/smithy-go"

	"redoubt/internal/wire"
)

// The types of a small service that has something of everything.
type (
	kindOfThing string
	choice      interface{ isChoice() }
	choiceText  struct{ Value string }
	choiceTag   struct{ Value tag }
	tag         struct{ Key, Value *string }

	putThingInput struct {
		Name   *string
		Count  *int32
		Big    *int64
		Ratio  *float64
		On     *bool
		When   *time.Time
		Data   []byte
		Tags   []tag
		Names  []string
		Labels map[string]string
		Kind   kindOfThing
		Inner  *tag
		Secret *string
		Choice choice
	}
	putThingOutput struct {
		Name   *string
		Count  int32
		On     bool
		When   *time.Time
		Data   []byte
		Tags   []tag
		Names  []string
		Labels map[string]string
		Kind   kindOfThing
		Inner  *tag
		Secret *string
		Choice choice
	}
	streamThingInput struct {
		Name *string
		Mode *string
		List []string
		Meta map[string]string
		Body io.Reader
	}
	streamThingOutput struct {
		Status *int32
		Meta   map[string]string
		When   *time.Time
		Body   io.ReadCloser
	}
	dropThingInput  struct{ Name *string }
	dropThingOutput struct{}
)

func (*choiceText) isChoice() {}
func (*choiceTag) isChoice()  {}

// thingLost is an error that the model knows.
type thingLost struct{ Message, Where *string }

func (e *thingLost) Error() string        { return "lost" }
func (e *thingLost) ErrorCode() string    { return "thingLost" }
func (e *thingLost) ErrorMessage() string { return *e.Message }

func (e *thingLost) ErrorFault() smithy.ErrorFault { return smithy.FaultClient }

const thingShapes = `"shapes":{
"Put":{"type":"structure","required":["Name"],"members":{"Name":"Name","Count":"Count","Big":"Big","Ratio":"Ratio","On":"Flag","When":"When","Data":"Data","Tags":"Tags","Names":"Names","Labels":"Labels","Kind":"Kind","Inner":"Tag","Secret":"Secret","Choice":"Choice"}},
"Gone":{"type":"structure","members":{"Name":"Name"},"required":["Name"]},
"Name":{"type":"string","min":1,"max":8,"pattern":"[a-z-]*"},
"Count":{"type":"integer","min":1,"max":10},
"Big":{"type":"long"},"Ratio":{"type":"double"},"Flag":{"type":"boolean"},"When":{"type":"timestamp"},
"Data":{"type":"blob","max":16},
"Tag":{"type":"structure","required":["Key"],"members":{"Key":"Name","Value":"Text"}},
"Tags":{"type":"list","member":"Tag","max":2},
"Names":{"type":"list","member":"Name"},
"Labels":{"type":"map","key":"Name","value":"Text"},
"Text":{"type":"string"},
"Kind":{"type":"string","enum":["BIG","SMALL"]},
"Secret":{"type":"string","sensitive":true,"min":4},
"Choice":{"type":"structure","members":{"Text":"Text","Tag":"Tag"}},
"thingLost":{"type":"structure","members":{"message":"Text","Where":"Text"},"exception":true,"error":{"code":"ThingLost","status":404}},
"Stream":{"type":"structure","required":["Name"],"payload":"Body","members":{"Name":{"shape":"Text","location":"uri","name":"Name"},"Mode":{"shape":"Text","location":"querystring","name":"mode"},"List":{"shape":"Texts","location":"header","name":"X-List"},"Meta":{"shape":"Labels","location":"headers","name":"X-Meta-"},"Body":"Data"}},
"Streamed":{"type":"structure","payload":"Body","members":{"Status":{"shape":"Count","location":"statusCode"},"Meta":{"shape":"Labels","location":"headers","name":"X-Meta-"},"When":{"shape":"When","location":"header","name":"X-When"},"Body":"Data"}},
"Texts":{"type":"list","member":"Text"}
}}`

func thingModel(metadata string) wire.Model {
	return wire.Model{JSON: []byte(`{"metadata":{` + metadata + `,"apiVersion":"2026-01-01","serviceId":"Thing","xmlNamespace":"https://things/"},
"operations":{
"PutThing":{"method":"POST","uri":"/things","input":"Put","output":"Put","errors":["thingLost"]},
"StreamThing":{"method":"PUT","uri":"/things/{Name+}?stream","input":"Stream","output":"Streamed"},
"DropThing":{"method":"DELETE","uri":"/things/{Name}","status":204,"input":"Gone"},
"PaintThing":{"method":"POST","uri":"/things/{Name}/paint","unserved":true}
},` + thingShapes)}
}

var thingBindings = []wire.Binding{
	{Name: "PutThing", In: reflect.TypeFor[putThingInput](), Out: reflect.TypeFor[putThingOutput]()},
	{Name: "StreamThing", In: reflect.TypeFor[streamThingInput](), Out: reflect.TypeFor[streamThingOutput]()},
	{Name: "DropThing", In: reflect.TypeFor[dropThingInput](), Out: reflect.TypeFor[dropThingOutput]()},
}

var thingUnion = wire.Union{Interface: reflect.TypeFor[choice](), Variants: map[string]reflect.Type{
	"Text": reflect.TypeFor[choiceText](), "Tag": reflect.TypeFor[choiceTag](),
}}

// Metadata of the small service in each protocol.
const (
	inJSON     = `"protocol":"json","jsonVersion":"1.1","targetPrefix":"Things_2026"`
	inQuery    = `"protocol":"query"`
	inEC2      = `"protocol":"ec2"`
	inRESTJSON = `"protocol":"rest-json"`
	inRESTXML  = `"protocol":"rest-xml","bareErrors":true`
)

func things(t testing.TB, metadata string) *wire.Service {
	t.Helper()
	s, err := wire.New(thingModel(metadata), thingBindings, thingUnion)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Compile(); err != nil {
		t.Fatal(err)
	}
	return s
}

// request makes a request; headers alternate between name and value.
func request(method, target, body string, headers ...string) *http.Request {
	r := httptest.NewRequest(method, target, strings.NewReader(body))
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	return r
}

func jsonRequest(body string) *http.Request {
	return request("POST", "/", body, "Content-Type", "application/x-amz-json-1.1", "X-Amz-Target", "Things_2026.PutThing")
}

func formRequest(body string) *http.Request {
	return request("POST", "/", "Action=PutThing&Version=2026-01-01&"+body, "Content-Type", "application/x-www-form-urlencoded; charset=utf-8")
}

func cborRequest(body string) *http.Request {
	return request("POST", "/service/Things_2026/operation/PutThing", body, "Smithy-Protocol", "rpc-v2-cbor", "Content-Type", "application/cbor")
}

// decode matches and decodes r.
func decode(s *wire.Service, r *http.Request) (*wire.Call, any, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, nil, err
	}
	call, err := s.Match(r, append([]byte{}, body...))
	if err != nil {
		return call, nil, err
	}
	in, err := call.Decode()
	return call, in, err
}

// mustDecode decodes a request that is right.
func mustDecode[In any](t testing.TB, s *wire.Service, r *http.Request) (*wire.Call, *In) {
	t.Helper()
	call, in, err := decode(s, r)
	if err != nil {
		t.Fatal(err)
	}
	return call, in.(*In)
}

func ptr[T any](v T) *T { return &v }

// answer encodes out and returns the response.
func answer(t testing.TB, call *wire.Call, out any) *httptest.ResponseRecorder {
	t.Helper()
	w := httptest.NewRecorder()
	if err := call.Encode(w, out, "req-1"); err != nil {
		t.Fatal(err)
	}
	return w
}

// refusal encodes an error and returns the response.
func refusal(call *wire.Call, err error) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	call.EncodeError(w, err, "req-1")
	return w
}

var noon = time.Date(2026, 1, 2, 12, 0, 0, 500e6, time.UTC)

// fullOutput has all members, and fullInput is what they mean as an input.
func fullOutput() *putThingOutput {
	return &putThingOutput{
		Name: ptr("a"), Count: 3, On: true, When: &noon, Data: []byte("hi"), Tags: []tag{{Key: ptr("k"), Value: ptr("<v>")}},
		Names: []string{"x", "y"}, Labels: map[string]string{"l": "1", "a": "2"}, Kind: "BIG", Inner: &tag{Key: ptr("i")}, Choice: &choiceText{"t"},
	}
}

func fullInput() *putThingInput {
	return &putThingInput{
		Name: ptr("a"), Count: ptr[int32](3), On: ptr(true), When: &noon, Data: []byte("hi"), Tags: []tag{{Key: ptr("k"), Value: ptr("<v>")}},
		Names: []string{"x", "y"}, Labels: map[string]string{"l": "1", "a": "2"}, Kind: "BIG", Inner: &tag{Key: ptr("i")}, Choice: &choiceText{"t"},
	}
}

func same(t testing.TB, got, want any) {
	t.Helper()
	for _, d := range differences("", reflect.ValueOf(want), reflect.ValueOf(got)) {
		t.Error(d)
	}
}

func bindingOf[In, Out any](name string) wire.Binding {
	return wire.Binding{Name: name, In: reflect.TypeFor[In](), Out: reflect.TypeFor[Out]()}
}
