package kms

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"hash/crc32"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// A ciphertext blob tells which key opens it. Versions 1 and 2, numbers big-endian:
//
//	offset  bytes
//	0       2       'R', 1; or 'R', 2 if the key is a multi-Region one
//	2       5       account number
//	7       16      key id, a UUID or what follows "mrk-"
//	23      4       number of the backing key, the first being 0
//	27      4       CRC-32C of all before: tells damage from a key that is gone, and protects nothing
//	31      16      salt
//	47      12      nonce
//	59      n       AES-256-GCM ciphertext
//	59+n    16      tag
//
// Each message has a key of its own, HKDF-SHA256 of its backing key and the salt, so that random nonces never come near
// the 2^32 messages that are safe under one GCM key. Associated data are the bytes before the nonce, and the encryption
// context: each pair, sorted by key, as length and key, length and value, lengths being four bytes.
const (
	blobMagic  = "R\x01"
	multiMagic = "R\x02"
	blobHead   = 31
	blobSalt   = 16
	blobPrefix = blobHead + blobSalt
	blobLeast  = blobPrefix + 12 + 16
)

// A blob is a parsed ciphertext blob. That it parses does not mean that it is genuine.
type blob struct {
	account, id string
	backing     uint32
	prefix      []byte // authenticated
	sealed      []byte // nonce, ciphertext and tag
}

func parseBlob(b []byte) (blob, bool) {
	if len(b) < blobLeast || !isMagic(b[:2]) || crc32.Checksum(b[:27], crc32.MakeTable(crc32.Castagnoli)) != binary.BigEndian.Uint32(b[27:]) {
		return blob{}, false
	}
	var number [8]byte
	copy(number[3:], b[2:7])
	account := strconv.FormatUint(binary.BigEndian.Uint64(number[:]), 10)
	if len(account) > 12 {
		return blob{}, false
	}
	id := formatUUID(b[7:23])
	if string(b[:2]) == multiMagic {
		id = multiPrefix + hex.EncodeToString(b[7:23])
	}
	return blob{
		account: "000000000000"[len(account):] + account, id: id,
		backing: binary.BigEndian.Uint32(b[23:]), prefix: b[:blobPrefix], sealed: b[blobPrefix:],
	}, true
}

func isMagic(b []byte) bool { return string(b) == blobMagic || string(b) == multiMagic }

// blobStart returns what a blob begins with, its salt included, with room for a message of the given size.
func blobStart(p place, backing, size int) ([]byte, error) {
	account, err := strconv.ParseUint(p.account, 10, 40)
	if err != nil {
		return nil, fmt.Errorf("account %q is not a number", p.account)
	}
	magic, digits := blobMagic, strings.ReplaceAll(p.id, "-", "")
	if rest, ok := strings.CutPrefix(p.id, multiPrefix); ok {
		magic, digits = multiMagic, rest
	}
	id, err := hex.DecodeString(digits)
	if err != nil || len(id) != 16 {
		return nil, fmt.Errorf("key id %q is not a UUID", p.id)
	}
	b := make([]byte, 0, blobLeast+size)
	b = append(b, magic...)
	b = append(b, byte(account>>32))
	b = binary.BigEndian.AppendUint32(b, uint32(account))
	b = append(b, id...)
	b = binary.BigEndian.AppendUint32(b, uint32(backing))
	b = binary.BigEndian.AppendUint32(b, crc32.Checksum(b, crc32.MakeTable(crc32.Castagnoli)))
	b = b[:blobPrefix]
	rand.Read(b[blobHead:])
	return b, nil
}

// encrypt seals a message under the key's newest backing key.
func (k *live) encrypt(plain []byte, context map[string]string) ([]byte, error) {
	newest := k.current()
	b, err := blobStart(k.place(), newest, len(plain))
	if err != nil {
		return nil, err
	}
	aead, err := messageKey(k.roots[newest], b)
	if err != nil {
		return nil, err
	}
	return aead.Seal(b, nil, plain, associated(b, context)), nil
}

// decrypt opens a message. It is the only judge of whether a blob is genuine.
func (k *live) decrypt(b blob, context map[string]string) ([]byte, error) {
	if int64(b.backing) >= int64(len(k.roots)) || k.roots[b.backing] == nil {
		return nil, badCiphertext()
	}
	aead, err := messageKey(k.roots[b.backing], b.prefix)
	if err != nil {
		return nil, err
	}
	plain, err := aead.Open(nil, nil, b.sealed, associated(b.prefix, context))
	if err != nil {
		return nil, badCiphertext()
	}
	return plain, nil
}

// messageKey derives the key of one message from the salt at the end of its blob's prefix.
func messageKey(from root, prefix []byte) (cipher.AEAD, error) {
	key, err := hkdf.Expand(sha256.New, from(), "redoubt kms message 1"+string(prefix[blobHead:blobPrefix]), 32)
	if err != nil {
		return nil, fmt.Errorf("deriving a message key: %w", err)
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, fmt.Errorf("using a message key: %w", err)
	}
	return cipher.NewGCMWithRandomNonce(block)
}

func associated(prefix []byte, context map[string]string) []byte {
	if len(context) == 0 {
		return prefix[:blobPrefix:blobPrefix]
	}
	ad := append(make([]byte, 0, 256), prefix...)
	for _, k := range slices.Sorted(maps.Keys(context)) {
		ad = appendSized(appendSized(ad, k), context[k])
	}
	return ad
}

func appendSized(b []byte, s string) []byte {
	return append(binary.BigEndian.AppendUint32(b, uint32(len(s))), s...)
}
