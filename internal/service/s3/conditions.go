package s3

import (
	"context"
	"strings"
	"time"

	"redoubt/internal/store"
)

// conditions are what a write asks of the current version of its key.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html
type conditions struct{ match, noneMatch *string }

func (c conditions) none() bool { return c.match == nil && c.noneMatch == nil }

// check returns what [Service.put] asks about the current version.
func (c conditions) check(key string) func(*Object) error {
	if c.none() {
		return nil
	}
	return func(now *Object) error {
		missing := now == nil || now.Marker
		switch {
		case c.noneMatch != nil && *c.noneMatch != "*", c.match != nil && c.noneMatch != nil:
			return refuse("NotImplemented")
		case c.noneMatch != nil && !missing:
			return preconditionFailed("If-None-Match")
		case c.match != nil && missing:
			return noSuchKey(key)
		case c.match != nil && !matches(*c.match, now.ETag):
			return preconditionFailed("If-Match")
		}
		return nil
	}
}

// expect refuses early, before a body is read, what cannot succeed now.
func (s *Service) expect(ctx context.Context, b *bucket, key string, must conditions) error {
	if must.none() {
		return nil
	}
	return s.db.View(ctx, func(tx *store.Tx) error {
		now, ok, err := s.current(tx, b, key)
		if err != nil {
			return err
		}
		was := &now
		if !ok {
			was = nil
		}
		return must.check(key)(was)
	})
}

// matches reports whether a list of entity tags has one, or is "*".
func matches(list, etag string) bool {
	for tag := range strings.SplitSeq(list, ",") {
		tag = strings.TrimPrefix(strings.TrimSpace(tag), "W/")
		if tag == "*" || strings.Trim(tag, `"`) == etag {
			return true
		}
	}
	return false
}

// readConditions are what a read asks of the object.
type readConditions struct {
	IfMatch, IfNoneMatch               *string
	IfModifiedSince, IfUnmodifiedSince *time.Time
}

// check follows RFC 9110, section 13.2.2, as S3 does: entity tags go before dates.
func (c readConditions) check(o *Object) error {
	modified := second(o.Modified)
	switch {
	case c.IfMatch != nil && !matches(*c.IfMatch, o.ETag):
		return preconditionFailed("If-Match")
	case c.IfMatch == nil && c.IfUnmodifiedSince != nil && modified.After(*c.IfUnmodifiedSince):
		return preconditionFailed("If-Unmodified-Since")
	case c.IfNoneMatch != nil && matches(*c.IfNoneMatch, o.ETag):
		return notModified(o)
	case c.IfNoneMatch == nil && c.IfModifiedSince != nil && !modified.After(*c.IfModifiedSince):
		return notModified(o)
	}
	return nil
}
