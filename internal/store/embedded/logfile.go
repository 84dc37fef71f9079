package embedded

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/cockroachdb/pebble/v2/vfs"

	"redoubt/internal/store"
)

// logFile is a file that is appended to and read from its start: the write-ahead log and the manifest. Each Write is a
// frame of two AES-256-GCM boxes: a head (length of the content, and up to where the file was durable when the frame was
// written) and the content. The nonce of a box is its place in the file.
//
// Pebble alone would take a damaged record in the last part of a log for a write that the crash cut off, and drop it and
// all that follows. With frames the two can be told apart; see tail.
type logFile struct {
	vfs.File
	aead   cipher.AEAD
	offset int64  // where the next frame begins
	synced int64  // up to where the file is durable
	rest   []byte // of the frame that is being read
	err    error  // of reading
	buf    []byte
}

const (
	tagSize    = 16
	headSize   = 4 + 8 + tagSize
	sectorSize = 512 // what a disk writes at once, at least
)

func newLogFile(f vfs.File, key []byte) (*logFile, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		return nil, err
	}
	return &logFile{File: f, aead: aead, offset: headerSize}, nil
}

// nonce is unique in the file: no two boxes begin at one place.
func nonce(offset int64) []byte {
	n := make([]byte, 12)
	binary.BigEndian.PutUint64(n[4:], uint64(offset))
	return n
}

func (f *logFile) Write(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	head := binary.BigEndian.AppendUint32(nil, uint32(len(p)))
	head = binary.BigEndian.AppendUint64(head, uint64(f.synced))
	f.buf = f.aead.Seal(f.buf[:0], nonce(f.offset), head, nil)
	f.buf = f.aead.Seal(f.buf, nonce(f.offset+headSize), p, nil)
	n, err := f.File.Write(f.buf)
	f.offset += int64(n)
	if err != nil {
		return 0, err
	}
	return len(p), nil
}

func (f *logFile) WriteAt([]byte, int64) (int, error) { return 0, errInPlace }

func (f *logFile) Sync() error { return f.durable(f.File.Sync) }

func (f *logFile) SyncData() error { return f.durable(f.File.SyncData) }

func (f *logFile) durable(sync func() error) error {
	offset := f.offset
	err := sync()
	if err == nil {
		f.synced = offset
	}
	return err
}

// SyncTo promises nothing, and its offset would not be ours.
func (f *logFile) SyncTo(int64) (bool, error) { return false, nil }

// Preallocate reserves a little less than is written, for want of the frames; it is a hint.
func (f *logFile) Preallocate(offset, length int64) error {
	return f.File.Preallocate(offset+headerSize, length)
}

func (f *logFile) Prefetch(offset, length int64) error { return nil }

func (f *logFile) Stat() (vfs.FileInfo, error) { return statFile(f.File) }

// ReadAt is for files in pages.
func (f *logFile) ReadAt([]byte, int64) (int, error) {
	return 0, errors.New("reading a log at random is not supported")
}

func (f *logFile) Read(p []byte) (int, error) {
	for len(f.rest) == 0 && f.err == nil {
		f.rest, f.err = f.next()
	}
	if len(f.rest) == 0 {
		return 0, f.err
	}
	n := copy(p, f.rest)
	f.rest = f.rest[n:]
	return n, nil
}

// next reads a frame. At the end of the log, torn or not, the error is io.EOF.
func (f *logFile) next() ([]byte, error) {
	head := make([]byte, headSize)
	if n, err := f.File.ReadAt(head, f.offset); errors.Is(err, io.EOF) {
		return nil, io.EOF
	} else if err != nil {
		return nil, fmt.Errorf("after %d bytes: %w", n, err)
	}
	length, _, ok := f.openHead(head, f.offset)
	if !ok {
		return nil, f.tail(headSize + sectorSize)
	}
	body := make([]byte, length+tagSize)
	if _, err := f.File.ReadAt(body, f.offset+headSize); err != nil {
		return nil, err // io.EOF: the end of the frame was not written
	}
	content, err := f.aead.Open(body[:0], nonce(f.offset+headSize), body, nil)
	if err != nil {
		return nil, f.tail(headSize + len(body))
	}
	f.offset += int64(headSize + len(body))
	return content, nil
}

func (f *logFile) openHead(head []byte, offset int64) (length int, synced int64, ok bool) {
	var plain [headSize]byte
	opened, err := f.aead.Open(plain[:0], nonce(offset), head, nil)
	if err != nil {
		return 0, 0, false
	}
	return int(binary.BigEndian.Uint32(opened)), int64(binary.BigEndian.Uint64(opened[4:])), true
}

// tail says what a frame is that cannot be opened, given its size, or how far to look if that is not known.
//
// It is the torn end of the log if it was not durable when the power went: then no later frame says that it was, and a
// part of it never reached the disk, where sectors read as zeros. Everything else is damage.
func (f *logFile) tail(size int) error {
	rest, err := io.ReadAll(io.NewSectionReader(f.File, f.offset, 1<<62))
	if err != nil {
		return err
	}
	if !f.durableLater(rest) && hasHole(rest[:min(size, len(rest))], f.offset) {
		return io.EOF
	}
	return fmt.Errorf("%w: the log cannot be read at offset %d; restore the data directory from a backup", store.ErrCorrupt, f.offset)
}

// durableLater looks for a frame, wherever it may begin, that was written after the one at the current offset was
// durable.
func (f *logFile) durableLater(rest []byte) bool {
	for i := 1; i+headSize <= len(rest); i++ {
		if _, synced, ok := f.openHead(rest[i:i+headSize], f.offset+int64(i)); ok && synced > f.offset {
			return true
		}
	}
	return false
}

// hasHole says whether the part of some sector that belongs to the frame is all zeros. Of ciphertext, four bytes may be
// by chance, once in 2^32.
func hasHole(frame []byte, offset int64) bool {
	for len(frame) > 0 {
		n := min(int(sectorSize-offset%sectorSize), len(frame))
		if n >= 4 && len(bytes.TrimLeft(frame[:n], "\x00")) == 0 {
			return true
		}
		frame, offset = frame[n:], offset+int64(n)
	}
	return false
}
