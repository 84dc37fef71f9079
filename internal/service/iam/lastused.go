package iam

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"

	"redoubt/internal/api"
	"redoubt/internal/store"
)

// LastUsed is when a key or a role was last used, and for what.
type LastUsed struct {
	Time            time.Time
	Service, Region string
}

// flushEvery is how often last uses are written down. Until then they are remembered: a crash loses no more than this.
const flushEvery = 5 * time.Second

// usage remembers the uses since they were last written down, and those being written.
type usage struct {
	mu    sync.Mutex
	fresh map[owned]LastUsed
}

// owned is the id of a key or role, with its account.
type owned struct{ account, id string }

// Used notes that a key was used.
func (s *Service) Used(key *api.Key, service, region string) {
	s.usage.note(owned{key.Account, key.ID}, service, region)
}

func (u *usage) note(what owned, service, region string) {
	at := time.Now().UTC()
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.fresh == nil {
		u.fresh = map[owned]LastUsed{}
	}
	u.fresh[what] = LastUsed{at, service, region}
}

func (u *usage) take() map[owned]LastUsed {
	u.mu.Lock()
	defer u.mu.Unlock()
	taken := u.fresh
	u.fresh = nil
	return taken
}

func (u *usage) of(what owned) (LastUsed, bool) {
	u.mu.Lock()
	defer u.mu.Unlock()
	l, ok := u.fresh[what]
	return l, ok
}

func (s *Service) flushUsage(ctx context.Context) error {
	tick := time.NewTicker(flushEvery)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			if err := s.writeUsage(ctx); err != nil && !errors.Is(err, context.Canceled) {
				s.d.Log.ErrorContext(ctx, "writing down last uses failed", "error", err)
			}
		case <-ctx.Done():
			return s.writeUsage(context.WithoutCancel(ctx))
		}
	}
}

// writeUsage does not go through update: it changes nothing that the directory remembers.
func (s *Service) writeUsage(ctx context.Context) error {
	taken := s.usage.take()
	if len(taken) == 0 {
		return nil
	}
	return s.d.DB.Update(ctx, func(tx *store.Tx) error {
		for what, use := range taken {
			if err := s.lastUsed.Put(tx, use, what.account, "", what.id); err != nil {
				return err
			}
		}
		return nil
	})
}

// lastUse tells when a key or role was last used; the zero LastUsed means never.
func (s *Service) lastUse(tx *store.Tx, account, id string) (LastUsed, error) {
	if l, ok := s.usage.of(owned{account, id}); ok {
		return l, nil
	}
	l, _, err := s.lastUsed.Get(tx, account, "", id)
	return l, err
}

// show has N/A where a key was never used.
func (l LastUsed) show() *types.AccessKeyLastUsed {
	if l.Time.IsZero() {
		return &types.AccessKeyLastUsed{Region: aws.String("N/A"), ServiceName: aws.String("N/A")}
	}
	at := l.Time.Truncate(time.Second)
	return &types.AccessKeyLastUsed{LastUsedDate: &at, Region: aws.String(l.Region), ServiceName: aws.String(l.Service)}
}
