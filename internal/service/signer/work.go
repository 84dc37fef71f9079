package signer

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"runtime/debug"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/signer/types"
	"github.com/aws/smithy-go"

	"redoubt/internal/api"
	"redoubt/internal/codesign"
	"redoubt/internal/store"
)

// A task is a job to be done as whoever has started it: that identity is not kept on the disk, so it ends with the process.
type task struct {
	ctx context.Context
	ref jobRef
}

// interrupted is the reason of a job that did not end with its process.
const interrupted = "The server was stopped before the job was done. Start it again."

// work does one job at a time: each may take twice the size of the largest package in memory.
func (s *Service) work(ctx context.Context) error {
	if err := s.recover(ctx); err != nil {
		return fmt.Errorf("ending the signing jobs of an earlier run: %w", err)
	}
	for {
		select {
		case t := <-s.tasks:
			if err := s.do(ctx, t); err != nil && ctx.Err() == nil {
				s.log.ErrorContext(ctx, "ending a signing job failed", "job", t.ref.Place.arn(jobKind), "error", err)
			}
		case <-ctx.Done():
			return nil
		}
	}
}

// recover ends the jobs that an earlier process has left.
func (s *Service) recover(ctx context.Context) error {
	var left []jobRef
	err := s.db.View(ctx, func(tx *store.Tx) error {
		for r, err := range s.running.Scan(tx, store.Range{}) {
			if err != nil {
				return err
			}
			if !s.backlog.has(r.Value) {
				left = append(left, r.Value)
			}
		}
		return nil
	})
	for _, ref := range left {
		if err == nil {
			err = s.end(ctx, ref, Job{Status: types.SigningStatusFailed, Reason: interrupted})
		}
	}
	return err
}

// do works on a job until it, or the service, ends.
func (s *Service) do(ctx context.Context, t task) error {
	defer s.backlog.drop(t.ref)
	within, cancel := context.WithCancel(t.ctx)
	defer cancel()
	defer context.AfterFunc(ctx, cancel)()
	result, err := s.sign(within, t.ref)
	if ctx.Err() != nil {
		return nil // it is ended when the server starts again
	}
	if err != nil {
		result.Status, result.Reason = types.SigningStatusFailed, s.reason(ctx, t.ref, err)
	}
	return s.end(context.WithoutCancel(ctx), t.ref, result)
}

// reason is what a job's owner is told. What is none of theirs is logged instead.
func (s *Service) reason(ctx context.Context, ref jobRef, err error) string {
	var known smithy.APIError
	if errors.As(err, &known) || errors.Is(err, codesign.ErrMalformed) || errors.Is(err, codesign.ErrSigned) {
		return err.Error()
	}
	s.log.ErrorContext(ctx, "signing failed", "job", ref.Place.arn(jobKind), "error", err)
	return "Internal error"
}

// sign signs the package of a job. A package that nobody has foreseen must not end the server.
func (s *Service) sign(ctx context.Context, ref jobRef) (done Job, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v\n%s", p, debug.Stack())
		}
	}()
	var j Job
	err = s.db.View(ctx, func(tx *store.Tx) (err error) {
		j, _, err = s.jobs.Get(tx, ref.Place.key()...)
		return err
	})
	if err != nil {
		return done, err
	}
	pkg, err := s.fetch(ctx, &j)
	if err != nil {
		return done, fmt.Errorf("reading the source: %w", err)
	}
	claims, who, err := s.identify(ctx, &j)
	if err != nil {
		return done, err
	}
	signed, err := codesign.Sign(ctx, pkg, who, claims)
	if err != nil {
		return done, err
	}
	_, err = api.Call[s3.PutObjectOutput](ctx, s.api, &s3.PutObjectInput{
		Bucket: &j.Bucket, Key: &j.Key, Body: bytes.NewReader(signed), ContentLength: aws.Int64(int64(len(signed))),
		ContentType: aws.String("application/zip"),
	})
	if err != nil {
		return done, fmt.Errorf("writing the signed object: %w", err)
	}
	return Job{Status: types.SigningStatusSucceeded, Reason: "Signing Succeeded", Expires: claims.Expires}, nil
}

// fetch reads the package from S3.
func (s *Service) fetch(ctx context.Context, j *Job) ([]byte, error) {
	out, err := api.Call[s3.GetObjectOutput](ctx, s.api, &s3.GetObjectInput{
		Bucket: j.Source.BucketName, Key: j.Source.Key, VersionId: j.Source.Version,
	})
	if err != nil {
		return nil, err
	}
	defer out.Body.Close()
	pkg, err := io.ReadAll(io.LimitReader(out.Body, codesign.MaxPackage+1))
	if err == nil && len(pkg) > codesign.MaxPackage {
		err = invalid("The object is larger than %d MB", codesign.MaxPackage>>20)
	}
	return pkg, err
}

// identify takes the profile's key, if the profile may still sign.
func (s *Service) identify(ctx context.Context, j *Job) (claims codesign.Claims, who codesign.Identity, err error) {
	err = s.db.Update(ctx, func(tx *store.Tx) error {
		p, err := s.get(tx, j.profile())
		if err != nil {
			return err
		}
		if p.Status != types.SigningProfileStatusActive {
			return p.inactive()
		}
		key, _, err := s.keys.Get(tx, j.profile().key()...)
		if err != nil {
			return err
		}
		now := stamp()
		claims = codesign.Claims{Profile: p.versionARN(), Job: j.arn(), Signed: now, Expires: expiry(now, p.Validity)}
		who, err = s.authority.Identify(tx, claims.Profile, key.Key)
		return err
	})
	return claims, who, err
}

// end writes how a job ended.
func (s *Service) end(ctx context.Context, ref jobRef, how Job) error {
	return s.db.Update(ctx, func(tx *store.Tx) error {
		if err := s.running.Delete(tx, ref.Place.key()...); err != nil {
			return err
		}
		j, ok, err := s.jobs.Get(tx, ref.Place.key()...)
		if err != nil || !ok || j.Status != types.SigningStatusInProgress {
			return err
		}
		j.Status, j.Reason, j.Expires, j.Completed = how.Status, how.Reason, how.Expires, stamp()
		return s.jobs.Put(tx, j, ref.Place.key()...)
	})
}
