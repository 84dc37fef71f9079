package wire_test

import (
	"errors"
	"io"
	"net/http/httptest"
	"strings"
	"testing"

	"redoubt/internal/wire"
)

// failing yields some bytes and then an error.
type failing struct {
	left int
	err  error
}

func (f *failing) Read(p []byte) (int, error) {
	if f.left == 0 {
		return 0, f.err
	}
	n := min(len(p), f.left)
	f.left -= n
	return n, nil
}

func (f *failing) Close() error { return nil }

func TestAStreamThatFailsIsAnErrorBeforeItBegins(t *testing.T) {
	boom := errors.New("damaged")
	for _, c := range []struct {
		size int
		sent bool
	}{{0, false}, {1000, false}, {64 << 10, true}, {1 << 20, true}} {
		call, _ := mustDecode[streamThingInput](t, things(t, inRESTJSON), request("PUT", "/things/n?stream", "x"))
		w := httptest.NewRecorder()
		err := call.Encode(w, &streamThingOutput{Body: &failing{c.size, boom}}, "id")
		if !errors.Is(err, boom) || errors.Is(err, wire.ErrBroken) != c.sent || (w.Body.Len() > 0) != c.sent {
			t.Errorf("%d bytes: %v, %d sent", c.size, err, w.Body.Len())
		}
	}
	call, _ := mustDecode[streamThingInput](t, things(t, inRESTJSON), request("PUT", "/things/n?stream", "x"))
	w := httptest.NewRecorder()
	if err := call.Encode(w, &streamThingOutput{Body: io.NopCloser(&failing{10, io.ErrUnexpectedEOF})}, "id"); err == nil {
		t.Error("an end that is not one passes for the end")
	}
}

func TestErrorsBringHeadersAndDetails(t *testing.T) {
	call, _ := bucket(t).Match(request("GET", "/b?location", ""), []byte{})
	w := httptest.NewRecorder()
	e := wire.Errorf("InvalidRange", 416, "no")
	e.Header, e.Detail = map[string]string{"X-Amz-Delete-Marker": "true"}, []wire.Detail{{Name: "ActualObjectSize", Text: "5 <"}}
	call.EncodeError(w, e, "id")
	if w.Code != 416 || w.Header().Get("X-Amz-Delete-Marker") != "true" || !strings.Contains(w.Body.String(), "<ActualObjectSize>5 &lt;</ActualObjectSize>") {
		t.Errorf("%d %v %s", w.Code, w.Header(), w.Body)
	}
}

func TestOperationsThatStreamAreKnown(t *testing.T) {
	if call, err := things(t, inRESTJSON).Match(request("PUT", "/things/n?stream", "x"), nil); err != nil || !call.Streams() {
		t.Errorf("%q does not stream, %v", call.Operation(), err)
	}
	if call, err := bucket(t).Match(request("GET", "/b?location", ""), nil); err != nil || call.Streams() {
		t.Errorf("%q streams, %v", call.Operation(), err)
	}
}
