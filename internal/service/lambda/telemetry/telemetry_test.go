package telemetry_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"redoubt/internal/service/lambda/telemetry"
)

var at = time.Date(2026, 3, 4, 17, 22, 38, 33e6, time.UTC)

func TestRecordsHaveTheLinesOfAWS(t *testing.T) {
	for _, c := range []struct {
		record telemetry.Record
		want   string
	}{
		{telemetry.InitStart{Phase: "init", RuntimeVersion: "python:3.13.v1", RuntimeVersionARN: "arn"}, "INIT_START Runtime Version: python:3.13.v1\tRuntime Version ARN: arn\n"},
		{telemetry.InitStart{Phase: "init"}, ""},
		{telemetry.InitStart{Phase: "invoke", RuntimeVersion: "v"}, ""},
		{telemetry.InitReport{InitializationType: telemetry.OnDemand, Status: telemetry.Success}, ""},
		{telemetry.InitReport{InitializationType: telemetry.Provisioned, Status: telemetry.Success, Metrics: telemetry.InitMetrics{Duration: 1234567}}, "INIT_REPORT Init Duration: 1.23 ms\n"},
		{telemetry.InitReport{Phase: "init", Status: telemetry.Timeout, Metrics: telemetry.InitMetrics{Duration: telemetry.Millis(10 * time.Second)}}, "INIT_REPORT Init Duration: 10000.00 ms\tPhase: init\tStatus: timeout\n"},
		{telemetry.InitReport{Phase: "invoke", Status: telemetry.Failed, ErrorType: "Extension.Crash"}, "INIT_REPORT Init Duration: 0.00 ms\tPhase: invoke\tStatus: error\tError Type: Extension.Crash\n"},
		{telemetry.Extension{Name: "x", State: "Ready", Events: []string{"INVOKE", "SHUTDOWN"}}, "EXTENSION\tName: x\tState: Ready\tEvents: [INVOKE, SHUTDOWN]\n"},
		{telemetry.Extension{Name: "x", State: "LaunchError", ErrorType: "PermissionDenied"}, "EXTENSION\tName: x\tState: LaunchError\tEvents: []\tError Type: PermissionDenied\n"},
		{telemetry.Subscription{API: telemetry.Telemetry, Name: "x", State: "Subscribed", Types: []string{"platform", "function"}}, "TELEMETRY\tName: x\tState: Subscribed\tTypes: [Platform, Function]\n"},
		{telemetry.Subscription{API: telemetry.Logs, Name: "x", State: "Subscribed", Types: []string{"platform"}}, "LOGS\tName: x\tState: Subscribed\tTypes: [Platform]\n"},
		{telemetry.Start{RequestID: "id", Version: "7"}, "START RequestId: id Version: 7\n"},
		{telemetry.Fault{RequestID: "id", ErrorType: "Runtime.ExitError", Message: "no"}, "RequestId: id Error: no\nRuntime.ExitError\n"},
		{telemetry.Fault{RequestID: "id", Timeout: 3 * time.Second, At: at}, "2026-03-04T17:22:38.033Z id Task timed out after 3.00 seconds\n\n"},
		{telemetry.End{RequestID: "id"}, "END RequestId: id\n"},
		{report(telemetry.Success, ""), "REPORT RequestId: id\tDuration: 2.50 ms\tBilled Duration: 3 ms\tMemory Size: 128 MB\tMax Memory Used: 30 MB\tInit Duration: 1.00 ms\t\n"},
		{report(telemetry.Timeout, ""), "REPORT RequestId: id\tDuration: 2.50 ms\tBilled Duration: 3 ms\tMemory Size: 128 MB\tMax Memory Used: 30 MB\tInit Duration: 1.00 ms\tStatus: timeout\n"},
		{report(telemetry.Failed, "E"), "REPORT RequestId: id\tDuration: 2.50 ms\tBilled Duration: 3 ms\tMemory Size: 128 MB\tMax Memory Used: 30 MB\tInit Duration: 1.00 ms\tStatus: error\tError Type: E\n"},
	} {
		if got := (telemetry.Format{}).Line(at, c.record); got != c.want {
			t.Errorf("got %q, want %q", got, c.want)
		}
	}
}

func report(status, kind string) telemetry.Report {
	return telemetry.Report{RequestID: "id", Status: status, ErrorType: kind, Metrics: telemetry.ReportMetrics{
		Duration: telemetry.Millis(2500 * time.Microsecond), Billed: 3, Memory: 128, Used: 30, Init: telemetry.Millis(time.Millisecond),
	}}
}

