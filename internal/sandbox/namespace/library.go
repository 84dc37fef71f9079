//go:build linux

package namespace

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"

	"redoubt/internal/sandbox/engine"
)

// A library holds unpacked code, merged layers and roots, in memory, for as long as somebody needs them.
type library struct {
	mu     sync.Mutex
	trees  map[string]*tree // by code id, or by the ids of merged layers
	roots  map[string]*tree // by host paths
	number int
}

// A tree is a directory of the library. Once dropped it goes with its last user.
type tree struct {
	dir     string
	parts   []string // of merged layers
	users   int
	dropped bool
	ready   chan struct{}
	err     error
}

func (l *library) open() {
	l.trees, l.roots = map[string]*tree{}, map[string]*tree{}
}

// load unpacks archives under an id.
func (l *library) load(id string, limit int64, files []*os.File, sizes []int64) error {
	if len(files) != len(sizes) || len(files) == 0 {
		return errors.New("no archive")
	}
	t, err := l.make(l.trees, id, codeDir, func(dir string) error {
		archives := make([]engine.Archive, len(files))
		for i, f := range files {
			archives[i] = io.NewSectionReader(f, 0, sizes[i])
		}
		if err := os.Mkdir(dir, 0o755); err != nil {
			return err
		}
		return engine.Unpack(dir, limit, archives...)
	})
	if err != nil {
		return err
	}
	l.put(t)
	return nil
}

// make returns the tree of a key, and makes it if nobody has. Others who want it meanwhile wait. It counts as a user.
func (l *library) make(trees map[string]*tree, key, parent string, fill func(dir string) error) (*tree, error) {
	l.mu.Lock()
	if t := trees[key]; t != nil {
		t.users++
		l.mu.Unlock()
		<-t.ready
		if t.err != nil {
			return nil, t.err
		}
		return t, nil
	}
	l.number++
	t := &tree{dir: parent + "/" + strconv.Itoa(l.number), users: 1, ready: make(chan struct{})}
	trees[key] = t
	l.mu.Unlock()
	t.err = fill(t.dir)
	close(t.ready)
	if t.err != nil {
		l.mu.Lock()
		delete(trees, key)
		l.mu.Unlock()
		return nil, errors.Join(t.err, os.RemoveAll(t.dir))
	}
	return t, nil
}

// get returns a tree that was loaded, with one more user.
func (l *library) get(id string) (*tree, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	t := l.trees[id]
	if t == nil {
		return nil, fmt.Errorf("%w: %s", engine.ErrNotLoaded, id)
	}
	select {
	case <-t.ready:
	default:
		return nil, fmt.Errorf("%w: %s", engine.ErrNotLoaded, id)
	}
	t.users++
	return t, nil
}

func (l *library) put(t *tree) {
	l.mu.Lock()
	t.users--
	gone := t.dropped && t.users == 0
	l.mu.Unlock()
	if gone {
		os.RemoveAll(t.dir)
	}
}

// drop forgets an id and all merged layers it is part of.
func (l *library) drop(id string) error {
	l.mu.Lock()
	var gone []*tree
	for key, t := range l.trees {
		if key == id || slices.Contains(t.parts, id) {
			delete(l.trees, key)
			if t.dropped = true; t.users == 0 {
				gone = append(gone, t)
			}
		}
	}
	l.mu.Unlock()
	var errs []error
	for _, t := range gone {
		errs = append(errs, os.RemoveAll(t.dir))
	}
	return errors.Join(errs...)
}

// places are the directories that a jail mounts, "" for none.
type places struct{ root, code, opt, runtime string }

// use finds all that a start names, and holds on to it until release.
func (l *library) use(s start) (p places, release func(), err error) {
	var held []*tree
	putAll := func() {
		for _, t := range held {
			l.put(t)
		}
	}
	defer func() {
		if err != nil {
			putAll()
		}
	}()
	for _, want := range []struct {
		id  string
		dir *string
	}{{s.Code, &p.code}, {s.Runtime, &p.runtime}} {
		if want.id == "" {
			continue
		}
		t, err := l.get(want.id)
		if err != nil {
			return p, nil, err
		}
		held, *want.dir = append(held, t), t.dir
	}
	if len(s.Layers) > 0 {
		t, err := l.layers(s.Layers)
		if err != nil {
			return p, nil, err
		}
		held, p.opt = append(held, t), t.dir
	}
	t, err := l.root(s.Roots)
	if err != nil {
		return p, nil, err
	}
	held, p.root = append(held, t), t.dir
	return p, putAll, nil
}

// layers merges layers, or finds them merged.
func (l *library) layers(ids []string) (*tree, error) {
	var dirs []string
	for _, id := range ids {
		t, err := l.get(id)
		if err != nil {
			return nil, err
		}
		defer l.put(t)
		dirs = append(dirs, t.dir)
	}
	if len(ids) == 1 {
		return l.get(ids[0])
	}
	t, err := l.make(l.trees, key(ids), mergeDir, func(dir string) error {
		return merge(dir, dirs)
	})
	if err == nil {
		l.mu.Lock()
		t.parts = ids
		l.mu.Unlock()
	}
	return t, err
}

// root builds what a jail sees as /, or finds it built.
func (l *library) root(paths []string) (*tree, error) {
	return l.make(l.roots, key(paths), rootsDir, func(dir string) error { return buildRoot(dir, paths) })
}

// key names a list in a way that no single id can have.
func key(list []string) string {
	sum := sha256.Sum256([]byte(strings.Join(list, "\x00")))
	return "\x00" + hex.EncodeToString(sum[:])
}
