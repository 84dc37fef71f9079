package ssm

import (
	"context"

	"redoubt/internal/store"
)

// Expire deletes what has expired.
func (s *Service) Expire(ctx context.Context) error { return s.expire(ctx) }

// Stored counts the records of parameters and their versions, and those of what is due.
func (s *Service) Stored(ctx context.Context) (parameters, due int, err error) {
	err = s.db.View(ctx, func(tx *store.Tx) error {
		for range s.parameters.Scan(tx, store.Range{}) {
			parameters++
		}
		for range s.versions.Scan(tx, store.Range{}) {
			parameters++
		}
		for range s.due.Scan(tx, store.Range{}) {
			due++
		}
		return nil
	})
	return parameters, due, err
}

// SetCount pretends that an account has so many parameters.
func (s *Service) SetCount(ctx context.Context, account, region string, c Count) error {
	return s.db.Update(ctx, func(tx *store.Tx) error { return s.counts.Put(tx, c, account, region) })
}
