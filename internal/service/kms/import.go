package kms

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"
)

// Imported material expires within 365 days (API_ImportKeyMaterial, ValidTo).
const maxValid = 365 * 24 * time.Hour

// ImportKeyMaterial implements the KMS operation.
func (s *Service) ImportKeyMaterial(ctx context.Context, in *kms.ImportKeyMaterialInput) (*kms.ImportKeyMaterialOutput, error) {
	now := time.Now().UTC()
	k, err := s.openByID(ctx, *in.KeyId)
	if err == nil {
		err = k.importable()
	}
	if err == nil {
		err = k.checkImport(in, now)
	}
	if err != nil {
		return nil, err
	}
	d, err := s.delivered(&k.Key, in, now)
	if err != nil {
		return nil, err
	}
	out := &kms.ImportKeyMaterialOutput{KeyId: aws.String(k.arn)}
	if k.symmetric() {
		out.KeyMaterialId = aws.String(d.id)
	}
	return out, s.change(ctx, *in.KeyId, func(k *Key) error {
		if err := k.importable(); err != nil {
			return err
		}
		return k.take(d, in, now)
	})
}

// delivered opens and checks the material of a request.
func (s *Service) delivered(k *Key, in *kms.ImportKeyMaterialInput, now time.Time) (*delivery, error) {
	algorithm, wrapping, err := s.openToken(k.place(), in.ImportToken, now)
	if err != nil {
		return nil, err
	}
	material, err := unwrap(algorithm, wrapping, in.EncryptedKeyMaterial)
	if err != nil {
		return nil, err
	}
	d, err := k.accept(material)
	if err == nil && in.KeyMaterialId != nil && *in.KeyMaterialId != d.id {
		err = wrongMaterial()
	}
	return d, err
}

// checkImport applies the rules of API_ImportKeyMaterial that need no material.
func (k *Key) checkImport(in *kms.ImportKeyMaterialInput, now time.Time) error {
	expires := in.ExpirationModel != types.ExpirationModelTypeKeyMaterialDoesNotExpire
	switch {
	case expires && in.ValidTo == nil:
		return invalid("A validTo date must be set if the ExpirationModel is KEY_MATERIAL_EXPIRES.")
	case !expires && in.ValidTo != nil:
		return invalid("A validTo date cannot be set if the ExpirationModel is KEY_MATERIAL_DOES_NOT_EXPIRE.")
	case expires && !in.ValidTo.After(now):
		return invalid("The validTo date must be in the future.")
	case expires && in.ValidTo.After(now.Add(maxValid)):
		return invalid("The validTo date must be within 365 days.")
	case !k.symmetric() && (in.ImportType != "" || in.KeyMaterialId != nil || in.KeyMaterialDescription != nil):
		return invalid("ImportType, KeyMaterialId and KeyMaterialDescription are not supported for key spec %s.", k.spec())
	case in.ImportType == types.ImportTypeNewKeyMaterial && in.KeyMaterialId != nil:
		return invalid("You cannot specify a KeyMaterialId with ImportType NEW_KEY_MATERIAL.")
	}
	return nil
}

// take adds material to a key, or puts it back. The first is the key's for good; another waits for a rotation, and until
// then it can be replaced.
func (k *Key) take(d *delivery, in *kms.ImportKeyMaterialInput, now time.Time) error {
	b := k.backing(d.id)
	fresh := in.ImportType == types.ImportTypeNewKeyMaterial || in.ImportType == "" && k.newest() == nil && b == nil
	switch {
	case fresh && b != nil && !b.Pending:
		return wrongMaterial()
	case !fresh && b == nil:
		return wrongMaterial()
	case b == nil && k.waiting() != nil && !k.waiting().Gone:
		return invalidState("%s already has key material that is pending rotation.", k.place().arn())
	}
	wanting := k.stateAt(now) == types.KeyStatePendingImport
	if b == nil {
		k.dropWaiting()
		k.Backing = append(k.Backing, backing{ID: d.id, Created: now, Pending: k.newest() != nil})
		b = &k.Backing[len(k.Backing)-1]
	}
	b.Material, b.Public, b.Gone, b.Expires = d.material, d.public, false, time.Time{}
	if in.ValidTo != nil {
		b.Expires = in.ValidTo.UTC()
	}
	if in.KeyMaterialDescription != nil {
		b.Description = *in.KeyMaterialDescription
	}
	if wanting && k.whole(now) {
		k.State = types.KeyStateEnabled
	}
	return nil
}

// backing finds material by its id, nil if the key never had it.
func (k *Key) backing(id string) *backing {
	for i := range k.Backing {
		if k.Backing[i].ID == id {
			return &k.Backing[i]
		}
	}
	return nil
}

// waiting is the material that waits for a rotation, or nil. It is the last one.
func (k *Key) waiting() *backing {
	if n := len(k.Backing); n > 0 && k.Backing[n-1].Pending {
		return &k.Backing[n-1]
	}
	return nil
}

func (k *Key) dropWaiting() {
	if k.waiting() != nil {
		k.Backing = k.Backing[:len(k.Backing)-1]
	}
}

// DeleteImportedKeyMaterial implements the KMS operation.
func (s *Service) DeleteImportedKeyMaterial(ctx context.Context, in *kms.DeleteImportedKeyMaterialInput) (*kms.DeleteImportedKeyMaterialOutput, error) {
	out := &kms.DeleteImportedKeyMaterialOutput{}
	return out, s.change(ctx, *in.KeyId, func(k *Key) error {
		if !k.imported() {
			return k.importable()
		}
		out.KeyId = aws.String(k.place().arn())
		b := k.newest()
		if in.KeyMaterialId != nil {
			if b = k.backing(*in.KeyMaterialId); b == nil {
				return notFound("Key material %s does not exist", *in.KeyMaterialId)
			}
		}
		if b == nil {
			return nil // nothing was ever imported
		}
		if k.symmetric() {
			out.KeyMaterialId = aws.String(b.ID)
		}
		if b.Pending {
			k.dropWaiting()
			return nil
		}
		b.wipe()
		return nil
	})
}

// wipe forgets material, but not what it was: the same can be imported again. A pair's public half stays.
func (b *backing) wipe() {
	b.Material, b.Gone, b.Expires = nil, true, time.Time{}
}

// expire wipes all material whose time has come.
func (k *Key) expire(now time.Time) {
	for i := range k.Backing {
		if b := &k.Backing[i]; !b.Gone && !b.there(now) {
			b.wipe()
		}
	}
}
