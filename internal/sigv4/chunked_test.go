package sigv4_test

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"

	"redoubt/internal/sigv4"
)

const (
	signedMode   = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"
	trailerMode  = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER"
	unsignedMode = "STREAMING-UNSIGNED-PAYLOAD-TRAILER"
)

// upload builds an aws-chunked request step by step, so that a test may do one step wrong.
type upload struct {
	mode     string
	declared string // X-Amz-Trailer
	length   any    // X-Amz-Decoded-Content-Length
	wire     bytes.Buffer
	request  *http.Request
	last     string
}

func newUpload(t testing.TB, mode string, length any, declared ...string) *upload {
	t.Helper()
	u := &upload{mode: mode, length: length, declared: strings.Join(declared, ",")}
	u.request, _ = http.NewRequest("PUT", "http://bucket.localhost/key", nil)
	h := u.request.Header
	h.Set("X-Amz-Content-Sha256", mode)
	if length != nil {
		h.Set("X-Amz-Decoded-Content-Length", fmt.Sprint(length))
	}
	if u.declared != "" {
		h.Set("X-Amz-Trailer", u.declared)
	}
	creds := aws.Credentials{AccessKeyID: exampleID, SecretAccessKey: exampleSecret}
	signer := v4.NewSigner(func(o *v4.SignerOptions) { o.DisableURIPathEscaping = true })
	if err := signer.SignHTTP(context.Background(), creds, u.request, mode, "s3", "us-east-1", exampleTime); err != nil {
		t.Fatal(err)
	}
	_, u.last, _ = strings.Cut(h.Get("Authorization"), "Signature=")
	return u
}

func sign(parts ...string) string {
	key := []byte("AWS4" + exampleSecret)
	for _, p := range []string{"20130524", "us-east-1", "s3", "aws4_request", strings.Join(parts, "\n")} {
		m := hmac.New(sha256.New, key)
		m.Write([]byte(p))
		key = m.Sum(nil)
	}
	return hex.EncodeToString(key)
}

const streamScope = "20130524T000000Z\n20130524/us-east-1/s3/aws4_request"

func (u *upload) chunk(data string) *upload {
	fmt.Fprintf(&u.wire, "%x", len(data))
	if u.mode != unsignedMode {
		u.last = sign("AWS4-HMAC-SHA256-PAYLOAD", streamScope, u.last, hashOf(nil), hashOf([]byte(data)))
		u.wire.WriteString(";chunk-signature=" + u.last)
	}
	u.wire.WriteString("\r\n" + data)
	if data != "" {
		u.wire.WriteString("\r\n")
	}
	return u
}

func (u *upload) raw(text string) *upload { u.wire.WriteString(text); return u }

func (u *upload) trailerSignature(canonical string) string {
	return "x-amz-trailer-signature:" + sign("AWS4-HMAC-SHA256-TRAILER", streamScope, u.last, hashOf([]byte(canonical)))
}

// received is the finished request on the server's side.
func (u *upload) received() *http.Request {
	r := u.request.Clone(context.Background())
	r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(u.wire.Bytes())), int64(u.wire.Len())
	return r
}

var (
	big  = strings.Repeat("0123456789abcdef", 640) // 10 KiB
	crc  = "x-amz-checksum-crc32"
	also = "x-amz-checksum-sha1"
)

