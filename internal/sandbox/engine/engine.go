// Package engine says what it means to run untrusted code: the contract that every sandbox engine keeps.
package engine

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
)

// ErrNotLoaded means that a Spec names code that LoadCode has not seen, or that was lost with a crashed helper process.
// Load it again, then start again.
var ErrNotLoaded = errors.New("code is not loaded")

// An ExecError means that the system does not execute the program that a Spec names.
type ExecError struct {
	Program string // as it is seen inside
	Err     error  // the system's reason
}

func (e *ExecError) Error() string { return "running " + e.Program + ": " + e.Err.Error() }
func (e *ExecError) Unwrap() error { return e.Err }

// ErrClosed means that the engine was closed.
var ErrClosed = errors.New("sandbox engine is closed")

// An Engine runs environments. Its methods may be called concurrently.
type Engine interface {
	// Start runs Argv in a new environment. The context bounds the start, not the life of the environment.
	Start(ctx context.Context, s Spec) (Environment, error)
	// LoadCode unpacks the archives, later ones over earlier ones, under an id that Specs refer to.
	// Loading a known id again changes nothing: an id stands for one content for ever.
	LoadCode(ctx context.Context, id string, archives ...Archive) error
	// DropCode frees what LoadCode took. Running environments keep their code until they end.
	DropCode(id string) error
	// Weaknesses lists the layers that this host cannot give. None means full strength.
	Weaknesses() []Weakness
	// Close kills everything that the engine started.
	Close() error
}

// An Environment is one running sandbox.
type Environment interface {
	// RuntimeAPI listens on 127.0.0.1:9001 of the sandbox's own network. The caller serves and closes it.
	RuntimeAPI() net.Listener
	// ServerAPI listens on 127.0.0.1:4566, or Spec.ServerPort, of the sandbox's own network. The caller serves and closes it.
	ServerAPI() net.Listener
	// Freeze stops all processes where they are; Thaw lets them go on. Both are idempotent.
	Freeze() error
	Thaw() error
	// SetCPU changes the share of processors: AWS lets a function have more while it initialises.
	SetCPU(vcpus float64) error
	// Signal sends a signal to the process that Argv started.
	Signal(os.Signal) error
	// Kill ends all processes at once. Wait tells when they are gone.
	Kill()
	// Wait returns when all processes are gone and all their output was written.
	Wait() Exit
	// Usage is what the environment has used until now; after its end, in all.
	Usage() Usage
}

// A Spec says what to run and what it may use. Zero limits mean the engine's defaults.
type Spec struct {
	Argv []string // the program, looked for in Env's PATH inside the sandbox, with its arguments
	Env  []string // the whole environment: nothing is inherited
	Dir  string   // working directory, /var/task if empty

	Code    string   // id of loaded code, seen at /var/task
	Layers  []string // ids of loaded code, merged in order at /opt
	Runtime string   // id of loaded code, seen at /var/runtime: the runtime client

	Interpreter []string // further paths of the host that the sandbox sees, read-only, at the same place

	Memory     int64   // bytes
	Tmp        int64   // bytes of /tmp
	CPU        float64 // virtual CPUs
	Processes  int     // processes and threads
	Files      int     // open files per process
	ServerPort int     // where ServerAPI listens, 4566 if 0

	Stdout io.Writer // both may be one writer; writes then never overlap
	Stderr io.Writer
}

// An Archive is a zip file.
type Archive interface {
	io.ReaderAt
	Size() int64
}

// Exit tells how an environment ended.
type Exit struct {
	Code   int       // exit code of the process that Argv started
	Signal os.Signal // the signal that ended it, or nil
	OOM    bool      // the memory limit ended a process of it
	Err    error     // the engine lost the environment: why
}

// Usage is what an environment has used.
type Usage struct {
	MaxMemory int64 // bytes at the highest point, 0 where the host does not count
	Processes int   // processes and threads now
}

// A Weakness is a layer of protection that this host cannot give.
type Weakness struct {
	Layer    string // user, cgroup, landlock, ...
	Protects string // what it would keep from whom
	Remedy   string // how to get it
}
