package embedded

import (
	"errors"
	"fmt"
	"os"
	"syscall"

	"redoubt/internal/store"
)

// lockDir keeps every other opener, in this process or another, out of the directory until the file is closed or the
// process ends. Pebble's own lock is a record lock: it does not see a second opener in this process by another path, and
// it is lost when anyone here closes the lock file.
func lockDir(dir string) (*os.File, error) {
	f, err := os.Open(dir)
	if err != nil {
		return nil, err
	}
	err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		err = fmt.Errorf("%w: another Redoubt has this directory open", store.ErrInUse)
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}
