package signer

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/signer"
	"github.com/aws/aws-sdk-go-v2/service/signer/types"

	"redoubt/internal/api"
	"redoubt/internal/codesign"
	"redoubt/internal/store"
)

// Profile is a signing profile. It has one version for its life: a name is never used again, as on AWS.
type Profile struct {
	Place       place
	Version     string
	Validity    types.SignatureValidityPeriod
	Parameters  map[string]string
	Tags        map[string]string
	Status      types.SigningProfileStatus
	Ended       time.Time // when it was canceled or first revoked
	Revocation  *profileRevocation
	Permissions []permission
	Revision    string // of the permissions
}

// profileRevocation says since when signatures are not trusted any more.
type profileRevocation struct {
	Effective, At time.Time
	By, Reason    string
}

// A secret is the key of a profile, apart from it: few operations need it.
type secret struct{ Key []byte }

func (p *Profile) arn() string        { return p.Place.arn(profileKind) }
func (p *Profile) versionARN() string { return p.arn() + "/" + p.Version }

// PutSigningProfile makes a profile.
func (s *Service) PutSigningProfile(ctx context.Context, in *signer.PutSigningProfileInput) (*signer.PutSigningProfileOutput, error) {
	p, err := newProfile(ctx, in)
	if err != nil {
		return nil, err
	}
	key, err := codesign.NewKey()
	if err != nil {
		return nil, err
	}
	err = s.db.Update(ctx, func(tx *store.Tx) error {
		if there, err := s.profiles.Has(tx, p.Place.key()...); err != nil || there {
			return orElse(err, invalid("Profile with name %s already exists", p.Place.Name))
		}
		if err := s.keys.Put(tx, secret{key}, p.Place.key()...); err != nil {
			return err
		}
		return s.profiles.Put(tx, p, p.Place.key()...)
	})
	if err != nil {
		return nil, err
	}
	api.Touch(ctx, api.Resource{ARN: p.arn(), Type: profileType, Account: p.Place.Account})
	return &signer.PutSigningProfileOutput{
		Arn: aws.String(p.arn()), ProfileVersion: &p.Version, ProfileVersionArn: aws.String(p.versionARN()),
	}, nil
}

func orElse(err, otherwise error) error {
	if err != nil {
		return err
	}
	return otherwise
}

func newProfile(ctx context.Context, in *signer.PutSigningProfileInput) (Profile, error) {
	p := Profile{
		Place: here(ctx, nil, *in.ProfileName), Version: newVersion(), Validity: defaultValidity(), Parameters: in.SigningParameters,
		Tags: in.Tags, Status: types.SigningProfileStatusActive,
	}
	if err := checkPlatform(*in.PlatformId); err != nil {
		return p, err
	}
	if in.SigningMaterial != nil {
		return p, invalid("Signing material is not supported for platform %s", *in.PlatformId)
	}
	if err := checkOverrides(in.Overrides); err != nil {
		return p, err
	}
	if v := in.SignatureValidityPeriod; v != nil {
		p.Validity = *v
	}
	if err := checkValidity(p.Validity); err != nil {
		return p, err
	}
	if len(p.Tags) > maxTags {
		return p, invalid("A signing profile can have at most %d tags", maxTags)
	}
	return p, nil
}

// checkOverrides takes what the platform does anyway, and refuses the rest.
func checkOverrides(o *types.SigningPlatformOverrides) error {
	if o == nil {
		return nil
	}
	p := platform()
	if f := o.SigningImageFormat; f != "" && f != p.SigningImageFormat.DefaultFormat {
		return invalid("Signing image format %s is not supported for platform %s", f, lambdaPlatform)
	}
	c := o.SigningConfiguration
	if c == nil {
		return nil
	}
	if e := c.EncryptionAlgorithm; e != "" && e != p.SigningConfiguration.EncryptionAlgorithmOptions.DefaultValue {
		return invalid("Encryption algorithm %s is not supported for platform %s", e, lambdaPlatform)
	}
	if h := c.HashAlgorithm; h != "" {
		return invalid("Hash algorithm %s is not supported for platform %s", h, lambdaPlatform)
	}
	return nil
}

// GetSigningProfile implements the operation.
func (s *Service) GetSigningProfile(ctx context.Context, in *signer.GetSigningProfileInput) (*signer.GetSigningProfileOutput, error) {
	p, err := s.find(ctx, here(ctx, in.ProfileOwner, *in.ProfileName))
	if err != nil {
		return nil, err
	}
	out := &signer.GetSigningProfileOutput{
		Arn: aws.String(p.arn()), ProfileName: &p.Place.Name, ProfileVersion: &p.Version, ProfileVersionArn: aws.String(p.versionARN()),
		PlatformId: aws.String(lambdaPlatform), PlatformDisplayName: aws.String(lambdaName), SignatureValidityPeriod: &p.Validity,
		SigningParameters: p.Parameters, Status: p.Status, Tags: p.Tags,
	}
	if r := p.Revocation; r != nil {
		out.StatusReason = &r.Reason
		out.RevocationRecord = &types.SigningProfileRevocationRecord{RevocationEffectiveFrom: &r.Effective, RevokedAt: &r.At, RevokedBy: &r.By}
	}
	return out, nil
}

// find reads a profile.
func (s *Service) find(ctx context.Context, at place) (p Profile, err error) {
	err = s.db.View(ctx, func(tx *store.Tx) (err error) {
		p, err = s.get(tx, at)
		return err
	})
	return p, err
}

func (s *Service) get(tx *store.Tx, at place) (Profile, error) {
	p, ok, err := s.profiles.Get(tx, at.key()...)
	if err == nil && !ok {
		err = noProfile(at.Name)
	}
	return p, err
}

// change applies fn to a profile of the caller's account.
func (s *Service) change(ctx context.Context, name string, fn func(*Profile) error) error {
	at := here(ctx, nil, name)
	return s.db.Update(ctx, func(tx *store.Tx) error {
		p, err := s.get(tx, at)
		if err != nil {
			return err
		}
		if err := fn(&p); err != nil {
			return err
		}
		return s.profiles.Put(tx, p, at.key()...)
	})
}

// CancelSigningProfile implements the operation.
func (s *Service) CancelSigningProfile(ctx context.Context, in *signer.CancelSigningProfileInput) (*signer.CancelSigningProfileOutput, error) {
	return &signer.CancelSigningProfileOutput{}, s.change(ctx, *in.ProfileName, func(p *Profile) error {
		switch p.Status {
		case types.SigningProfileStatusRevoked:
			return invalid("Signing Profile %s cannot be canceled because it has been revoked. A revoked profile cannot be canceled.", p.Place.Name)
		case types.SigningProfileStatusActive:
			p.Status, p.Ended = types.SigningProfileStatusCanceled, time.Now()
		}
		return nil
	})
}
