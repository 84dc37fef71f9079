package s3

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"redoubt/internal/api"
	"redoubt/internal/policy"
	"redoubt/internal/store"
)

// Bucket is the record of a bucket: who owns it, and all that is configured.
type Bucket struct {
	Name, ID, Account, Region string
	Created                   time.Time
	Ownership                 types.ObjectOwnership // "" where the controls were deleted
	Public                    *PublicAccess         // nil where the block was deleted
	Policy                    string
	Bound                     policy.Bindings // whom the policy means
	Versioning                types.BucketVersioningStatus
	MFADelete                 bool
	Encryption                Encryption
	Tags                      []types.Tag
	Locking                   bool // object lock, which is for good
	LockDefault               *types.DefaultRetention
	Lifecycle                 []types.LifecycleRule
	SizeRule                  types.TransitionDefaultMinimumObjectSize
	CORS                      []types.CORSRule
	Logging                   *types.LoggingEnabled
	Website                   *types.WebsiteConfiguration
}

// Encryption is what encrypts objects that do not say so themselves. The zero value is SSE-S3.
type Encryption struct {
	Algorithm types.ServerSideEncryption
	KeyID     string
	BucketKey bool
	NoSSEC    bool
}

// PublicAccess is the public access block of a bucket or an account.
type PublicAccess struct{ BlockACLs, IgnoreACLs, BlockPolicy, Restrict bool }

// A bucket is a record ready for use. It is never changed once made.
type bucket struct {
	Bucket
	policy *policy.Document
	public bool // the policy lets everybody in
}

func (b *Bucket) arn() string { return "arn:aws:s3:::" + b.Name }

// versioned reports whether the bucket has, or had, versions.
func (b *Bucket) versioned() bool { return b.Versioning != "" }

// Keys of the tables below a bucket.
func (b *Bucket) key(key string) []string { return []string{b.Account, b.Region, b.ID, key} }

func (b *Bucket) place() []string { return []string{b.Account, b.Region, b.ID} }

// A cache holds buckets as they are now: whatever changes one drops it.
type cache struct {
	mu      sync.RWMutex
	buckets map[string]*bucket
	drops   uint64
}

// maxCached bounds the cache, at about 4 KB a bucket.
const maxCached = 10_000

func (c *cache) get(name string) (b *bucket, drops uint64) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.buckets[name], c.drops
}

// put keeps a bucket that was read after the given number of drops, unless there was another since: then it may be old.
func (c *cache) put(b *bucket, drops uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.drops != drops {
		return
	}
	if c.buckets == nil || len(c.buckets) >= maxCached {
		c.buckets = map[string]*bucket{}
	}
	c.buckets[b.Name] = b
}

func (c *cache) drop(name string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.buckets, name)
	c.drops++
}

// find returns the bucket of that name, of whatever account, or nil.
func (s *Service) find(ctx context.Context, name string) (*bucket, error) {
	b, drops := s.cache.get(name)
	if b != nil {
		return b, nil
	}
	var record Bucket
	var ok bool
	err := s.db.View(ctx, func(tx *store.Tx) (err error) {
		record, ok, err = s.buckets.Get(tx, "", "", name)
		return err
	})
	if err != nil || !ok {
		return nil, err
	}
	if b, err = enliven(record); err != nil {
		return nil, fmt.Errorf("reading the policy of bucket %s: %w", name, err)
	}
	s.cache.put(b, drops)
	return b, nil
}

func enliven(record Bucket) (*bucket, error) {
	b := &bucket{Bucket: record}
	if record.Policy == "" {
		return b, nil
	}
	document, err := policy.Parse(record.Policy, policy.Resource)
	if err != nil {
		return nil, err
	}
	b.policy = document.Bound(record.Bound)
	b.public = isPublic(record.Policy)
	return b, nil
}

// bucket finds the bucket of an operation that has been authorised on it.
func (s *Service) bucket(ctx context.Context, name, expectedOwner *string) (*bucket, error) {
	if name == nil {
		return nil, refuse("InvalidBucketName")
	}
	b, err := s.find(ctx, *name)
	switch {
	case err != nil:
		return nil, err
	case b == nil:
		return nil, noSuchBucket(*name)
	case b.Region != api.CallerOf(ctx).Region:
		return nil, s.elsewhere(b)
	case expectedOwner != nil && *expectedOwner != b.Account:
		return nil, refuse("AccessDenied")
	}
	return b, nil
}

// elsewhere sends a client to the region of a bucket.
func (s *Service) elsewhere(b *bucket) error {
	err := refusef("PermanentRedirect", "The bucket you are attempting to access must be addressed using the specified endpoint. Please send all future requests to this endpoint.")
	err.Status, err.Header = 301, map[string]string{"X-Amz-Bucket-Region": b.Region}
	return err
}

// change applies fn to the record of a bucket that the operation was authorised on.
func (s *Service) change(ctx context.Context, name, expectedOwner *string, fn func(*Bucket) error) error {
	b, err := s.bucket(ctx, name, expectedOwner)
	if err != nil {
		return err
	}
	defer s.cache.drop(b.Name)
	return s.db.Update(ctx, func(tx *store.Tx) error {
		now, ok, err := s.buckets.Get(tx, "", "", b.Name)
		if err != nil {
			return err
		}
		if !ok || now.ID != b.ID {
			return noSuchBucket(b.Name)
		}
		if err := fn(&now); err != nil {
			return err
		}
		return s.buckets.Put(tx, now, "", "", now.Name)
	})
}

// stillThere refuses to write below a bucket that was deleted meanwhile.
func (s *Service) stillThere(tx *store.Tx, b *bucket) error {
	ok, err := s.open.Has(tx, b.place()...)
	if err == nil && !ok {
		err = noSuchBucket(b.Name)
	}
	return err
}

// newID returns a name that nothing else has.
func newID() string {
	var random [16]byte
	rand.Read(random[:]) // never fails (crypto/rand)
	return hex.EncodeToString(random[:])
}

// canonicalID is the id of an account as owners have it in S3.
func canonicalID(account string) string {
	sum := sha256.Sum256([]byte("redoubt canonical user " + account))
	return hex.EncodeToString(sum[:])
}
