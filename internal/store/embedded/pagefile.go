package embedded

import (
	"crypto/aes"
	"crypto/cipher"
	"encoding/binary"
	"errors"
	"io"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// pageFile is AES-256-CTR over a file, the counter being the block's number in it: any place can be read alone. Damage
// shows in the checksum that Pebble keeps with each of its blocks, exchange in the seal of each value. One goroutine may
// write or Read; ReadAt is safe for many.
type pageFile struct {
	vfs.File
	block  cipher.Block
	writer cipher.Stream
	offset int64 // of Read
}

func newPageFile(f vfs.File, key []byte) (*pageFile, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return &pageFile{File: f, block: block, writer: keyStream(block, 0)}, nil
}

// keyStream is the CTR key stream from an offset on.
func keyStream(block cipher.Block, offset int64) cipher.Stream {
	var counter [aes.BlockSize]byte
	binary.BigEndian.PutUint64(counter[8:], uint64(offset/aes.BlockSize))
	stream := cipher.NewCTR(block, counter[:])
	skip := make([]byte, offset%aes.BlockSize)
	stream.XORKeyStream(skip, skip)
	return stream
}

// Write encrypts in place, as vfs.File allows.
func (f *pageFile) Write(p []byte) (int, error) {
	f.writer.XORKeyStream(p, p)
	return f.File.Write(p)
}

func (f *pageFile) WriteAt([]byte, int64) (int, error) { return 0, errInPlace }

func (f *pageFile) ReadAt(p []byte, offset int64) (int, error) {
	n, err := f.File.ReadAt(p, offset+headerSize)
	keyStream(f.block, offset).XORKeyStream(p[:n], p[:n])
	return n, err
}

func (f *pageFile) Read(p []byte) (int, error) {
	n, err := f.ReadAt(p, f.offset)
	f.offset += int64(n)
	if n > 0 && errors.Is(err, io.EOF) {
		err = nil
	}
	return n, err
}

func (f *pageFile) Stat() (vfs.FileInfo, error) { return statFile(f.File) }

func (f *pageFile) Preallocate(offset, length int64) error {
	return f.File.Preallocate(offset+headerSize, length)
}

func (f *pageFile) SyncTo(length int64) (bool, error) { return f.File.SyncTo(length + headerSize) }

func (f *pageFile) Prefetch(offset, length int64) error {
	return f.File.Prefetch(offset+headerSize, length)
}
