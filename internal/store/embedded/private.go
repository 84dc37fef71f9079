package embedded

import (
	"errors"
	"io"
	"os"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// privateFS is the machine's file system with files that only their owner can open, whatever the umask is. Their
// directory is closed to others too; this is for those who copy or move files out of it.
type privateFS struct{ vfs.FS }

const private = 0o600

func (fs privateFS) Unwrap() vfs.FS { return fs.FS }

func (fs privateFS) Create(name string, category vfs.DiskWriteCategory) (vfs.File, error) {
	f, err := fs.FS.Create(name, category)
	if err != nil {
		return nil, err
	}
	if err := os.Chmod(name, private); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

func (fs privateFS) Lock(name string) (io.Closer, error) {
	lock, err := fs.FS.Lock(name)
	if err != nil {
		return nil, err
	}
	if err := os.Chmod(name, private); err != nil {
		return nil, errors.Join(err, lock.Close())
	}
	return lock, nil
}
