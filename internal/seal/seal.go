// Package seal encrypts what Redoubt stores: a keeper outside opens the root key, the root key opens the data keys,
// the data keys seal records.
//
// On disk, below the directory given to Open:
//
//	keys/root         the root keyset, wrapped by the keeper
//	keys/box.NAME     the data keyset of one service, wrapped by the root
//	keys/raw.NAME     the keyset from which an engine's raw key is derived, wrapped by the root
//	keys/stream.NAME  the keyset of large objects, wrapped by the root
//	seal.key          the default keeper: a key file; keep it elsewhere if the disk may be stolen
//
// All of them are small and worth a backup: without them nothing stored can be read.
package seal

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"sync"

	"github.com/tink-crypto/tink-go/v2/aead"
	"github.com/tink-crypto/tink-go/v2/keyset"
	"github.com/tink-crypto/tink-go/v2/prf"
	tinkpb "github.com/tink-crypto/tink-go/v2/proto/tink_go_proto"
	"github.com/tink-crypto/tink-go/v2/tink"

	"redoubt/internal/disk"
)

// Ring holds the opened keys of one data directory. It is safe for concurrent use.
type Ring struct {
	keeper keeper
	dir    string // of key files

	mu       sync.Mutex
	root     *keyset.Handle
	rootFile []byte // what root was read from, to notice a rotation by another process
	boxes    map[string]*Box
	streams  map[string]*Stream
	prfs     map[string]*prf.Set
}

// Open opens the keys below dir with the keeper that keeperURL names, or creates them when dir has none yet.
//
// The URL is one of
//
//	""  file:///PATH             a key file, created if absent; default DIR/seal.key
//	passphrase:                  a passphrase in the environment variable REDOUBT_SEAL_PASSPHRASE
//	passphrase:///PATH           a passphrase in a file
//	hashivault://KEY             transit engine of HashiCorp Vault or OpenBao (VAULT_ADDR, VAULT_TOKEN)
//	awskms://KEY?region=REGION   AWS KMS; KEY is an id or an alias; awskms:///ARN
//	gcpkms://projects/P/locations/L/keyRings/R/cryptoKeys/K
//	azurekeyvault://VAULT.vault.azure.net/keys/KEY
//
// With the wrong key the error is ErrWrongKey and nothing is touched or created.
func Open(ctx context.Context, keeperURL, dir string) (*Ring, error) {
	k, err := openKeeper(ctx, keeperURL, dir)
	if err != nil {
		return nil, fmt.Errorf("opening the seal: %w", err)
	}
	r := &Ring{
		keeper:  k,
		dir:     filepath.Join(dir, "keys"),
		boxes:   map[string]*Box{},
		streams: map[string]*Stream{},
		prfs:    map[string]*prf.Set{},
	}
	if err := r.openRoot(ctx); err != nil {
		k.Close()
		return nil, fmt.Errorf("opening the seal: %w", err)
	}
	return r, nil
}

// Close releases the keeper. Boxes that were handed out keep working.
func (r *Ring) Close() error { return r.keeper.Close() }

// Box seals and opens the records of one service. It is safe for concurrent use.
type Box struct{ aead tink.AEAD }

// Box returns the box of the named service. Its data key is created durably on first use.
func (r *Ring) Box(name string) (*Box, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if b, ok := r.boxes[name]; ok {
		return b, nil
	}
	// AES-GCM with a 96-bit random nonce is good for 2^32 records per key, days at full speed; the derived-nonce
	// variant (XAES-256-GCM) has no such limit.
	h, err := r.dataKeyLocked("box", name, aead.XAES256GCM192BitNonceKeyTemplate())
	if err != nil {
		return nil, err
	}
	a, err := aead.New(h)
	if err != nil {
		return nil, fmt.Errorf("using data key %s: %w", name, err)
	}
	r.boxes[name] = &Box{a}
	return r.boxes[name], nil
}

// Seal encrypts plain. The same associated data must be given to Open; it is authenticated, not stored.
func (b *Box) Seal(plain, ad []byte) ([]byte, error) { return b.aead.Encrypt(plain, ad) }

