//go:build unix

package disk

import (
	"errors"
	"io"
	"os"
	"syscall"
)

// SyncDir makes the names in a directory durable.
func SyncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// Lock keeps others out of a directory until the lock is closed or the process ends. It waits for its turn.
func Lock(dir string) (io.Closer, error) { return flock(dir, 0) }

// TryLock is Lock, but returns ErrLocked instead of waiting.
func TryLock(dir string) (io.Closer, error) { return flock(dir, syscall.LOCK_NB) }

// flock locks the directory itself: a file in it could be removed and made anew.
func flock(dir string, how int) (io.Closer, error) {
	d, err := os.Open(dir)
	if err != nil {
		return nil, err
	}
	err = syscall.Flock(int(d.Fd()), syscall.LOCK_EX|how)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		err = ErrLocked
	}
	if err != nil {
		d.Close()
		return nil, err
	}
	return d, nil
}
