package sigv4

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"net/http"
)

// Verify decides whether the holder of secret signed this request, for what Options says, and now. On success it
// replaces r.Body: the new one decodes aws-chunked and returns an *Error where the body departs from what was signed. It
// never returns the last byte or io.EOF before all is proven, so what was read before io.EOF is provisional. For an
// aws-chunked body r.ContentLength becomes the decoded length. A body without announced hash is read into memory.
func (s *Signature) Verify(r *http.Request, secret Secret, o Options) error {
	if err := s.check(r, o); err != nil {
		return err
	}
	p, err := s.plan(o)
	if err != nil {
		return err
	}
	if p == hashed && s.payload == "" {
		return s.verifyHeld(r, secret, o)
	}
	key, err := s.match(r, secret, o, s.announced())
	if err != nil {
		return err
	}
	return s.install(r, o, p, key)
}

// VerifyBytes is Verify for a body that the caller has already read; r.Body is not touched. aws-chunked bodies are refused.
func (s *Signature) VerifyBytes(r *http.Request, body []byte, secret Secret, o Options) error {
	if err := s.check(r, o); err != nil {
		return err
	}
	p, err := s.plan(o)
	switch {
	case err != nil:
		return err
	case p.chunked():
		return &Error{Kind: KindUnsupported, Message: "This operation does not accept a body with Content-Encoding aws-chunked.", Presigned: s.Presigned}
	case o.MaxBody > 0 && int64(len(body)) > o.MaxBody:
		return bodyTooLarge()
	case p == unsigned:
		_, err := s.match(r, secret, o, s.announced())
		return err
	}
	return s.verifyHashed(r, body, secret, o)
}

func (s *Signature) verifyHashed(r *http.Request, body []byte, secret Secret, o Options) error {
	sum := sha256.Sum256(body)
	var text [2 * sha256.Size]byte
	hex.Encode(text[:], sum[:])
	announced := s.payload
	if announced == "" {
		announced = string(text[:])
	}
	if _, err := s.match(r, secret, o, announced); err != nil {
		return err
	}
	if announced != string(text[:]) {
		return s.badDigest(o.S3)
	}
	return nil
}

func (s *Signature) verifyHeld(r *http.Request, secret Secret, o Options) error {
	body, err := readHeld(r.Body, o.MaxBody)
	if err != nil {
		return err
	}
	if err := s.verifyHashed(r, body, secret, o); err != nil {
		return err
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	return nil
}

func readHeld(body io.Reader, limit int64) ([]byte, error) {
	if body == nil {
		return nil, nil
	}
	if limit <= 0 {
		limit = maxHeldBody
	}
	b, err := io.ReadAll(io.LimitReader(body, limit+1))
	if err == nil && int64(len(b)) > limit {
		return nil, bodyTooLarge()
	}
	return b, err
}

// match calculates the signature over the request, with the given last line, and compares. It returns the signing key.
func (s *Signature) match(r *http.Request, secret Secret, o Options, payload string) (signingKey, error) {
	var space [2048]byte
	request, ok := s.appendRequest(space[:0], r, o.S3, payload)
	if !ok || secret.empty() {
		return signingKey{}, s.mismatch("", "")
	}
	key := o.Cache.key(s, secret)
	var space2 [256]byte
	toSign := s.appendToSign(space2[:0], request)
	h := hmac.New(sha256.New, key[:])
	h.Write(toSign)
	var sum [sha256.Size]byte
	var want [2 * sha256.Size]byte
	hex.Encode(want[:], h.Sum(sum[:0]))
	if !hmac.Equal(want[:], []byte(s.signature)) {
		return signingKey{}, s.mismatch(string(request), string(toSign))
	}
	return key, nil
}

// appendToSign appends the string to sign.
func (s *Signature) appendToSign(dst, request []byte) []byte {
	dst = append(dst, algorithm...)
	dst = s.appendScope(append(dst, '\n'))
	sum := sha256.Sum256(request)
	return hex.AppendEncode(dst, sum[:])
}

// appendScope appends the lines that all strings to sign share: time and credential scope.
func (s *Signature) appendScope(dst []byte) []byte {
	dst = append(dst, s.stamp...)
	dst = append(dst, '\n')
	for _, part := range [...]string{s.Date, s.Region, s.Service} {
		dst = append(dst, part...)
		dst = append(dst, '/')
	}
	dst = append(dst, s.terminator...)
	return append(dst, '\n')
}
