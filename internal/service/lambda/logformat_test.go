package lambda_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
)

// kinds are the types of the records in a log, and the lines that are none.
func kinds(t *testing.T, log string) (all []string) {
	for line := range strings.Lines(log) {
		var record struct{ Type string }
		if json.Unmarshal([]byte(line), &record) != nil || record.Type == "" {
			record.Type = strings.TrimSpace(line)
		}
		all = append(all, record.Type)
	}
	return all
}

func TestLogIsInTheFormatOfTheFunction(t *testing.T) {
	needs(t, "python3")
	t.Parallel()
	w := newWorld(t)
	const code = "import os\ndef handler(e, c):\n    if 'exit' in e: os._exit(3)\n    print(e.get('print', ''))\n"
	const debug = `{"level":"debug","timestamp":"2026-01-01T00:00:00Z"}`
	for name, c := range map[string]struct {
		config types.LoggingConfig
		want   string
	}{
		"json":  {types.LoggingConfig{}, "[platform.start plain platform.report]"},
		"warn":  {types.LoggingConfig{SystemLogLevel: types.SystemLogLevelWarn}, "[plain]"},
		"error": {types.LoggingConfig{ApplicationLogLevel: types.ApplicationLogLevelError}, "[platform.start platform.report]"},
		"debug": {types.LoggingConfig{ApplicationLogLevel: types.ApplicationLogLevelDebug, SystemLogLevel: types.SystemLogLevelDebug},
			"[platform.start plain " + debug + " platform.runtimeDone platform.report]"},
	} {
		in := python(code)
		c.config.LogFormat = types.LogFormatJson
		in.LoggingConfig = &c.config
		w.create(name, in)
		w.invoke(name, `{}`) // with the lines of the initialisation
		got := w.invoke(name, string(must(json.Marshal(map[string]string{"print": "plain\n" + debug}))))
		if kinds := fmt.Sprint(kinds(t, got.log)); kinds != c.want {
			t.Errorf("%s: got %s, want %s", name, kinds, c.want)
		}
	}
	in := python(code)
	in.LoggingConfig = &types.LoggingConfig{LogFormat: types.LogFormatJson, SystemLogLevel: types.SystemLogLevelWarn}
	w.create("fails", in)
	got := w.invoke("fails", `{"exit":3}`)
	inOrder(t, got.log, `"type":"platform.runtimeDone","record":{"requestId":"[^"]*","status":"error","errorType":"Runtime.ExitError"`,
		`"type":"platform.report","record":{.*"status":"error","errorType":"Runtime.ExitError"`)
}

func must(b []byte, err error) []byte {
	if err != nil {
		panic(err)
	}
	return b
}
