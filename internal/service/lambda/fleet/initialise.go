package fleet

import (
	"strings"
	"time"

	"redoubt/internal/service/lambda/runtimeapi"
	"redoubt/internal/service/lambda/telemetry"
)

// initialise waits until the runtime, and then the extensions, ask for their first event. It returns nil then, or why they
// did not.
func (e *environment) initialise(limit time.Duration) *result {
	timer := time.NewTimer(limit)
	defer timer.Stop()
	failed := e.startPrograms(timer.C)
	if failed == nil {
		failed = e.await(e.api.Started(), timer.C)
		e.out.platform(e.runtimeDone(failed))
	}
	if failed == nil {
		failed = e.await(e.api.Ready(), timer.C)
	}
	extensions := e.api.Extensions()
	e.extended.Store(len(extensions) > 0)
	e.hub.CloseSubscriptions()
	for _, x := range extensions {
		e.out.platform(x)
	}
	return failed
}

// startPrograms starts external extensions and, when they have registered, the runtime. Without them it was started with
// the sandbox.
func (e *environment) startPrograms(timeout <-chan time.Time) *result {
	if len(e.plan.Extensions) == 0 && !e.held {
		return nil
	}
	if len(e.plan.Extensions) == 0 {
		return e.runRuntime().result()
	}
	if failure := e.runExtensions(); failure != nil {
		return &result{failure: failure, kind: failure.Type}
	}
	if failed := e.await(e.api.Registered(), timeout); failed != nil {
		return failed
	}
	return e.runRuntime().result()
}

// result is how an initialisation went that f has ended, or nil if there is no f.
func (f *Failure) result() *result {
	if f == nil {
		return nil
	}
	return &result{failure: f, kind: f.Type}
}

// await waits for a step of the initialisation.
func (e *environment) await(step <-chan struct{}, timeout <-chan time.Time) *result {
	reported := func(a runtimeapi.Answer) *result {
		return &result{payload: a.Payload, kind: a.ErrorType, reported: true}
	}
	select {
	case <-step:
		return nil
	case a := <-e.api.InitFailed():
		return reported(a)
	case <-e.alive.Done():
		select {
		case a := <-e.api.InitFailed(): // it said why, and exited
			return reported(a)
		default:
			return e.exited()
		}
	case <-timeout:
		return &result{timedOut: true}
	}
}

func (fn *Function) initStart(plan *Blueprint, initType, phase string) telemetry.InitStart {
	_, name := fn.account()
	return telemetry.InitStart{
		InitializationType: initType, Phase: phase, RuntimeVersion: plan.RuntimeVersion, RuntimeVersionARN: plan.RuntimeVersionARN,
		FunctionName: name, FunctionVersion: fn.Version, InstanceMaxMemory: fn.MemoryMB,
	}
}

func (fn *Function) initType() string {
	if fn.provisioned {
		return telemetry.Provisioned
	}
	return telemetry.OnDemand
}

// account and name of the function, from its ARN.
func (fn *Function) account() (account, name string) {
	parts := strings.Split(fn.ARN, ":")
	if len(parts) < 7 {
		return "", fn.ARN
	}
	return parts[4], parts[6]
}

func (e *environment) runtimeDone(failed *result) telemetry.InitRuntimeDone {
	r := telemetry.InitRuntimeDone{InitializationType: e.initType, Phase: e.out.phase, Status: telemetry.Success}
	if failed != nil {
		r.Status, r.ErrorType = failed.status()
	}
	return r
}

// initReport tells how an initialisation went.
func (e *environment) initReport(took time.Duration, failed *result) telemetry.InitReport {
	r := telemetry.InitReport{
		InitializationType: e.initType, Phase: e.out.phase, Status: telemetry.Success, Metrics: telemetry.InitMetrics{Duration: telemetry.Millis(took)},
	}
	if failed != nil {
		r.Status, r.ErrorType = failed.status()
	}
	return r
}