// Open returns what Seal was given, or an error if a single bit of sealed or ad differs.
func (b *Box) Open(sealed, ad []byte) ([]byte, error) {
	plain, err := b.aead.Decrypt(sealed, ad)
	if err != nil {
		return nil, ErrUnsealable
	}
	return plain, nil
}

// Raw returns n secret bytes that are always the same for this name and directory: a key for an engine that cannot
// work with a Box. They are derived by HKDF-SHA256, so n is at most 8160.
func (r *Ring) Raw(name string, n int) ([]byte, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	set, ok := r.prfs[name]
	if !ok {
		h, err := r.dataKeyLocked("raw", name, prf.HKDFSHA256PRFKeyTemplate())
		if err != nil {
			return nil, err
		}
		if set, err = prf.NewPRFSet(h); err != nil {
			return nil, fmt.Errorf("using raw key %s: %w", name, err)
		}
		r.prfs[name] = set
	}
	return set.ComputePrimaryPRF([]byte("redoubt raw key "+name), uint32(n))
}

var keyName = regexp.MustCompile(`^[a-z0-9][a-z0-9_-]*$`)

// dataKeyLocked reads the keyset of that kind and name, or creates it.
func (r *Ring) dataKeyLocked(kind, name string, template *tinkpb.KeyTemplate) (*keyset.Handle, error) {
	if !keyName.MatchString(name) {
		return nil, fmt.Errorf("key name %q: want lower-case letters, digits, - and _", name)
	}
	file := kind + "." + name
	h, err := r.readKeyLocked(file)
	if !os.IsNotExist(err) {
		return h, err
	}
	return r.createKeyLocked(file, template)
}

func (r *Ring) readKeyLocked(file string) (*keyset.Handle, error) {
	wrapped, err := os.ReadFile(filepath.Join(r.dir, file))
	if err != nil {
		return nil, err
	}
	h, err := r.unwrapLocked(file, wrapped)
	if err == nil {
		return h, nil
	}
	// Another process may have rotated the root since we read it.
	if reread := r.readRootLocked(context.Background()); reread != nil {
		return nil, reread
	}
	if h, err = r.unwrapLocked(file, wrapped); err != nil {
		return nil, fmt.Errorf("%w: %s is damaged or belongs to another installation; restore it from a backup",
			ErrUnsealable, filepath.Join(r.dir, file))
	}
	return h, nil
}

func (r *Ring) unwrapLocked(file string, wrapped []byte) (*keyset.Handle, error) {
	root, err := aead.New(r.root)
	if err != nil {
		return nil, err
	}
	return unwrap(wrapped, root, file)
}

// keyAD binds a wrapped keyset to its file, so that files cannot be swapped.
func keyAD(file string) []byte { return []byte("redoubt key " + file) }

func wrap(h *keyset.Handle, root tink.AEAD, file string) ([]byte, error) {
	var out bytes.Buffer
	err := h.WriteWithAssociatedData(keyset.NewBinaryWriter(&out), root, keyAD(file))
	return out.Bytes(), err
}

func unwrap(wrapped []byte, root tink.AEAD, file string) (*keyset.Handle, error) {
	return keyset.ReadWithAssociatedData(keyset.NewBinaryReader(bytes.NewReader(wrapped)), root, keyAD(file))
}

// createKeyLocked generates a keyset and returns it once it is durable. Of two processes that do so, one wins and both
// use its key.
func (r *Ring) createKeyLocked(file string, template *tinkpb.KeyTemplate) (*keyset.Handle, error) {
	locked, err := disk.Lock(r.dir)
	if err != nil {
		return nil, err
	}
	defer locked.Close()
	if err := r.readRootLocked(context.Background()); err != nil {
		return nil, err
	}
	if h, err := r.readKeyLocked(file); !os.IsNotExist(err) {
		return h, err
	}
	h, err := keyset.NewHandle(template)
	if err != nil {
		return nil, fmt.Errorf("generating key %s: %w", file, err)
	}
	root, err := aead.New(r.root)
	if err != nil {
		return nil, err
	}
	wrapped, err := wrap(h, root, file)
	if err != nil {
		return nil, fmt.Errorf("wrapping key %s: %w", file, err)
	}
	return h, disk.Replace(filepath.Join(r.dir, file), wrapped)
}
