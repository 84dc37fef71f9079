package telemetry

import (
	"fmt"
	"strings"
)

// Types of initialisation.
const (
	OnDemand    = "on-demand"
	Provisioned = "provisioned-concurrency"
)

// Phases in which an environment initialises: the second is within an invocation, after the first has failed.
const (
	InInit   = "init"
	InInvoke = "invoke"
)

// The statuses of a phase.
const (
	Success = "success"
	Failure = "failure" // the function says so, or the sandbox is lost
	Failed  = "error"   // the runtime or an extension broke
	Timeout = "timeout"
)

// InitStart tells that an environment begins to initialise.
type InitStart struct {
	InitializationType string `json:"initializationType"`
	Phase              string `json:"phase"`
	RuntimeVersion     string `json:"runtimeVersion,omitempty"`
	RuntimeVersionARN  string `json:"runtimeVersionArn,omitempty"`
	FunctionName       string `json:"functionName"`
	FunctionVersion    string `json:"functionVersion"`
	InstanceID         string `json:"instanceId,omitempty"`
	InstanceMaxMemory  int    `json:"instanceMaxMemory,omitempty"`
}

// Kind implements Record.
func (InitStart) Kind() string { return "platform.initStart" }

// Line implements Record. A text log has one only where Lambda keeps the runtime, and nothing of later attempts.
func (r InitStart) Line() string {
	if r.RuntimeVersion == "" || r.Phase != InInit {
		return ""
	}
	return "INIT_START Runtime Version: " + r.RuntimeVersion + "\tRuntime Version ARN: " + r.RuntimeVersionARN + "\n"
}

func (r InitStart) level() Level {
	if r.RuntimeVersion == "" {
		return Debug
	}
	return Info
}

// InitRuntimeDone tells that the runtime has initialised, or why it has not.
type InitRuntimeDone struct {
	InitializationType string `json:"initializationType"`
	Phase              string `json:"phase"`
	Status             string `json:"status"`
	ErrorType          string `json:"errorType,omitempty"`
}

// Kind implements Record.
func (InitRuntimeDone) Kind() string { return "platform.initRuntimeDone" }

// Line implements Record.
func (InitRuntimeDone) Line() string { return "" }

func (r InitRuntimeDone) level() Level { return unless(r.Status, Debug) }

// unless is a warning unless all went well.
func unless(status string, success Level) Level {
	if status == Success {
		return success
	}
	return Warn
}

// InitReport tells how the initialisation went, extensions included.
type InitReport struct {
	InitializationType string      `json:"initializationType"`
	Phase              string      `json:"phase"`
	Status             string      `json:"status"`
	ErrorType          string      `json:"errorType,omitempty"`
	Metrics            InitMetrics `json:"metrics"`
}

// InitMetrics are those of an InitReport.
type InitMetrics struct {
	Duration Millis `json:"durationMs"`
}

// Kind implements Record.
func (InitReport) Kind() string { return "platform.initReport" }

// Line implements Record. An initialisation on demand that succeeds has its place in the REPORT line.
func (r InitReport) Line() string {
	if r.Status == Success {
		if r.InitializationType == OnDemand {
			return ""
		}
		return fmt.Sprintf("INIT_REPORT Init Duration: %.2f ms\n", r.Metrics.Duration.ms())
	}
	line := fmt.Sprintf("INIT_REPORT Init Duration: %.2f ms\tPhase: %s\tStatus: %s", r.Metrics.Duration.ms(), r.Phase, r.Status)
	if r.ErrorType != "" {
		line += "\tError Type: " + r.ErrorType
	}
	return line + "\n"
}

func (r InitReport) level() Level {
	if r.InitializationType == OnDemand {
		return unless(r.Status, Debug)
	}
	return unless(r.Status, Info)
}

// Extension tells how far an extension has come when the initialisation ends.
type Extension struct {
	Name      string   `json:"name"`
	State     string   `json:"state"`
	Events    []string `json:"events"`
	ErrorType string   `json:"errorType,omitempty"`
}

// Kind implements Record.
func (Extension) Kind() string { return "platform.extension" }

// Line implements Record.
func (r Extension) Line() string {
	line := "EXTENSION\tName: " + r.Name + "\tState: " + r.State + "\tEvents: [" + strings.Join(r.Events, ", ") + "]"
	if r.ErrorType != "" {
		line += "\tError Type: " + r.ErrorType
	}
	return line + "\n"
}

func (r Extension) level() Level {
	if r.ErrorType != "" || r.State != "Ready" {
		return Warn
	}
	return Info
}
