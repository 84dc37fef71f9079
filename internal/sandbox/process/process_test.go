package process_test

import (
	"os"
	"testing"

	"redoubt/internal/sandbox/engine"
	"redoubt/internal/sandbox/process"
	"redoubt/internal/sandbox/sandboxtest"
)

func TestMain(m *testing.M) {
	sandboxtest.Main()
	os.Exit(m.Run())
}

func TestBasics(t *testing.T) {
	sandboxtest.Basics(t, func(t *testing.T, stateDir string) engine.Engine {
		e, err := process.Open(engine.Options{StateDir: stateDir, AllowWeaker: true}, nil)
		if err != nil {
			t.Fatal(err)
		}
		return e
	})
}
