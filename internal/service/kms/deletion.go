package kms

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"

	"redoubt/internal/store"
)

// A key waits 7 to 30 days for its deletion, 30 unless told otherwise (API_ScheduleKeyDeletion, PendingWindowInDays).
const minWait, maxWait = 7, 30

// ScheduleKeyDeletion implements the KMS operation.
func (s *Service) ScheduleKeyDeletion(ctx context.Context, in *kms.ScheduleKeyDeletionInput) (*kms.ScheduleKeyDeletionOutput, error) {
	days := int32(maxWait)
	if in.PendingWindowInDays != nil {
		days = *in.PendingWindowInDays
	}
	if days < minWait || days > maxWait {
		return nil, invalid("PendingWindowInDays must be between %d and %d (inclusive)", minWait, maxWait)
	}
	out := &kms.ScheduleKeyDeletionOutput{KeyState: types.KeyStatePendingDeletion, PendingWindowInDays: aws.Int32(days)}
	return out, s.change(ctx, *in.KeyId, func(k *Key) error {
		if err := k.present(); err != nil {
			return err
		}
		k.State, k.Deletion = types.KeyStatePendingDeletion, time.Now().UTC().AddDate(0, 0, int(days))
		out.KeyId, out.DeletionDate = aws.String(k.place().arn()), aws.Time(k.Deletion)
		return nil
	})
}

// CancelKeyDeletion implements the KMS operation.
func (s *Service) CancelKeyDeletion(ctx context.Context, in *kms.CancelKeyDeletionInput) (*kms.CancelKeyDeletionOutput, error) {
	out := &kms.CancelKeyDeletionOutput{}
	return out, s.change(ctx, *in.KeyId, func(k *Key) error {
		if k.present() == nil {
			return invalidState("%s is not pending deletion.", k.place().arn())
		}
		k.State, k.Deletion = types.KeyStateDisabled, time.Time{}
		out.KeyId = aws.String(k.place().arn())
		return nil
	})
}

// remove deletes a key with all that belongs to it. Its ciphertexts are lost from then on.
func (s *Service) remove(tx *store.Tx, k *Key) error {
	p := k.place()
	names, err := s.aliasNames(tx, p)
	if err != nil {
		return err
	}
	for _, alias := range names {
		if err := s.aliases.Delete(tx, p.account, p.region, alias); err != nil {
			return err
		}
		if err := s.named.Delete(tx, p.account, p.region, p.id, alias); err != nil {
			return err
		}
	}
	for r, err := range s.grants.Scan(tx, store.Range{Prefix: []string{p.account, p.region, p.id}}) {
		if err != nil {
			return err
		}
		if err := s.deleteGrant(tx, &r.Value); err != nil {
			return err
		}
	}
	if err := s.unmark(tx, k); err != nil {
		return err
	}
	if err := s.usages.Delete(tx, p.account, p.region, p.id); err != nil {
		return err
	}
	return s.keys.Delete(tx, p.account, p.region, p.id)
}

// A due key's entry begins with its time in this form, which sorts as time does.
const dueForm = "2006-01-02T15:04:05.000000000Z"

// nextDue is when the key is next deleted or rotated, or when material of it expires, or "". A disabled key is not rotated
// until it is enabled again.
func (k *Key) nextDue() string {
	var due time.Time
	switch {
	case k.State == types.KeyStatePendingDeletion:
		due = k.Deletion
	case k.State == types.KeyStateEnabled && k.RotationDays > 0:
		due = k.NextRotation
	}
	for _, b := range k.Backing {
		if !b.Gone && !b.Expires.IsZero() && (due.IsZero() || b.Expires.Before(due)) {
			due = b.Expires
		}
	}
	if due.IsZero() {
		return ""
	}
	return due.UTC().Format(dueForm)
}

func (s *Service) runDue(ctx context.Context) error { return s.runDueAt(ctx, time.Now().UTC()) }

// runDueAt does what is due to keys, each in a transaction of its own.
func (s *Service) runDueAt(ctx context.Context, now time.Time) error {
	var due []place
	err := s.db.View(ctx, func(tx *store.Tx) error {
		for r, err := range s.due.Scan(tx, store.Range{Before: []string{now.Format(dueForm)}}) {
			if err != nil {
				return err
			}
			due = append(due, place{r.Key[1], r.Key[2], r.Key[3]})
		}
		return nil
	})
	for i := 0; i < len(due) && err == nil; i++ {
		err = s.runDueKey(ctx, due[i], now)
	}
	return err
}

func (s *Service) runDueKey(ctx context.Context, p place, now time.Time) error {
	return s.db.Update(ctx, func(tx *store.Tx) error {
		k, ok, err := s.keys.Get(tx, p.account, p.region, p.id)
		if err != nil || !ok || k.Due == "" || k.Due >= now.Format(dueForm) {
			return err
		}
		if k.State == types.KeyStatePendingDeletion && k.Deletion.Before(now) {
			return s.remove(tx, &k)
		}
		k.expire(now)
		if k.State == types.KeyStateEnabled && k.RotationDays > 0 && k.NextRotation.Before(now) {
			k.rotate(now)
		}
		return s.put(tx, &k)
	})
}