func TestStreamsDecode(t *testing.T) {
	tests := map[string]*upload{
		"empty":                  newUpload(t, signedMode, 0).chunk("").raw("\r\n"),
		"one chunk":              newUpload(t, signedMode, 3).chunk("abc").chunk("").raw("\r\n"),
		"no last line":           newUpload(t, signedMode, 3).chunk("abc").chunk(""),
		"three chunks":           newUpload(t, signedMode, 20483).chunk(big).chunk(big).chunk("abc").chunk("").raw("\r\n"),
		"unsigned":               newUpload(t, unsignedMode, 3, crc).chunk("abc").chunk("").raw(crc + ":AAAA\r\n\r\n"),
		"unsigned, two trailers": newUpload(t, unsignedMode, 3, crc, also).chunk("abc").chunk("").raw(also + ": AAAA \r\n" + crc + ":AAAA\r\n\r\n"),
		"blank line first":       newUpload(t, unsignedMode, 3, crc).chunk("abc").chunk("").raw("\r\n" + crc + ":AAAA\r\n"),
		"upper case":             newUpload(t, unsignedMode, 10240, "X-Amz-Checksum-Crc32").raw("2800\r\n" + big + "\r\n").chunk("").raw("X-Amz-Checksum-CRC32:AAAA"),
	}
	signed := newUpload(t, trailerMode, 3, crc).chunk("abc").chunk("")
	tests["signed trailer"] = signed.raw(crc + ":AAAA\r\n" + signed.trailerSignature(crc+":AAAA\n") + "\r\n\r\n")
	bare := newUpload(t, trailerMode, 3, crc).chunk("abc").chunk("")
	tests["bare newline"] = bare.raw(crc + ":AAAA\n\r\n" + bare.trailerSignature(crc+":AAAA\n") + "\r\n\r\n")
	for name, u := range tests {
		body, s, err := verdict(u.received(), exampleSecret, exampleS3)
		if err != nil || fmt.Sprint(len(body)) != fmt.Sprint(u.length) {
			t.Errorf("%s: %d bytes, %v", name, len(body), err)
			continue
		}
		if got := s.Trailer().Get(crc); (got == "AAAA") != (u.declared != "") {
			t.Errorf("%s: trailer %q", name, got)
		}
	}
}

