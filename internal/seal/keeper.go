package seal

import (
	"bytes"
	"cmp"
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"path/filepath"
	"slices"
	"strings"

	"github.com/tink-crypto/tink-go/v2/aead/subtle"
	"github.com/tink-crypto/tink-go/v2/keyset"
)

// ErrWrongKey says that the keeper works but is not the one that wrapped the root key.
var ErrWrongKey = errors.New("wrong seal key")

// ErrUnsealable says that sealed data, or a wrapped key, is damaged, misplaced or of another installation.
var ErrUnsealable = errors.New("cannot be unsealed")

// A keeper wraps the root keyset. Every *secrets.Keeper of gocloud.dev is one.
type keeper interface {
	Encrypt(ctx context.Context, plain []byte) ([]byte, error)
	Decrypt(ctx context.Context, wrapped []byte) ([]byte, error)
	Close() error
}

// schemes is every kind of keeper.
func schemes() map[string]func(ctx context.Context, u *url.URL) (keeper, error) {
	return map[string]func(context.Context, *url.URL) (keeper, error){
		"file":          openKeyFile,
		"passphrase":    openPassphrase,
		"hashivault":    openVault,
		"awskms":        openAWS,
		"gcpkms":        openGCP,
		"azurekeyvault": openAzure,
	}
}

func openKeeper(ctx context.Context, keeperURL, dir string) (keeper, error) {
	if keeperURL == "" {
		return &keyFile{path: filepath.Join(dir, "seal.key")}, nil
	}
	u, err := url.Parse(keeperURL)
	if err != nil {
		return nil, fmt.Errorf("seal URL: %w", err)
	}
	open, ok := schemes()[u.Scheme]
	if !ok {
		known := slices.Sorted(maps.Keys(schemes()))
		return nil, fmt.Errorf("seal URL %q: unknown scheme; there are %s", u.Redacted(), strings.Join(known, ", "))
	}
	k, err := open(ctx, u)
	if err != nil {
		return nil, fmt.Errorf("seal URL %q: %w", u.Redacted(), err)
	}
	return k, nil
}

// wrapRoot returns the keyset as it is stored. The keeper wraps a fresh 32-byte key, whatever the size of the keyset:
// Azure's RSA keys take no more than 190 bytes. That key wraps the keyset.
func wrapRoot(ctx context.Context, k keeper, root *keyset.Handle) ([]byte, error) {
	key := make([]byte, keySize)
	rand.Read(key) // never fails (crypto/rand)
	wrappedKey, err := k.Encrypt(ctx, key)
	if err != nil {
		return nil, err
	}
	// A keeper that may encrypt but not decrypt must show now, not at the next start.
	if again, err := k.Decrypt(ctx, wrappedKey); err != nil || !bytes.Equal(again, key) {
		return nil, fmt.Errorf("the keeper does not decrypt what it encrypted: %w", cmp.Or(err, ErrUnsealable))
	}
	sealer, err := subtle.NewXChaCha20Poly1305(key)
	if err != nil {
		return nil, err
	}
	sealed, err := wrap(root, sealer, rootName)
	if err != nil {
		return nil, err
	}
	return slices.Concat(binary.BigEndian.AppendUint16(nil, uint16(len(wrappedKey))), wrappedKey, sealed), nil
}

func unwrapRoot(ctx context.Context, k keeper, wrapped []byte) (*keyset.Handle, error) {
	if len(wrapped) < 2 {
		return nil, errDamagedRoot
	}
	size, rest := int(binary.BigEndian.Uint16(wrapped)), wrapped[2:]
	if len(rest) < size {
		return nil, errDamagedRoot
	}
	key, err := k.Decrypt(ctx, rest[:size])
	if err != nil {
		return nil, err
	}
	opener, err := subtle.NewXChaCha20Poly1305(key)
	if err != nil {
		return nil, errDamagedRoot
	}
	root, err := unwrap(rest[size:], opener, rootName)
	if err != nil {
		return nil, errDamagedRoot
	}
	return root, nil
}

var errDamagedRoot = fmt.Errorf("%w: the file is damaged; restore it from a backup", ErrUnsealable)
