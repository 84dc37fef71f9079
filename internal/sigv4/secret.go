package sigv4

import (
	"crypto/sha256"
	"crypto/subtle"
	"fmt"
	"io"
	"log/slog"
)

const sealed = "[sealed]"

// Secret is a secret access key that does not print itself. The zero Secret verifies nothing. Its content sits in a
// function because fmt calls no methods on unexported fields, and prints a pointer's target when the verb does not fit;
// of a function it can only print the address.
type Secret struct{ held func() held }

type held struct {
	value  string
	digest [sha256.Size]byte
}

// NewSecret wraps a secret access key.
func NewSecret(value string) Secret {
	h := held{value, sha256.Sum256([]byte(value))}
	return Secret{func() held { return h }}
}

// Reveal returns the secret access key in clear.
func (s Secret) Reveal() string {
	if s.held == nil {
		return ""
	}
	return s.held().value
}

// Equal reports, in constant time, whether both secrets are the same.
func (s Secret) Equal(other Secret) bool {
	a, b := s.digest(), other.digest()
	return subtle.ConstantTimeCompare(a[:], b[:]) == 1
}

func (s Secret) empty() bool { return s.Reveal() == "" }

func (s Secret) digest() [sha256.Size]byte {
	if s.held == nil {
		return sha256.Sum256(nil)
	}
	return s.held().digest
}

// String returns "[sealed]".
func (Secret) String() string { return sealed }

// GoString returns "[sealed]".
func (Secret) GoString() string { return sealed }

// Format writes "[sealed]" for every verb.
func (Secret) Format(f fmt.State, _ rune) { io.WriteString(f, sealed) }

// MarshalJSON returns "[sealed]".
func (Secret) MarshalJSON() ([]byte, error) { return []byte(`"` + sealed + `"`), nil }

// MarshalText returns "[sealed]".
func (Secret) MarshalText() ([]byte, error) { return []byte(sealed), nil }

// LogValue returns "[sealed]".
func (Secret) LogValue() slog.Value { return slog.StringValue(sealed) }
