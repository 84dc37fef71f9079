package s3

import (
	"context"
	"encoding/base64"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"redoubt/internal/api"
	"redoubt/internal/store"
)

// maxBuckets is the default quota of an account (AmazonS3/latest/userguide/BucketRestrictions.html).
const maxBuckets = 10_000

// CreateBucket makes a bucket, with ACLs off, everything public blocked, and encryption on.
func (s *Service) CreateBucket(ctx context.Context, in *s3.CreateBucketInput) (*s3.CreateBucketOutput, error) {
	c := api.CallerOf(ctx)
	if err := checkCreation(in, c.Region); err != nil {
		return nil, err
	}
	b := Bucket{
		Name: *in.Bucket, ID: newID(), Account: c.Account, Region: c.Region, Created: time.Now().UTC(),
		Ownership: types.ObjectOwnershipBucketOwnerEnforced, Public: &PublicAccess{true, true, true, true},
	}
	if in.ObjectOwnership != "" {
		b.Ownership = in.ObjectOwnership
	}
	if err := checkACL(string(in.ACL), b.Ownership, in.GrantFullControl, in.GrantRead, in.GrantReadACP, in.GrantWrite, in.GrantWriteACP); err != nil {
		return nil, err
	}
	if aws.ToBool(in.ObjectLockEnabledForBucket) {
		b.Locking, b.Versioning = true, types.BucketVersioningStatusEnabled
	}
	if in.CreateBucketConfiguration != nil {
		if b.Tags = in.CreateBucketConfiguration.Tags; len(b.Tags) > 0 {
			if err := checkTags(b.Tags, maxBucketTags); err != nil {
				return nil, err
			}
		}
	}
	defer s.cache.drop(b.Name)
	err := s.db.Update(ctx, func(tx *store.Tx) error { return s.add(tx, b) })
	return &s3.CreateBucketOutput{Location: aws.String("/" + b.Name), BucketArn: aws.String(b.arn())}, err
}

func checkCreation(in *s3.CreateBucketInput, region string) error {
	if !validBucketName(aws.ToString(in.Bucket)) {
		return refuse("InvalidBucketName")
	}
	if in.BucketNamespace != "" && in.BucketNamespace != types.BucketNamespaceGlobal {
		return absent("BucketNamespace")
	}
	asked := ""
	if cfg := in.CreateBucketConfiguration; cfg != nil {
		if cfg.Bucket != nil || cfg.Location != nil {
			return absent("A directory bucket")
		}
		asked = string(cfg.LocationConstraint)
	}
	switch {
	case asked == region && region != "us-east-1", asked == "" && region == "us-east-1":
		return nil
	case asked == "":
		asked = "unspecified"
	case asked == "us-east-1": // never was one: there, no constraint is given
		return refuse("InvalidLocationConstraint")
	}
	return refusef("IllegalLocationConstraintException",
		"The %s location constraint is incompatible for the region specific endpoint this request was sent to.", asked)
}

func (s *Service) add(tx *store.Tx, b Bucket) error {
	was, ok, err := s.buckets.Get(tx, "", "", b.Name)
	switch {
	case err != nil:
		return err
	case ok && was.Account == b.Account:
		return refuse("BucketAlreadyOwnedByYou")
	case ok:
		return refuse("BucketAlreadyExists")
	}
	n := 0
	for _, err := range s.owned.Scan(tx, store.Range{Prefix: []string{b.Account}}) {
		if err != nil {
			return err
		}
		n++
	}
	if n >= maxBuckets {
		return refuse("TooManyBuckets")
	}
	if err := s.owned.Put(tx, mark{}, b.Account, b.Region, b.Name); err != nil {
		return err
	}
	if err := s.open.Put(tx, mark{}, b.place()...); err != nil {
		return err
	}
	return s.buckets.Put(tx, b, "", "", b.Name)
}

// DeleteBucket removes a bucket without objects, versions and uploads.
func (s *Service) DeleteBucket(ctx context.Context, in *s3.DeleteBucketInput) (*s3.DeleteBucketOutput, error) {
	b, err := s.bucket(ctx, in.Bucket, in.ExpectedBucketOwner)
	if err != nil {
		return nil, err
	}
	defer s.cache.drop(b.Name)
	return &s3.DeleteBucketOutput{}, s.db.Update(ctx, func(tx *store.Tx) error {
		if err := s.stillThere(tx, b); err != nil {
			return err
		}
		if err := s.mustBeEmpty(tx, b); err != nil {
			return err
		}
		if err := s.buckets.Delete(tx, "", "", b.Name); err != nil {
			return err
		}
		if err := s.open.Delete(tx, b.place()...); err != nil {
			return err
		}
		return s.owned.Delete(tx, b.Account, b.Region, b.Name)
	})
}

