package kms

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"

	"redoubt/internal/api"
	"redoubt/internal/store"
)

// A usage is the last successful use of a key for cryptography.
type usage struct {
	Operation types.KeyLastUsageTrackingOperation
	At        time.Time
	Request   string
	written   time.Time // when the one that the store has was made
}

// usageEvery is how far the stored use of a key may be behind the last one, so that keys in steady use cost no writes. Only
// a crash shows the difference: the memory of a running server has every use.
const usageEvery = time.Minute

// used notes that an operation has used a key. The first use since the key was read is stored with the call itself.
func (s *Service) used(ctx context.Context, k *live, operation types.KeyLastUsageTrackingOperation) error {
	u := &usage{Operation: operation, At: time.Now().UTC(), Request: api.CallerOf(ctx).Request.ID}
	before := k.used.Load()
	if before != nil && u.At.Sub(before.written) < usageEvery {
		u.written = before.written
		k.used.Store(u)
		return nil
	}
	u.written = u.At
	k.used.Store(u)
	return s.db.Update(ctx, func(tx *store.Tx) error {
		return s.usages.Put(tx, *u, k.Account, k.Region, k.ID)
	})
}

// GetKeyLastUsage implements the KMS operation. It cannot tell in which event CloudTrail has the use: that is written after it.
func (s *Service) GetKeyLastUsage(ctx context.Context, in *kms.GetKeyLastUsageInput) (*kms.GetKeyLastUsageOutput, error) {
	k, err := s.openByID(ctx, *in.KeyId)
	if err != nil {
		return nil, err
	}
	out := &kms.GetKeyLastUsageOutput{
		KeyId: aws.String(k.ID), KeyCreationDate: aws.Time(k.Created), KeyLastUsage: &types.KeyLastUsageData{},
	}
	if !k.Tracked.IsZero() {
		out.TrackingStartDate = aws.Time(k.Tracked)
	}
	u := k.used.Load()
	if u == nil {
		err = s.db.View(ctx, func(tx *store.Tx) error {
			stored, ok, err := s.usages.Get(tx, k.Account, k.Region, k.ID)
			if ok {
				u = &stored
			}
			return err
		})
	}
	if u != nil {
		out.KeyLastUsage.Operation, out.KeyLastUsage.Timestamp, out.KeyLastUsage.KmsRequestId = u.Operation, aws.Time(u.At), optional(u.Request)
	}
	return out, err
}