func TestBrokenStreamsAreRefused(t *testing.T) {
	forged := strings.Repeat("0", 64)
	header := func(size, signature string) string { return size + ";chunk-signature=" + signature + "\r\n" }
	tests := map[string]struct {
		u    *upload
		kind sigv4.Kind
	}{
		"nothing":              {newUpload(t, signedMode, 3), sigv4.KindBadChunk},
		"cut in data":          {newUpload(t, signedMode, 3).raw(header("3", forged) + "ab"), sigv4.KindBadChunk},
		"cut after data":       {newUpload(t, signedMode, 3).raw(header("3", forged) + "abc\r"), sigv4.KindBadChunk},
		"no line end":          {newUpload(t, signedMode, 3).raw(header("3", forged) + "abcde"), sigv4.KindBadChunk},
		"no final chunk":       {newUpload(t, signedMode, 3).chunk("abc"), sigv4.KindBadChunk},
		"forged chunk":         {newUpload(t, signedMode, 3).raw(header("3", forged) + "abc\r\n"), sigv4.KindMismatch},
		"forged final":         {newUpload(t, signedMode, 3).chunk("abc").raw(header("0", forged) + "\r\n"), sigv4.KindMismatch},
		"bare newline":         {newUpload(t, signedMode, 3).raw("3;chunk-signature=" + forged + "\nabc"), sigv4.KindBadChunk},
		"unsigned chunk":       {newUpload(t, signedMode, 3).raw("3\r\nabc\r\n"), sigv4.KindBadChunk},
		"signature, no need":   {newUpload(t, unsignedMode, 3, crc).raw(header("3", forged) + "abc\r\n"), sigv4.KindBadChunk},
		"size is empty":        {newUpload(t, unsignedMode, 3, crc).raw("\r\nabc\r\n"), sigv4.KindBadChunk},
		"size is no number":    {newUpload(t, unsignedMode, 3, crc).raw("3x\r\nabc\r\n"), sigv4.KindBadChunk},
		"size is negative":     {newUpload(t, unsignedMode, 3, crc).raw("-3\r\nabc\r\n"), sigv4.KindBadChunk},
		"size is huge":         {newUpload(t, unsignedMode, 3, crc).raw("fffffffffffffffff\r\nabc\r\n"), sigv4.KindBadChunk},
		"line is huge":         {newUpload(t, unsignedMode, 3, crc).raw(strings.Repeat("0", 9999) + "3\r\nabc\r\n"), sigv4.KindBadChunk},
		"more than announced":  {newUpload(t, unsignedMode, 2, crc).chunk("abc").chunk(""), sigv4.KindBadChunk},
		"another chunk":        {newUpload(t, unsignedMode, 3, crc).chunk("abc").chunk("d"), sigv4.KindBadChunk},
		"less than announced":  {newUpload(t, signedMode, 4).chunk("abc").chunk("").raw("\r\n"), sigv4.KindBadChunk},
		"small chunk first":    {newUpload(t, signedMode, 10243).chunk("abc").chunk(big).chunk(""), sigv4.KindSmallChunk},
		"more at the end":      {newUpload(t, signedMode, 3).chunk("abc").chunk("").raw("\r\nmore"), sigv4.KindBadChunk},
		"trailer not declared": {newUpload(t, unsignedMode, 3, crc).chunk("abc").chunk("").raw(also + ":AAAA\r\n"), sigv4.KindBadTrailer},
		"trailer missing":      {newUpload(t, unsignedMode, 3, crc).chunk("abc").chunk("").raw("\r\n"), sigv4.KindBadTrailer},
		"trailer twice":        {newUpload(t, unsignedMode, 3, crc).chunk("abc").chunk("").raw(crc + ":A\r\n" + crc + ":B\r\n"), sigv4.KindBadTrailer},
		"trailer no colon":     {newUpload(t, unsignedMode, 3, crc).chunk("abc").chunk("").raw(crc + "\r\n"), sigv4.KindBadTrailer},
		"trailer too long":     {newUpload(t, unsignedMode, 3, crc).chunk("abc").chunk("").raw(crc + ":" + strings.Repeat("A", 9000) + "\r\n"), sigv4.KindBadTrailer},
		"trailer unsigned":     {newUpload(t, trailerMode, 3, crc).chunk("abc").chunk("").raw(crc + ":AAAA\r\n\r\n"), sigv4.KindMismatch},
		"trailer forged":       {newUpload(t, trailerMode, 3, crc).chunk("abc").chunk("").raw(crc + ":A\r\nx-amz-trailer-signature:" + forged + "\r\n\r\n"), sigv4.KindMismatch},
		"trailer after sign":   {newUpload(t, trailerMode, 3, crc).chunk("abc").chunk("").raw("x-amz-trailer-signature:" + forged + "\r\n" + crc + ":A\r\n"), sigv4.KindBadTrailer},
		"signature in unsign":  {newUpload(t, unsignedMode, 3, crc).chunk("abc").chunk("").raw(crc + ":A\r\nx-amz-trailer-signature:" + forged + "\r\n"), sigv4.KindBadTrailer},
		"no declaration":       {newUpload(t, trailerMode, 3).chunk("abc").chunk(""), sigv4.KindBadTrailer},
		"declared twice":       {newUpload(t, trailerMode, 3, crc, crc).chunk("abc").chunk(""), sigv4.KindBadTrailer},
		"declared signature":   {newUpload(t, trailerMode, 3, "x-amz-trailer-signature").chunk("abc").chunk(""), sigv4.KindBadTrailer},
		"no length":            {newUpload(t, signedMode, nil).chunk(""), sigv4.KindMissingLength},
		"length is no number":  {newUpload(t, signedMode, "three").chunk("abc").chunk(""), sigv4.KindMalformed},
		"length is negative":   {newUpload(t, signedMode, -3).chunk("abc").chunk(""), sigv4.KindMalformed},
		"over MaxBody":         {newUpload(t, signedMode, 1<<20+1).chunk("abc").chunk(""), sigv4.KindTooLarge},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			o := exampleS3
			o.MaxBody = 1 << 20
			_, s, err := verdict(test.u.received(), exampleSecret, o)
			wantKind(t, err, test.kind)
			if s.Trailer() != nil {
				t.Errorf("trailer %v without proof", s.Trailer())
			}
		})
	}
}

