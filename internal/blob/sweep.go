package blob

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// Sweep removes the objects that keep does not claim, and the leftovers of interrupted Puts, if they were written before
// stale: an object exists before the record that refers to it, so what is young must be left alone. An error of keep
// ends the sweep and removes nothing more. It returns how many files it removed.
func (s *Store) Sweep(ctx context.Context, stale time.Time, keep func(ID) (bool, error)) (removed int, err error) {
	err = filepath.WalkDir(s.dir, func(path string, entry fs.DirEntry, err error) error {
		if err == nil {
			err = ctx.Err()
		}
		if err != nil || entry.IsDir() {
			return ignoreGone(err)
		}
		orphan, err := s.orphan(path, entry, stale, keep)
		if err != nil || !orphan {
			return ignoreGone(err)
		}
		removed++
		return ignoreGone(os.Remove(path))
	})
	if err != nil {
		return removed, fmt.Errorf("sweeping objects: %w", err)
	}
	return removed, nil
}

func (s *Store) orphan(path string, entry fs.DirEntry, stale time.Time, keep func(ID) (bool, error)) (bool, error) {
	id := ID(entry.Name())
	unfinished := filepath.Dir(path) == filepath.Join(s.dir, incoming)
	if !id.valid() || !unfinished && path != s.path(id) {
		return false, nil // not ours
	}
	info, err := entry.Info()
	if err != nil || !info.ModTime().Before(stale) {
		return false, err
	}
	if unfinished {
		return true, nil
	}
	kept, err := keep(id)
	return !kept, err
}

// ignoreGone forgives what another sweep or Delete removed meanwhile.
func ignoreGone(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}
