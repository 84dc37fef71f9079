package cloudtrail

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"time"

	"redoubt/internal/api"
	"redoubt/internal/store"
	"redoubt/internal/work"
)

// history is how long events can be looked up (CloudTrail user guide, "Working with CloudTrail Event history").
const history = 90 * 24 * time.Hour

// volume is how many events a trail holds. After a crash it may be less than the truth by what one period brought.
type volume struct{ Events int }

// period is how often trails are trimmed.
const period = 10 * time.Minute

// Run removes events that are too old, or too many, until ctx ends.
func (s *Service) Run(ctx context.Context) error {
	err := work.Every(ctx, period, s.trim)
	_, countErr := s.count(context.WithoutCancel(ctx))
	return errors.Join(err, countErr)
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
	fresh := s.takeFresh()
	counts := map[trail]int{}
	err := s.db.Update(ctx, func(tx *store.Tx) error {
		clear(counts)
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
	if err != nil {
		s.putBack(fresh)
	}
	return counts, err
}

func (s *Service) takeFresh() map[trail]int {
	s.mu.Lock()
	defer s.mu.Unlock()
	fresh := s.fresh
	s.fresh = map[trail]int{}
	return fresh
}

func (s *Service) putBack(fresh map[trail]int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for t, n := range fresh {
		s.fresh[t] += n
	}
}

// trimOne removes the events that are past their time, and as many as are in excess.
func (s *Service) trimOne(ctx context.Context, t trail, excess int) error {
	c := &cut{trail: t, before: moment(time.Now().Add(-history))}
	if excess > 0 {
		if err := s.share(ctx, c, s.config.MaxEvents); err != nil {
			return err
		}
	}
	for {
		done := false
		err := s.db.Update(ctx, func(tx *store.Tx) (err error) {
			done, err = s.trimSome(tx, c)
			return err
		})
		if err != nil || done {
			return err
		}
	}
}

// A cut is what to remove of a trail: what is old, and the oldest events of those who have more than their share.
type cut struct {
	trail
	before string         // the moment
	excess map[string]int // by actor
	after  []string       // the last key that was looked at
}

// share finds out who has how many events too many. Whoever makes a great many calls pushes out their own record and
// nobody else's: all others keep what they have, as long as it is less.
func (s *Service) share(ctx context.Context, c *cut, most int) error {
	counts := map[string]int{}
	err := s.db.View(ctx, func(tx *store.Tx) error {
		for r, err := range s.events.Scan(tx, store.Range{Prefix: []string{c.account, c.region}}) {
			if err != nil {
				return err
			}
			counts[actor(&r.Value)]++
		}
		return nil
	})
	level := level(slices.Sorted(maps.Values(counts)), most)
	c.excess = map[string]int{}
	for who, n := range counts {
		c.excess[who] = max(0, n-level)
	}
	return err
}

// level is the greatest share for which all shares together are no more than most. The counts are in order.
func level(counts []int, most int) int {
	for i, n := range counts {
		share := most / (len(counts) - i)
		if n > share {
			return share
		}
		most -= n
	}
	return math.MaxInt
}

// actor is who makes a call, all sessions of a role being one.
func actor(e *api.Event) string {
	return cmp.Or(e.Identity.IssuerARN, e.Identity.ARN, e.Identity.InvokedBy, e.Identity.Account)
}

// A transaction, which others wait for, looks at so many events and removes so many.
const (
	trimLook  = 5000
	trimBatch = 500
)

// trimSome goes on with a cut. It is done at the end of the trail, or where nothing more can be in it.
func (s *Service) trimSome(tx *store.Tx, c *cut) (done bool, err error) {
	looked, removed := 0, 0
	for r, err := range s.events.Scan(tx, store.Range{Prefix: []string{c.account, c.region}, After: c.after}) {
		if err != nil {
			return false, err
		}
		old := r.Key[2] < c.before
		if looked == trimLook || removed == trimBatch {
			return false, s.removed(tx, c, removed)
		}
		if !old && len(c.excess) == 0 {
			break
		}
		looked, c.after = looked+1, r.Key
		who := actor(&r.Value)
		if c.excess[who] > 0 {
			c.excess[who]--
		} else if !old {
			continue
		}
		if err := s.events.Delete(tx, r.Key...); err != nil {
			return false, err
		}
		removed++
	}
	return true, s.removed(tx, c, removed)
}

func (s *Service) removed(tx *store.Tx, c *cut, n int) error {
	v, _, err := s.volume.Get(tx, c.account, c.region)
	if err != nil || n == 0 {
		return err
	}
	return s.volume.Put(tx, volume{max(0, v.Events-n)}, c.account, c.region)
}
