//go:build linux

package namespace

import (
	"fmt"
	"os"
	"runtime/debug"
)

// spawnerName is the first argument that makes this program a spawner.
const spawnerName = "redoubt-spawner"

// controlFile is the spawner's end of the socket pair.
const controlFile = 3

// Main turns a process that was started as a spawner into one, and then never returns.
func Main() {
	if len(os.Args) == 0 || os.Args[0] != spawnerName {
		return
	}
	debug.SetGCPercent(50)
	if err := spawn(os.NewFile(controlFile, "control")); err != nil {
		fmt.Fprintln(os.Stderr, "redoubt spawner:", err)
		os.Exit(1)
	}
	os.Exit(0)
}