func TestJSONLogsHaveTheRecordsOfTheTelemetryAPI(t *testing.T) {
	f := telemetry.Format{JSON: true, System: telemetry.Info}
	for _, c := range []struct {
		record telemetry.Record
		want   string
	}{
		{report(telemetry.Success, ""), `{"time":"2026-03-04T17:22:38.033Z","type":"platform.report","record":{"requestId":"id","metrics":{"durationMs":2.5,"billedDurationMs":3,"memorySizeMB":128,"maxMemoryUsedMB":30,"initDurationMs":1.0},"status":"success"}}` + "\n"},
		{telemetry.Start{RequestID: "id", Version: "7"}, `{"time":"2026-03-04T17:22:38.033Z","type":"platform.start","record":{"requestId":"id","version":"7"}}` + "\n"},
		{telemetry.End{RequestID: "id"}, ""},
		{telemetry.Fault{RequestID: "id"}, ""},
		{telemetry.RuntimeDone{RequestID: "id", Status: telemetry.Success}, ""},
		{telemetry.InitReport{InitializationType: telemetry.OnDemand, Status: telemetry.Success}, ""},
	} {
		if got := f.Line(at, c.record); got != c.want {
			t.Errorf("got %s, want %s", got, c.want)
		}
	}
	f.System = telemetry.Warn
	if got := f.Line(at, report(telemetry.Success, "")) + f.Line(at, telemetry.Start{}); got != "" {
		t.Errorf("a warning: %s", got)
	}
	if got := f.Line(at, report(telemetry.Timeout, "")); got == "" {
		t.Error("a timeout is no warning")
	}
}

func TestLinesOfTheFunctionAreFilteredByLevel(t *testing.T) {
	const stamp = `"timestamp":"2024-11-02T16:51:31.587Z"`
	for _, c := range []struct {
		level      telemetry.Level
		line, want string
	}{
		{telemetry.Info, "plain\n", "plain\n"},
		{telemetry.Warn, "plain\n", ""},
		{telemetry.Info, `{"level":"debug",` + stamp + "}\n", ""},
		{telemetry.Debug, `{"level":"debug",` + stamp + "}\n", `{"level":"debug",` + stamp + "}\n"},
		{telemetry.Error, `{"level":"CRITICAL",` + stamp + "}\n", `{"level":"CRITICAL",` + stamp + "}\n"},
		{telemetry.Error, `{"level":"WARNING",` + stamp + "}\n", ""},
		{telemetry.Info, `{"level":"odd",` + stamp + "}\n", `{"level":"odd",` + stamp + "}\n"},
		{telemetry.Info, `{"level":"debug","msg":1}` + "\n", `{"timestamp":"2026-03-04T17:22:38.033Z","level":"debug","msg":1}` + "\n"},
		{telemetry.Info, "{}\n", `{"timestamp":"2026-03-04T17:22:38.033Z"}` + "\n"},
		{telemetry.Info, `{"level":"DEBUG","timestamp":"2025-10-31 22:38:21,010+0000"}` + "\n", `{"level":"DEBUG","timestamp":"2025-10-31 22:38:21,010+0000"}` + "\n"},
		{telemetry.Info, `["a"]` + "\n", `["a"]` + "\n"},
	} {
		got, logged := telemetry.Format{JSON: true, Application: c.level}.Function(at, c.line)
		if logged != (c.want != "") || logged && got != c.want {
			t.Errorf("%s: got %q, %v", c.line, got, logged)
		}
	}
	if got, logged := (telemetry.Format{}).Function(at, `{"level":"debug"}`); !logged || got != `{"level":"debug"}` {
		t.Errorf("a text log: %q", got)
	}
}

// A sandbox is a listener that the hub reaches at 127.0.0.1 and any port.
type sandbox struct {
	t   *testing.T
	hub *telemetry.Hub
	srv *httptest.Server

	mu     sync.Mutex
	got    []string
	refuse int
	come   chan struct{}
}

func newSandbox(t *testing.T, isJSON bool) *sandbox {
	s := &sandbox{t: t, come: make(chan struct{}, 1000)}
	s.srv = httptest.NewServer(http.HandlerFunc(s.serve))
	t.Cleanup(s.srv.Close)
	s.hub = telemetry.NewHub(func(network, address string) (net.Conn, error) {
		if address != "127.0.0.1:8080" {
			t.Errorf("dials %s", address)
		}
		return net.Dial(network, s.srv.Listener.Addr().String())
	}, isJSON, func(r telemetry.Record) { s.hub.Record(at, r) })
	t.Cleanup(s.hub.Close)
	return s
}

