package seal

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"path/filepath"

	"github.com/tink-crypto/tink-go/v2/aead/subtle"
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
		"file":       openKeyFile,
		"passphrase": openPassphrase,
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
		return nil, fmt.Errorf("seal URL %q: unknown scheme; want file, passphrase, hashivault or awskms", u.Redacted())
	}
	k, err := open(ctx, u)
	if err != nil {
		return nil, fmt.Errorf("seal URL %q: %w", u.Redacted(), err)
	}
	return k, nil
}

// keeperAEAD lets Tink write a keyset through a keeper. Keepers have no associated data: the root needs none.
type keeperAEAD struct{ keeper }

func (k keeperAEAD) EncryptWithContext(ctx context.Context, plain, _ []byte) ([]byte, error) {
	return k.Encrypt(ctx, plain)
}

func (k keeperAEAD) DecryptWithContext(ctx context.Context, wrapped, _ []byte) ([]byte, error) {
	return k.Decrypt(ctx, wrapped)
}

// wrapWith and unwrapWith are what keepers that hold a 32-byte key have in common.
func wrapWith(key, plain []byte) ([]byte, error) {
	a, err := subtle.NewXChaCha20Poly1305(key)
	if err != nil {
		return nil, err
	}
	return a.Encrypt(plain, []byte("redoubt root key"))
}

func unwrapWith(key, wrapped []byte) ([]byte, error) {
	a, err := subtle.NewXChaCha20Poly1305(key)
	if err != nil {
		return nil, err
	}
	plain, err := a.Decrypt(wrapped, []byte("redoubt root key"))
	if err != nil {
		return nil, ErrWrongKey
	}
	return plain, nil
}
