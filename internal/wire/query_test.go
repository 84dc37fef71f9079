package wire_test

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
	"testing"

	"redoubt/internal/wire"
)

func TestFormsAreDecoded(t *testing.T) {
	s := things(t, inQuery)
	_, in := mustDecode[putThingInput](t, s, formRequest("Name=a&Count=3&On=true&When=2026-01-02T12%3A00%3A00.500Z&Data=aGk%3D"+
		"&Tags.member.1.Key=k&Tags.member.1.Value=%3Cv%3E&Names.member.2=y&Names.member.1=x"+
		"&Labels.entry.1.key=l&Labels.entry.1.value=1&Labels.entry.2.key=a&Labels.entry.2.value=2&Kind=BIG&Inner.Key=i&Choice.Text=t"))
	same(t, in, fullInput())
}

func TestFormsInTheURL(t *testing.T) {
	s := things(t, inQuery)
	_, in := mustDecode[putThingInput](t, s, request("GET", "/?Action=PutThing&Version=2026-01-01&Name=a+b&X-Amz-Date=now", ""))
	same(t, in, &putThingInput{Name: ptr("a b")})
}

func TestFormsThatAreRefused(t *testing.T) {
	s := things(t, inQuery)
	for _, c := range []struct{ name, body, code string }{
		{"no number", "Count=x", "MalformedInput"},
		{"no boolean", "On=yes", "MalformedInput"},
		{"no timestamp", "When=noon", "MalformedInput"},
		{"no base64", "Data=%25", "MalformedInput"},
		{"list that is text", "Names=x", "MalformedInput"},
		{"list without member", "Names.1=x", "MalformedInput"},
		{"list index that is text", "Names.member.x=1", "MalformedInput"},
		{"list index that is huge", "Names.member.999999999=1", "MalformedInput"},
		{"list index that is negative", "Names.member.-1=1", "MalformedInput"},
		{"list index with a sign", "Names.member.%2B1=1", "MalformedInput"},
		{"text with members", "Name.x=1", "MalformedInput"},
		{"map entry without a value", "Labels.entry.1.key=a", "MalformedInput"},
		{"map key twice", "Labels.entry.1.key=a&Labels.entry.1.value=1&Labels.entry.2.key=a&Labels.entry.2.value=2", "MalformedInput"},
		{"parameter twice", "Name=a&Name=b", "MalformedInput"},
		{"union with two members", "Choice.Text=a&Choice.Tag.Key=b", "MalformedInput"},
		{"bad encoding", "Name=%zz", "MalformedQueryString"},
		{"deep names", strings.Repeat("a.", 100) + "b=1", "MalformedInput"},
		{"many places", strings.ReplaceAll(manyParameters(9_000), "=x", ".a.b.c.d.e.f.g.h.i.j.k=x"), "MalformedInput"},
		{"many parameters", manyParameters(10_001), "MalformedInput"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, _, err := decode(s, formRequest(c.body))
			var api *wire.Error
			if !errors.As(err, &api) || api.Code != c.code || api.Status != 400 {
				t.Errorf("got %v", err)
			}
		})
	}
}

func manyParameters(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "p%d=x&", i)
	}
	return b.String()
}

