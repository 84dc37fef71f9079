package kms

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"
)

// A key rotates every year unless its owner says otherwise, and at most 25 times on demand
// (https://docs.aws.amazon.com/kms/latest/developerguide/rotate-keys.html).
const (
	defaultRotation = 365 // days
	maxOnDemand     = 25
)

// rotate replaces the backing key as the schedule has it. Periods that passed unnoticed are one rotation.
func (k *Key) rotate(now time.Time) {
	k.Backing = append(k.Backing, newBacking(now, types.RotationTypeAutomatic))
	for !k.NextRotation.After(now) {
		k.NextRotation = k.NextRotation.AddDate(0, 0, int(k.RotationDays))
	}
}

// EnableKeyRotation implements the KMS operation.
func (s *Service) EnableKeyRotation(ctx context.Context, in *kms.EnableKeyRotationInput) (*kms.EnableKeyRotationOutput, error) {
	return &kms.EnableKeyRotationOutput{}, s.change(ctx, *in.KeyId, func(k *Key) error {
		days := k.RotationDays
		if in.RotationPeriodInDays != nil {
			days = *in.RotationPeriodInDays
		} else if days == 0 {
			days = defaultRotation
		}
		if days != k.RotationDays {
			k.RotationDays, k.NextRotation = days, time.Now().UTC().AddDate(0, 0, int(days))
		}
		return k.rotatable()
	})
}

// rotatable refuses keys that do not rotate by themselves, which are all but those of symmetric encryption with material
// made here, and not now.
func (k *Key) rotatable() error {
	if err := k.rotates(); err != nil {
		return err
	}
	if k.imported() {
		return unsupported("%s origin is EXTERNAL which is not valid for this operation.", k.place().arn())
	}
	return k.usable()
}

// rotates refuses keys that have one material for good.
func (k *Key) rotates() error {
	if !k.symmetric() {
		return unsupported("%s key spec is %s which is not valid for this operation.", k.place().arn(), k.spec())
	}
	return nil
}

// DisableKeyRotation implements the KMS operation.
func (s *Service) DisableKeyRotation(ctx context.Context, in *kms.DisableKeyRotationInput) (*kms.DisableKeyRotationOutput, error) {
	return &kms.DisableKeyRotationOutput{}, s.change(ctx, *in.KeyId, func(k *Key) error {
		k.RotationDays, k.NextRotation = 0, time.Time{}
		return k.rotatable()
	})
}

// GetKeyRotationStatus implements the KMS operation. What cannot rotate by itself does not, but a key that waits for material
// is refused. A key that is pending deletion is not rotated any more.
func (s *Service) GetKeyRotationStatus(ctx context.Context, in *kms.GetKeyRotationStatusInput) (*kms.GetKeyRotationStatusOutput, error) {
	k, err := s.openByID(ctx, *in.KeyId)
	if err != nil {
		return nil, err
	}
	if k.state() == types.KeyStatePendingImport {
		return nil, k.rotatable()
	}
	out := &kms.GetKeyRotationStatusOutput{KeyId: aws.String(k.arn)}
	if k.RotationDays > 0 && k.State != types.KeyStatePendingDeletion {
		out.KeyRotationEnabled = true
		out.RotationPeriodInDays, out.NextRotationDate = aws.Int32(k.RotationDays), aws.Time(k.NextRotation)
	}
	return out, nil
}

// RotateKeyOnDemand implements the KMS operation. It leaves the schedule alone.
func (s *Service) RotateKeyOnDemand(ctx context.Context, in *kms.RotateKeyOnDemandInput) (*kms.RotateKeyOnDemandOutput, error) {
	out := &kms.RotateKeyOnDemandOutput{}
	return out, s.change(ctx, *in.KeyId, func(k *Key) error {
		if err := k.rotates(); err != nil {
			return err
		}
		if err := k.usable(); err != nil {
			return err
		}
		if k.onDemand() >= maxOnDemand {
			return limitExceeded("The on-demand rotations limit has been reached for the given keyId. "+
				"No more on-demand rotations can be performed for this key: %s", k.place().arn())
		}
		out.KeyId = aws.String(k.place().arn())
		return k.rotateOnDemand(time.Now().UTC())
	})
}

// onDemand counts the rotations on demand.
func (k *Key) onDemand() (n int) {
	for _, b := range k.Backing {
		if b.Type == types.RotationTypeOnDemand {
			n++
		}
	}
	return n
}

// rotateOnDemand makes new material, or takes into use what was imported for that.
func (k *Key) rotateOnDemand(now time.Time) error {
	if !k.imported() {
		k.Backing = append(k.Backing, newBacking(now, types.RotationTypeOnDemand))
		return nil
	}
	b := k.waiting()
	if b == nil || !b.there(now) {
		return invalidState("%s has no key material that is pending rotation.", k.place().arn())
	}
	b.Pending, b.Type, b.Created = false, types.RotationTypeOnDemand, now
	return nil
}

// ListKeyRotations implements the KMS operation.
func (s *Service) ListKeyRotations(ctx context.Context, in *kms.ListKeyRotationsInput) (*kms.ListKeyRotationsOutput, error) {
	p, err := newPage(in.Marker, in.Limit, 100, 1000)
	if err != nil {
		return nil, err
	}
	k, err := s.openByID(ctx, *in.KeyId)
	if err != nil {
		return nil, err
	}
	if err := k.rotates(); err != nil {
		return nil, err
	}
	var all []backing
	for _, b := range k.Backing {
		if b.Type != "" || in.IncludeKeyMaterial == types.IncludeKeyMaterialAllKeyMaterial {
			all = append(all, b)
		}
	}
	out := &kms.ListKeyRotationsOutput{Rotations: []types.RotationsListEntry{}}
	all, out.NextMarker, err = cut(p, all, func(b backing) string { return b.ID })
	for _, b := range all {
		out.Rotations = append(out.Rotations, k.rotation(b))
	}
	out.Truncated = out.NextMarker != nil
	return out, err
}

func (k *Key) rotation(b backing) types.RotationsListEntry {
	e := types.RotationsListEntry{
		KeyId: aws.String(k.ID), KeyMaterialId: aws.String(b.ID), KeyMaterialState: types.KeyMaterialStateNonCurrent,
		RotationType: b.Type,
	}
	if b.Type != "" {
		e.RotationDate = aws.Time(b.Created)
	}
	switch {
	case b.Pending:
		e.KeyMaterialState = types.KeyMaterialStatePendingRotation
	case b.ID == k.newest().ID:
		e.KeyMaterialState = types.KeyMaterialStateCurrent
	}
	if k.imported() {
		e.KeyMaterialDescription = optional(b.Description)
		e.ImportState = types.ImportStatePendingImport
		if b.there(time.Now()) {
			e.ImportState = types.ImportStateImported
			e.ExpirationModel, e.ValidTo = expiration(b.Expires)
		}
	}
	return e
}
