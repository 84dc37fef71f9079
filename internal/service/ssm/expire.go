package ssm

import (
	"context"
	"time"

	"redoubt/internal/store"
)

// dueForm is how the entry of a parameter that expires begins. It sorts as time does.
const dueForm = "2006-01-02T15:04:05.000Z"

func (p *Parameter) dueKey() []string {
	return append([]string{p.Expires.UTC().Format(dueForm)}, p.place().key()...)
}

// schedule notes when a parameter expires; zero is never.
func (s *Service) schedule(tx *store.Tx, p *Parameter, when time.Time) error {
	if when.Equal(p.Expires) {
		return nil
	}
	if !p.Expires.IsZero() {
		if err := s.due.Delete(tx, p.dueKey()...); err != nil {
			return err
		}
	}
	if p.Expires = when; when.IsZero() {
		return nil
	}
	return s.due.Put(tx, mark{}, p.dueKey()...)
}

// expire deletes the parameters whose time is over. Nobody has found them since.
func (s *Service) expire(ctx context.Context) error {
	var places []place
	err := s.db.View(ctx, func(tx *store.Tx) error {
		for r, err := range s.due.Scan(tx, store.Range{Before: []string{time.Now().UTC().Format(dueForm)}}) {
			if err != nil {
				return err
			}
			places = append(places, place{r.Key[1], r.Key[2], r.Key[3]})
		}
		return nil
	})
	for _, at := range places {
		if err != nil {
			return err
		}
		err = s.db.Update(ctx, func(tx *store.Tx) error {
			p, ok, err := s.parameters.Get(tx, at.key()...)
			if err != nil || !ok || !p.expired() {
				return err
			}
			return s.remove(tx, &p)
		})
	}
	return err
}
