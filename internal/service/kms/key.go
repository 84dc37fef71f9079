package kms

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/kms/types"

	"redoubt/internal/policy"
	"redoubt/internal/store"
)

// A Key is the record of a KMS key.
type Key struct {
	ID, Account, Region string

	Created     time.Time
	Description string
	Manager     types.KeyManagerType
	Spec        types.KeySpec // see spec, usage and origin
	Usage       types.KeyUsageType
	Origin      types.OriginType
	MultiRegion bool           // a primary key, as there is no other Region
	State       types.KeyState // as its owner set it; see stateAt
	Deletion    time.Time      // zero unless the key is pending deletion
	Policy      string
	Bound       policy.Bindings // of Policy
	Tags        map[string]string
	Backing     []backing // oldest first; the last one that is not pending is in use

	RotationDays int32 // 0 while automatic rotation is off
	NextRotation time.Time

	Grants     int       // how many there are
	Tracked    time.Time // since when its use is recorded
	Generation string    // changes with the key, its aliases and its grants
	Due        string    // its entry in the table of due keys
}

// A backing is one generation of key material. None is ever dropped, because old ciphertexts need theirs; but the owner
// of a key may take material away that was imported.
type backing struct {
	ID       string // KeyMaterialId
	Material secret // see kind.generate
	Public   []byte // SubjectPublicKeyInfo of a key pair
	Created  time.Time
	Type     types.RotationType // how it came about; "" for the first

	// Of imported material only.
	Gone        bool      // deleted, or expired and wiped
	Pending     bool      // waits for a rotation
	Expires     time.Time // zero if it does not
	Description string
}

// A secret is key material. It is stored in sealed records and never shown.
type secret []byte

const sealed = "[sealed]"

// String implements fmt.Stringer.
func (secret) String() string { return sealed }

// GoString implements fmt.GoStringer.
func (secret) GoString() string { return sealed }

// Format implements fmt.Formatter, for every verb.
func (secret) Format(f fmt.State, _ rune) { f.Write([]byte(sealed)) }

// MarshalJSON implements json.Marshaler.
func (secret) MarshalJSON() ([]byte, error) { return []byte(`"` + sealed + `"`), nil }

// newBacking makes the material of a symmetric key.
func newBacking(at time.Time, how types.RotationType) backing {
	return backing{ID: randomHex(32), Material: randomBytes(symmetricSize), Created: at, Type: how}
}

func randomHex(bytes int) string {
	b := make([]byte, bytes)
	rand.Read(b)
	return hex.EncodeToString(b)
}

// newID returns a random key id: a UUID, or the form of multi-Region keys.
func newID(multiRegion bool) string {
	if multiRegion {
		return multiPrefix + randomHex(16)
	}
	var b [16]byte
	rand.Read(b[:])
	return uuid(b)
}

const multiPrefix = "mrk-"

// uuid writes b as a UUID of version 4 (RFC 9562).
func uuid(b [16]byte) string {
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return formatUUID(b[:])
}

func formatUUID(b []byte) string {
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

// A place is where a key lives. Its id may be that of no key.
type place struct{ account, region, id string }

func (k *Key) place() place { return place{k.Account, k.Region, k.ID} }

func (p place) arn() string { return arnOf(p.account, p.region, "key/"+p.id) }

func arnOf(account, region, resource string) string {
	return "arn:aws:kms:" + region + ":" + account + ":" + resource
}

// get reads a key's record; its error for a missing one is AWS's.
func (s *Service) get(tx *store.Tx, p place) (Key, error) {
	k, ok, err := s.keys.Get(tx, p.account, p.region, p.id)
	if err == nil && !ok {
		err = noKey(p)
	}
	return k, err
}

// put stores a key that is new or was read in the same transaction, under a new generation, so that every node reads it
// again before it is next used.
func (s *Service) put(tx *store.Tx, k *Key) error {
	if err := s.unmark(tx, k); err != nil {
		return err
	}
	k.Generation, k.Due = randomHex(8), k.nextDue()
	if err := s.current.Put(tx, mark{}, k.Account, k.Region, k.ID, k.Generation); err != nil {
		return err
	}
	if k.Due != "" {
		if err := s.due.Put(tx, mark{}, k.Due, k.Account, k.Region, k.ID); err != nil {
			return err
		}
	}
	return s.keys.Put(tx, *k, k.Account, k.Region, k.ID)
}

// unmark removes what the tables know of a key's last generation.
func (s *Service) unmark(tx *store.Tx, k *Key) error {
	if k.Due != "" {
		if err := s.due.Delete(tx, k.Due, k.Account, k.Region, k.ID); err != nil {
			return err
		}
	}
	if k.Generation == "" {
		return nil
	}
	return s.current.Delete(tx, k.Account, k.Region, k.ID, k.Generation)
}
