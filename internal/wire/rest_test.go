package wire_test

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"redoubt/internal/wire"
)

func TestRESTMembersComeFromEverywhere(t *testing.T) {
	s := things(t, inRESTJSON)
	r := request("PUT", "/things/a%2Fb/c%20d?stream=&mode=x%26y", "payload", "X-List", `one, "two, too", three`, "X-Meta-Color", "red", "X-Meta-Size", "L")
	call, in := mustDecode[streamThingInput](t, s, r)
	if call.Operation() != "StreamThing" {
		t.Fatalf("operation %q", call.Operation())
	}
	body, err := io.ReadAll(in.Body)
	if err != nil || string(body) != "payload" {
		t.Errorf("body %q, %v", body, err)
	}
	in.Body = nil
	same(t, in, &streamThingInput{Name: ptr("a/b/c d"), Mode: ptr("x&y"), List: []string{"one", "two, too", "three"}, Meta: map[string]string{"color": "red", "size": "L"}})
}

func TestStreamingPayloadsNeedNotBeRead(t *testing.T) {
	s := things(t, inRESTJSON)
	call, err := s.Match(request("PUT", "/things/a?stream", "payload"), nil)
	if err != nil {
		t.Fatal(err)
	}
	in, err := call.Decode()
	if err != nil {
		t.Fatal(err)
	}
	if body, err := io.ReadAll(in.(*streamThingInput).Body); err != nil || string(body) != "payload" {
		t.Errorf("body %q, %v", body, err)
	}
}

func TestRESTPathsFindOperations(t *testing.T) {
	for _, c := range []struct{ name, metadata, method, target, operation, code string }{
		{"literal", inRESTJSON, "POST", "/things", "PutThing", ""},
		{"trailing slash", inRESTJSON, "POST", "/things/", "PutThing", ""},
		{"label", inRESTJSON, "DELETE", "/things/a", "DropThing", ""},
		{"escaped slash in a label", inRESTJSON, "DELETE", "/things/a%2Fb", "DropThing", ""},
		{"greedy label", inRESTJSON, "PUT", "/things/a/b/c/?stream", "StreamThing", ""},
		{"without the URI's parameter", inRESTJSON, "PUT", "/things/a", "", "UnknownOperationException"},
		{"other method", inRESTJSON, "GET", "/things", "", "UnknownOperationException"},
		{"other path", inRESTJSON, "POST", "/stuff", "", "UnknownOperationException"},
		{"root", inRESTJSON, "POST", "/", "", "UnknownOperationException"},
		{"unserved", inRESTJSON, "POST", "/things/a/paint", "", "UnknownOperationException"},
		{"other path in XML", inRESTXML, "POST", "/stuff", "", "MethodNotAllowed"},
		{"unserved in XML", inRESTXML, "POST", "/things/a/paint", "", "NotImplemented"},
	} {
		t.Run(c.name, func(t *testing.T) {
			call, err := things(t, c.metadata).Match(request(c.method, c.target, ""), []byte{})
			var api *wire.Error
			if errors.As(err, &api) != (c.code != "") || api != nil && api.Code != c.code {
				t.Errorf("got %v", err)
			}
			if call.Operation() != c.operation {
				t.Errorf("operation %q", call.Operation())
			}
		})
	}
}

func TestWhatIsNotThereIsNamedInTheRefusal(t *testing.T) {
	for _, c := range []struct {
		metadata string
		r        *http.Request
		want     string
	}{
		{inRESTJSON, request("POST", "/things/a%2Fb/paint", ""), "POST /things/a%2Fb/paint is not supported by Redoubt yet"},
		{inJSON, request("POST", "/", "{}", "X-Amz-Target", "Things_2026.PaintThing", "Content-Type", "application/x-amz-json-1.1"),
			`The X-Amz-Target "Things_2026.PaintThing" is not supported by Redoubt yet`},
	} {
		_, err := things(t, c.metadata).Match(c.r, []byte("{}"))
		if api := (*wire.Error)(nil); !errors.As(err, &api) || api.Message != c.want {
			t.Errorf("got %v, want %s", err, c.want)
		}
	}
}

func TestRESTJSONBodies(t *testing.T) {
	s := things(t, inRESTJSON)
	call, in := mustDecode[putThingInput](t, s, request("POST", "/things", fullJSON))
	same(t, in, fullInput())
	w := answer(t, call, fullOutput())
	if w.Header().Get("Content-Type") != "application/json" || !strings.Contains(w.Body.String(), `"Labels":{"a":"2","l":"1"}`) {
		t.Errorf("got %v %s", w.Header(), w.Body)
	}
}

func TestRESTOutputsGoEverywhere(t *testing.T) {
	s := things(t, inRESTJSON)
	call, _ := mustDecode[streamThingInput](t, s, request("PUT", "/things/a?stream", ""))
	w := answer(t, call, &streamThingOutput{
		Status: ptr[int32](202), When: &noon, Meta: map[string]string{"color": "red"}, Body: io.NopCloser(strings.NewReader("payload")),
	})
	if w.Code != 202 || w.Body.String() != "payload" || w.Header().Get("X-Meta-Color") != "red" || w.Header().Get("X-When") != "Fri, 02 Jan 2026 12:00:00 GMT" {
		t.Errorf("got %d %v %s", w.Code, w.Header(), w.Body)
	}
}

