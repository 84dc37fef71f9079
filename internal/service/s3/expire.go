package s3

import (
	"context"
	"errors"
	"iter"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go"

	"redoubt/internal/store"
)

// Expire removes what the lifecycle rules of all buckets say is over at a time. It is called once an hour.
func (s *Service) Expire(ctx context.Context, now time.Time) error {
	var all []Bucket
	err := s.db.View(ctx, func(tx *store.Tx) error {
		for r, err := range s.buckets.Scan(tx, store.Range{}) {
			if err != nil {
				return err
			}
			if len(r.Value.Lifecycle) > 0 {
				all = append(all, r.Value)
			}
		}
		return nil
	})
	for _, b := range all {
		if err != nil {
			return err
		}
		err = s.expireBucket(ctx, &expiry{bucket: &bucket{Bucket: b}, now: now})
	}
	return err
}

// An expiry goes through one bucket.
type expiry struct {
	bucket *bucket
	now    time.Time
	after  string // the last key that was looked at
	over   []ended
}

// ended is a version whose time is over, or, with no order, a current object that is to be deleted as by a client.
type ended struct {
	key   string
	order uint64
	id    string
}

// expiryBatch is how many versions one look gathers.
const expiryBatch = 500

func (s *Service) expireBucket(ctx context.Context, e *expiry) error {
	if err := s.expireUploads(ctx, e); err != nil {
		return err
	}
	for more := true; more; {
		e.over = nil
		err := s.db.View(ctx, func(tx *store.Tx) (err error) {
			more, err = e.look(s, tx)
			return err
		})
		for _, x := range e.over {
			if err == nil {
				err = s.end(ctx, e, x)
			}
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// look gathers what is over, key by key; more tells that it stopped before the end.
func (e *expiry) look(s *Service, tx *store.Tx) (more bool, err error) {
	r := store.Range{Prefix: e.bucket.place()}
	if e.after != "" {
		r.After = e.bucket.key(e.after)
	}
	next, stop := iter.Pull2(s.versions.Scan(tx, r))
	defer stop()
	earlier, err, there := next()
	for rec, err2 := range s.objects.Scan(tx, r) {
		if err2 != nil || err != nil {
			return false, errOr(err2, err)
		}
		key := rec.Key[3]
		var older []Object
		for ; there && err == nil && earlier.Key[3] <= key; earlier, err, there = next() {
			if earlier.Key[3] == key {
				older = append(older, earlier.Value)
			}
		}
		e.key(key, &rec.Value, older)
		if e.after = key; len(e.over) >= expiryBatch {
			return true, nil
		}
	}
	return false, err
}

// key decides about all versions of a key.
func (e *expiry) key(key string, now *Object, older []Object) {
	if now.Marker {
		if len(older) == 0 && e.dropsMarkers(key, now) {
			e.over = append(e.over, ended{key, now.Order, now.Version})
		}
	} else if _, at := e.bucket.expires(key, now); !at.IsZero() && !e.now.Before(at) {
		e.over = append(e.over, ended{key: key})
	}
	since := now.Modified // when the next one stopped being current
	for i := range older {
		if e.noncurrentOver(key, &older[i], since, i) && older[i].Lock.mayDelete(e.now, false) == nil {
			e.over = append(e.over, ended{key, older[i].Order, older[i].Version})
		}
		since = older[i].Modified
	}
}

// dropsMarkers reports whether a delete marker that hides nothing any more goes.
func (e *expiry) dropsMarkers(key string, o *Object) bool {
	for i := range e.bucket.Lifecycle {
		r := &e.bucket.Lifecycle[i]
		if x := r.Expiration; x != nil && applies(r, key, o) && (aws.ToBool(x.ExpiredObjectDeleteMarker) || x.Days != nil && !e.now.Before(due(o.Modified, *x.Days))) {
			return true
		}
	}
	return false
}

func (e *expiry) noncurrentOver(key string, o *Object, since time.Time, newer int) bool {
	for i := range e.bucket.Lifecycle {
		r := &e.bucket.Lifecycle[i]
		x := r.NoncurrentVersionExpiration
		if x == nil || !applies(r, key, o) || newer < int(aws.ToInt32(x.NewerNoncurrentVersions)) {
			continue
		}
		if !e.now.Before(due(since, *x.NoncurrentDays)) {
			return true
		}
	}
	return false
}

// end removes one version, unless it is locked, or another one now.
func (s *Service) end(ctx context.Context, e *expiry, x ended) error {
	err := s.db.Update(ctx, func(tx *store.Tx) error {
		if x.id == "" {
			return s.endCurrent(tx, e, x.key)
		}
		_, _, ok, err := s.version(tx, e.bucket, x.key, x.id)
		if err != nil || !ok {
			return err
		}
		return s.deleteVersion(ctx, tx, e.bucket, x.key, &s3.DeleteObjectInput{VersionId: &x.id}, &s3.DeleteObjectOutput{})
	})
	var refused smithy.APIError
	if errors.As(err, &refused) { // locked, or gone with its bucket
		return nil
	}
	return err
}

func (s *Service) endCurrent(tx *store.Tx, e *expiry, key string) error {
	now, ok, err := s.current(tx, e.bucket, key)
	if err != nil || !ok || now.Marker {
		return err
	}
	if _, at := e.bucket.expires(key, &now); at.IsZero() || e.now.Before(at) {
		return nil
	}
	return s.deleteCurrent(tx, e.bucket, key, &s3.DeleteObjectInput{}, &s3.DeleteObjectOutput{})
}

// expireUploads gives up uploads that nobody has completed in time.
func (s *Service) expireUploads(ctx context.Context, e *expiry) error {
	type stale struct{ key, id string }
	var over []stale
	err := s.db.View(ctx, func(tx *store.Tx) error {
		for rec, err := range s.uploads.Scan(tx, store.Range{Prefix: e.bucket.place()}) {
			if err != nil {
				return err
			}
			for i := range e.bucket.Lifecycle {
				r := &e.bucket.Lifecycle[i]
				a := r.AbortIncompleteMultipartUpload
				if a != nil && r.Status == types.ExpirationStatusEnabled && applies(r, rec.Key[3], &Object{}) && !e.now.Before(due(rec.Value.Started, *a.DaysAfterInitiation)) {
					over = append(over, stale{rec.Key[3], rec.Key[4]})
					break
				}
			}
		}
		return nil
	})
	for _, u := range over {
		if err == nil {
			err = s.db.Update(ctx, func(tx *store.Tx) error { return s.abort(tx, e.bucket, u.key, u.id) })
		}
	}
	return err
}
