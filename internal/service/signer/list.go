package signer

import (
	"context"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/signer"
	"github.com/aws/aws-sdk-go-v2/service/signer/types"

	"redoubt/internal/store"
)

// ListSigningProfiles implements the operation. Only active profiles are listed, if nothing else is asked for.
func (s *Service) ListSigningProfiles(ctx context.Context, in *signer.ListSigningProfilesInput) (*signer.ListSigningProfilesOutput, error) {
	from, err := after(in.NextToken)
	if err != nil {
		return nil, err
	}
	wanted := in.Statuses
	if len(wanted) == 0 {
		wanted = []types.SigningProfileStatus{types.SigningProfileStatusActive}
	}
	if in.IncludeCanceled {
		wanted = append(slices.Clone(wanted), types.SigningProfileStatusCanceled)
	}
	out := &signer.ListSigningProfilesOutput{Profiles: []types.SigningProfile{}}
	err = s.db.View(ctx, func(tx *store.Tx) (err error) {
		out.NextToken, err = scan(tx, s.profiles, here(ctx, nil, from), in.MaxResults, func(_ place, p Profile) (bool, error) {
			if !slices.Contains(wanted, p.Status) || !fits(in.PlatformId, lambdaPlatform) {
				return false, nil
			}
			out.Profiles = append(out.Profiles, p.listed())
			return true, nil
		})
		return err
	})
	return out, err
}

func (p *Profile) listed() types.SigningProfile {
	return types.SigningProfile{
		Arn: aws.String(p.arn()), ProfileName: &p.Place.Name, ProfileVersion: &p.Version, ProfileVersionArn: aws.String(p.versionARN()),
		PlatformId: aws.String(lambdaPlatform), PlatformDisplayName: aws.String(lambdaName), SignatureValidityPeriod: &p.Validity,
		SigningParameters: p.Parameters, Status: p.Status, Tags: p.Tags,
	}
}

// ListSigningJobs lists the jobs that the account owns or has started.
func (s *Service) ListSigningJobs(ctx context.Context, in *signer.ListSigningJobsInput) (*signer.ListSigningJobsOutput, error) {
	from, err := after(in.NextToken)
	if err != nil {
		return nil, err
	}
	out := &signer.ListSigningJobsOutput{Jobs: []types.SigningJob{}}
	err = s.db.View(ctx, func(tx *store.Tx) (err error) {
		out.NextToken, err = scan(tx, s.seen, here(ctx, nil, from), in.MaxResults, func(_ place, ref jobRef) (bool, error) {
			j, ok, err := s.jobs.Get(tx, ref.Place.key()...)
			if err != nil || !ok || !j.matches(in) {
				return false, err
			}
			out.Jobs = append(out.Jobs, j.listed())
			return true, nil
		})
		return err
	})
	return out, err
}

func (j *Job) matches(in *signer.ListSigningJobsInput) bool {
	return (in.Status == "" || in.Status == j.Status) && fits(in.PlatformId, lambdaPlatform) &&
		fits(in.RequestedBy, j.RequestedBy) && fits(in.JobInvoker, j.Invoker) && (!in.IsRevoked || j.Revocation != nil) &&
		(in.SignatureExpiresBefore == nil || !j.Expires.IsZero() && j.Expires.Before(*in.SignatureExpiresBefore)) &&
		(in.SignatureExpiresAfter == nil || j.Expires.After(*in.SignatureExpiresAfter))
}

func (j *Job) listed() types.SigningJob {
	return types.SigningJob{
		JobId: &j.Place.Name, JobOwner: &j.Place.Account, JobInvoker: &j.Invoker, CreatedAt: &j.Created, IsRevoked: j.Revocation != nil,
		PlatformId: aws.String(lambdaPlatform), PlatformDisplayName: aws.String(lambdaName), ProfileName: &j.Profile,
		ProfileVersion: &j.Version, SignatureExpiresAt: point(j.Expires), Source: j.source(), SignedObject: j.signed(), Status: j.Status,
	}
}