func TestADoubledLengthIsRefused(t *testing.T) {
	u := newUpload(t, signedMode, 3).chunk("abc").chunk("")
	u.request.Header.Add("X-Amz-Decoded-Content-Length", "3")
	_, _, err := verdict(u.received(), exampleSecret, exampleS3)
	wantKind(t, err, sigv4.KindMismatch)
}

func TestAnyBentByteOfASignedStreamIsRefused(t *testing.T) {
	u := newUpload(t, trailerMode, 8203, crc).chunk(strings.Repeat("a", 8200)).chunk("abc").chunk("")
	u.raw(crc + ":AAAA\r\n" + u.trailerSignature(crc+":AAAA\n") + "\r\n")
	whole := bytes.Clone(u.wire.Bytes())
	for i := range whole {
		if i > 200 && i < 8200 {
			continue // in the middle of the data
		}
		u.wire.Reset()
		u.wire.Write(whole)
		u.wire.Bytes()[i] ^= 1
		body, _, err := verdict(u.received(), exampleSecret, exampleS3)
		if err == nil && string(body) != strings.Repeat("a", 8200)+"abc" {
			t.Errorf("byte %d (%q): accepted other data", i, whole[i])
		}
		if err == nil && whole[i] != '\r' && whole[i] != '\n' {
			t.Errorf("byte %d (%q): accepted", i, whole[i])
		}
	}
}

func TestTheLastByteOfAStreamComesAfterAllProofs(t *testing.T) {
	u := newUpload(t, unsignedMode, 3, crc).chunk("abc").chunk("").raw("broken")
	r := u.received()
	s, err := sigv4.Parse(r)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Verify(r, sigv4.NewSecret(exampleSecret), exampleS3); err != nil {
		t.Fatal(err)
	}
	n, err := io.ReadFull(r.Body, make([]byte, 3))
	if n != 0 {
		t.Errorf("%d bytes were given out", n)
	}
	wantKind(t, err, sigv4.KindBadTrailer)
	if _, again := r.Body.Read(make([]byte, 1)); again != err {
		t.Errorf("reading on: %v", again)
	}
}

func TestStreamsSurviveAnyReadSize(t *testing.T) {
	u := newUpload(t, signedMode, 20483).chunk(big).chunk(big).chunk("abc").chunk("").raw("\r\n")
	for name, slow := range map[string]func(io.Reader) io.Reader{"one": iotest.OneByteReader, "half": iotest.HalfReader, "data and error": iotest.DataErrReader} {
		r := u.received()
		r.Body = io.NopCloser(slow(r.Body))
		s, _ := sigv4.Parse(r)
		if err := s.Verify(r, sigv4.NewSecret(exampleSecret), exampleS3); err != nil {
			t.Fatal(err)
		}
		if err := iotest.TestReader(r.Body, []byte(big+big+"abc")); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestErrorsOfTheConnectionPassThrough(t *testing.T) {
	lost := errors.New("connection lost")
	for _, cut := range []int{0, 3, 86, 89, 90, 178} {
		r := newUpload(t, signedMode, 3).chunk("abc").chunk("").received()
		r.Body = io.NopCloser(io.MultiReader(io.LimitReader(r.Body, int64(cut)), iotest.ErrReader(lost)))
		if _, _, err := verdict(r, exampleSecret, exampleS3); err != lost {
			t.Errorf("cut at %d: %v", cut, err)
		}
	}
}

func TestAStreamWithoutBodyIsRefused(t *testing.T) {
	r := newUpload(t, signedMode, 3).received()
	r.Body = nil
	_, _, err := verdict(r, exampleSecret, exampleS3)
	wantKind(t, err, sigv4.KindBadChunk)
}
