package wire_test

import (
	"encoding/hex"
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/aws/smithy-go/encoding/cbor"

	"redoubt/internal/wire"
)

func TestCBORIsDecodedAsSmithyEncodesIt(t *testing.T) {
	body := cbor.Encode(cbor.Map{
		"Name": cbor.String("a"), "Count": cbor.Uint(3), "On": cbor.Bool(true), "Data": cbor.Slice("hi"), "Kind": cbor.String("BIG"),
		"When": &cbor.Tag{ID: 1, Value: cbor.Float64(1767355200.5)}, "Inner": cbor.Map{"Key": cbor.String("i")},
		"Tags":   cbor.List{cbor.Map{"Key": cbor.String("k"), "Value": cbor.String("<v>")}},
		"Names":  cbor.List{cbor.String("x"), cbor.String("y")},
		"Labels": cbor.Map{"l": cbor.String("1"), "a": cbor.String("2")}, "Choice": cbor.Map{"Text": cbor.String("t")},
		"Unknown": cbor.List{&cbor.Nil{}, &cbor.Tag{ID: 9, Value: cbor.Slice("x")}, cbor.Map{"a": cbor.List{cbor.NegInt(4)}}},
		"Big":     &cbor.Nil{},
	})
	call, in := mustDecode[putThingInput](t, things(t, inJSON), cborRequest(string(body)))
	same(t, in, fullInput())
	if call.Operation() != "PutThing" {
		t.Errorf("operation %q", call.Operation())
	}
}

func TestCBORIsEncodedAsSmithyDecodesIt(t *testing.T) {
	s := things(t, inJSON)
	call, _ := mustDecode[putThingInput](t, s, cborRequest(""))
	w := answer(t, call, fullOutput())
	if w.Header().Get("Smithy-Protocol") != "rpc-v2-cbor" || w.Header().Get("Content-Type") != "application/cbor" {
		t.Errorf("headers %v", w.Header())
	}
	v, err := cbor.Decode(w.Body.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	m := v.(cbor.Map)
	if m["Name"] != cbor.String("a") || m["Count"] != cbor.Uint(3) || m["When"].(*cbor.Tag).Value != cbor.Float64(1767355200.5) {
		t.Errorf("got %v", m)
	}
	_, in := mustDecode[putThingInput](t, s, cborRequest(w.Body.String()))
	same(t, in, fullInput())
}

// hexMap is a map of one entry whose value is in hex.
func hexMap(t *testing.T, key, value string) string {
	t.Helper()
	b, err := hex.DecodeString(value)
	if err != nil {
		t.Fatal(err)
	}
	return "\xa1" + string(rune(0x60+len(key))) + key + string(b)
}

func TestCBORNumbers(t *testing.T) {
	s := things(t, inJSON)
	for _, c := range []struct {
		name, key, value string
		want             putThingInput
	}{
		{"negative", "Big", "3903e7", putThingInput{Big: ptr[int64](-1000)}},
		{"smallest", "Big", "3b7fffffffffffffff", putThingInput{Big: ptr[int64](math.MinInt64)}},
		{"float as integer", "Big", "fb4008000000000000", putThingInput{Big: ptr[int64](3)}},
		{"integer as float", "Ratio", "03", putThingInput{Ratio: ptr(3.0)}},
		{"half", "Ratio", "f93e00", putThingInput{Ratio: ptr(1.5)}},
		{"small half", "Ratio", "f90001", putThingInput{Ratio: ptr(5.960464477539063e-8)}},
		{"negative half", "Ratio", "f9c400", putThingInput{Ratio: ptr(-4.0)}},
		{"infinite half", "Ratio", "f97c00", putThingInput{Ratio: ptr(math.Inf(1))}},
		{"single", "Ratio", "fa47c35000", putThingInput{Ratio: ptr(100000.0)}},
		{"chunks", "Name", "7f61616162ff", putThingInput{Name: ptr("ab")}},
		{"open list", "Names", "9f6161ff", putThingInput{Names: []string{"a"}}},
		{"time in seconds", "When", "c11a6957b340", putThingInput{When: ptr(noon.Add(-500 * time.Millisecond))}},
		{"time as text", "When", "74323032362d30312d30325431323a30303a30305a", putThingInput{When: ptr(noon.Add(-500 * time.Millisecond))}},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, in := mustDecode[putThingInput](t, s, cborRequest(hexMap(t, c.key, c.value)))
			same(t, in, &c.want)
		})
	}
}

func TestCBORThatIsRefused(t *testing.T) {
	s := things(t, inJSON)
	for _, c := range []struct{ name, body string }{
		{"cut off", "\xa1"},
		{"trailing", "\xa0\xa0"},
		{"list", "\x80"},
		{"length beyond the end", "\xbb\xff\xff\xff\xff\xff\xff\xff\xff"},
		{"long string", hexMap(t, "Name", "7bffffffffffffffff")},
		{"reserved", hexMap(t, "Name", "1c")},
		{"no break", "\xbf"},
		{"break in a list", hexMap(t, "Names", "81ff")},
		{"break as a value", hexMap(t, "X", "ff")},
		{"key of no text", "\xa1\x01\x01"},
		{"not UTF-8", hexMap(t, "Name", "61ff")},
		{"bytes for text", hexMap(t, "Name", "4161")},
		{"text for bytes", hexMap(t, "Data", "6161")},
		{"number for text", hexMap(t, "Name", "01")},
		{"text for number", hexMap(t, "Count", "6161")},
		{"text for boolean", hexMap(t, "On", "6161")},
		{"too large", hexMap(t, "Count", "1a80000000")},
		{"too large for 64 bits", hexMap(t, "Big", "1bffffffffffffffff")},
		{"fraction", hexMap(t, "Count", "fb3ff8000000000000")},
		{"other tag", hexMap(t, "When", "c201")},
		{"time out of range", hexMap(t, "When", "c1fb7e37e43c8800759c")},
		{"member twice", "\xa2\x64Name\x61a\x64Name\x61b"},
		{"key twice", hexMap(t, "Labels", "a26161613161616132")},
		{"null in a list", hexMap(t, "Names", "81f6")},
		{"too deep", hexMap(t, "X", strings.Repeat("81", 1000))},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, _, err := decode(s, cborRequest(c.body))
			var api *wire.Error
			if !errors.As(err, &api) || api.Code != "SerializationException" {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestCBORErrors(t *testing.T) {
	s := things(t, inJSON)
	call, _ := mustDecode[putThingInput](t, s, cborRequest(""))
	w := refusal(call, &thingLost{Message: ptr("gone")})
	v, err := cbor.Decode(w.Body.Bytes())
	if err != nil || w.Code != 404 || v.(cbor.Map)["__type"] != cbor.String("thingLost") || v.(cbor.Map)["message"] != cbor.String("gone") {
		t.Errorf("got %d %v %v", w.Code, v, err)
	}
	if _, err := s.Match(request("POST", "/service/Things_2026/operation/EatThing", "", "Smithy-Protocol", "rpc-v2-cbor"), nil); err == nil {
		t.Error("an unknown operation is accepted")
	}
}
