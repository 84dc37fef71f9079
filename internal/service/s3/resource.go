package s3

import (
	"cmp"
	"context"
	"reflect"

	"github.com/aws/aws-sdk-go-v2/aws"

	"redoubt/internal/api"
	"redoubt/internal/policy"
)

const bucketType, objectType = "AWS::S3::Bucket", "AWS::S3::Object"

// bucketResource resolves the bucket of an operation. One that is not there is the caller's own, as far as permission goes.
func (s *Service) bucketResource(ctx context.Context, name string) (api.Resource, error) {
	res, _, err := s.resource(ctx, name)
	return res, err
}

// newBucket resolves a bucket that is to be made, by the caller and in its account, whoever may have one of that name.
func newBucket(ctx context.Context, name string) (api.Resource, error) {
	return api.Resource{ARN: "arn:aws:s3:::" + name, Type: bucketType, Account: api.CallerOf(ctx).Account}, nil
}

func (s *Service) resource(ctx context.Context, name string) (api.Resource, *bucket, error) {
	c := api.CallerOf(ctx)
	res := api.Resource{ARN: "arn:aws:s3:::" + name, Type: bucketType, Account: cmp.Or(c.Account, s.account)}
	b, err := s.find(ctx, name)
	if err != nil || b == nil {
		return res, nil, err
	}
	res.Account, res.Policy = b.Account, b.policyFor(c)
	res.Keys = policy.MapKeys{"s3:resourceaccount": {b.Account}}
	return res, b, nil
}

// policyFor is the policy as it counts for a caller: a public one lets nobody from outside in where the bucket restricts
// that, but services of AWS.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html
func (b *bucket) policyFor(c *api.Caller) *policy.Document {
	if b.public && b.Public != nil && b.Public.Restrict && c.Principal.Account != b.Account && c.Kind != api.AWSService {
		return nil
	}
	return b.policy
}

// objectResource is an object, there or not.
func (s *Service) objectResource(ctx context.Context, bucket, key, version string) (api.Resource, error) {
	res, b, err := s.resource(ctx, bucket)
	res.ARN, res.Type = res.ARN+"/"+key, objectType
	if b != nil {
		res.More = &existing{s: s, ctx: ctx, bucket: b, key: key, version: version}
	}
	return res, err
}

// fields are where an input names its object.
type fields struct{ bucket, key, version int }

func fieldsOf[In any]() fields {
	t := reflect.TypeFor[In]()
	at := func(name string) int {
		if f, ok := t.FieldByName(name); ok {
			return f.Index[0]
		}
		return -1
	}
	return fields{at("Bucket"), at("Key"), at("VersionId")}
}

func text(v reflect.Value, field int) string {
	if field < 0 {
		return ""
	}
	return aws.ToString(v.Field(field).Interface().(*string))
}

// object is the need of an operation on the object that its input names by Bucket, Key and VersionId.
func object[In any](s *Service) api.Need {
	f := fieldsOf[In]()
	return api.Of(func(ctx context.Context, in *In) (api.Resource, error) {
		v := reflect.ValueOf(in).Elem()
		return s.objectResource(ctx, text(v, f.bucket), text(v, f.key), text(v, f.version))
	})
}

// versioned asks whether an input names a version, which other actions are for.
func versioned(in any) bool { return versionOf(in) != "" }

func unversioned(in any) bool { return versionOf(in) == "" }

func versionOf(in any) string {
	f := reflect.ValueOf(in).Elem().FieldByName("VersionId")
	return aws.ToString(f.Interface().(*string))
}

// source is the need of an operation on the object that it copies.
func source[In any](s *Service) api.Need {
	return api.Of(func(ctx context.Context, in *In) (api.Resource, error) {
		from, err := parseSource(reflect.ValueOf(in).Elem().FieldByName("CopySource").Interface().(*string))
		if err != nil { // the method says so
			return api.Resource{ARN: "arn:aws:s3:::*", Type: objectType}, nil
		}
		return s.objectResource(ctx, from.bucket, from.key, from.version)
	})
}

func fromVersion(in any) bool { return sourceVersion(in) != "" }

func fromCurrent(in any) bool { return sourceVersion(in) == "" }

func sourceVersion(in any) string {
	from, _ := parseSource(reflect.ValueOf(in).Elem().FieldByName("CopySource").Interface().(*string))
	return from.version
}

// mayList reports whether the caller may learn which keys a bucket has: to others what is missing is denied
// (API_GetObject, "Permissions").
func (s *Service) mayList(ctx context.Context, b *bucket) (bool, error) {
	c := api.CallerOf(ctx)
	return s.api.May(ctx, "s3:ListBucket", api.Resource{ARN: b.arn(), Account: b.Account, Policy: b.policyFor(c)})
}

// hide tells a caller who may not list that it is denied, in place of what it would learn.
func (s *Service) hide(ctx context.Context, b *bucket, missing error) error {
	if ok, err := s.mayList(ctx, b); err != nil || ok {
		return errOr(err, missing)
	}
	return refuse("AccessDenied")
}

func errOr(err, otherwise error) error {
	if err != nil {
		return err
	}
	return otherwise
}
