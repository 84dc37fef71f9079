package sigv4

import (
	"bufio"
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"hash"
	"io"
	"net/http"
	"strconv"
)

// minChunk is the least size of any chunk but the last (S3, InvalidChunkSizeError).
const minChunk = 8192

// installChunked replaces an aws-chunked body by its decoded form.
func (s *Signature) installChunked(r *http.Request, o Options, p payload, key signingKey) error {
	value, err := single(r.Header, "X-Amz-Decoded-Content-Length")
	if err != nil {
		return err
	}
	if value == "" {
		return &Error{Kind: KindMissingLength, Message: s3NeedLength}
	}
	length, err := strconv.ParseUint(value, 10, 63)
	if err != nil {
		return malformed("x-amz-decoded-content-length must be a number of bytes.", false)
	}
	if o.MaxBody > 0 && int64(length) > o.MaxBody {
		return bodyTooLarge()
	}
	c := &chunkedBody{signature: s, length: int64(length)}
	if p != signedChunks {
		if c.declared, err = declaredTrailers(r.Header); err != nil {
			return err
		}
	}
	if p != unsignedTrailer {
		c.chain = s.newChain(key)
	}
	body := r.Body
	if body == nil {
		body = http.NoBody
	}
	c.closer, c.src = body, bufio.NewReader(body)
	r.Body, r.ContentLength = c, c.length
	return nil
}

// chunkedBody decodes aws-chunked: "size[;chunk-signature=hex]\r\n", data, "\r\n", ..., a chunk of size 0, and trailing
// headers (AmazonS3/latest/API/sigv4-streaming.html and sigv4-streaming-trailers.html).
type chunkedBody struct {
	src       *bufio.Reader
	closer    io.Closer
	signature *Signature
	chain     *chain   // nil if chunks are not signed
	declared  []string // names of the trailing headers; nil if there are none
	length    int64    // decoded
	read      int64    // decoded, so far
	left      int64    // of the present chunk
	small     bool     // the present chunk may only be the last
	err       error
}

func (c *chunkedBody) Close() error { return c.closer.Close() }

func (c *chunkedBody) Read(p []byte) (int, error) {
	if c.err == nil && c.left == 0 && len(p) > 0 {
		c.err = c.next()
	}
	if c.err != nil || len(p) == 0 {
		return 0, c.err
	}
	n, err := c.src.Read(p[:min(int64(len(p)), c.left)])
	c.left, c.read = c.left-int64(n), c.read+int64(n)
	if c.chain != nil {
		c.chain.data.Write(p[:n])
	}
	if c.err = truncated(err); c.err == nil && c.left == 0 {
		c.err = c.endChunk()
	}
	if c.err != nil && c.err != io.EOF {
		return 0, c.err
	}
	return n, nil
}

// truncated makes the end of the connection's data what it is within a chunk: an error.
func truncated(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return badChunk()
	}
	return err
}

func badChunk() *Error { return &Error{Kind: KindBadChunk, Message: s3Incomplete} }

// endChunk proves a chunk whose data has been read and, after the last one, all that follows; then it returns io.EOF.
func (c *chunkedBody) endChunk() error {
	if err := c.crlf(); err != nil {
		return err
	}
	if err := c.prove(); err != nil {
		return err
	}
	if c.read == c.length {
		return c.next()
	}
	return nil
}

func (c *chunkedBody) crlf() error {
	var end [2]byte
	if _, err := io.ReadFull(c.src, end[:]); err != nil {
		return truncated(err)
	}
	if end != [2]byte{'\r', '\n'} {
		return badChunk()
	}
	return nil
}

func (c *chunkedBody) prove() error {
	if c.chain != nil && !c.chain.proveChunk() {
		return c.signature.mismatch("", "")
	}
	return nil
}

// next reads the header of a chunk; for the final one it goes through to the end and returns io.EOF.
func (c *chunkedBody) next() error {
	size, err := c.header()
	switch {
	case err != nil:
		return err
	case size > c.length-c.read, size == 0 && c.read != c.length:
		return badChunk()
	case size > 0 && c.small:
		return &Error{Kind: KindSmallChunk, Message: s3SmallChunk}
	case size > 0:
		c.left, c.small = size, size < minChunk
		return nil
	}
	if err := c.prove(); err != nil {
		return err
	}
	if err := c.finish(); err != nil {
		return err
	}
	return io.EOF
}

// header reads "size[;chunk-signature=hex]\r\n".
func (c *chunkedBody) header() (int64, error) {
	line, err := c.src.ReadSlice('\n')
	if errors.Is(err, bufio.ErrBufferFull) {
		return 0, badChunk()
	}
	if err != nil {
		return 0, truncated(err)
	}
	line, ok := bytes.CutSuffix(line, []byte("\r\n"))
	if !ok {
		return 0, badChunk()
	}
	text, extension, signed := bytes.Cut(line, []byte(";chunk-signature="))
	if signed != (c.chain != nil) {
		return 0, badChunk()
	}
	if signed {
		c.chain.claim = string(extension)
	}
	return chunkSize(text)
}

// chunkSize reads hex digits and nothing else.
func chunkSize(text []byte) (size int64, err error) {
	if len(text) == 0 || len(text) > 15 {
		return 0, badChunk()
	}
	for _, c := range text {
		d := unhex(c)
		if d > 15 {
			return 0, badChunk()
		}
		size = size<<4 | int64(d)
	}
	return size, nil
}

// chain is the running signature of a stream: each link signs the one before.
type chain struct {
	key   signingKey
	scope []byte // time and credential scope
	last  string // the link before, at first the signature of the request
	claim string // of the present chunk
	data  hash.Hash
}

func (s *Signature) newChain(key signingKey) *chain {
	return &chain{key: key, scope: s.appendScope(nil), last: s.signature, data: sha256.New()}
}

// proveChunk checks the claim against the data written since the last call.
func (c *chain) proveChunk() bool {
	sum := c.data.Sum(nil)
	c.data.Reset()
	return c.prove("AWS4-HMAC-SHA256-PAYLOAD\n", emptyHash+"\n", sum, c.claim)
}

// proveTrailer checks the signature of the trailing headers in canonical form.
func (c *chain) proveTrailer(canonical []byte, claim string) bool {
	sum := sha256.Sum256(canonical)
	return c.prove("AWS4-HMAC-SHA256-TRAILER\n", "", sum[:], claim)
}

func (c *chain) prove(what, headers string, sum []byte, claim string) bool {
	text := append([]byte(what), c.scope...)
	text = append(text, c.last+"\n"+headers...)
	text = hex.AppendEncode(text, sum)
	want := mac(c.key[:], string(text))
	c.last = hex.EncodeToString(want[:])
	return hmac.Equal([]byte(c.last), []byte(claim))
}
