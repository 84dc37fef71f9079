package ssm

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha512"
	"crypto/subtle"
	"encoding/binary"
	"errors"
	"fmt"

	"redoubt/internal/store"
)

// A message is an encrypted value in the format of the AWS Encryption SDK, version 2, with one data key and one frame, under
// its suite 0478: AES-256-GCM with a key derived by HKDF-SHA-512, and a commitment to it.
// https://docs.aws.amazon.com/encryption-sdk/latest/developer-guide/message-format.html
type message struct {
	arn     string // of the parameter, the encryption context
	key     string // ARN of the KMS key
	wrapped []byte // the data key

	id                 [32]byte
	commitment         [32]byte
	header, body, auth []byte
}

const (
	messageVersion = 2
	suite          = 0x0478
	framed         = 2
	lastFrame      = 0xFFFFFFFF
	provider       = "aws-kms"
	tagSize        = 16
)

// sealMessage encrypts a value under a data key.
func sealMessage(m message, dataKey, plain []byte) ([]byte, error) {
	rand.Read(m.id[:])
	aead, err := m.derive(dataKey, m.commitment[:])
	if err != nil {
		return nil, err
	}
	out := m.appendHeader(nil)
	out = aead.Seal(out, make([]byte, 12), nil, bytes.Clone(out))
	out = binary.BigEndian.AppendUint32(out, lastFrame)
	out = binary.BigEndian.AppendUint32(out, 1)
	out = append(out, frameNonce()...)
	out = binary.BigEndian.AppendUint32(out, uint32(len(plain)))
	return aead.Seal(out, frameNonce(), plain, m.frameData(len(plain))), nil
}

// frameNonce is the number of the first frame. No key encrypts two messages.
func frameNonce() []byte { return []byte{11: 1} }

func (m *message) frameData(length int) []byte {
	b := append(m.id[:len(m.id):len(m.id)], "AWSKMSEncryptionClient Final Frame"...)
	b = binary.BigEndian.AppendUint32(b, 1)
	return binary.BigEndian.AppendUint64(b, uint64(length))
}

func (m *message) appendHeader(b []byte) []byte {
	b = append(b, messageVersion, suite>>8, suite&0xFF)
	b = append(b, m.id[:]...)
	b = binary.BigEndian.AppendUint16(b, uint16(2+2+len(contextKey)+2+len(m.arn)))
	b = binary.BigEndian.AppendUint16(b, 1)
	b = appendText(appendText(b, contextKey), m.arn)
	b = binary.BigEndian.AppendUint16(b, 1)
	b = appendText(appendText(appendText(b, provider), m.key), string(m.wrapped))
	b = append(b, framed)
	b = binary.BigEndian.AppendUint32(b, advancedSize)
	return append(b, m.commitment[:]...)
}

func appendText(b []byte, text string) []byte {
	return append(binary.BigEndian.AppendUint16(b, uint16(len(text))), text...)
}

// derive makes the key of a message out of its data key, and what commits to it.
func (m *message) derive(dataKey, commitment []byte) (cipher.AEAD, error) {
	key, err := hkdf.Key(sha512.New, dataKey, m.id[:], "\x04\x78DERIVEKEY", 32)
	if err != nil {
		return nil, fmt.Errorf("deriving the key of a message: %w", err)
	}
	commit, err := hkdf.Key(sha512.New, dataKey, m.id[:], "COMMITKEY", 32)
	if err != nil {
		return nil, fmt.Errorf("deriving the commitment of a message: %w", err)
	}
	copy(commitment, commit)
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, fmt.Errorf("opening the key of a message: %w", err)
	}
	return cipher.NewGCM(block)
}

var errMessage = fmt.Errorf("%w: an encrypted value", store.ErrCorrupt)

// parseMessage reads what sealMessage has written.
func parseMessage(b []byte) (*message, error) {
	m := &message{}
	r := reader{rest: b}
	if r.number(1) != messageVersion || r.number(2) != suite {
		return nil, errMessage
	}
	copy(m.id[:], r.take(len(m.id)))
	if r.number(2); r.number(2) != 1 || string(r.text()) != contextKey {
		return nil, errMessage
	}
	m.arn = string(r.text())
	if r.number(2) != 1 || string(r.text()) != provider {
		return nil, errMessage
	}
	m.key, m.wrapped = string(r.text()), r.text()
	if r.number(1) != framed || r.number(4) != advancedSize {
		return nil, errMessage
	}
	copy(m.commitment[:], r.take(len(m.commitment)))
	m.header = b[:len(b)-len(r.rest)]
	m.auth = r.take(tagSize)
	if r.number(4) != lastFrame || r.number(4) != 1 || !bytes.Equal(r.take(12), frameNonce()) {
		return nil, errMessage
	}
	length := r.number(4)
	if m.body = r.rest; r.failed || uint64(len(m.body)) != length+tagSize {
		return nil, errMessage
	}
	return m, nil
}

// open decrypts the message of the parameter with that ARN.
func (m *message) open(arn string, dataKey []byte) ([]byte, error) {
	if m.arn != arn {
		return nil, errMessage
	}
	var commitment [32]byte
	aead, err := m.derive(dataKey, commitment[:])
	if err != nil {
		return nil, err
	}
	if subtle.ConstantTimeCompare(commitment[:], m.commitment[:]) != 1 {
		return nil, errMessage
	}
	if _, err := aead.Open(nil, make([]byte, 12), m.auth, m.header); err != nil {
		return nil, errors.Join(errMessage, err)
	}
	plain, err := aead.Open(nil, frameNonce(), m.body, m.frameData(len(m.body)-tagSize))
	if err != nil {
		return nil, errors.Join(errMessage, err)
	}
	return plain, nil
}

// A reader takes bytes apart; once there are too few, it has failed.
type reader struct {
	rest   []byte
	failed bool
}

func (r *reader) take(n int) []byte {
	if n > len(r.rest) {
		r.rest, r.failed = nil, true
		return nil
	}
	taken := r.rest[:n]
	r.rest = r.rest[n:]
	return taken
}

func (r *reader) number(size int) (n uint64) {
	for _, b := range r.take(size) {
		n = n<<8 | uint64(b)
	}
	return n
}

func (r *reader) text() []byte { return r.take(int(r.number(2))) }
