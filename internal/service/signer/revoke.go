package signer

import (
	"context"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/signer"
	"github.com/aws/aws-sdk-go-v2/service/signer/types"

	"redoubt/internal/api"
	"redoubt/internal/store"
)

// RevokeSignature says that the signature of a job is not trusted any more. That cannot be taken back.
func (s *Service) RevokeSignature(ctx context.Context, in *signer.RevokeSignatureInput) (*signer.RevokeSignatureOutput, error) {
	at := here(ctx, in.JobOwner, *in.JobId)
	return &signer.RevokeSignatureOutput{}, s.db.Update(ctx, func(tx *store.Tx) error {
		j, ok, err := s.jobs.Get(tx, at.key()...)
		switch {
		case err != nil:
			return err
		case !ok:
			return noJob(at.Name)
		case j.Status != types.SigningStatusSucceeded:
			return invalid("Signing job %s has no signature to revoke", at.Name)
		case j.Revocation != nil:
			return nil
		}
		j.Revocation = &jobRevocation{At: stamp(), By: api.CallerOf(ctx).Principal.ARN, Reason: *in.Reason}
		return s.jobs.Put(tx, j, at.key()...)
	})
}

// RevokeSigningProfile says that what was signed under a profile after some time in the past is not trusted any more. It can
// be repeated with an earlier time, but not taken back.
func (s *Service) RevokeSigningProfile(ctx context.Context, in *signer.RevokeSigningProfileInput) (*signer.RevokeSigningProfileOutput, error) {
	if in.EffectiveTime.After(time.Now()) {
		return nil, invalid("Effective time cannot be in the future")
	}
	return &signer.RevokeSigningProfileOutput{}, s.change(ctx, *in.ProfileName, func(p *Profile) error {
		if *in.ProfileVersion != p.Version {
			return notFound("Signing profile %s has no version %s", p.Place.Name, *in.ProfileVersion)
		}
		if p.Revocation != nil && in.EffectiveTime.After(p.Revocation.Effective) {
			return invalid("Effective time cannot be later than %s", p.Revocation.Effective.UTC().Format(time.RFC3339))
		}
		if p.Ended.IsZero() {
			p.Ended = time.Now()
		}
		p.Status = types.SigningProfileStatusRevoked
		p.Revocation = &profileRevocation{
			Effective: *in.EffectiveTime, At: stamp(), By: api.CallerOf(ctx).Principal.ARN, Reason: *in.Reason,
		}
		return nil
	})
}

// GetRevocationStatus tells what of a signature was revoked. As on AWS, nobody can ask it about Lambda's platform but Lambda
// itself, to whom what is not known any more is as good as revoked.
func (s *Service) GetRevocationStatus(ctx context.Context, in *signer.GetRevocationStatusInput) (*signer.GetRevocationStatusOutput, error) {
	if *in.PlatformId != lambdaPlatform || api.CallerOf(ctx).Principal.Service != "lambda.amazonaws.com" {
		return nil, invalid("Invalid platformId: %s", *in.PlatformId)
	}
	out := &signer.GetRevocationStatusOutput{RevokedEntities: []string{}}
	return out, s.db.View(ctx, func(tx *store.Tx) error {
		profileGone, err := s.profileRevoked(tx, *in.ProfileVersionArn, *in.SignatureTimestamp)
		if err != nil {
			return err
		}
		if profileGone {
			// The certificates of a profile's key have no life of their own.
			out.RevokedEntities = slices.Concat([]string{*in.ProfileVersionArn}, in.CertificateHashes)
		}
		jobGone, err := s.jobRevoked(tx, *in.JobArn, *in.ProfileVersionArn)
		if jobGone {
			out.RevokedEntities = append(out.RevokedEntities, *in.JobArn)
		}
		return err
	})
}

func (s *Service) profileRevoked(tx *store.Tx, text string, signed time.Time) (bool, error) {
	at, version, ok := parse(text, profileKind)
	if !ok {
		return false, invalid("Invalid profileVersionArn: %s", text)
	}
	p, ok, err := s.profiles.Get(tx, at.key()...)
	if err != nil || !ok || p.Version != version {
		return true, err
	}
	// Signatures know the second only: all of the one in which the revocation begins are revoked.
	return p.Revocation != nil && !signed.Before(p.Revocation.Effective.Truncate(time.Second)), nil
}

func (s *Service) jobRevoked(tx *store.Tx, text, profile string) (bool, error) {
	at, _, ok := parse(text, jobKind)
	if !ok {
		return false, invalid("Invalid jobArn: %s", text)
	}
	j, ok, err := s.jobs.Get(tx, at.key()...)
	if err != nil || !ok || j.profile().arn(profileKind)+"/"+j.Version != profile {
		return true, err
	}
	// One that failed when it had signed already, at the end of the server, cannot be revoked any more: nobody was to trust it.
	return j.Revocation != nil || j.Status == types.SigningStatusFailed, nil
}
