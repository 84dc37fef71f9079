package api

import (
	"crypto/rand"
	"encoding/base32"
	"encoding/base64"
	"fmt"
	"strconv"
)

var base32Text = base32.StdEncoding.WithPadding(base32.NoPadding)

// NewID returns a unique identifier of AWS's form: a four-letter prefix that tells what it names ("AIDA", "AROA"), and
// 17 random characters.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html#identifiers-prefixes
func NewID(prefix string) string {
	var b [11]byte
	rand.Read(b[:])
	return prefix + base32Text.EncodeToString(b[:])[:17]
}

// NewKeyID returns an access key id of 20 characters. As on AWS, the account can be read from it ([AccountOfKey]).
func NewKeyID(prefix, account string) string {
	var b [10]byte
	rand.Read(b[:])
	n, _ := strconv.ParseUint(account, 10, 64)
	head := n<<7 | uint64(b[5]&0x7f) | 1<<47
	for i := range 6 {
		b[i] = byte(head >> (40 - 8*i))
	}
	return prefix + base32Text.EncodeToString(b[:])
}

// AccountOfKey returns the account that an access key id was made for, or "" if id is none of ours.
func AccountOfKey(id string) string {
	if len(id) != 20 {
		return ""
	}
	b, err := base32Text.DecodeString(id[4:])
	if err != nil {
		return ""
	}
	var head uint64
	for i := range 6 {
		head = head<<8 | uint64(b[i])
	}
	account := strconv.FormatUint(head&0x7fffffffff80>>7, 10)
	if len(account) > 12 {
		return ""
	}
	return "000000000000"[len(account):] + account
}

// NewSecretKey returns a secret access key: 40 characters with 240 random bits.
func NewSecretKey() string {
	var b [30]byte
	rand.Read(b[:])
	return base64.StdEncoding.EncodeToString(b[:])
}

// NewUUID returns a random UUID (RFC 9562, version 4), the form of request ids and of many names.
func NewUUID() string {
	var b [16]byte
	rand.Read(b[:])
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}