func TestRESTOutputsWithoutMembersHaveNoBody(t *testing.T) {
	s := things(t, inRESTJSON)
	call, _ := mustDecode[dropThingInput](t, s, request("DELETE", "/things/a", ""))
	if w := answer(t, call, &dropThingOutput{}); w.Code != http.StatusNoContent || w.Body.Len() > 0 {
		t.Errorf("got %d %s", w.Code, w.Body)
	}
}

func TestRESTJSONErrorsAreNamedInAHeader(t *testing.T) {
	s := things(t, inRESTJSON)
	call, _ := mustDecode[dropThingInput](t, s, request("DELETE", "/things/a", ""))
	w := refusal(call, &thingLost{Message: ptr("gone"), Where: ptr("here")})
	if w.Code != 404 || w.Header().Get("X-Amzn-Errortype") != "thingLost" || w.Body.String() != `{"Where":"here","message":"gone"}` {
		t.Errorf("got %d %v %s", w.Code, w.Header(), w.Body)
	}
}

const fullXML = `<?xml version="1.0"?><Put xmlns="https://things/"><Name>a</Name><Count>3</Count><On>true</On><When>2026-01-02T12:00:00.500Z</When>
<Data>aGk=</Data><Tags><member><Key>k</Key><Value>&lt;v&gt;</Value></member></Tags><Names><member>x</member><member>y</member></Names>
<Labels><entry><key>l</key><value>1</value></entry><entry><key>a</key><value>2</value></entry></Labels><Kind>BIG</Kind><Inner><Key>i</Key></Inner>
<Choice><Text>t</Text></Choice><Unknown><a/></Unknown></Put>`

func TestXMLIsDecoded(t *testing.T) {
	_, in := mustDecode[putThingInput](t, things(t, inRESTXML), request("POST", "/things", fullXML))
	same(t, in, fullInput())
}

