package lambda

import (
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"redoubt/internal/service/lambda/telemetry"
)

// Logging is how the log of a function is written, and where to.
type Logging struct {
	Group       string // "" for the one with the function's name
	JSON        bool
	Application types.ApplicationLogLevel // with JSON
	System      types.SystemLogLevel      // with JSON
}

// change takes over what a request gives. Levels are a matter of JSON alone.
// https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs-log-level.html
func (l *Logging) change(in *types.LoggingConfig) error {
	if in == nil {
		return nil
	}
	set(&l.Group, in.LogGroup)
	if in.LogFormat != "" {
		l.JSON = in.LogFormat == types.LogFormatJson
	}
	if !l.JSON {
		if in.ApplicationLogLevel != "" || in.SystemLogLevel != "" {
			return invalid(`LogLevel is not supported when LogFormat is set to "Text". Remove LogLevel from your request or change the LogFormat to "Json" and try again.`)
		}
		l.Application, l.System = "", ""
		return nil
	}
	l.Application = firstOf(in.ApplicationLogLevel, l.Application, types.ApplicationLogLevelInfo)
	l.System = firstOf(in.SystemLogLevel, l.System, types.SystemLogLevelInfo)
	return nil
}

// firstOf is the first of three that is not empty.
func firstOf[T ~string](a, b, c T) T {
	if a != "" {
		return a
	}
	if b != "" {
		return b
	}
	return c
}

func (f *Function) logGroup() string {
	if f.Logging.Group != "" {
		return f.Logging.Group
	}
	return "/aws/lambda/" + f.Name
}

func (f *Function) loggingConfig() *types.LoggingConfig {
	c := &types.LoggingConfig{LogFormat: types.LogFormatText, LogGroup: aws.String(f.logGroup())}
	if f.Logging.JSON {
		c.LogFormat, c.ApplicationLogLevel, c.SystemLogLevel = types.LogFormatJson, f.Logging.Application, f.Logging.System
	}
	return c
}

// format is how the fleet writes the log.
func (l *Logging) format() telemetry.Format {
	application, _ := telemetry.ParseLevel(string(l.Application))
	system, _ := telemetry.ParseLevel(string(l.System))
	return telemetry.Format{JSON: l.JSON, Application: application, System: system}
}

// environ is what a runtime is told of the format.
func (l *Logging) environ() map[string]string {
	if !l.JSON {
		return map[string]string{"AWS_LAMBDA_LOG_FORMAT": "Text"}
	}
	return map[string]string{"AWS_LAMBDA_LOG_FORMAT": "JSON", "AWS_LAMBDA_LOG_LEVEL": string(l.Application)}
}
