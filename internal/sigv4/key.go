package sigv4

import (
	"crypto/hmac"
	"crypto/sha256"
	"strings"
	"sync"
)

type signingKey [sha256.Size]byte

// mac is HMAC-SHA256.
func mac(key []byte, message string) (sum signingKey) {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(message))
	h.Sum(sum[:0])
	return sum
}

// derive calculates the key that signs for one day, region and service.
func (s *Signature) derive(secret Secret) signingKey {
	k := mac([]byte("AWS4"+secret.Reveal()), s.Date)
	k = mac(k[:], s.Region)
	k = mac(k[:], s.Service)
	return mac(k[:], s.terminator)
}

// keysPerGeneration bounds a KeyCache to twice that many keys, about half a megabyte.
const keysPerGeneration = 1024

// KeyCache remembers signing keys, since deriving one costs four HMACs. The zero KeyCache is ready; it is safe for
// concurrent use and bounded: the keys least recently brought in go first. A rotated secret never meets the key of the
// former one. Keys are as secret as what they derive from for the rest of the day, so a KeyCache does not print either.
type KeyCache struct {
	mu         sync.RWMutex
	young, old map[cacheKey]func() signingKey // functions for the reason that Secret has
}

type cacheKey struct {
	id, date, region, service string
	secret                    [sha256.Size]byte
}

// key returns the signing key for a signature whose scope has been checked. A nil cache derives it.
func (c *KeyCache) key(s *Signature, secret Secret) signingKey {
	if c == nil {
		return s.derive(secret)
	}
	id := cacheKey{s.AccessKeyID, s.Date, s.Region, s.Service, secret.digest()}
	c.mu.RLock()
	k, ok := c.young[id]
	c.mu.RUnlock()
	if ok {
		return k()
	}
	return c.miss(id, s, secret)
}

func (c *KeyCache) miss(id cacheKey, s *Signature, secret Secret) signingKey {
	c.mu.Lock()
	defer c.mu.Unlock()
	k, ok := c.old[id]
	if !ok {
		derived := s.derive(secret)
		k = func() signingKey { return derived }
	}
	if c.young == nil || len(c.young) >= keysPerGeneration {
		c.old, c.young = c.young, make(map[cacheKey]func() signingKey)
	}
	id.id, id.date = strings.Clone(id.id), strings.Clone(id.date) // do not keep the request's header alive
	id.region, id.service = strings.Clone(id.region), strings.Clone(id.service)
	c.young[id] = k
	return k()
}

// String returns "[sealed]".
func (*KeyCache) String() string { return sealed }

// GoString returns "[sealed]".
func (*KeyCache) GoString() string { return sealed }
