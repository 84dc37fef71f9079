package disk

import (
	"errors"
	"io"
	"os"
	"path/filepath"

	"golang.org/x/sys/windows"
)

// SyncDir does nothing: this system has no such call, and orders the changes of names by itself.
func SyncDir(string) error { return nil }

// Lock keeps others out of a directory until the lock is closed or the process ends. It waits for its turn.
func Lock(dir string) (io.Closer, error) { return lockFile(dir, 0) }

// TryLock is Lock, but returns ErrLocked instead of waiting.
func TryLock(dir string) (io.Closer, error) { return lockFile(dir, windows.LOCKFILE_FAIL_IMMEDIATELY) }

func lockFile(dir string, how uint32) (io.Closer, error) {
	f, err := os.OpenFile(filepath.Join(dir, ".lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	err = windows.LockFileEx(windows.Handle(f.Fd()), windows.LOCKFILE_EXCLUSIVE_LOCK|how, 0, 1, 0, &windows.Overlapped{})
	if errors.Is(err, windows.ERROR_LOCK_VIOLATION) {
		err = ErrLocked
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}
