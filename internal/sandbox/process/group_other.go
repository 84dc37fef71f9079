//go:build !unix

package process

import (
	"os"
	"os/exec"
	"time"
)

// ownGroup has no groups to give here; children that outlive their parent lose its output.
func ownGroup(c *exec.Cmd) { c.WaitDelay = time.Second }

func killGroup(p *os.Process) { _ = p.Kill() } // an error: gone

func signalOf(*os.ProcessState) os.Signal { return nil }
