package seal

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"net/url"
	"os"
	"runtime/debug"
	"strings"

	"golang.org/x/crypto/argon2"
)

// PassphraseVariable is the environment variable that the keeper "passphrase:" reads.
const PassphraseVariable = "REDOUBT_SEAL_PASSPHRASE"

// passphrase is a keeper whose key is stretched from a passphrase with Argon2id.
type passphrase struct{ text []byte }

func openPassphrase(_ context.Context, u *url.URL) (keeper, error) {
	text := os.Getenv(PassphraseVariable)
	if u.Path != "" {
		content, err := os.ReadFile(u.Path)
		if err != nil {
			return nil, err
		}
		text = strings.TrimRight(string(content), "\r\n")
	}
	if text == "" {
		return nil, errors.New("the passphrase is empty: set " + PassphraseVariable + " or name a file with passphrase:///PATH")
	}
	return &passphrase{text: []byte(text)}, nil
}

func (p *passphrase) Close() error { return nil }

// The wrapped form is: version 1, passes, MiB, lanes (one byte each but the two of MiB), salt, ciphertext. The cost is
// the second recommendation of RFC 9106, section 4; it is stored so that it can grow.
const (
	version   = 1
	passes    = 3
	mebibytes = 64
	lanes     = 4
	saltSize  = 16
	headSize  = 5 + saltSize
)

func (p *passphrase) Encrypt(_ context.Context, plain []byte) ([]byte, error) {
	head := []byte{version, passes}
	head = binary.BigEndian.AppendUint16(head, mebibytes)
	head = append(head, lanes)
	salt := make([]byte, saltSize)
	rand.Read(salt) // never fails (crypto/rand)
	head = append(head, salt...)
	sealed, err := wrapWith(p.stretch(head), plain)
	return append(head, sealed...), err
}

func (p *passphrase) Decrypt(_ context.Context, wrapped []byte) ([]byte, error) {
	if len(wrapped) < headSize || wrapped[0] != version {
		return nil, fmt.Errorf("%w: this data was not sealed with a passphrase; name the right keeper with --seal", ErrWrongKey)
	}
	head := wrapped[:headSize]
	// A damaged head must not cost all memory or panic in argon2.
	if head[1] == 0 || head[4] == 0 || binary.BigEndian.Uint16(head[2:]) > 4096 {
		return nil, fmt.Errorf("%w: this data was not sealed with a passphrase, or its parameters are damaged", ErrWrongKey)
	}
	plain, err := unwrapWith(p.stretch(head), wrapped[headSize:])
	if err != nil {
		return nil, fmt.Errorf("%w: the passphrase is not the one this data was sealed with", ErrWrongKey)
	}
	return plain, nil
}

func (p *passphrase) stretch(head []byte) []byte {
	defer debug.FreeOSMemory() // a long-lived server should not keep what Argon2 needed once
	mem := uint32(binary.BigEndian.Uint16(head[2:])) * 1024
	return argon2.IDKey(p.text, head[5:headSize], uint32(head[1]), mem, head[4], keySize)
}