func (s *sandbox) serve(w http.ResponseWriter, r *http.Request) {
	var batch []json.RawMessage
	body, _ := io.ReadAll(r.Body)
	if err := json.Unmarshal(body, &batch); err != nil || r.Method != "POST" || r.URL.Path != "/in" || r.Host != "sandbox.localdomain:8080" {
		s.t.Errorf("%s %s %s: %s, %v", r.Method, r.Host, r.URL, body, err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.refuse > 0 {
		s.refuse--
		w.WriteHeader(http.StatusInternalServerError)
		return
	}
	for _, b := range batch {
		s.got = append(s.got, string(b))
	}
	s.come <- struct{}{}
}

func (s *sandbox) subscribe(api telemetry.API, version, types string) {
	s.t.Helper()
	body := `{"schemaVersion":"` + version + `","types":[` + types + `],"buffering":{"timeoutMs":25},"destination":{"protocol":"HTTP","URI":"http://sandbox.localdomain:8080/in"}}`
	if answer, err := s.hub.Subscribe("x", api, []byte(body)); err != nil || answer != `"OK"` {
		s.t.Errorf("got %s, %v", answer, err)
	}
}

func (s *sandbox) received() string {
	s.hub.Flush(s.t.Context())
	s.mu.Lock()
	defer s.mu.Unlock()
	return strings.Join(s.got, "\n")
}

func TestSubscriberGetsWhatWasBeforeItAndWhatItAskedFor(t *testing.T) {
	s := newSandbox(t, true)
	s.hub.Record(at, telemetry.InitStart{InitializationType: telemetry.OnDemand, Phase: "init", FunctionName: "f", FunctionVersion: "1"})
	s.hub.Line(at, telemetry.FromExtension, "not wanted\n")
	s.subscribe(telemetry.Telemetry, "2022-12-13", `"platform","function"`)
	s.hub.CloseSubscriptions()
	s.hub.Line(at, telemetry.FromFunction, "text\n")
	s.hub.Line(at, telemetry.FromFunction, `{"level":"INFO"}`+"\n")
	s.hub.Record(at, telemetry.End{RequestID: "id"})
	want := `{"time":"2026-03-04T17:22:38.033Z","type":"platform.initStart","record":{"initializationType":"on-demand","phase":"init","functionName":"f","functionVersion":"1"}}
{"time":"2026-03-04T17:22:38.033Z","type":"platform.telemetrySubscription","record":{"name":"x","state":"Subscribed","types":["platform","function"]}}
{"time":"2026-03-04T17:22:38.033Z","type":"function","record":"text\n"}
{"time":"2026-03-04T17:22:38.033Z","type":"function","record":{"level":"INFO"}}`
	if got := s.received(); got != want {
		t.Errorf("got %s", got)
	}
}

func TestSubscriberOfTheLogsAPIGetsItsRecords(t *testing.T) {
	s := newSandbox(t, true)
	s.hub.Record(at, telemetry.InitStart{})
	s.subscribe(telemetry.Logs, "2020-08-15", `"platform","function"`)
	for _, r := range []telemetry.Record{
		telemetry.Start{RequestID: "id", Version: "1", FunctionARN: "arn"}, telemetry.RuntimeDone{RequestID: "id"},
		telemetry.Fault{RequestID: "id", ErrorType: "E", Message: "m"}, telemetry.End{RequestID: "id"}, report(telemetry.Failed, "E"),
	} {
		s.hub.Record(at, r)
	}
	s.hub.Line(at, telemetry.FromFunction, "{}\n")
	want := `{"time":"2026-03-04T17:22:38.033Z","type":"platform.logsSubscription","record":{"name":"x","state":"Subscribed","types":["platform","function"]}}
{"time":"2026-03-04T17:22:38.033Z","type":"platform.start","record":{"requestId":"id","version":"1"}}
{"time":"2026-03-04T17:22:38.033Z","type":"platform.fault","record":"RequestId: id Error: m\nE"}
{"time":"2026-03-04T17:22:38.033Z","type":"platform.end","record":{"requestId":"id"}}
{"time":"2026-03-04T17:22:38.033Z","type":"platform.report","record":{"requestId":"id","metrics":{"durationMs":2.5,"billedDurationMs":3,"memorySizeMB":128,"maxMemoryUsedMB":30,"initDurationMs":1.0}}}
{"time":"2026-03-04T17:22:38.033Z","type":"function","record":"{}\n"}`
	if got := s.received(); got != want {
		t.Errorf("got %s", got)
	}
}

func TestBatchIsSentWhenItsTimeIsOverAndAgainIfItFails(t *testing.T) {
	s := newSandbox(t, false)
	s.refuse = 2
	s.subscribe(telemetry.Telemetry, "2025-01-29", `"function"`)
	s.hub.Line(at, telemetry.FromFunction, "a\n")
	<-s.come
	if got := s.received(); strings.Count(got, `"a\n"`) != 1 {
		t.Errorf("got %s", got)
	}
}

func TestSlowSubscriberLearnsWhatItMissed(t *testing.T) {
	s := newSandbox(t, false)
	s.subscribe(telemetry.Telemetry, "2025-01-29", `"platform","function"`)
	s.mu.Lock() // it does not answer
	line := strings.Repeat("x", 100<<10) + "\n"
	for range 20 {
		s.hub.Line(at, telemetry.FromFunction, line)
	}
	s.mu.Unlock()
	for range s.come {
		if got := s.received(); strings.Contains(got, `"type":"platform.logsDropped","record":{"reason":"Some logs were dropped because the downstream consumer is slower than the logs production rate","droppedRecords":`) {
			return
		}
	}
}

func TestSubscriptionsAreChecked(t *testing.T) {
	const rest = `"types":["platform"],"destination":{"protocol":"HTTP","URI":"http://sandbox:1"}`
	const good = `{"schemaVersion":"2022-07-01",` + rest + `}`
	s := newSandbox(t, false)
	check := func(api telemetry.API, body, want string) {
		t.Helper()
		answer, err := s.hub.Subscribe("x", api, []byte(body))
		if err != nil {
			answer = err.Error()
		}
		if !strings.HasPrefix(answer, want) {
			t.Errorf("%s: got %s, want %s", body, answer, want)
		}
	}
	check(telemetry.Telemetry, `{`, "ValidationError: unexpected end of JSON input")
	check(telemetry.Telemetry, `{`+rest+`}`, "ValidationError: schemaVersion")
	check(telemetry.Logs, good, "Logs.ValidationError: schemaVersion")
	for from, to := range map[string]string{
		`["platform"]`: `[]`, `"platform"`: `"platform","platform"`, `platform`: `odd`, `:1"`: `"`, `HTTP`: `UDP`, `:1`: `:9001`,
		`{"schema`: `{"buffering":{"maxItems":999},"schema`, `"schemaVersion`: `"buffering":{"timeoutMs":24},"schemaVersion`, `{"s`: `{"buffering":{"maxBytes":1048577},"s`,
	} {
		check(telemetry.Telemetry, strings.Replace(good, from, to, 1), "ValidationError: ")
	}
	check(telemetry.Telemetry, strings.Replace(good, "http:", "https:", 1), "Telemetry.AccessDenied: Only 'http' scheme is supported.")
	check(telemetry.Telemetry, strings.Replace(good, "sandbox:", "10.0.0.1:", 1), "Telemetry.AccessDenied: Only 'sandbox.localdomain' hostname is supported.")
	s.hub = telemetry.NewHub(func(string, string) (net.Conn, error) { return nil, net.ErrClosed }, false, func(telemetry.Record) {})
	defer s.hub.Close()
	check(telemetry.Telemetry, good, `"OK"`)
	check(telemetry.Telemetry, good, `"AlreadySubscribed"`)
	check(telemetry.Logs, `{`+rest+`}`, "Logs.ValidationError: The extension x is already subscribed to the TelemetryAPI.")
	s.hub.CloseSubscriptions()
	check(telemetry.Telemetry, good, "Telemetry.SubscriptionClosed: Telemetry API subscription is closed already")
}

func TestLinesComeByTCP(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	h := telemetry.NewHub(func(network, _ string) (net.Conn, error) { return net.Dial(network, l.Addr().String()) }, false, func(telemetry.Record) {})
	defer h.Close()
	_, err = h.Subscribe("x", telemetry.Telemetry, []byte(`{"schemaVersion":"2022-07-01","types":["function"],"destination":{"protocol":"TCP","port":8080}}`))
	if err != nil {
		t.Fatal(err)
	}
	h.Line(at, telemetry.FromFunction, "a\n")
	h.Line(at, telemetry.FromFunction, "b\n")
	h.Flush(context.Background())
	c, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	want := `{"time":"2026-03-04T17:22:38.033Z","type":"function","record":"a\n"}` + "\n" + `{"time":"2026-03-04T17:22:38.033Z","type":"function","record":"b\n"}` + "\n"
	got := make([]byte, len(want))
	if _, err := io.ReadFull(c, got); err != nil || string(got) != want {
		t.Errorf("got %s, %v", got, err)
	}
}

func TestSubscriptionsOfAnEnvironmentAreFew(t *testing.T) {
	h := telemetry.NewHub(func(string, string) (net.Conn, error) { return nil, net.ErrClosed }, false, func(telemetry.Record) {})
	defer h.Close()
	for port := 8000; ; port++ {
		body := fmt.Sprintf(`{"schemaVersion":"2022-07-01","types":["function"],"destination":{"protocol":"TCP","port":%d}}`, port)
		if _, err := h.Subscribe("x", telemetry.Telemetry, []byte(body)); err == nil && port < 8010 {
			continue
		} else if err == nil || port < 8010 || !strings.HasPrefix(err.Error(), "Telemetry.TooManySubscriptions: ") {
			t.Errorf("subscription %d: got %v", port-7999, err)
		}
		return
	}
}
