package lambda_test

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
)

// leveled writes one line of each level, as JSON, and one that is none.
const leveled = `
import logging
def handler(event, context):
    log = logging.getLogger()
    log.setLevel("DEBUG")
    for level in ("debug", "info", "warning", "error"):
        getattr(log, level)("a line of " + level)
    print("a bare line")
`

func TestLogsAreJSONWithTheLevelsThatAreAskedFor(t *testing.T) {
	needs(t, "python3")
	t.Parallel()
	w := newWorld(t)
	in := python(leveled)
	in.LoggingConfig = &types.LoggingConfig{
		LogFormat: types.LogFormatJson, ApplicationLogLevel: types.ApplicationLogLevelError, SystemLogLevel: types.SystemLogLevelInfo,
	}
	out := w.create("f", in)
	if c := out.LoggingConfig; c.LogFormat != types.LogFormatJson || c.ApplicationLogLevel != "ERROR" || c.SystemLogLevel != "INFO" {
		t.Errorf("configuration %+v", c)
	}
	w.invoke("f", `{}`)
	text := w.logOf("f", "platform.report")
	var seen []string
	for line := range strings.Lines(text) {
		m := fields(t, line)
		switch {
		case m["type"] != nil:
			seen = append(seen, m["type"].(string))
		case m["message"] != nil:
			seen = append(seen, m["level"].(string)+" "+m["message"].(string))
		}
	}
	if got, want := strings.Join(seen, ", "), "platform.initStart, platform.start, ERROR a line of error, platform.report"; got != want {
		t.Errorf("the log has %s\nwant %s\n%s", got, want, text)
	}
}

func TestLevelsAreAMatterOfJSON(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	in := python("def handler(e, c): pass")
	in.FunctionName, in.Role = aws.String("f"), aws.String(w.role("r"))
	in.LoggingConfig = &types.LoggingConfig{LogFormat: types.LogFormatText, ApplicationLogLevel: types.ApplicationLogLevelDebug}
	_, err := w.lambda.CreateFunction(w.ctx, in)
	wantError(t, err, "InvalidParameterValueException", `LogLevel is not supported when LogFormat is set to "Text".`)
}
