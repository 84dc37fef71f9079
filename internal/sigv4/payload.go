package sigv4

import (
	"crypto/sha256"
	"encoding/hex"
	"hash"
	"io"
	"net/http"
)

// payload is how a body is bound to the signature.
type payload uint8

const (
	hashed          payload = iota // by its SHA-256
	unsigned                       // not at all
	signedChunks                   // by a chain of signatures
	signedTrailer                  // the same, and signed trailing headers
	unsignedTrailer                // chunks and trailing headers without signatures
)

func (p payload) chunked() bool { return p >= signedChunks }

const (
	unsignedPayload = "UNSIGNED-PAYLOAD"
	emptyHash       = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
)

// plan tells how the body is bound, from X-Amz-Content-Sha256. Only S3 takes anything but a hash, requires the header of
// requests that are signed by header, and assumes UNSIGNED-PAYLOAD for presigned ones.
func (s *Signature) plan(o Options) (payload, error) {
	switch {
	case hash256(s.payload):
		return hashed, nil
	case !o.S3 && s.payload == "":
		return hashed, nil
	case !o.S3:
		return 0, s.badPayload("x-amz-content-sha256 must be a valid sha256 value.")
	case s.payload == unsignedPayload, s.Presigned && s.payload == "":
		return unsigned, nil
	case s.payload == "":
		return 0, &Error{Kind: KindIncomplete, Message: "Missing required header for this request: x-amz-content-sha256"}
	case s.Presigned:
		return 0, s.badPayload(s3Payload)
	}
	return s.planStream()
}

func (s *Signature) planStream() (payload, error) {
	switch s.payload {
	case "STREAMING-AWS4-HMAC-SHA256-PAYLOAD":
		return signedChunks, nil
	case "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER":
		return signedTrailer, nil
	case "STREAMING-UNSIGNED-PAYLOAD-TRAILER":
		return unsignedTrailer, nil
	}
	return 0, s.badPayload(s3Payload)
}

func (s *Signature) badPayload(message string) *Error {
	return &Error{Kind: KindBadPayload, Message: message, Presigned: s.Presigned}
}

// announced is the last line of the canonical request.
func (s *Signature) announced() string {
	if s.payload == "" {
		return unsignedPayload
	}
	return s.payload
}

func bodyTooLarge() *Error { return tooLarge("Your proposed upload exceeds the maximum allowed size") }

// install replaces the body by one that checks itself.
func (s *Signature) install(r *http.Request, o Options, p payload, key signingKey) error {
	if o.MaxBody > 0 && r.ContentLength > o.MaxBody && !p.chunked() {
		return bodyTooLarge()
	}
	switch {
	case p.chunked():
		return s.installChunked(r, o, p, key)
	case r.Body == nil || r.Body == http.NoBody || r.ContentLength == 0:
		if p == hashed && s.payload != emptyHash { // nobody may ever read an absent body
			return s.badDigest(o.S3)
		}
		return nil
	}
	b := &checkedBody{ReadCloser: r.Body, length: r.ContentLength, limit: o.MaxBody}
	if p == hashed {
		b.hash, b.want, b.wrong = sha256.New(), s.payload, s.badDigest(o.S3)
	}
	r.Body = b
	return nil
}

// checkedBody passes a body through and withholds the last piece until limit and hash are found kept.
type checkedBody struct {
	io.ReadCloser
	length, limit int64 // length is -1 if unknown, limit 0 if there is none
	read          int64
	hash          hash.Hash // nil if the payload is unsigned
	want          string
	wrong         *Error
	err           error
}

func (b *checkedBody) Read(p []byte) (int, error) {
	if b.err != nil {
		return 0, b.err
	}
	n, err := b.ReadCloser.Read(p)
	b.read += int64(n)
	if b.limit > 0 && b.read > b.limit {
		b.err = bodyTooLarge()
		return 0, b.err
	}
	if b.hash == nil {
		return n, err
	}
	b.hash.Write(p[:n])
	if err == io.EOF || b.read == b.length {
		if hex.EncodeToString(b.hash.Sum(nil)) != b.want {
			b.err = b.wrong
			return 0, b.err
		}
	}
	return n, err
}