func TestXMLThatIsRefused(t *testing.T) {
	s := things(t, inRESTXML)
	for name, body := range map[string]string{
		"no XML":        "x",
		"unclosed":      "<Put>",
		"crossed":       "<Put><Name></Put></Name>",
		"two documents": "<Put/><Put/>",
		"no number":     "<Put><Count>x</Count></Put>",
		"elements":      "<Put><Name><b/></Name></Put>",
		"map without":   "<Put><Labels><entry><key>a</key></entry></Labels></Put>",
		"entity":        `<!DOCTYPE x [<!ENTITY e "x">]><Put><Name>&e;</Name></Put>`,
		"too deep":      strings.Repeat("<a>", 1000),
	} {
		t.Run(name, func(t *testing.T) {
			_, _, err := decode(s, request("POST", "/things", body))
			var api *wire.Error
			if !errors.As(err, &api) || api.Code != "MalformedXML" || api.Status != 400 {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestXMLIsEncoded(t *testing.T) {
	s := things(t, inRESTXML)
	call, _ := mustDecode[putThingInput](t, s, request("POST", "/things", "<Put/>"))
	w := answer(t, call, &putThingOutput{Name: ptr("a&b"), Names: []string{}, Inner: &tag{}})
	want := `<Put><Count>0</Count><Inner></Inner><Name>a&amp;b</Name><Names></Names><On>false</On></Put>`
	if got := w.Body.String(); got != want || w.Header().Get("X-Amz-Request-Id") != "req-1" {
		t.Errorf("got %v %s", w.Header(), got)
	}
}

func TestXMLErrorsAreBareForS3AndWrappedForOthers(t *testing.T) {
	for _, c := range []struct{ name, metadata, want string }{
		{"bare", inRESTXML, `<?xml version="1.0" encoding="UTF-8"?><Error><Code>ThingLost</Code><Message>gone</Message><RequestId>req-1</RequestId></Error>`},
		{"wrapped", `"protocol":"rest-xml"`, `<ErrorResponse xmlns="https://things/"><Error><Type>Sender</Type><Code>ThingLost</Code><Message>gone</Message></Error>` +
			`<RequestId>req-1</RequestId></ErrorResponse>`},
	} {
		t.Run(c.name, func(t *testing.T) {
			call, _ := mustDecode[dropThingInput](t, things(t, c.metadata), request("DELETE", "/things/a", ""))
			if w := refusal(call, &thingLost{Message: ptr("gone")}); w.Body.String() != c.want || w.Code != 404 {
				t.Errorf("got %d %s", w.Code, w.Body)
			}
		})
	}
}

// bucketModel has what S3 does with XML and paths.
const bucketModel = `{"metadata":{"protocol":"rest-xml","apiVersion":"2006-03-01","bareErrors":true},
"operations":{
"PutObject":{"method":"PUT","uri":"/{Bucket}/{Key+}","input":"PutObject"},
"CopyObject":{"method":"PUT","uri":"/{Bucket}/{Key+}","input":"CopyObject"},
"UploadPart":{"method":"PUT","uri":"/{Bucket}/{Key+}","input":"UploadPart"},
"PutGrant":{"method":"PUT","uri":"/{Bucket}?acl","input":"PutGrant","output":"Grant"},
"GetLocation":{"method":"GET","uri":"/{Bucket}?location","output":"Location","bare":true}},
"shapes":{
"PutObject":{"type":"structure","required":["Bucket","Key"],"members":{"Bucket":{"shape":"Text","location":"uri","name":"Bucket"},"Key":{"shape":"Text","location":"uri","name":"Key"}}},
"CopyObject":{"type":"structure","required":["Bucket","Key","Source"],"members":{"Bucket":{"shape":"Text","location":"uri","name":"Bucket"},"Key":{"shape":"Text","location":"uri","name":"Key"},"Source":{"shape":"Text","location":"header","name":"x-amz-copy-source"}}},
"UploadPart":{"type":"structure","required":["Bucket","Key","Part"],"members":{"Bucket":{"shape":"Text","location":"uri","name":"Bucket"},"Key":{"shape":"Text","location":"uri","name":"Key"},"Part":{"shape":"Number","location":"querystring","name":"partNumber"}}},
"PutGrant":{"type":"structure","payload":"Grant","members":{"Bucket":{"shape":"Text","location":"uri","name":"Bucket"},"Grant":{"shape":"Grant","name":"AccessControl","xmlNamespace":{"uri":"http://s3/"}}}},
"Grant":{"type":"structure","members":{"Type":{"shape":"Text","name":"xsi:type","attribute":true},"Rules":{"shape":"Rules","name":"Rule"}},"xmlNamespace":{"prefix":"xsi","uri":"http://xsi/"}},
"Rules":{"type":"list","member":"Text","flattened":true},
"Location":{"type":"structure","members":{"LocationConstraint":"Text"}},
"Text":{"type":"string"},"Number":{"type":"integer"}}}`

type (
	putObjectInput  struct{ Bucket, Key *string }
	copyObjectInput struct{ Bucket, Key, Source *string }
	uploadPartInput struct {
		Bucket, Key *string
		Part        *int32
	}
	grant struct {
		Type  *string
		Rules []string
	}
	putGrantInput struct {
		Bucket *string
		Grant  *grant
	}
	getLocationOutput struct{ LocationConstraint *string }
	nothing           struct{}
)

func bucket(t testing.TB) *wire.Service {
	t.Helper()
	s, err := wire.New(wire.Model{JSON: []byte(bucketModel)}, []wire.Binding{
		bindingOf[putObjectInput, nothing]("PutObject"), bindingOf[copyObjectInput, nothing]("CopyObject"), bindingOf[uploadPartInput, nothing]("UploadPart"),
		bindingOf[putGrantInput, grant]("PutGrant"), bindingOf[nothing, getLocationOutput]("GetLocation"),
	})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestRequiredHeadersAndParametersTellOperationsApart(t *testing.T) {
	s := bucket(t)
	for _, c := range []struct {
		name, target, source, operation string
	}{
		{"put", "/b/k", "", "PutObject"},
		{"copy", "/b/k", "/other/k", "CopyObject"},
		{"part", "/b/k?partNumber=1", "", "UploadPart"},
		{"acl", "/b?acl", "", "PutGrant"},
		{"acl with a slash", "/b/?acl", "", "PutGrant"},
	} {
		r := request("PUT", c.target, "")
		if c.source != "" {
			r.Header.Set("X-Amz-Copy-Source", c.source)
		}
		if call, err := s.Match(r, []byte{}); err != nil || call.Operation() != c.operation {
			t.Errorf("%s: %q, %v", c.name, call.Operation(), err)
		}
	}
}

func TestKeysKeepTheirSlashes(t *testing.T) {
	_, in := mustDecode[putObjectInput](t, bucket(t), request("PUT", "/b//folder/a%20b/", ""))
	same(t, in, &putObjectInput{ptr("b"), ptr("/folder/a b/")})
}

func TestXMLAttributesNamespacesAndFlatLists(t *testing.T) {
	s := bucket(t)
	call, in := mustDecode[putGrantInput](t, s, request("PUT", "/b?acl",
		`<AccessControl xmlns:xsi="http://xsi/" xsi:type="User"><Rule>a</Rule><Other/><Rule>b</Rule></AccessControl>`))
	same(t, in, &putGrantInput{ptr("b"), &grant{ptr("User"), []string{"a", "b"}}})
	w := answer(t, call, in.Grant)
	if got, want := w.Body.String(), `<Grant xmlns:xsi="http://xsi/" xsi:type="User"><Rule>a</Rule><Rule>b</Rule></Grant>`; got != want {
		t.Errorf("got %s", got)
	}
}

func TestBareAnswersAreTheirOnlyElement(t *testing.T) {
	s := bucket(t)
	call, _ := mustDecode[nothing](t, s, request("GET", "/b?location", ""))
	if got := answer(t, call, &getLocationOutput{ptr("eu-west-1")}).Body.String(); got != "<LocationConstraint>eu-west-1</LocationConstraint>" {
		t.Errorf("got %s", got)
	}
}
