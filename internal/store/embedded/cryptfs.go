package embedded

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/cockroachdb/pebble/v2/vfs"

	"redoubt/internal/store"
)

// A file starts with a header: magic, a random salt, and a check that tells a wrong key from damage. From the ring's
// raw key and the salt come the file's own AES-256 key and the check, so no two files ever share a key stream, and a
// file is never written twice at one place: Pebble only appends, and "reuse" makes a new file here.
const (
	magic      = "Redoubt1"
	saltSize   = 32
	checkSize  = 24
	headerSize = len(magic) + saltSize + checkSize
	fileKey    = 32
)

// cryptFS encrypts whole files, so that keys, values and bookkeeping are unreadable at rest. File names stay as they
// are: they are numbers.
type cryptFS struct {
	vfs.FS
	secret []byte
}

func (fs *cryptFS) Unwrap() vfs.FS { return fs.FS }

func (fs *cryptFS) Create(name string, category vfs.DiskWriteCategory) (vfs.File, error) {
	f, err := fs.FS.Create(name, category)
	if err != nil {
		return nil, err
	}
	header := append(make([]byte, 0, headerSize), magic...)
	header = append(header, make([]byte, saltSize)...)
	rand.Read(header[len(magic):]) // never fails (crypto/rand)
	block, check, err := fs.derive(header)
	if err == nil {
		_, err = f.Write(append(header, check...))
	}
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("creating %s: %w", name, err)
	}
	return &cryptFile{File: f, block: block, stream: cipher.NewCTR(block, make([]byte, aes.BlockSize))}, nil
}

// ReuseForWrite must not write over an old file with its old key stream.
func (fs *cryptFS) ReuseForWrite(oldname, newname string, category vfs.DiskWriteCategory) (vfs.File, error) {
	if err := fs.FS.Remove(oldname); err != nil {
		return nil, err
	}
	return fs.Create(newname, category)
}

// OpenReadWrite is for caches on other disks, which this engine does not have.
func (fs *cryptFS) OpenReadWrite(name string, _ vfs.DiskWriteCategory, _ ...vfs.OpenOption) (vfs.File, error) {
	return nil, fmt.Errorf("opening %s: writing in place is not supported", name)
}

func (fs *cryptFS) Open(name string, opts ...vfs.OpenOption) (vfs.File, error) {
	f, err := fs.FS.Open(name, opts...)
	if err != nil {
		return nil, err
	}
	block, err := fs.readHeader(f)
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("opening %s: %w", name, err)
	}
	return &cryptFile{File: f, block: block}, nil
}

func (fs *cryptFS) readHeader(f vfs.File) (cipher.Block, error) {
	header := make([]byte, headerSize)
	n, err := f.ReadAt(header, 0)
	if errors.Is(err, io.EOF) {
		return nil, shortHeader(header[:n])
	}
	if err != nil {
		return nil, err
	}
	if string(header[:len(magic)]) != magic {
		return nil, fmt.Errorf("%w: the file's header is not ours", store.ErrCorrupt)
	}
	block, check, err := fs.derive(header[:headerSize-checkSize])
	if err != nil {
		return nil, err
	}
	if subtle.ConstantTimeCompare(check, header[headerSize-checkSize:]) == 0 {
		return nil, errOtherKey
	}
	return block, nil
}

var errOtherKey = fmt.Errorf("%w: the file was sealed with another key, or its header is damaged; start with the keys directory that belongs to this data", store.ErrCorrupt)

// shortHeader accepts the file of a process that ended between creating it and writing its header: it was empty.
func shortHeader(part []byte) error {
	for i, b := range part {
		if b != 0 && i < len(magic) && b != magic[i] {
			return fmt.Errorf("%w: the file's header is not ours", store.ErrCorrupt)
		}
	}
	return nil
}

func (fs *cryptFS) derive(header []byte) (cipher.Block, []byte, error) {
	material, err := hkdf.Key(sha256.New, fs.secret, header, "redoubt file", fileKey+checkSize)
	if err != nil {
		return nil, nil, err
	}
	block, err := aes.NewCipher(material[:fileKey])
	return block, material[fileKey:], err
}

func (fs *cryptFS) Stat(name string) (vfs.FileInfo, error) {
	info, err := fs.FS.Stat(name)
	if err != nil {
		return nil, err
	}
	return fileInfo{info}, nil
}

// fileInfo hides the header from the size.
type fileInfo struct{ vfs.FileInfo }

func (i fileInfo) Size() int64 {
	if i.IsDir() {
		return i.FileInfo.Size()
	}
	return max(0, i.FileInfo.Size()-int64(headerSize))
}

// cryptFile is AES-256-CTR over a file; a nil block is a file without content. One goroutine may write or Read; ReadAt
// is safe for many.
type cryptFile struct {
	vfs.File
	block  cipher.Block
	stream cipher.Stream // of the writer
	offset int64         // of the reader
}

// Write encrypts in place, which vfs.File allows.
func (f *cryptFile) Write(p []byte) (int, error) {
	if f.stream == nil {
		return 0, os.ErrPermission
	}
	f.stream.XORKeyStream(p, p)
	return f.File.Write(p)
}

func (f *cryptFile) WriteAt([]byte, int64) (int, error) {
	return 0, errors.New("writing in place is not supported")
}

func (f *cryptFile) Read(p []byte) (int, error) {
	n, err := f.ReadAt(p, f.offset)
	f.offset += int64(n)
	if n > 0 && errors.Is(err, io.EOF) {
		err = nil
	}
	return n, err
}

func (f *cryptFile) ReadAt(p []byte, off int64) (int, error) {
	if f.block == nil {
		return 0, io.EOF
	}
	n, err := f.File.ReadAt(p, off+int64(headerSize))
	keyStream(f.block, off).XORKeyStream(p[:n], p[:n])
	return n, err
}

// keyStream is the CTR key stream from an offset on.
func keyStream(block cipher.Block, off int64) cipher.Stream {
	var counter [aes.BlockSize]byte
	for i, n := aes.BlockSize-1, uint64(off/aes.BlockSize); n > 0; i, n = i-1, n>>8 {
		counter[i] = byte(n)
	}
	stream := cipher.NewCTR(block, counter[:])
	var skip [aes.BlockSize]byte
	stream.XORKeyStream(skip[:off%aes.BlockSize], skip[:off%aes.BlockSize])
	return stream
}

func (f *cryptFile) Stat() (vfs.FileInfo, error) {
	info, err := f.File.Stat()
	if err != nil {
		return nil, err
	}
	return fileInfo{info}, nil
}

func (f *cryptFile) Preallocate(offset, length int64) error {
	return f.File.Preallocate(offset+int64(headerSize), length)
}

func (f *cryptFile) SyncTo(length int64) (bool, error) {
	return f.File.SyncTo(length + int64(headerSize))
}

func (f *cryptFile) Prefetch(offset, length int64) error {
	return f.File.Prefetch(offset+int64(headerSize), length)
}

// Fd hides the descriptor: who reads or writes it would meet ciphertext.
func (f *cryptFile) Fd() uintptr { return vfs.InvalidFd }
