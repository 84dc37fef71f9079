package logs

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"

	"redoubt/internal/store"
)

// retentions are the days for which events can be kept (API_PutRetentionPolicy).
var retentions = []int32{1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653}

// PutRetentionPolicy implements the operation of CloudWatch Logs.
func (s *Service) PutRetentionPolicy(ctx context.Context, in *cloudwatchlogs.PutRetentionPolicyInput) (*cloudwatchlogs.PutRetentionPolicyOutput, error) {
	if !slices.Contains(retentions, *in.RetentionInDays) {
		return nil, invalid("1 validation error detected: Value '%d' at 'retentionInDays' failed to satisfy constraint: "+
			"Member must satisfy enum value set: %v", *in.RetentionInDays, commas(retentions))
	}
	return &cloudwatchlogs.PutRetentionPolicyOutput{}, s.change(ctx, own(ctx, *in.LogGroupName), func(_ *store.Tx, g *found) error {
		g.Retention = *in.RetentionInDays
		return nil
	})
}

// DeleteRetentionPolicy implements the operation of CloudWatch Logs.
func (s *Service) DeleteRetentionPolicy(ctx context.Context, in *cloudwatchlogs.DeleteRetentionPolicyInput) (*cloudwatchlogs.DeleteRetentionPolicyOutput, error) {
	return &cloudwatchlogs.DeleteRetentionPolicyOutput{}, s.change(ctx, own(ctx, *in.LogGroupName), func(_ *store.Tx, g *found) error {
		g.Retention = 0
		return nil
	})
}

func commas(days []int32) string {
	text := ""
	for i, d := range days {
		if i > 0 {
			text += ", "
		}
		text += fmt.Sprint(d)
	}
	return "[" + text + "]"
}

// expiry is the time before which events are no longer kept; 0 if they are kept for ever.
func expiry(t time.Time, retention int32) int64 {
	if retention == 0 {
		return 0
	}
	return t.Add(-time.Duration(retention) * 24 * time.Hour).UnixMilli()
}

// expire removes what is past its retention, in all groups.
func (s *Service) expire(ctx context.Context) error {
	var limited []found
	err := s.db.View(ctx, func(tx *store.Tx) error {
		for rec, err := range s.groups.Scan(tx, store.Range{}) {
			if err != nil {
				return err
			}
			if rec.Value.Retention > 0 {
				limited = append(limited, found{reference{rec.Key[0], rec.Key[1], rec.Key[2]}, rec.Value})
			}
		}
		return nil
	})
	for _, g := range limited {
		if err == nil {
			err = s.expireGroup(ctx, &g, expiry(time.Now(), g.Retention))
		}
	}
	if err != nil {
		return fmt.Errorf("removing expired log events: %w", err)
	}
	return nil
}

func (s *Service) expireGroup(ctx context.Context, g *found, before int64) error {
	var streams []string
	err := s.db.View(ctx, func(tx *store.Tx) error {
		for rec, err := range s.streams.Scan(tx, store.Range{Prefix: []string{g.account, g.region, g.ID}}) {
			if err != nil {
				return err
			}
			if rec.Value.Bytes > 0 && rec.Value.First < before {
				streams = append(streams, rec.Key[3])
			}
		}
		return nil
	})
	for _, name := range streams {
		for more := true; more && err == nil; {
			more, err = s.expireStream(ctx, g, name, before)
		}
	}
	return err
}

// expireStream removes some of the chunks that ended before a time, and reports whether there are more.
func (s *Service) expireStream(ctx context.Context, was *found, name string, before int64) (more bool, err error) {
	err = s.db.Update(ctx, func(tx *store.Tx) error {
		g, ok, err := s.groups.Get(tx, was.account, was.region, was.name)
		if err != nil || !ok || g.ID != was.ID || expiry(time.Now(), g.Retention) < before {
			return err // the group is gone, or keeps its events for longer now
		}
		st, ok, err := s.streams.Get(tx, was.account, was.region, was.ID, name)
		if err != nil || !ok {
			return err
		}
		freed := st.Bytes
		if more, err = s.expireChunks(tx, was, &st, before); err != nil {
			return err
		}
		if err := s.streams.Put(tx, st, was.account, was.region, was.ID, name); err != nil {
			return err
		}
		return s.account(tx, was, st.Bytes-freed)
	})
	return more, err
}

// expireChunks removes at most a batch of a stream's chunks, and brings its first time up to date.
func (s *Service) expireChunks(tx *store.Tx, g *found, st *Stream, before int64) (more bool, err error) {
	first, removed := st.Last, 0
	for class := range spans {
		prefix := []string{g.account, g.region, g.ID, st.ID, classKey(class)}
		for rec, err := range s.chunks.Scan(tx, store.Range{Prefix: prefix}) {
			if err != nil {
				return false, err
			}
			switch c := &rec.Value; {
			case c.Last >= before:
				first = min(first, c.First)
			case removed == removalBatch:
				return true, nil
			default:
				removed++
				st.Bytes -= int64(len(c.Data))
				if err := s.chunks.Delete(tx, rec.Key...); err != nil {
					return false, err
				}
			}
			if rec.Value.First >= before {
				break
			}
		}
	}
	st.First = first
	return false, nil
}