func TestActionAndVersionAreChecked(t *testing.T) {
	const form = "application/x-www-form-urlencoded"
	for _, c := range []struct{ name, protocol, body, contentType, code, message string }{
		{"unknown action", inQuery, "Action=EatThing&Version=2026-01-01", form, "InvalidAction", "Could not find operation EatThing for version 2026-01-01"},
		{"other version", inQuery, "Action=PutThing&Version=2020-01-01", form, "InvalidAction", "Could not find operation PutThing for version 2020-01-01"},
		{"no version", inQuery, "Action=PutThing", form, "InvalidAction", "Could not find operation PutThing for version NO_VERSION_SPECIFIED"},
		{"no action", inQuery, "", form, "MissingAction", "The request must contain the parameter Action"},
		{"no form", inQuery, "Action=PutThing&Version=2026-01-01", "text/plain", "MissingAction", "The request must contain the parameter Action"},
		{"EC2", inEC2, "Action=EatThing&Version=2026-01-01", form, "InvalidAction", "The action EatThing is not valid for this web service."},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, _, err := decode(things(t, c.protocol), request("POST", "/", c.body, "Content-Type", c.contentType))
			var api *wire.Error
			if !errors.As(err, &api) || api.Code != c.code || api.Message != c.message || api.Status != 400 {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestQueryOutputsAreWrapped(t *testing.T) {
	s := things(t, inQuery)
	call, _ := mustDecode[putThingInput](t, s, formRequest(""))
	w := answer(t, call, fullOutput())
	want := `<PutThingResponse xmlns="https://things/"><PutThingResult><Choice><Text>t</Text></Choice><Count>3</Count><Data>aGk=</Data>` +
		`<Inner><Key>i</Key></Inner><Kind>BIG</Kind><Labels><entry><key>a</key><value>2</value></entry><entry><key>l</key><value>1</value></entry></Labels>` +
		`<Name>a</Name><Names><member>x</member><member>y</member></Names><On>true</On><Tags><member><Key>k</Key><Value>&lt;v&gt;</Value></member></Tags>` +
		`<When>2026-01-02T12:00:00.5Z</When></PutThingResult><ResponseMetadata><RequestId>req-1</RequestId></ResponseMetadata></PutThingResponse>`
	if got := w.Body.String(); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestQueryOutputsWithoutMembersHaveNoResult(t *testing.T) {
	s := things(t, inQuery)
	call, _ := mustDecode[dropThingInput](t, s, request("POST", "/", "Action=DropThing&Version=2026-01-01&Name=a", "Content-Type", "application/x-www-form-urlencoded"))
	w := answer(t, call, &dropThingOutput{})
	if got, want := w.Body.String(), `<DropThingResponse xmlns="https://things/"><ResponseMetadata><RequestId>req-1</RequestId></ResponseMetadata></DropThingResponse>`; got != want {
		t.Errorf("got %s", got)
	}
}

func TestQueryErrors(t *testing.T) {
	s := things(t, inQuery)
	call, _ := mustDecode[putThingInput](t, s, formRequest(""))
	w := refusal(call, &thingLost{Message: ptr("<gone>"), Where: ptr("here")})
	want := `<ErrorResponse xmlns="https://things/"><Error><Type>Sender</Type><Code>ThingLost</Code><Message>&lt;gone&gt;</Message><Where>here</Where></Error>` +
		`<RequestId>req-1</RequestId></ErrorResponse>`
	if got := w.Body.String(); got != want || w.Code != 404 {
		t.Errorf("got %d %s", w.Code, got)
	}
	w = refusal(call, errors.New("internal"))
	if got := w.Body.String(); !strings.Contains(got, "<Type>Receiver</Type><Code>InternalFailure</Code>") || w.Code != 500 {
		t.Errorf("got %d %s", w.Code, got)
	}
}

// ec2Model is the part of EC2 that shows its names: capitals in requests, others
// in answers, and lists that are flat in requests only.
const ec2Model = `{"metadata":{"protocol":"ec2","apiVersion":"2016-11-15","xmlNamespace":"http://ec2/"},
"operations":{"DescribeThings":{"method":"POST","uri":"/","input":"In","output":"Out"}},
"shapes":{
"In":{"type":"structure","members":{"ThingIds":{"shape":"Ids","name":"ThingId"},"DryRun":{"shape":"Flag","name":"dryRun"},"Token":{"shape":"Text","name":"x","queryName":"ClientToken"}}},
"Out":{"type":"structure","members":{"Things":{"shape":"Things","name":"thingSet"},"NextToken":{"shape":"Text","name":"nextToken"}}},
"Ids":{"type":"list","member":{"shape":"Text","name":"ThingId"}},
"Things":{"type":"list","member":{"shape":"Thing","name":"item"}},
"Thing":{"type":"structure","members":{"ThingId":{"shape":"Text","name":"thingId"},"Open":{"shape":"Flag","name":"open"}}},
"Text":{"type":"string"},"Flag":{"type":"boolean"}}}`

type (
	ec2Thing struct {
		ThingId *string
		Open    *bool
	}
	describeThingsInput struct {
		ThingIds []string
		DryRun   *bool
		Token    *string
	}
	describeThingsOutput struct {
		Things    []ec2Thing
		NextToken *string
	}
)

func ec2(t testing.TB) *wire.Service {
	t.Helper()
	s, err := wire.New(wire.Model{JSON: []byte(ec2Model)}, []wire.Binding{bindingOf[describeThingsInput, describeThingsOutput]("DescribeThings")})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestEC2NamesDifferBetweenRequestAndAnswer(t *testing.T) {
	form := url.Values{"Action": {"DescribeThings"}, "Version": {"2016-11-15"}, "ThingId.1": {"a"}, "ThingId.2": {"b"}, "DryRun": {"false"}, "ClientToken": {"t"}}
	r := request("POST", "/", form.Encode(), "Content-Type", "application/x-www-form-urlencoded")
	call, in := mustDecode[describeThingsInput](t, ec2(t), r)
	same(t, in, &describeThingsInput{ThingIds: []string{"a", "b"}, DryRun: ptr(false), Token: ptr("t")})

	w := answer(t, call, &describeThingsOutput{Things: []ec2Thing{{ptr("a"), ptr(true)}}, NextToken: ptr("n")})
	want := `<DescribeThingsResponse xmlns="http://ec2/"><requestId>req-1</requestId><nextToken>n</nextToken>` +
		`<thingSet><item><open>true</open><thingId>a</thingId></item></thingSet></DescribeThingsResponse>`
	if got := w.Body.String(); got != want {
		t.Errorf("got %s", got)
	}

	w = refusal(call, wire.Errorf("InvalidThingID.NotFound", 400, "no a"))
	want = `<?xml version="1.0" encoding="UTF-8"?><Response><Errors><Error><Code>InvalidThingID.NotFound</Code><Message>no a</Message></Error></Errors>` +
		`<RequestID>req-1</RequestID></Response>`
	if got := w.Body.String(); got != want {
		t.Errorf("got %s", got)
	}
}
