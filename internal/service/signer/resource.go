package signer

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/signer"

	"redoubt/internal/api"
	"redoubt/internal/policy"
	"redoubt/internal/store"
)

const profileType, jobType = "AWS::Signer::SigningProfile", "AWS::Signer::SigningJob"

// profile resolves a profile of the caller's account.
func (s *Service) profile(ctx context.Context, name string) (api.Resource, error) {
	return s.resource(ctx, here(ctx, nil, name))
}

// gotten and signsWith resolve a profile that may be another account's.
func (s *Service) gotten(ctx context.Context, in *signer.GetSigningProfileInput) (api.Resource, error) {
	return s.shared(ctx, here(ctx, in.ProfileOwner, aws.ToString(in.ProfileName)))
}

func (s *Service) signsWith(ctx context.Context, in *signer.StartSigningJobInput) (api.Resource, error) {
	return s.shared(ctx, here(ctx, in.ProfileOwner, aws.ToString(in.ProfileName)))
}

// resource is a profile, as its own account may use it.
func (s *Service) resource(ctx context.Context, at place) (api.Resource, error) {
	res, err := s.shared(ctx, at)
	res.Policy = nil
	return res, err
}

// shared is a profile with the permissions that it gives to others.
func (s *Service) shared(ctx context.Context, at place) (api.Resource, error) {
	res := api.Resource{ARN: at.arn(profileKind), Type: profileType, Account: at.Account}
	err := s.db.View(ctx, func(tx *store.Tx) error {
		p, ok, err := s.profiles.Get(tx, at.key()...)
		if err != nil || !ok {
			return err
		}
		res.Tags, res.Keys = p.Tags, versionKey(p.Version)
		res.Policy, err = p.document(res.ARN)
		return err
	})
	return res, err
}

func versionKey(version string) policy.MapKeys {
	return policy.MapKeys{"signer:profileversion": {version}}
}

// tagged resolves what tags are on.
func (s *Service) tagged(ctx context.Context, text string) (api.Resource, error) {
	at, _, ok := parse(text, profileKind)
	if !ok {
		return api.Resource{ARN: "*"}, nil
	}
	return s.resource(ctx, at)
}

// job resolves a job that the caller's account owns or has started.
func (s *Service) job(ctx context.Context, id string) (api.Resource, error) {
	at := here(ctx, nil, id)
	res := api.Resource{ARN: at.arn(jobKind), Type: jobType, Account: at.Account}
	err := s.db.View(ctx, func(tx *store.Tx) error {
		ref, ok, err := s.seen.Get(tx, at.key()...)
		if ok {
			res.ARN = ref.Place.arn(jobKind)
		}
		return err
	})
	return res, err
}

// revokedJob resolves a job that may be another account's, with the permissions of its profile.
func (s *Service) revokedJob(ctx context.Context, in *signer.RevokeSignatureInput) (api.Resource, error) {
	at := here(ctx, in.JobOwner, aws.ToString(in.JobId))
	res := api.Resource{ARN: at.arn(jobKind), Type: jobType, Account: at.Account}
	err := s.db.View(ctx, func(tx *store.Tx) error {
		j, ok, err := s.jobs.Get(tx, at.key()...)
		if err != nil || !ok {
			return err
		}
		res.Keys = versionKey(j.Version)
		p, ok, err := s.profiles.Get(tx, j.profile().key()...)
		if err != nil || !ok {
			return err
		}
		res.Policy, err = p.document(res.ARN)
		return err
	})
	return res, err
}

// whoAsks lets Lambda, and nobody else, ask of everything whether it was revoked.
var whoAsks = policy.MustParse(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow",
	"Principal":{"Service":"lambda.amazonaws.com"},"Action":"signer:GetRevocationStatus","Resource":"*"}]}`, policy.Resource)

// asked resolves a job, or a profile by the ARN of its version.
func asked(_ context.Context, text string) (api.Resource, error) {
	if at, _, ok := parse(text, jobKind); ok {
		return api.Resource{ARN: at.arn(jobKind), Type: jobType, Policy: whoAsks}, nil
	}
	if at, _, ok := parse(text, profileKind); ok {
		return api.Resource{ARN: at.arn(profileKind), Type: profileType, Policy: whoAsks}, nil
	}
	return api.Resource{ARN: "*"}, nil
}
