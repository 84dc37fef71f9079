package runtimeapi

import "net/http"

// State is how far a program has come.
type state uint8

const (
	started     state = iota
	registered        // an extension's
	ready             // waits for an event
	running           // has an event
	responding        // sends a response
	failing           // sends the error of an invocation
	sent              // has sent either
	initError         // says that it cannot initialise
	exitError         // says that it is about to fail
	launchError       // could not be started
)

// names are those that AWS's error messages have.
var names = [...]string{
	started: "Started", registered: "Registered", ready: "Ready", running: "Running", responding: "InvocationResponse",
	failing: "InvocationErrorResponse", sent: "RuntimeResponseSentState", initError: "InitError", exitError: "ExitError", launchError: "LaunchError",
}

func (s state) String() string { return names[s] }

const notAllowed = ". Error: State transition is not allowed"

// refuseState tells a runtime that it is not its turn.
func refuseState(w http.ResponseWriter, from, to state) {
	refuse(w, http.StatusForbidden, "InvalidStateTransition", "State transition from "+from.String()+" to "+to.String()+" failed for runtime"+notAllowed)
}
