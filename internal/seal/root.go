package seal

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/tink-crypto/tink-go/v2/aead"
	"github.com/tink-crypto/tink-go/v2/keyset"
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
	h, err := keyset.ReadWithContext(ctx, keyset.NewBinaryReader(bytes.NewReader(wrapped)), keeperAEAD{r.keeper}, nil)
	if err != nil {
		return fmt.Errorf("the root key %s: %w", file, err)
	}
	r.root, r.rootFile = h, wrapped
	return nil
}

func (r *Ring) createRootLocked(ctx context.Context) error {
	if err := refuseOrphans(r.dir); err != nil {
		return err
	}
	h, err := keyset.NewHandle(aead.XAES256GCM192BitNonceKeyTemplate())
	if err != nil {
		return fmt.Errorf("generating the root key: %w", err)
	}
	// Wrap first: a keeper that does not work must leave no trace. A second process may create the root meanwhile.
	wrapped, err := r.wrapRoot(ctx, h)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(r.dir, 0o700); err != nil {
		return err
	}
	unlock, err := lock(r.dir)
	if err != nil {
		return err
	}
	defer unlock()
	if err := r.readRootLocked(ctx); !os.IsNotExist(err) {
		return err
	}
	if err := writeFile(filepath.Join(r.dir, rootName), wrapped); err != nil {
		return err
	}
	r.root, r.rootFile = h, wrapped
	return syncDir(filepath.Dir(r.dir))
}

// refuseOrphans protects data whose root key was lost: a fresh root would hide that for good.
func refuseOrphans(dir string) error {
	keys, err := filepath.Glob(filepath.Join(dir, "*.*"))
	if err != nil || len(keys) == 0 {
		return err
	}
	return fmt.Errorf("%w: %s holds data keys but no root key; restore the file %q there from a backup",
		ErrUnsealable, dir, rootName)
}

func (r *Ring) wrapRoot(ctx context.Context, h *keyset.Handle) ([]byte, error) {
	var out bytes.Buffer
	err := h.WriteWithContext(ctx, keyset.NewBinaryWriter(&out), keeperAEAD{r.keeper}, nil)
	if err != nil {
		return nil, fmt.Errorf("wrapping the root key: %w", err)
	}
	return out.Bytes(), nil
}

// RotateRoot makes a new root key and wraps every data key with it; stored data is not rewritten. It may run while
// other processes use the directory. If it is interrupted everything stays readable, and running it again finishes.
func (r *Ring) RotateRoot(ctx context.Context) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	unlock, err := lock(r.dir)
	if err != nil {
		return fmt.Errorf("rotating the root key: %w", err)
	}
	defer unlock()
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
	files, err := filepath.Glob(filepath.Join(r.dir, "*.*"))
	if err != nil {
		return err
	}
	root, err := aead.New(r.root)
	if err != nil {
		return err
	}
	for _, path := range files {
		file := filepath.Base(path)
		if file[0] == '.' { // the lock, or a leftover of an interrupted write
			continue
		}
		h, err := r.readKeyLocked(file)
		if err != nil {
			return err
		}
		wrapped, err := wrap(h, root, file)
		if err != nil {
			return err
		}
		if err := writeFile(path, wrapped); err != nil {
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
	wrapped, err := r.wrapRoot(ctx, h)
	if err != nil {
		return err
	}
	if err := writeFile(filepath.Join(r.dir, rootName), wrapped); err != nil {
		return err
	}
	r.root, r.rootFile = h, wrapped
	return nil
}
