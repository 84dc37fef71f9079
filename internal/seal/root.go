package seal

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/tink-crypto/tink-go/v2/aead"
	"github.com/tink-crypto/tink-go/v2/keyset"

	"redoubt/internal/disk"
)

const rootName = "root"

func (r *Ring) openRoot(ctx context.Context) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	err := r.readRootLocked(ctx)
	if os.IsNotExist(err) {
		return r.createRootLocked(ctx)
	}
	return err
}

// readRootLocked reads the root keyset unless it is the one already held.
func (r *Ring) readRootLocked(ctx context.Context) error {
	file := filepath.Join(r.dir, rootName)
	wrapped, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	if r.root != nil && bytes.Equal(wrapped, r.rootFile) {
		return nil
	}
	h, err := unwrapRoot(ctx, r.keeper, wrapped)
	if err != nil {
		return fmt.Errorf("the root key %s: %w", file, err)
	}
	r.root, r.rootFile = h, wrapped
	return nil
}

func (r *Ring) createRootLocked(ctx context.Context) error {
	if r.hasDataKeys() {
		return r.refuseOrphansLocked(ctx)
	}
	h, err := keyset.NewHandle(aead.XAES256GCM192BitNonceKeyTemplate())
	if err != nil {
		return fmt.Errorf("generating the root key: %w", err)
	}
	// Wrap first: a keeper that does not work must leave no trace.
	wrapped, err := wrapRoot(ctx, r.keeper, h)
	if err != nil {
		return fmt.Errorf("wrapping the root key: %w", err)
	}
	if err := os.MkdirAll(r.dir, 0o700); err != nil {
		return err
	}
	locked, err := disk.Lock(r.dir)
	if err != nil {
		return err
	}
	defer locked.Close()
	if err := r.readRootLocked(ctx); !os.IsNotExist(err) {
		return err // another process was faster
	}
	if err := disk.Replace(filepath.Join(r.dir, rootName), wrapped); err != nil {
		return err
	}
	r.root, r.rootFile = h, wrapped
	return disk.SyncDir(filepath.Dir(r.dir))
}

func (r *Ring) hasDataKeys() bool {
	files, err := dataKeys(r.dir)
	return err == nil && len(files) > 0
}

// dataKeys returns the names of the data keys' files. All have a kind and a name.
func dataKeys(dir string) (files []string, err error) {
	entries, err := os.ReadDir(dir)
	for _, entry := range entries {
		if kind, _, ok := strings.Cut(entry.Name(), "."); ok && kind != "" { // others are locks and leftovers
			files = append(files, entry.Name())
		}
	}
	return files, err
}

// refuseOrphansLocked protects data whose root key was lost: a fresh root would hide that for good. The root is made
// before any data key, so if a second process is just now making both, the root is there on a second look.
func (r *Ring) refuseOrphansLocked(ctx context.Context) error {
	if err := r.readRootLocked(ctx); !os.IsNotExist(err) {
		return err
	}
	return fmt.Errorf("%w: %s holds data keys but no root key; restore the file %q there from a backup",
		ErrUnsealable, r.dir, rootName)
}

// RotateRoot makes a new root key and wraps every data key with it; stored data is not rewritten. It may run while
// other processes use the directory. If it is interrupted everything stays readable, and running it again finishes.
func (r *Ring) RotateRoot(ctx context.Context) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	locked, err := disk.Lock(r.dir)
	if err != nil {
		return fmt.Errorf("rotating the root key: %w", err)
	}
	defer locked.Close()
	for _, step := range []func(context.Context) error{
		r.readRootLocked, r.addRootLocked, r.rewrapLocked, r.dropOldRootsLocked,
	} {
		if err := step(ctx); err != nil {
			return fmt.Errorf("rotating the root key: %w", err)
		}
	}
	return nil
}

// addRootLocked stores a root keyset in which a new key is primary and the old ones still open what they wrapped.
func (r *Ring) addRootLocked(ctx context.Context) error {
	m := keyset.NewManagerFromHandle(r.root)
	id, err := m.Add(aead.XAES256GCM192BitNonceKeyTemplate())
	if err != nil {
		return err
	}
	if err := m.SetPrimary(id); err != nil {
		return err
	}
	return r.storeRootLocked(ctx, m)
}

func (r *Ring) rewrapLocked(context.Context) error {
	files, err := dataKeys(r.dir)
	if err != nil {
		return err
	}
	root, err := aead.New(r.root)
	if err != nil {
		return err
	}
	for _, file := range files {
		h, err := r.readKeyLocked(file)
		if err != nil {
			return err
		}
		wrapped, err := wrap(h, root, file)
		if err != nil {
			return err
		}
		if err := disk.Replace(filepath.Join(r.dir, file), wrapped); err != nil {
			return err
		}
	}
	return nil
}

func (r *Ring) dropOldRootsLocked(ctx context.Context) error {
	m := keyset.NewManagerFromHandle(r.root)
	info := r.root.KeysetInfo()
	for _, key := range info.GetKeyInfo() {
		if key.GetKeyId() == info.GetPrimaryKeyId() {
			continue
		}
		if err := m.Delete(key.GetKeyId()); err != nil {
			return err
		}
	}
	return r.storeRootLocked(ctx, m)
}

func (r *Ring) storeRootLocked(ctx context.Context, m *keyset.Manager) error {
	h, err := m.Handle()
	if err != nil {
		return err
	}
	wrapped, err := wrapRoot(ctx, r.keeper, h)
	if err != nil {
		return err
	}
	if err := disk.Replace(filepath.Join(r.dir, rootName), wrapped); err != nil {
		return err
	}
	r.root, r.rootFile = h, wrapped
	return nil
}
