package kms

import (
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"
)

// What each state refuses is told by the table in
// https://docs.aws.amazon.com/kms/latest/developerguide/key-state.html

// state is the key's state now.
func (k *Key) state() types.KeyState {
	if !k.imported() || k.State == types.KeyStatePendingDeletion {
		return k.State
	}
	return k.stateAt(time.Now())
}

// stateAt counts material as gone from the moment that it expires, whenever it is wiped.
func (k *Key) stateAt(now time.Time) types.KeyState {
	if k.State != types.KeyStatePendingDeletion && k.imported() && !k.whole(now) {
		return types.KeyStatePendingImport
	}
	return k.State
}

// whole reports whether the key has all material that belongs to it for good.
func (k *Key) whole(now time.Time) bool {
	n := 0
	for i := range k.Backing {
		b := &k.Backing[i]
		if b.Pending {
			continue
		}
		if !b.there(now) {
			return false
		}
		n++
	}
	return n > 0
}

// there reports whether imported material can be used.
func (b *backing) there(now time.Time) bool {
	return !b.Gone && (b.Expires.IsZero() || now.Before(b.Expires))
}

// newest is the material in use, nil before the first is imported.
func (k *Key) newest() *backing {
	i := k.current()
	if i < 0 {
		return nil
	}
	return &k.Backing[i]
}

func (k *Key) current() int {
	for i := len(k.Backing) - 1; i >= 0; i-- {
		if !k.Backing[i].Pending {
			return i
		}
	}
	return -1
}

// expires is when the first of the material that belongs to the key expires; zero if none does.
func (k *Key) expires() (first time.Time) {
	for _, b := range k.Backing {
		if !b.Pending && !b.Gone && !b.Expires.IsZero() && (first.IsZero() || b.Expires.Before(first)) {
			first = b.Expires
		}
	}
	return first
}

func expiration(at time.Time) (types.ExpirationModelType, *time.Time) {
	if at.IsZero() {
		return types.ExpirationModelTypeKeyMaterialDoesNotExpire, nil
	}
	return types.ExpirationModelTypeKeyMaterialExpires, aws.Time(at)
}

// usable refuses keys that must not be used for cryptography now.
func (k *Key) usable() error {
	switch k.state() {
	case types.KeyStateDisabled:
		return &types.DisabledException{Message: message("%s is disabled.", []any{k.place().arn()})}
	case types.KeyStatePendingDeletion:
		return k.pending()
	case types.KeyStatePendingImport:
		return k.wanting()
	}
	return nil
}

// present refuses keys that are about to be deleted.
func (k *Key) present() error {
	if k.State == types.KeyStatePendingDeletion {
		return k.pending()
	}
	return nil
}

// complete refuses those, and keys that lack material.
func (k *Key) complete() error {
	if k.state() == types.KeyStatePendingImport {
		return k.wanting()
	}
	return k.present()
}

func (k *Key) pending() error { return invalidState("%s is pending deletion.", k.place().arn()) }

func (k *Key) wanting() error { return invalidState("%s is pending import.", k.place().arn()) }
