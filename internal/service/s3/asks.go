package s3

import (
	"context"
	"reflect"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"redoubt/internal/policy"
)

// What inputs ask for besides what their operation is about, which takes permissions of its own.

func set(in any, fields ...string) bool {
	v := reflect.ValueOf(in).Elem()
	for _, name := range fields {
		if f := v.FieldByName(name); f.IsValid() && !f.IsZero() {
			return true
		}
	}
	return false
}

func grants(in any) bool {
	return set(in, "ACL", "GrantFullControl", "GrantRead", "GrantReadACP", "GrantWrite", "GrantWriteACP")
}

func tagsObject(in any) bool { return set(in, "Tagging") }

func retains(in any) bool { return set(in, "ObjectLockMode", "ObjectLockRetainUntilDate") }

func holds(in any) bool { return set(in, "ObjectLockLegalHoldStatus") }

func bypasses(in any) bool {
	f := reflect.ValueOf(in).Elem().FieldByName("BypassGovernanceRetention")
	return aws.ToBool(f.Interface().(*bool))
}

func locks(in any) bool { return aws.ToBool(in.(*s3.CreateBucketInput).ObjectLockEnabledForBucket) }

func owns(in any) bool { return in.(*s3.CreateBucketInput).ObjectOwnership != "" }

func tagsBucket(in any) bool {
	c := in.(*s3.CreateBucketInput).CreateBucketConfiguration
	return c != nil && len(c.Tags) > 0
}

// location is s3:LocationConstraint, and the tags, of a bucket to be made.
func location(_ context.Context, in any) policy.MapKeys {
	c := in.(*s3.CreateBucketInput).CreateBucketConfiguration
	if c == nil {
		return nil
	}
	keys := policy.MapKeys{}
	if c.LocationConstraint != "" {
		keys["s3:locationconstraint"] = []string{string(c.LocationConstraint)}
	}
	for _, t := range c.Tags {
		keys["aws:requesttag/"+strings.ToLower(aws.ToString(t.Key))] = []string{aws.ToString(t.Value)}
		keys["aws:tagkeys"] = append(keys["aws:tagkeys"], aws.ToString(t.Key))
	}
	return keys
}

// copiesTags reports whether a copy has tags: new ones, or those of its source.
func (s *Service) copiesTags(ctx context.Context, in any) bool {
	c := in.(*s3.CopyObjectInput)
	if c.TaggingDirective == types.TaggingDirectiveReplace {
		return aws.ToString(c.Tagging) != ""
	}
	from, err := s.sourceOf(ctx, c)
	return err == nil && len(from.object.Tags) > 0
}
