package main

import (
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"redoubt/internal/sandbox"
)

func TestMain(m *testing.M) {
	sandbox.Main()
	testscript.Main(m, map[string]func(){"redoubt": main})
}

func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{Dir: "testdata/script", Setup: func(e *testscript.Env) error {
		e.Setenv("XDG_DATA_HOME", e.WorkDir+"/xdg")
		e.Setenv("REDOUBT_ALLOW_WEAKER_SANDBOX", "true") // for ordinary users, whose hosts often give them no control groups
		return nil
	}})
}
