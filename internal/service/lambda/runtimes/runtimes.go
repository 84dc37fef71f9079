// Package runtimes knows the runtimes that functions ask for, the host's interpreters that serve them, and the programs
// that connect the two with the Runtime API.
package runtimes

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"redoubt/internal/sandbox"
)

// Family is what a runtime is made of.
type Family string

// The families.
const (
	Python   Family = "python"
	Node     Family = "nodejs"
	Provided Family = "provided" // the package brings its own program
)

// A Runtime can run functions on this host.
type Runtime struct {
	Name   string
	Family Family
	// Program is the interpreter and Roots what a sandbox must see of the host to run it.
	Program string
	Roots   []string
	Client  *Client // what the interpreter runs, nil for Provided
}

// Catalog is the runtimes of this host. It is safe for concurrent use.
type Catalog struct {
	mapped map[string]string

	mu       sync.Mutex
	runtimes map[string]*Runtime
	found    map[string]func() (*host, error) // what was looked for on PATH, by the name of the program
}

// known are the runtimes that can be had, by family. AWS's list of current ones, and those that it has deprecated but
// still runs: https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtimes.html
var known = map[string]Family{
	"python3.9": Python, "python3.10": Python, "python3.11": Python, "python3.12": Python, "python3.13": Python, "python3.14": Python,
	"nodejs18.x": Node, "nodejs20.x": Node, "nodejs22.x": Node, "nodejs24.x": Node,
	"provided.al2": Provided, "provided.al2023": Provided,
}

// New returns the catalog of this host. mapped gives the interpreters of runtimes that are not on PATH by a usual name:
// python3 and node, or python3.12 and node22. Nothing is run before a runtime is asked for.
func New(mapped map[string]string) (*Catalog, error) {
	for name := range mapped {
		if f, ok := known[name]; !ok || f == Provided {
			return nil, fmt.Errorf("runtime %q: interpreters can be given for %s", name, strings.Join(interpreted(), ", "))
		}
	}
	return &Catalog{mapped: mapped, runtimes: map[string]*Runtime{}, found: map[string]func() (*host, error){}}, nil
}

func supported() []string { return slices.SortedFunc(maps.Keys(known), newer) }

func interpreted() []string {
	names := supported()
	return slices.DeleteFunc(names, func(n string) bool { return known[n] == Provided })
}

// Find returns a runtime, or an error that tells how to get it.
func (c *Catalog) Find(name string) (*Runtime, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if r := c.runtimes[name]; r != nil {
		return r, nil
	}
	r, err := c.findLocked(name)
	if err == nil {
		c.runtimes[name] = r
	}
	return r, err
}

func (c *Catalog) findLocked(name string) (*Runtime, error) {
	family, ok := known[name]
	if !ok {
		return nil, fmt.Errorf("The runtime %s is not supported by Redoubt yet. It supports %s", name, strings.Join(supported(), ", "))
	}
	if family == Provided { // it may be a script, or need the libraries of the system
		_, roots, err := sandbox.Interpreter("/bin/sh")
		return &Runtime{Name: name, Family: family, Roots: roots}, err
	}
	if path := c.mapped[name]; path != "" {
		h, err := examine(path, inspect[family])
		if err != nil {
			return nil, fmt.Errorf("The runtime %s is not available on this host: its interpreter %s cannot be used: %w", name, path, err)
		}
		if h.runtime != name {
			return nil, fmt.Errorf("The runtime %s is not available on this host: its interpreter %s is %s, but must be of the runtime's own version", name, path, h.runtime)
		}
		return h.serve(name, family), nil
	}
	h, err := c.lookLocked(plain[family], family)
	if err == nil && h.runtime == name {
		return h.serve(name, family), nil
	}
	if h, err := c.lookLocked(versioned(name), family); err == nil && h.runtime == name {
		return h.serve(name, family), nil
	}
	if err != nil {
		return nil, fmt.Errorf("The runtime %s is not available on this host: %w. Install it, or start the server with --runtime %s=PATH", name, err, name)
	}
	return nil, fmt.Errorf("The runtime %s is not available on this host, whose PATH has %s. Use that, or install the other one and start the server with --runtime %s=PATH",
		name, h.runtime, name)
}
