package embedded

import (
	"bytes"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/cockroachdb/pebble/v2/vfs"

	"redoubt/internal/store"
)

// A file starts with a header: a magic, which says how the rest is written, a random salt, and a check that tells a
// wrong key from damage. From the ring's raw key, the magic and the salt come the file's own key and the check, so no
// two files share a key, and no place of a file is written twice: Pebble only appends, and what it calls reuse makes a
// new file here.
const (
	magicPages = "Redoubt:pages:1\n"       // see pageFile
	magicLog   = "Redoubt:log:1\n\x00\x00" // see logFile
	magicSize  = 16
	saltSize   = 32
	checkSize  = 16
	headerSize = magicSize + saltSize + checkSize
	keySize    = 32
)

// cryptFS encrypts whole files, so that keys, values and bookkeeping are unreadable at rest. File names stay as they
// are: they are numbers.
type cryptFS struct {
	vfs.FS
	secret []byte
}

func (fs *cryptFS) Unwrap() vfs.FS { return fs.FS }

// Create writes tables, which Pebble reads at random and checks block by block, as pages, and all else as logs.
func (fs *cryptFS) Create(name string, category vfs.DiskWriteCategory) (vfs.File, error) {
	f, err := fs.FS.Create(name, category)
	if err != nil {
		return nil, err
	}
	magic := magicLog
	if strings.HasSuffix(name, ".sst") || strings.HasSuffix(name, ".blob") {
		magic = magicPages
	}
	key, err := fs.writeHeader(f, magic)
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("creating %s: %w", name, err)
	}
	if magic == magicPages {
		return newPageFile(f, key)
	}
	return newLogFile(f, key)
}

// ReuseForWrite must not write over an old file with its old key.
func (fs *cryptFS) ReuseForWrite(oldname, newname string, category vfs.DiskWriteCategory) (vfs.File, error) {
	if err := fs.Remove(oldname); err != nil {
		return nil, err
	}
	return fs.Create(newname, category)
}

// OpenReadWrite is for caches on other disks, which this engine does not have.
func (fs *cryptFS) OpenReadWrite(name string, _ vfs.DiskWriteCategory, _ ...vfs.OpenOption) (vfs.File, error) {
	return nil, fmt.Errorf("opening %s: %w", name, errInPlace)
}

var errInPlace = errors.New("writing in place is not supported")

func (fs *cryptFS) Open(name string, opts ...vfs.OpenOption) (vfs.File, error) {
	f, err := fs.FS.Open(name, opts...)
	if err != nil {
		return nil, err
	}
	opened, err := fs.open(f)
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("opening %s: %w", name, err)
	}
	return opened, nil
}

func (fs *cryptFS) open(f vfs.File) (vfs.File, error) {
	magic, key, err := fs.readHeader(f)
	switch {
	case err != nil:
		return nil, err
	case key == nil:
		return emptyFile{f}, nil
	case magic == magicPages:
		return newPageFile(f, key)
	default:
		return newLogFile(f, key)
	}
}

func (fs *cryptFS) writeHeader(f vfs.File, magic string) (key []byte, err error) {
	header := append(make([]byte, 0, headerSize), magic...)
	header = header[:magicSize+saltSize]
	rand.Read(header[magicSize:]) // never fails (crypto/rand)
	key, check, err := fs.derive(header)
	if err != nil {
		return nil, err
	}
	if _, err = f.Write(append(header, check...)); err != nil || magic == magicPages {
		return key, err // a table is made durable as a whole before anything refers to it
	}
	return key, f.SyncData() // so that content implies a header
}

func (fs *cryptFS) readHeader(f vfs.File) (magic string, key []byte, err error) {
	header := make([]byte, headerSize)
	n, err := f.ReadAt(header, 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return "", nil, err
	}
	info, err := f.Stat()
	if err != nil {
		return "", nil, err
	}
	if neverWritten(header[:n], info.Size()) {
		return "", nil, nil
	}
	magic = string(header[:magicSize])
	if magic != magicPages && magic != magicLog {
		return "", nil, errHeader
	}
	key, check, err := fs.derive(header[:magicSize+saltSize])
	if err == nil && subtle.ConstantTimeCompare(check, header[magicSize+saltSize:]) == 0 {
		err = errOtherKey
	}
	return magic, key, err
}

var (
	errHeader   = fmt.Errorf("%w: the header of the file is not ours", store.ErrCorrupt)
	errOtherKey = fmt.Errorf("%w: the file was sealed with another key, or its header is damaged; start with the keys directory that belongs to this data", store.ErrCorrupt)
)

// neverWritten recognises the file of a process that ended while it made it: nothing was ever in it.
func neverWritten(header []byte, size int64) bool {
	return len(header) < headerSize || size == headerSize && len(bytes.TrimLeft(header, "\x00")) == 0
}

// derive returns the key of a file and its check, given the start of the header.
func (fs *cryptFS) derive(header []byte) (key, check []byte, err error) {
	material, err := hkdf.Key(sha256.New, fs.secret, header[magicSize:], string(header[:magicSize]), keySize+checkSize)
	if err != nil {
		return nil, nil, err
	}
	return material[:keySize], material[keySize:], nil
}

func (fs *cryptFS) Stat(name string) (vfs.FileInfo, error) {
	info, err := fs.FS.Stat(name)
	if err != nil {
		return nil, err
	}
	return fileInfo{info}, nil
}

// fileInfo hides the header from the size. The size of a log still counts its frames; Pebble only estimates with it.
type fileInfo struct{ vfs.FileInfo }

func (i fileInfo) Size() int64 {
	if i.IsDir() {
		return i.FileInfo.Size()
	}
	return max(0, i.FileInfo.Size()-headerSize)
}

// emptyFile is a file without even a header.
type emptyFile struct{ vfs.File }

func (emptyFile) Read([]byte) (int, error)           { return 0, io.EOF }
func (emptyFile) ReadAt([]byte, int64) (int, error)  { return 0, io.EOF }
func (emptyFile) Write([]byte) (int, error)          { return 0, errInPlace }
func (emptyFile) WriteAt([]byte, int64) (int, error) { return 0, errInPlace }
func (f emptyFile) Stat() (vfs.FileInfo, error)      { return statFile(f.File) }

func statFile(f vfs.File) (vfs.FileInfo, error) {
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	return fileInfo{info}, nil
}
