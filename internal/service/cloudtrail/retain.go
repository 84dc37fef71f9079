package cloudtrail

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"redoubt/internal/store"
	"redoubt/internal/work"
)

// history is how long events can be looked up (CloudTrail user guide, "Working with CloudTrail Event history").
const history = 90 * 24 * time.Hour

// volume is how many events a trail holds. After a crash it may be less than the truth by what ten minutes brought.
type volume struct{ Events int }

// Run removes events that are too old, or too many, until ctx ends.
func (s *Service) Run(ctx context.Context) error {
	return work.Every(ctx, 10*time.Minute, s.trim)
}

func (s *Service) trim(ctx context.Context) error {
	counts, err := s.count(ctx)
	if err != nil {
		return err
	}
	for _, t := range slices.SortedFunc(maps.Keys(counts), compareTrails) {
		if err := s.trimOne(ctx, t, counts[t]-s.config.MaxEvents); err != nil {
			return fmt.Errorf("trimming the trail of %s: %w", t.account, err)
		}
	}
	return nil
}

func compareTrails(a, b trail) int {
	return slices.Compare([]string{a.account, a.region}, []string{b.account, b.region})
}

// count adds what is fresh to what is stored.
func (s *Service) count(ctx context.Context) (map[trail]int, error) {
	s.mu.Lock()
	fresh := s.fresh
	s.fresh = map[trail]int{}
	s.mu.Unlock()
	counts := map[trail]int{}
	return counts, s.db.Update(ctx, func(tx *store.Tx) error {
		for r, err := range s.volume.Scan(tx, store.Range{}) {
			if err != nil {
				return err
			}
			counts[trail{r.Key[0], r.Key[1]}] = r.Value.Events
		}
		for t, n := range fresh {
			counts[t] += n
			if err := s.volume.Put(tx, volume{counts[t]}, t.account, t.region); err != nil {
				return err
			}
		}
		return nil
	})
}

// trimBatch bounds a transaction, which others wait for.
const trimBatch = 500

// trimOne removes the oldest events: those past their time, and as many as are in excess.
func (s *Service) trimOne(ctx context.Context, t trail, excess int) error {
	oldest := moment(time.Now().Add(-history))
	for {
		removed := 0
		err := s.db.Update(ctx, func(tx *store.Tx) error {
			for r, err := range s.events.Scan(tx, store.Range{Prefix: []string{t.account, t.region}}) {
				if err != nil {
					return err
				}
				if removed == trimBatch || removed >= excess && r.Key[2] >= oldest {
					break
				}
				if err := s.events.Delete(tx, r.Key...); err != nil {
					return err
				}
				removed++
			}
			v, _, err := s.volume.Get(tx, t.account, t.region)
			if err != nil {
				return err
			}
			return s.volume.Put(tx, volume{max(0, v.Events-removed)}, t.account, t.region)
		})
		if err != nil || removed < trimBatch {
			return err
		}
		excess -= removed
	}
}