func (s *Service) mustBeEmpty(tx *store.Tx, b *bucket) error {
	for o, err := range s.objects.Scan(tx, store.Range{Prefix: b.place()}) {
		if err != nil {
			return err
		}
		err := refuse("BucketNotEmpty")
		if o.Value.Marker || b.versioned() {
			err.Message += ". You must delete all versions in the bucket."
		}
		return err
	}
	for _, err := range s.uploads.Scan(tx, store.Range{Prefix: b.place()}) {
		return errOr(err, refuse("BucketNotEmpty"))
	}
	return nil
}

// HeadBucket says that a bucket is there, and where.
func (s *Service) HeadBucket(ctx context.Context, in *s3.HeadBucketInput) (*s3.HeadBucketOutput, error) {
	b, err := s.bucket(ctx, in.Bucket, in.ExpectedBucketOwner)
	if err != nil {
		return nil, err
	}
	return &s3.HeadBucketOutput{
		BucketRegion: aws.String(b.Region), BucketArn: aws.String(b.arn()), AccessPointAlias: aws.Bool(false),
	}, nil
}

// GetBucketLocation tells the region of a bucket; that of us-east-1 has no name here.
func (s *Service) GetBucketLocation(ctx context.Context, in *s3.GetBucketLocationInput) (*s3.GetBucketLocationOutput, error) {
	b, err := s.bucket(ctx, in.Bucket, in.ExpectedBucketOwner)
	if err != nil {
		return nil, err
	}
	out := &s3.GetBucketLocationOutput{}
	if b.Region != "us-east-1" {
		out.LocationConstraint = types.BucketLocationConstraint(b.Region)
	}
	return out, nil
}

// ListBuckets lists the caller's buckets by name.
func (s *Service) ListBuckets(ctx context.Context, in *s3.ListBucketsInput) (*s3.ListBucketsOutput, error) {
	c := api.CallerOf(ctx)
	limit := int(aws.ToInt32(in.MaxBuckets))
	if in.MaxBuckets == nil {
		limit = maxBuckets
	}
	if limit < 1 || limit > maxBuckets {
		return nil, badArgument("max-buckets", "", "Argument max-buckets must be an integer between 1 and 10000")
	}
	after, err := openToken(in.ContinuationToken)
	if err != nil {
		return nil, err
	}
	out := &s3.ListBucketsOutput{Buckets: []types.Bucket{}, Owner: &types.Owner{ID: aws.String(canonicalID(c.Account))}, Prefix: in.Prefix}
	r := store.Range{Prefix: []string{c.Account, c.Region}, StartsWith: aws.ToString(in.Prefix)}
	if after != "" {
		r.After = []string{c.Account, c.Region, after}
	}
	if in.BucketRegion != nil && *in.BucketRegion != c.Region {
		return out, nil
	}
	err = s.db.View(ctx, func(tx *store.Tx) error {
		for m, err := range s.owned.Scan(tx, r) {
			if err != nil {
				return err
			}
			if len(out.Buckets) == limit {
				out.ContinuationToken = sealToken(*out.Buckets[limit-1].Name)
				return nil
			}
			b, _, err := s.buckets.Get(tx, "", "", m.Key[2])
			if err != nil {
				return err
			}
			listed := types.Bucket{Name: aws.String(b.Name), CreationDate: aws.Time(b.Created)}
			if in.MaxBuckets != nil || in.ContinuationToken != nil || in.Prefix != nil || in.BucketRegion != nil {
				listed.BucketRegion = aws.String(b.Region)
			}
			out.Buckets = append(out.Buckets, listed)
		}
		return nil
	})
	return out, err
}

// Tokens of pages are opaque: the last name of the page before.
const tokenMark = "1:"

func sealToken(last string) *string {
	return aws.String(base64.RawURLEncoding.EncodeToString([]byte(tokenMark + last)))
}

func openToken(token *string) (last string, err error) {
	if token == nil || *token == "" {
		return "", nil
	}
	plain, err := base64.RawURLEncoding.DecodeString(*token)
	last, ok := strings.CutPrefix(string(plain), tokenMark)
	if err != nil || !ok {
		return "", badArgument("continuation-token", *token, "The continuation token provided is incorrect")
	}
	return last, nil
}
