package seal

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/tink-crypto/tink-go/v2/aead/subtle"

	"redoubt/internal/disk"
)

const keySize = 32

// keyFile is a keeper whose key is 32 bytes in base64 in a file that only its owner and group may read.
type keyFile struct{ path string }

func openKeyFile(_ context.Context, u *url.URL) (keeper, error) {
	if u.Host != "" || u.Path == "" || u.RawQuery != "" {
		return nil, errors.New("want file:///PATH")
	}
	return &keyFile{path: u.Path}, nil
}

func (k *keyFile) Close() error { return nil }

// Encrypt creates the key file if there is none: only the creation of a root key, or its rotation after a successful
// Decrypt, comes here.
func (k *keyFile) Encrypt(_ context.Context, plain []byte) ([]byte, error) {
	key, err := k.read()
	if os.IsNotExist(err) {
		key, err = k.create()
	}
	if err != nil {
		return nil, err
	}
	return wrapWith(key, plain)
}

func (k *keyFile) Decrypt(_ context.Context, wrapped []byte) ([]byte, error) {
	key, err := k.read()
	if os.IsNotExist(err) {
		return nil, fmt.Errorf("%w: the key file %s is missing; restore it from a backup, or name the right keeper with --seal",
			ErrWrongKey, k.path)
	}
	if err != nil {
		return nil, err
	}
	plain, err := unwrapWith(key, wrapped)
	if err != nil {
		return nil, fmt.Errorf("%w: the key in %s is not the one this data was sealed with; restore that key file, or name the right keeper with --seal",
			ErrWrongKey, k.path)
	}
	return plain, nil
}

func (k *keyFile) read() ([]byte, error) {
	info, err := os.Stat(k.path)
	if err != nil {
		return nil, err
	}
	if info.Mode().Perm()&0o007 != 0 {
		return nil, fmt.Errorf("key file %s is open to every user of this machine (mode %v): chmod 600 it", k.path, info.Mode().Perm())
	}
	text, err := os.ReadFile(k.path)
	if err != nil {
		return nil, err
	}
	key, err := base64.StdEncoding.DecodeString(strings.TrimSpace(string(text)))
	if err != nil || len(key) != keySize {
		return nil, fmt.Errorf("key file %s: want %d bytes in base64 on one line", k.path, keySize)
	}
	return key, nil
}

// create makes the key file durable before anything is wrapped with it. If another process was faster, its key counts.
func (k *keyFile) create() ([]byte, error) {
	if err := os.MkdirAll(filepath.Dir(k.path), 0o700); err != nil {
		return nil, err
	}
	fresh := make([]byte, keySize)
	rand.Read(fresh)                                     // never fails (crypto/rand)
	tmp := fmt.Sprintf("%s.%s.new", k.path, rand.Text()) // not the same for two processes
	if err := disk.Replace(tmp, []byte(base64.StdEncoding.EncodeToString(fresh)+"\n")); err != nil {
		return nil, err
	}
	defer os.Remove(tmp)
	if err := os.Link(tmp, k.path); err != nil && !os.IsExist(err) {
		return nil, err
	}
	if err := disk.SyncDir(filepath.Dir(k.path)); err != nil {
		return nil, err
	}
	return k.read()
}

// wrapWith and unwrapWith use the key of a keeper. It is used rarely, with random nonces of 24 bytes.
func wrapWith(key, plain []byte) ([]byte, error) {
	a, err := subtle.NewXChaCha20Poly1305(key)
	if err != nil {
		return nil, err
	}
	return a.Encrypt(plain, nil)
}

func unwrapWith(key, wrapped []byte) ([]byte, error) {
	a, err := subtle.NewXChaCha20Poly1305(key)
	if err != nil {
		return nil, err
	}
	return a.Decrypt(wrapped, nil)
}
