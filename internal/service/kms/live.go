package kms

import (
	"context"
	"crypto/hkdf"
	"crypto/sha256"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"

	"redoubt/internal/api"
	"redoubt/internal/policy"
	"redoubt/internal/store"
)

// A live key is a key ready for use: unsealed, with its policy compiled. It is never changed once made, but for what it
// remembers of grants.
type live struct {
	Key
	arn    string
	policy *policy.Document
	facts  policy.MapKeys // condition keys of the key itself
	roots  []root         // from which the keys of messages are derived, a backing each; of symmetric keys
	secret func() any     // the parsed material of other keys, nil while there is none
	unmade bool           // an AWS managed key that will be made when it is first used

	used    atomic.Pointer[usage]
	mu      sync.Mutex
	granted map[string]*policy.Document // the policy with the grants of one caller
}

// A root yields the secret that message keys are derived from. It is a function because fmt prints unexported fields
// without asking their methods, and of a function it can print the address only. It is nil where the material is gone.
type root func() []byte

// A cache holds live keys. Whether one is still current is asked of the store at each use, so that nodes agree.
type cache struct {
	mu   sync.RWMutex
	keys map[place]*live
}

// maxLive bounds the cache, at about 4 KB a key.
const maxLive = 10_000

func (c *cache) get(p place) *live {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.keys[p]
}

func (c *cache) put(p place, k *live) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if before := c.keys[p]; before != nil && before.used.Load() != nil {
		k.used.CompareAndSwap(nil, before.used.Load())
	}
	if c.keys == nil || len(c.keys) >= maxLive {
		c.keys = map[place]*live{}
	}
	c.keys[p] = k
}

func (c *cache) drop(p place) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.keys, p)
}

// load returns a key as it is now, or nil if there is none.
func (s *Service) load(ctx context.Context, p place) (*live, error) {
	var k *live
	err := s.db.View(ctx, func(tx *store.Tx) (err error) {
		k, err = s.loadIn(tx, p)
		return err
	})
	return k, err
}

func (s *Service) loadIn(tx *store.Tx, p place) (*live, error) {
	if k := s.cache.get(p); k != nil {
		if ok, err := s.current.Has(tx, p.account, p.region, p.id, k.Generation); ok || err != nil {
			return k, err
		}
	}
	record, ok, err := s.keys.Get(tx, p.account, p.region, p.id)
	if err != nil || !ok {
		s.cache.drop(p)
		return nil, err
	}
	names, err := s.aliasNames(tx, p)
	if err != nil {
		return nil, err
	}
	k, err := enliven(record, names)
	if err != nil {
		return nil, fmt.Errorf("reading key %s: %w", p.arn(), err)
	}
	s.cache.put(p, k)
	return k, nil
}

func enliven(record Key, aliases []string) (*live, error) {
	document, err := policy.Parse(record.Policy, policy.Resource)
	if err != nil {
		return nil, err
	}
	k := &live{Key: record, arn: record.place().arn(), policy: document.Bound(record.Bound), facts: keyFacts(&record, aliases)}
	k.Backing = slices.Clone(k.Backing)
	for i := range k.Backing {
		if err := k.unlock(&k.Backing[i]); err != nil {
			return nil, err
		}
	}
	return k, nil
}

// unlock makes material ready for use, and takes it out of the record.
func (k *live) unlock(b *backing) error {
	material := b.Material
	b.Material = nil
	if !k.symmetric() {
		if b.Gone {
			return nil
		}
		private, err := k.kind().parse(material)
		k.secret = func() any { return private }
		return err
	}
	if b.Gone {
		k.roots = append(k.roots, nil)
		return nil
	}
	secret, err := hkdf.Extract(sha256.New, material, nil)
	k.roots = append(k.roots, func() []byte { return secret })
	return err
}

// lookup finds the key that a reference means. Its error for a missing one is AWS's.
func (s *Service) lookup(ctx context.Context, r reference) (*live, error) {
	var k *live
	err := s.db.View(ctx, func(tx *store.Tx) (err error) {
		if r.alias != "" {
			a, ok, err := s.aliases.Get(tx, r.account, r.region, r.alias)
			if err != nil {
				return err
			}
			if !ok {
				k, err = managed(r)
				return err
			}
			r.id = a.KeyID
		}
		k, err = s.loadIn(tx, r.place)
		return err
	})
	if err == nil && k == nil {
		err = noKey(r.place)
	}
	return k, err
}

// permitted refuses a key that the call was not allowed to touch: an alias may have been moved to it since permission was asked.
func permitted(ctx context.Context, k *live, err error) (*live, error) {
	if err == nil && !api.Authorized(ctx, k.arn) {
		return nil, moved()
	}
	return k, err
}

// open finds the key that a KeyId of any form means, for an operation that has been authorised on it.
func (s *Service) open(ctx context.Context, keyID string) (*live, error) {
	r, err := parseReference(ctx, keyID)
	if err != nil {
		return nil, err
	}
	k, err := s.lookup(ctx, r)
	if err == nil && k.unmade {
		k, err = s.make(ctx, k)
	}
	return permitted(ctx, k, err)
}

// openByID is open for operations that take no alias.
func (s *Service) openByID(ctx context.Context, keyID string) (*live, error) {
	r, err := parseKeyReference(ctx, keyID)
	if err != nil {
		return nil, err
	}
	k, err := s.lookup(ctx, r)
	return permitted(ctx, k, err)
}

// change applies fn to a key that an operation on it, which takes no alias, has been authorised for.
func (s *Service) change(ctx context.Context, keyID string, fn func(*Key) error) error {
	r, err := parseKeyReference(ctx, keyID)
	if err != nil {
		return err
	}
	return s.db.Update(ctx, func(tx *store.Tx) error {
		k, err := s.get(tx, r.place)
		if err != nil {
			return err
		}
		if err := fn(&k); err != nil {
			return err
		}
		return s.put(tx, &k)
	})
}
