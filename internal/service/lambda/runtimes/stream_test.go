package runtimes_test

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"redoubt/internal/service/lambda/runtimeapi"
	"redoubt/internal/service/lambda/runtimes"
)

// A call is a request as the Runtime API sees it.
type call struct {
	path, mode, kind string
	chunked          bool
	body             string
	failure          string // of a stream, from its trailers
}

// A recorder is a Runtime API that takes the requests of a runtime down.
type recorder struct {
	calls       chan call
	connections atomic.Int32
	payload     []byte
	events      int
}

// record serves so many events to a runtime.
func record(t *testing.T, payload []byte, events int) (*recorder, string) {
	t.Helper()
	rec := &recorder{calls: make(chan call, 10), payload: payload, events: events}
	srv := httptest.NewUnstartedServer(rec)
	srv.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			rec.connections.Add(1)
		}
	}
	srv.Start()
	t.Cleanup(func() {
		srv.CloseClientConnections()
		srv.Close()
	})
	return rec, srv.Listener.Addr().String()
}

func (rec *recorder) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if strings.HasSuffix(r.URL.Path, "/next") {
		if rec.events--; rec.events < 0 {
			<-r.Context().Done()
			return
		}
		w.Header().Set("Lambda-Runtime-Aws-Request-Id", id)
		w.Header().Set("Lambda-Runtime-Deadline-Ms", "99999999999999")
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Content-Length", fmt.Sprint(len(rec.payload)))
		w.Write(rec.payload)
		return
	}
	body, _ := io.ReadAll(r.Body)
	failure, _ := base64.StdEncoding.DecodeString(r.Trailer.Get("Lambda-Runtime-Function-Error-Body"))
	rec.calls <- call{
		path: strings.TrimPrefix(r.URL.Path, "/2018-06-01/runtime/"), mode: r.Header.Get("Lambda-Runtime-Function-Response-Mode"),
		kind: r.Header.Get("Content-Type"), chunked: len(r.TransferEncoding) > 0, body: string(body),
		failure: r.Trailer.Get("Lambda-Runtime-Function-Error-Type") + " " + string(failure),
	}
	w.WriteHeader(http.StatusAccepted)
}

func streaming(code string) spec {
	return spec{handler: "index.handler", files: map[string]string{
		"index.mjs": "import {pipeline} from 'node:stream/promises'; import {Readable} from 'node:stream';\n" +
			"export const handler = awslambda.streamifyResponse(async (event, out, context) => {" + code + "})",
	}}
}

func TestNodeStreams(t *testing.T) {
	each(t, runtimes.Node, func(t *testing.T, r *runtimes.Runtime) {
		const octets, http = "application/octet-stream", "application/vnd.awslambda.http-integration-response"
		for _, c := range []struct{ name, code, kind, body, failure string }{
			{"plain", "out.write('a'); out.write(Buffer.from('b')); out.write({c: 1}); out.end('d')", octets, `ab{"c":1}d`, " "},
			{"typed", "out.setContentType('text/html'); out.end('x')", "text/html", "x", " "},
			{"prelude", "out = awslambda.HttpResponseStream.from(out, {statusCode: 201}); out.write('x'); out.end()", http, `{"statusCode":201}` + strings.Repeat("\x00", 8) + "x", " "},
			{"prelude alone", "awslambda.HttpResponseStream.from(out, {statusCode: 204}).end()", http, `{"statusCode":204}` + strings.Repeat("\x00", 8), " "},
			{"empty", "out.end()", octets, "", " "},
			{"piped", "await pipeline(Readable.from(['1', '2', '3']), out)", octets, "123", " "},
			{"later", "setTimeout(() => out.end('late'), 10)", octets, "late", " "},
			{"large", "out.end(Buffer.alloc(3e6, 'x'))", octets, strings.Repeat("x", 3e6), " "},
			{"failed", "throw new RangeError('far')", octets, "", `RangeError {"errorType":"RangeError","errorMessage":"far","trace":["RangeError: far"`},
			{"failed midway", "out.write('half'); throw new RangeError('far')", octets, "half", `RangeError {"errorType":"RangeError","errorMessage":"far","trace":["RangeError: far"`},
			{"too late", "out.write('x'); out.setContentType('a/b')", octets, "x", `Runtime.InvalidStreamingOperation {"errorType":"Runtime.InvalidStreamingOperation","errorMessage":"Cannot set content-type, too late."`},
		} {
			rec, address := record(t, []byte("{}"), 2)
			s := streaming(c.code)
			s.env = []string{"AWS_LAMBDA_RUNTIME_API=" + address}
			run(t, r, s)
			for range 2 {
				got := <-rec.calls
				if !strings.HasPrefix(got.failure, c.failure) || c.failure == " " && got.failure != " " {
					t.Errorf("%s: failure %s", c.name, got.failure)
				}
				got.failure = ""
				if want := (call{"invocation/" + id + "/response", "streaming", c.kind, true, c.body, ""}); got != want {
					t.Errorf("%s: got %.300v, want %.300v", c.name, got, want)
				}
			}
			if n := rec.connections.Load(); n != 1 {
				t.Errorf("%s: %d connections", c.name, n)
			}
		}
	})
}

