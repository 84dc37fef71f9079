package signer

import (
	"context"
	"time"

	"redoubt/internal/store"
)

// retain removes jobs half a year after their signatures have expired, and profiles when no signature of theirs is left.
// https://docs.aws.amazon.com/signer/latest/developerguide/retention.html
func (s *Service) retain(ctx context.Context) error {
	var jobs []Job
	var profiles []place
	err := s.db.View(ctx, func(tx *store.Tx) error {
		for r, err := range s.jobs.Scan(tx, store.Range{}) {
			if err != nil {
				return err
			}
			if j := r.Value; gone(j.keptFrom()) {
				jobs = append(jobs, j)
			}
		}
		for r, err := range s.profiles.Scan(tx, store.Range{}) {
			if err != nil {
				return err
			}
			if p := r.Value; !p.Ended.IsZero() && gone(expiry(p.Ended, p.Validity)) {
				profiles = append(profiles, p.Place)
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	return s.db.Update(ctx, func(tx *store.Tx) error { return s.forget(tx, jobs, profiles) })
}

// keptFrom is when a job's signature expires; a job without one is kept as if it had the longest.
func (j *Job) keptFrom() time.Time {
	if j.Expires.IsZero() {
		return expiry(j.Created, defaultValidity())
	}
	return j.Expires
}

func (s *Service) forget(tx *store.Tx, jobs []Job, profiles []place) error {
	for _, j := range jobs {
		if err := s.jobs.Delete(tx, j.Place.key()...); err != nil {
			return err
		}
		if err := s.tokens.Delete(tx, j.Invoker, j.Place.Region, j.Token); err != nil {
			return err
		}
		for _, account := range []string{j.Place.Account, j.Invoker} {
			if err := s.seen.Delete(tx, account, j.Place.Region, j.Place.Name); err != nil {
				return err
			}
		}
	}
	for _, at := range profiles {
		if err := s.keys.Delete(tx, at.key()...); err != nil {
			return err
		}
		if err := s.profiles.Delete(tx, at.key()...); err != nil {
			return err
		}
	}
	return nil
}
