package runtimes

import (
	"fmt"
	"os/exec"
	"strings"
	"sync"

	"redoubt/internal/sandbox"
)

// host is an interpreter of this host.
type host struct {
	runtime string // that it can serve
	program string
	roots   []string
	client  *Client
}

func (h *host) serve(name string, family Family) *Runtime {
	return &Runtime{Name: name, Family: family, Program: h.program, Roots: h.roots, Client: h.client}
}

// plain is what the interpreters are called that have no version in their names.
var plain = map[Family]string{Python: "python3", Node: "node"}

// versioned is what the interpreter of a runtime is called beside other versions.
func versioned(runtime string) string {
	if major, ok := strings.CutPrefix(strings.TrimSuffix(runtime, ".x"), "nodejs"); ok {
		return "node" + major
	}
	return runtime
}

// lookLocked looks for a program on PATH once.
func (c *Catalog) lookLocked(program string, family Family) (*host, error) {
	if c.found[program] == nil {
		c.found[program] = sync.OnceValues(func() (*host, error) { return discover(program, inspect[family]) })
	}
	return c.found[program]()
}

// inspect asks an interpreter which runtime it can serve, and makes its client.
var inspect = map[Family]func(program string) (string, *Client, error){Python: pythonClient, Node: nodeRuntime}

// discover finds a program on PATH, past the scripts that version managers put in its place.
func discover(name string, inspect func(string) (string, *Client, error)) (*host, error) {
	path, err := exec.LookPath(name)
	if err != nil {
		return nil, fmt.Errorf("there is no %s on PATH", name)
	}
	h, err := examine(path, inspect)
	if err != nil {
		return nil, fmt.Errorf("%s cannot be used: %w", path, err)
	}
	return h, nil
}

func examine(path string, inspect func(string) (string, *Client, error)) (*host, error) {
	program, roots, err := sandbox.Interpreter(path)
	if err != nil {
		return nil, err
	}
	runtime, client, err := inspect(program)
	if err != nil {
		return nil, fmt.Errorf("asking it for its version: %w", err)
	}
	return &host{runtime, program, roots, client}, nil
}
