//go:build linux

package namespace

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync"

	"golang.org/x/sys/unix"

	"redoubt/internal/network/gate"
	"redoubt/internal/sandbox/engine"
)

// An Engine is the server's side: it speaks to the spawner and serves the environments.
type Engine struct {
	options    engine.Options
	setup      setup
	weaknesses []engine.Weakness
	gate       *gate.Gate // to what functions may reach; nil for nothing

	mu     sync.Mutex
	helper *helper // the spawner; started again when it was lost
	closed bool
}

// Unavailable means that this host does not let this user make jails at all.
type Unavailable struct {
	Weakness engine.Weakness
	Err      error
}

func (u *Unavailable) Error() string { return u.Weakness.Protects + ": " + u.Err.Error() }
func (u *Unavailable) Unwrap() error { return u.Err }

// Open starts an engine. It refuses a host that lacks a layer unless the options allow it.
func Open(o engine.Options) (*Engine, error) {
	if os.Args[0] == spawnerName {
		// Going on would start spawners without end.
		fmt.Fprintln(os.Stderr, "redoubt: main, or TestMain of a test, must call sandbox.Main before anything else")
		os.Exit(1)
	}
	dir, err := filepath.Abs(o.StateDir)
	if err != nil {
		return nil, err
	}
	e := &Engine{options: o}
	e.setup = setup{
		Dir:        filepath.Join(dir, "sandbox"),
		Privileged: privileged(),
		Features:   features{Landlock: landlockABI()},
	}
	if err := os.MkdirAll(e.setup.Dir, 0o700); err != nil {
		return nil, err
	}
	if err := e.openGate(); err != nil {
		return nil, fmt.Errorf("opening the network of functions: %w", err)
	}
	if err := e.startHelper(); err != nil {
		return nil, errors.Join(err, e.closeGate())
	}
	if err := e.helper.pool.try(); err != nil {
		return nil, errors.Join(fmt.Errorf("opening the network of functions: %w", err), e.Close())
	}
	e.weaknesses = weaknesses(e.setup)
	if err := o.Accept(e.weaknesses); err != nil {
		return nil, errors.Join(err, e.Close())
	}
	return e, nil
}

// groupName names the control groups of one server: it is the same after a crash, and no other server's. Containers may
// see each other's groups and have the same path for different directories, which the inode tells apart.
func groupName(dir string) string {
	identity := dir
	var s unix.Stat_t
	if err := unix.Stat(dir, &s); err == nil {
		identity = fmt.Sprintf("%s %d %d", dir, s.Dev, s.Ino)
	}
	sum := sha256.Sum256([]byte(identity))
	return "redoubt-" + hex.EncodeToString(sum[:6])
}

// name is that of everything that the host's kernel keeps of this server.
func (e *Engine) name() string { return groupName(filepath.Dir(e.setup.Dir)) }

// startHelper starts the spawner. Groups are looked for each time: this also removes what a lost spawner left.
func (e *Engine) startHelper() error {
	e.setup.Cgroups = findCgroups(e.name())
	h, err := startHelper(e.setup, e.gate)
	if err != nil {
		return unavailable(err)
	}
	e.helper = h
	return nil
}

// live returns the spawner, a new one if the last was lost.
func (e *Engine) live() (*helper, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed {
		return nil, engine.ErrClosed
	}
	if e.helper.lost() {
		if err := e.startHelper(); err != nil {
			return nil, err
		}
	}
	return e.helper, nil
}

// withSpawner does something with the spawner, and once more with a new one if nobody had noticed yet that the last was lost.
func (e *Engine) withSpawner(do func(*helper) error) error {
	for again := false; ; again = true {
		h, err := e.live()
		if err != nil {
			return err
		}
		if err = do(h); again || !errors.Is(err, errLost) {
			return err
		}
	}
}

func (e *Engine) ask(ctx context.Context, q request) error {
	return e.withSpawner(func(h *helper) error {
		_, err := h.call(ctx, q)
		return err
	})
}

// Weaknesses lists the layers that this host cannot give.
func (e *Engine) Weaknesses() []engine.Weakness { return e.weaknesses }

// LoadCode unpacks archives into memory that only the spawner and its jails see.
func (e *Engine) LoadCode(ctx context.Context, id string, archives ...engine.Archive) error {
	q := request{Op: opLoad, Code: id, Limit: e.options.CodeLimit()}
	defer func() { closeAll(q.files) }()
	for _, a := range archives {
		f, err := inMemory(io.NewSectionReader(a, 0, a.Size()))
		if err != nil {
			return fmt.Errorf("handing over code: %w", err)
		}
		q.files, q.Sizes = append(q.files, f), append(q.Sizes, a.Size())
	}
	return e.ask(ctx, q)
}

// DropCode frees what LoadCode took.
func (e *Engine) DropCode(id string) error {
	return e.ask(context.Background(), request{Op: opDrop, Code: id})
}

// Close kills everything that the engine started and removes its control groups.
func (e *Engine) Close() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed {
		return nil
	}
	e.closed = true
	e.helper.close()
	if err := e.closeGate(); err != nil {
		return err
	}
	e.setup.Cgroups.remove()
	if err := os.Remove(e.setup.Dir); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// inMemory copies to a file that is on no disk.
func inMemory(r io.Reader) (*os.File, error) {
	fd, err := unix.MemfdCreate("redoubt", unix.MFD_CLOEXEC)
	if err != nil {
		return nil, err
	}
	f := os.NewFile(uintptr(fd), "memory")
	if _, err := io.Copy(f, r); err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}
