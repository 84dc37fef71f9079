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
	// Start makes a new environment and runs Argv in it. The context bounds the start, not the life of the environment.
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
	// Dial connects to a listener in the sandbox: tcp, to 127.0.0.1 and a port.
	Dial(network, address string) (net.Conn, error)
	// Freeze stops all processes where they are; Thaw lets them go on. Both are idempotent.
	Freeze() error
	Thaw() error
	// SetCPU changes the share of processors: AWS lets a function have more while it initialises.
	SetCPU(vcpus float64) error
	// Run starts one more program beside those that run. It returns when the program is executed, or with an *ExecError if
	// the system does not do so, and then the environment is as it was. It waits while the environment is frozen.
	Run(Program) (Process, error)
	// Flush returns when what programs have printed until now was handed to the writers. It reports whether the engine can
	// tell.
	Flush() bool
	// Signal sends a signal to the process that Argv started.
	Signal(os.Signal) error
	// Kill ends all processes at once, and the environment. Wait tells when they are gone.
	Kill()
	// Wait returns when all processes are gone and all their output was written.
	Wait() Exit
	// Usage is what the environment has used until now; after its end, in all.
	Usage() Usage
}

// A Program is one that Run starts.
type Program struct {
	Argv      []string // as in Spec
	Env       []string // as in Spec, whose own is not inherited either: what is known only now can be given now
	Dir       string   // as in Spec
	Extension bool     // what it prints goes to Spec.ExtensionOutput
}

// A Process is a program that Run started. The environment does not end with it.
type Process interface {
	// Signal sends a signal to the process. It fails with os.ErrProcessDone when that has ended.
	Signal(os.Signal) error
	// Wait returns when the process has ended, alone or with the environment, and all it had written was handed to the
	// writers. Processes that it started may go on.
	Wait() Exit
}

// A Spec says what to run and what it may use. Zero limits mean the engine's defaults.
type Spec struct {
	// Argv is the program, looked for in Env's PATH inside the sandbox, with its arguments. The environment ends with it.
	// Without one, Start prepares all that a program needs but runs none: the environment waits for Run, and lives until Kill.
	Argv []string
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

	Stdout          io.Writer // writers may be the same; writes then never overlap
	Stderr          io.Writer
	ExtensionOutput io.Writer // both outputs of programs that are extensions; nil discards them, as with the others
}

// An Archive is a zip file.
type Archive interface {
	io.ReaderAt
	Size() int64
}

// Exit tells how an environment, or one process of it, ended.
type Exit struct {
	Code   int       // exit code of the process that Argv or Run started
	Signal os.Signal // the signal that ended it, or nil; SIGKILL for an environment that was killed
	OOM    bool      // the memory limit ended a process of the environment; for one process: this one, or all together
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
