package wire_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"

	"redoubt/internal/wire"
)

// checkFuzzed decodes r: whatever a client sends is an input or an error of the
// API, and an input survives being validated, recorded, encoded and read again.
func checkFuzzed(t *testing.T, s *wire.Service, r *http.Request) {
	call, in, err := decode(s, r)
	if err != nil {
		var api *wire.Error
		if !errors.As(err, &api) || api.Code == "" || api.Status < 400 || api.Status > 599 {
			t.Fatalf("not an error of the API: %v", err)
		}
		call.EncodeError(httptest.NewRecorder(), err, "req-1")
		return
	}
	call.Validate(in)
	s.Parameters(call.Operation(), in)
	put, ok := in.(*putThingInput)
	if !ok {
		return
	}
	again := encodeAgain(t, call, put)
	if r.Header.Get("Smithy-Protocol") != "" {
		_, in, err = decode(s, cborRequest(again))
	} else {
		_, in, err = decode(s, jsonRequest(again))
	}
	if r.Header.Get("Smithy-Protocol") == "" && r.Header.Get("X-Amz-Target") == "" {
		return // XML cannot hold every character
	}
	if err != nil {
		t.Fatalf("%q is not understood: %v", again, err)
	}
	got := in.(*putThingInput)
	got.Count, got.On, put.Count, put.On = nil, nil, nil, nil // outputs always have these
	if d := differences("", reflect.ValueOf(put), reflect.ValueOf(got)); len(d) > 0 && put.Ratio == nil {
		t.Fatalf("%q: %v", again, d)
	}
}

// encodeAgain encodes an input as if it were the output.
func encodeAgain(t *testing.T, call *wire.Call, in *putThingInput) string {
	w := answer(t, call, &putThingOutput{Name: in.Name, When: in.When, Data: in.Data, Tags: in.Tags, Names: in.Names,
		Labels: in.Labels, Kind: in.Kind, Inner: in.Inner, Secret: in.Secret, Choice: in.Choice})
	in.Big, in.Ratio = nil, nil
	return w.Body.String()
}

func FuzzJSON(f *testing.F) {
	s := things(f, inJSON)
	for _, body := range []string{fullJSON, `{"Name":"\ud83d\ude00\u0000","Labels":{"":""},"When":-1.5,"Count":1e0}`, `{"X":[{"a":null},1e-5,true]}`, "[", "null"} {
		f.Add(body)
	}
	f.Fuzz(func(t *testing.T, body string) { checkFuzzed(t, s, jsonRequest(body)) })
}

func FuzzCBOR(f *testing.F) {
	s := things(f, inJSON)
	f.Add("\xbf\x64Name\x61a\x65Count\x03\x64When\xc1\xfb\x41\xda\x55\xec\xb0\x20\x00\x00\xff")
	f.Add("\xa1\x64Tags\x9f\xa1\x63Key\x7f\x61a\xff\xff")
	f.Add("\xa1\x61X\xd9\x01\x00\x82\xf6\xf9\x3c\x00")
	f.Fuzz(func(t *testing.T, body string) { checkFuzzed(t, s, cborRequest(body)) })
}

func FuzzForm(f *testing.F) {
	query, ec2 := things(f, inQuery), things(f, inEC2)
	f.Add("Name=a&Tags.member.1.Key=k&Labels.entry.1.key=a&Labels.entry.1.value=b&Names=&Data=aGk%3D&When=2026-01-02T12:00:00Z")
	f.Add("Tags.1.Key=k&Tags.2.Key=l&Choice.Text=x&=&.=.&Names.member.0=x")
	f.Fuzz(func(t *testing.T, body string) {
		checkFuzzed(t, query, formRequest(body))
		checkFuzzed(t, ec2, formRequest(body))
	})
}

func FuzzXML(f *testing.F) {
	s := things(f, inRESTXML)
	f.Add(fullXML)
	f.Add(`<a xmlns:x="y" x:z="1"><Name><![CDATA[x]]></Name><!-- c --><Names><member/></Names></a>`)
	f.Fuzz(func(t *testing.T, body string) { checkFuzzed(t, s, request("POST", "/things", body)) })
}

func FuzzPath(f *testing.F) {
	s := bucket(f)
	f.Add("/b/k", "acl", "/x/y")
	f.Add("//", "partNumber=1&a=%zz", "")
	f.Add("/b/%2F/../%zz", "location", "")
	f.Fuzz(func(t *testing.T, path, query, source string) {
		if strings.ContainsAny(path+query, "\x00\x7f \r\n\t") {
			return // no request line can hold this
		}
		r := request("PUT", "/", "")
		r.URL.RawPath, r.URL.RawQuery = "", query
		r.URL.Path = path
		r.Header.Set("X-Amz-Copy-Source", source)
		checkFuzzed(t, s, r)
	})
}

func FuzzHeaderList(f *testing.F) {
	s := things(f, inRESTJSON)
	f.Add(`a, "b, \"c\"", `)
	f.Add(`"`)
	f.Fuzz(func(t *testing.T, list string) {
		checkFuzzed(t, s, request("PUT", "/things/a?stream", "", "X-List", list))
	})
}