func TestNodeStreamsOfOtherHandlersAreRefused(t *testing.T) {
	s := node("exports.handler = awslambda.streamifyResponse((event, out) => { out.end('x') })")
	p := run(t, newest(t, runtimes.Node), s)
	p.invoke("{}")
	if log := p.logged(); !strings.Contains(log, "Streaming does not support non-async handlers.") {
		t.Errorf("log %q", log)
	}
}

func TestOneConnectionIsKept(t *testing.T) {
	for _, c := range []struct {
		family runtimes.Family
		spec   spec
	}{
		{runtimes.Python, python("def handler(event, context):\n    return len(event)\n")},
		{runtimes.Node, node("exports.handler = async (event) => event.length")},
	} {
		r := newest(t, c.family)
		rec, address := record(t, []byte(`"`+strings.Repeat("x", 5<<20)+`"`), 3)
		c.spec.env = []string{"AWS_LAMBDA_RUNTIME_API=" + address}
		run(t, r, c.spec)
		for range 3 {
			if got := <-rec.calls; got.body != fmt.Sprint(5<<20) || got.path != "invocation/"+id+"/response" || got.kind != "application/json" {
				t.Errorf("%s: got %.200v", r.Name, got)
			}
		}
		if n := rec.connections.Load(); n != 1 {
			t.Errorf("%s: %d connections", r.Name, n)
		}
	}
}

func TestWhatIsTooLargeIsRefusedAndTheRuntimeGoesOn(t *testing.T) {
	for _, c := range []struct {
		family runtimes.Family
		spec   spec
	}{
		{runtimes.Python, python("def handler(event, context):\n    return 'x' * event\n")},
		{runtimes.Node, node("exports.handler = async (event) => 'x'.repeat(event)")},
	} {
		each(t, c.family, func(t *testing.T, r *runtimes.Runtime) {
			p := run(t, r, c.spec)
			for range 2 {
				if a := p.invoke(fmt.Sprint(7 << 20)); !a.Failed || a.ErrorType != "Function.ResponseSizeTooLarge" {
					t.Errorf("got %v %s", a.Failed, a.ErrorType)
				}
				if a := p.invoke("3"); !bytes.Equal(a.Payload, []byte(`"xxx"`)) {
					t.Errorf("got %s", a.Payload)
				}
				if log := p.logged(); !strings.Contains(log, "LAMBDA_RUNTIME Failed to post handler success response.") {
					t.Errorf("log %q", log)
				}
			}
		})
	}
}

func TestNodeStreamsReachTheServer(t *testing.T) {
	each(t, runtimes.Node, func(t *testing.T, r *runtimes.Runtime) {
		p := run(t, r, streaming("console.log('begun'); out.write('half'); if (event) throw new RangeError('far'); out.end('whole'); console.log('done')"))
		wantText(t, "the answer", body(p.event(&runtimeapi.Event{Payload: []byte("0")})), "false halfwhole")
		wantText(t, "the log", p.logged(), "TIME\tID\tINFO\tbegun\nTIME\tID\tINFO\tdone\n")
		a := p.event(&runtimeapi.Event{Payload: []byte("1")})
		if got := body(a); !strings.HasPrefix(got, `true {"errorType":"RangeError"`) {
			t.Errorf("got %s", got)
		}
		if log := p.logged(); !strings.HasPrefix(log, "TIME\tID\tINFO\tbegun\nTIME\tID\tERROR\tInvoke Error \t{\"errorType\":\"RangeError\"") {
			t.Errorf("log %q", log)
		}
	})
}
