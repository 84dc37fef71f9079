package signer

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/signer"
	"github.com/aws/aws-sdk-go-v2/service/signer/types"

	"redoubt/internal/api"
	"redoubt/internal/store"
)

// Job is a signing job. It belongs to the account of its profile.
type Job struct {
	Place            place
	Invoker          string // the account that has started it
	RequestedBy      string // ARN
	Token            string
	Profile, Version string
	Parameters       map[string]string
	Source           types.S3Source
	Bucket, Key      string // where the signed package goes
	Created          time.Time
	Completed        time.Time
	Expires          time.Time
	Status           types.SigningStatus
	Reason           string
	Revocation       *jobRevocation
}

// jobRevocation says that a signature is not trusted any more.
type jobRevocation struct {
	At         time.Time
	By, Reason string
}

// A jobRef leads to a job.
type jobRef struct{ Place place }

func (j *Job) arn() string { return j.Place.arn(jobKind) }

func (j *Job) profile() place { return place{j.Place.Account, j.Place.Region, j.Profile} }

func (j *Job) source() *types.Source { return &types.Source{S3: &j.Source} }

func (j *Job) signed() *types.SignedObject {
	if j.Status != types.SigningStatusSucceeded {
		return nil
	}
	return &types.SignedObject{S3: &types.S3SignedObject{BucketName: &j.Bucket, Key: &j.Key}}
}

// StartSigningJob begins a job. The package is signed in the background.
func (s *Service) StartSigningJob(ctx context.Context, in *signer.StartSigningJobInput) (*signer.StartSigningJobOutput, error) {
	j, err := newJob(ctx, in)
	if err != nil {
		return nil, err
	}
	token := here(ctx, nil, *in.ClientRequestToken)
	ref, again := jobRef{j.Place}, false
	err = s.db.Update(ctx, func(tx *store.Tx) error {
		first, known, err := s.tokens.Get(tx, token.key()...)
		if again = known; err != nil || known {
			ref = first
			return err
		}
		return s.begin(tx, j, token)
	})
	if err != nil || again {
		s.backlog.drop(jobRef{j.Place})
	}
	if err != nil {
		return nil, err
	}
	if !again {
		api.Touch(ctx, api.Resource{ARN: j.arn(), Type: jobType, Account: j.Place.Account})
		s.tasks <- task{api.Detached(api.Via(ctx, principal)), ref}
	}
	return &signer.StartSigningJobOutput{JobId: aws.String(ref.Place.Name), JobOwner: aws.String(ref.Place.Account)}, nil
}

func newJob(ctx context.Context, in *signer.StartSigningJobInput) (Job, error) {
	c := api.CallerOf(ctx)
	j := Job{
		Place: here(ctx, in.ProfileOwner, api.NewUUID()), Invoker: c.Account, RequestedBy: c.Principal.ARN, Token: *in.ClientRequestToken,
		Profile: *in.ProfileName, Created: time.Now().UTC(), Status: types.SigningStatusInProgress,
	}
	if in.Source.S3 == nil {
		return j, invalid("Source must be an S3 object")
	}
	if in.Destination.S3 == nil || aws.ToString(in.Destination.S3.BucketName) == "" {
		return j, invalid("Destination must be an S3 bucket")
	}
	j.Source, j.Bucket = *in.Source.S3, *in.Destination.S3.BucketName
	// Where a package goes, as AWS was seen to do it: the prefix, then the job's id.
	j.Key = aws.ToString(in.Destination.S3.Prefix) + j.Place.Name + ".zip"
	return j, nil
}

// begin writes a new job, if its profile can sign.
func (s *Service) begin(tx *store.Tx, j Job, token place) error {
	p, err := s.get(tx, j.profile())
	if err != nil {
		return err
	}
	if p.Status != types.SigningProfileStatusActive {
		return p.inactive()
	}
	j.Version, j.Parameters = p.Version, p.Parameters
	ref := jobRef{j.Place}
	if !s.backlog.take(ref, j.Invoker) {
		return &types.TooManyRequestsException{Message: aws.String("Too many signing jobs are in progress")}
	}
	if err := s.seen.Put(tx, ref, j.Invoker, j.Place.Region, j.Place.Name); err != nil {
		return err
	}
	if err := s.seen.Put(tx, ref, j.Place.key()...); err != nil {
		return err
	}
	if err := s.tokens.Put(tx, ref, token.key()...); err != nil {
		return err
	}
	if err := s.running.Put(tx, ref, j.Place.key()...); err != nil {
		return err
	}
	return s.jobs.Put(tx, j, j.Place.key()...)
}

// DescribeSigningJob implements the operation.
func (s *Service) DescribeSigningJob(ctx context.Context, in *signer.DescribeSigningJobInput) (*signer.DescribeSigningJobOutput, error) {
	j, err := s.describe(ctx, here(ctx, nil, *in.JobId))
	if err != nil {
		return nil, err
	}
	out := &signer.DescribeSigningJobOutput{
		JobId: &j.Place.Name, JobOwner: &j.Place.Account, JobInvoker: &j.Invoker, RequestedBy: &j.RequestedBy, CreatedAt: &j.Created,
		CompletedAt: point(j.Completed), PlatformId: aws.String(lambdaPlatform), PlatformDisplayName: aws.String(lambdaName),
		ProfileName: &j.Profile, ProfileVersion: &j.Version, SignatureExpiresAt: point(j.Expires), SigningParameters: j.Parameters,
		Source: j.source(), SignedObject: j.signed(), Status: j.Status,
	}
	if j.Reason != "" {
		out.StatusReason = &j.Reason
	}
	if r := j.Revocation; r != nil {
		out.RevocationRecord = &types.SigningJobRevocationRecord{Reason: &r.Reason, RevokedAt: &r.At, RevokedBy: &r.By}
	}
	return out, nil
}

// describe reads a job that the account of at owns or has started.
func (s *Service) describe(ctx context.Context, at place) (j Job, err error) {
	err = s.db.View(ctx, func(tx *store.Tx) error {
		ref, ok, err := s.seen.Get(tx, at.key()...)
		if err == nil && ok {
			j, ok, err = s.jobs.Get(tx, ref.Place.key()...)
		}
		if err == nil && !ok {
			err = noJob(at.Name)
		}
		return err
	})
	return j, err
}
