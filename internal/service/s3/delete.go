package s3

import (
	"context"
	"errors"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go"

	"redoubt/internal/api"
	"redoubt/internal/store"
)

// DeleteObject removes an object, or hides it under a delete marker where the bucket has versions. A version that is named
// goes for good. What is not there is deleted already.
func (s *Service) DeleteObject(ctx context.Context, in *s3.DeleteObjectInput) (*s3.DeleteObjectOutput, error) {
	b, err := s.bucket(ctx, in.Bucket, in.ExpectedBucketOwner)
	if err != nil {
		return nil, err
	}
	if in.IfMatchLastModifiedTime != nil || in.IfMatchSize != nil {
		return nil, refuse("NotImplemented") // of directory buckets
	}
	if b.MFADelete && in.VersionId != nil {
		if err := s.checkMFA(ctx, in.MFA); err != nil {
			return nil, err
		}
	}
	key := aws.ToString(in.Key)
	if err := checkKey(key); err != nil {
		return nil, err
	}
	out := &s3.DeleteObjectOutput{}
	return out, s.db.Update(ctx, func(tx *store.Tx) error {
		if err := s.stillThere(tx, b); err != nil {
			return err
		}
		if in.VersionId != nil && *in.VersionId != "" {
			return s.deleteVersion(ctx, tx, b, key, in, out)
		}
		return s.deleteCurrent(tx, b, key, in, out)
	})
}

// deleteVersion removes one version, unless it is locked.
func (s *Service) deleteVersion(ctx context.Context, tx *store.Tx, b *bucket, key string, in *s3.DeleteObjectInput, out *s3.DeleteObjectOutput) error {
	id := *in.VersionId
	if _, valid := orderOf(id); !valid && id != nullVersion {
		return badArgument("versionId", id, "Invalid version id specified")
	}
	out.VersionId = in.VersionId
	o, isCurrent, ok, err := s.version(tx, b, key, id)
	if err != nil || !ok {
		return err
	}
	if in.IfMatch != nil && (o.Marker || !matches(*in.IfMatch, o.ETag)) {
		return preconditionFailed("If-Match")
	}
	if err := o.Lock.mayDelete(time.Now(), aws.ToBool(in.BypassGovernanceRetention)); err != nil {
		return err
	}
	if o.Marker {
		out.DeleteMarker = aws.Bool(true)
	}
	if isCurrent {
		return s.removeCurrent(tx, b, key, &o)
	}
	if err := s.removeEarlier(tx, b, key, o.Order); err != nil || id != nullVersion {
		return err
	}
	now, ok, err := s.current(tx, b, key)
	if err != nil || !ok {
		return err
	}
	now.NullOrder = 0
	return s.objects.Put(tx, now, b.key(key)...)
}

func (s *Service) deleteCurrent(tx *store.Tx, b *bucket, key string, in *s3.DeleteObjectInput, out *s3.DeleteObjectOutput) error {
	now, ok, err := s.current(tx, b, key)
	if err != nil {
		return err
	}
	if in.IfMatch != nil {
		if !ok || now.Marker {
			return noSuchKey(key)
		}
		if !matches(*in.IfMatch, now.ETag) {
			return preconditionFailed("If-Match")
		}
	}
	if !b.versioned() {
		if !ok {
			return nil
		}
		if err := s.release(tx, b, &now); err != nil {
			return err
		}
		return s.objects.Delete(tx, b.key(key)...)
	}
	marker := &Object{Marker: true, Modified: time.Now().UTC().Truncate(time.Millisecond)}
	if err := s.put(tx, b, key, marker, nil); err != nil {
		return err
	}
	out.DeleteMarker, out.VersionId = aws.Bool(true), &marker.Version
	return nil
}

// maxDeletes is how many keys one DeleteObjects takes (API_DeleteObjects).
const maxDeletes = 1000

// DeleteObjects deletes many objects. Each is a call of its own, with its own permission and its own outcome.
func (s *Service) DeleteObjects(ctx context.Context, in *s3.DeleteObjectsInput) (*s3.DeleteObjectsOutput, error) {
	b, err := s.bucket(ctx, in.Bucket, in.ExpectedBucketOwner)
	if err != nil {
		return nil, err
	}
	if in.Delete == nil || len(in.Delete.Objects) == 0 || len(in.Delete.Objects) > maxDeletes {
		return nil, refuse("MalformedXML")
	}
	if b.MFADelete {
		if err := s.checkMFA(ctx, in.MFA); err != nil {
			return nil, err
		}
		ctx = context.WithValue(ctx, mfaDone{}, true)
	}
	out := &s3.DeleteObjectsOutput{}
	for _, id := range in.Delete.Objects {
		one, err := s.deleteOne(ctx, in, id)
		if err != nil {
			out.Errors = append(out.Errors, *err)
		} else if !aws.ToBool(in.Delete.Quiet) {
			out.Deleted = append(out.Deleted, *one)
		}
	}
	return out, nil
}

func (s *Service) deleteOne(ctx context.Context, in *s3.DeleteObjectsInput, id types.ObjectIdentifier) (*types.DeletedObject, *types.Error) {
	done, err := api.Call[s3.DeleteObjectOutput](ctx, s.api, &s3.DeleteObjectInput{
		Bucket: in.Bucket, Key: id.Key, VersionId: id.VersionId, BypassGovernanceRetention: in.BypassGovernanceRetention,
		IfMatch: id.ETag, IfMatchLastModifiedTime: id.LastModifiedTime, IfMatchSize: id.Size,
	})
	if err != nil {
		failed := &types.Error{Key: id.Key, VersionId: id.VersionId, Code: aws.String("InternalError"), Message: aws.String("We encountered an internal error. Please try again.")}
		var known smithy.APIError
		if errors.As(err, &known) {
			failed.Code, failed.Message = aws.String(known.ErrorCode()), aws.String(known.ErrorMessage())
		}
		return nil, failed
	}
	deleted := &types.DeletedObject{Key: id.Key, VersionId: id.VersionId, DeleteMarker: done.DeleteMarker}
	if aws.ToBool(done.DeleteMarker) {
		deleted.DeleteMarkerVersionId = done.VersionId
	}
	return deleted, nil
}
