package secretsmanager

import (
	"context"
	"errors"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager/types"

	"redoubt/internal/store"
)

// A secret waits 7 to 30 days for its deletion, 30 unless told otherwise (API_DeleteSecret, RecoveryWindowInDays).
const minRecovery, maxRecovery = 7, 30

// DeleteSecret marks a secret for deletion, or deletes it at once where it is forced to.
func (s *Service) DeleteSecret(ctx context.Context, in *sdk.DeleteSecretInput) (*sdk.DeleteSecretOutput, error) {
	force, days := aws.ToBool(in.ForceDeleteWithoutRecovery), int64(maxRecovery)
	if in.RecoveryWindowInDays != nil {
		days = *in.RecoveryWindowInDays
	}
	switch {
	case force && in.RecoveryWindowInDays != nil:
		return nil, badParameter("You can't use ForceDeleteWithoutRecovery in conjunction with RecoveryWindowInDays.")
	case days < minRecovery || days > maxRecovery:
		return nil, badParameter("The RecoveryWindowInDays value must be between %d and %d days (inclusive).", minRecovery, maxRecovery)
	case force:
		return s.deleteNow(ctx, *in.SecretId)
	}
	x, err := s.change(ctx, *in.SecretId, func(_ *store.Tx, x *Secret) error {
		x.Deletion = stamp().AddDate(0, 0, int(days))
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &sdk.DeleteSecretOutput{ARN: ptr(x.arn()), Name: &x.Name, DeletionDate: &x.Deletion}, nil
}

// deleteNow deletes a secret without a way back. That there is none is no error, so that a request may be sent again
// (API_DeleteSecret, ForceDeleteWithoutRecovery).
func (s *Service) deleteNow(ctx context.Context, id string) (*sdk.DeleteSecretOutput, error) {
	r, err := parseReference(ctx, id)
	if err != nil {
		return nil, err
	}
	out := &sdk.DeleteSecretOutput{ARN: ptr(r.arn()), Name: &r.name, DeletionDate: ptr(stamp())}
	err = s.db.Update(ctx, func(tx *store.Tx) error {
		x, err := s.find(ctx, tx, id)
		if err != nil {
			return err
		}
		out.ARN = ptr(x.arn())
		return s.remove(tx, x)
	})
	if errors.As(err, new(*types.ResourceNotFoundException)) {
		err = nil
	}
	return out, err
}

// RestoreSecret takes the mark away.
func (s *Service) RestoreSecret(ctx context.Context, in *sdk.RestoreSecretInput) (*sdk.RestoreSecretOutput, error) {
	out := &sdk.RestoreSecretOutput{}
	return out, s.db.Update(ctx, func(tx *store.Tx) error {
		x, err := s.find(ctx, tx, *in.SecretId)
		if err != nil {
			return err
		}
		out.ARN, out.Name = ptr(x.arn()), &x.Name
		x.Deletion, x.Changed = time.Time{}, stamp()
		return s.put(tx, x)
	})
}
