package seal

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/binary"
	"io"
	"sync"
)

// OpenAt returns a reader of what was sealed, from an offset on, given the sealed form and its size. It reads no segment
// that it does not need. Like Open it yields only verified bytes; that the object ends where it should is verified when
// its end is read, and before by whoever knows how large it is.
//
// The form is Tink's, whose own reader cannot begin anywhere but at the beginning.
// https://developers.google.com/tink/streaming-aead/aes_gcm_hkdf_streaming
func (s *Stream) OpenAt(r io.ReaderAt, size, offset int64, ad []byte) (io.ReadCloser, error) {
	var head [streamHeader]byte
	if _, err := r.ReadAt(head[:], 0); err != nil || head[0] != streamHeader || PlainSize(size) < 0 {
		return nil, ErrUnsealable
	}
	key, err := hkdf.Key(sha256.New, s.key(), head[1:1+keySize], string(ad), keySize)
	if err != nil {
		return nil, err
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		return nil, err
	}
	o := &segments{r: r, size: size, aead: aead, last: (size - 1) / segmentSize}
	copy(o.nonce[:], head[1+keySize:])
	place := min(max(offset, 0), PlainSize(size)) + streamHeader // in a plaintext whose first segment has room for the header
	o.next = min(place/(segmentSize-segmentTag), o.last)
	o.skip = int(place - o.next*(segmentSize-segmentTag))
	if o.next == 0 {
		o.skip -= streamHeader
	}
	return o, nil
}

// segments reads a stream from some segment on.
type segments struct {
	r     io.ReaderAt
	size  int64
	aead  cipher.AEAD
	nonce [12]byte // 7 prefix, 4 number of the segment, 1 whether it is the last
	next  int64
	last  int64
	skip  int // bytes of the next segment that come before the offset
	plain []byte
	buf   *[segmentSize]byte
	err   error
}

var segmentBuffers = sync.Pool{New: func() any { return new([segmentSize]byte) }}

func (o *segments) Read(p []byte) (int, error) {
	for len(o.plain) == 0 {
		if o.err == nil {
			o.err = o.open()
		}
		if o.err != nil {
			return 0, o.err
		}
	}
	n := copy(p, o.plain)
	o.plain = o.plain[n:]
	return n, nil
}

// open unseals the next segment.
func (o *segments) open() error {
	if o.next > o.last {
		return io.EOF
	}
	if o.buf == nil {
		o.buf = segmentBuffers.Get().(*[segmentSize]byte)
	}
	from := max(o.next*segmentSize, streamHeader)
	sealed := o.buf[:min((o.next+1)*segmentSize, o.size)-from]
	if _, err := o.r.ReadAt(sealed, from); err == io.EOF {
		return ErrUnsealable // shorter than it was
	} else if err != nil {
		return err
	}
	binary.BigEndian.PutUint32(o.nonce[7:], uint32(o.next))
	if o.nonce[11] = 0; o.next == o.last {
		o.nonce[11] = 1
	}
	plain, err := o.aead.Open(sealed[:0], o.nonce[:], sealed, nil)
	if err != nil || o.skip > len(plain) {
		return ErrUnsealable
	}
	o.plain, o.skip = plain[o.skip:], 0
	o.next++
	return nil
}

// Close gives back the reader's memory. It leaves what is read from open.
func (o *segments) Close() error {
	if o.buf != nil {
		clear(o.buf[:])
		segmentBuffers.Put(o.buf)
		o.buf = nil
	}
	o.plain, o.err = nil, io.ErrClosedPipe
	return nil
}
