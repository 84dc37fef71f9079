package s3

import (
	"context"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"redoubt/internal/policy"
	"redoubt/internal/store"
)

// A condition key of S3 that an input brings, by the member that has it.
// https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazons3.html#amazons3-policy-keys
var conditionKeys = map[string]string{
	"ACL": "s3:x-amz-acl", "CopySource": "s3:x-amz-copy-source", "Delimiter": "s3:delimiter", "GrantFullControl": "s3:x-amz-grant-full-control",
	"GrantRead": "s3:x-amz-grant-read", "GrantReadACP": "s3:x-amz-grant-read-acp", "GrantWrite": "s3:x-amz-grant-write",
	"GrantWriteACP": "s3:x-amz-grant-write-acp", "IfMatch": "s3:if-match", "IfNoneMatch": "s3:if-none-match", "MaxKeys": "s3:max-keys",
	"MetadataDirective": "s3:x-amz-metadata-directive", "ObjectLockLegalHoldStatus": "s3:object-lock-legal-hold", "ObjectLockMode": "s3:object-lock-mode",
	"ObjectLockRetainUntilDate": "s3:object-lock-retain-until-date", "ObjectOwnership": "s3:x-amz-object-ownership", "Prefix": "s3:prefix",
	"SSECustomerAlgorithm": "s3:x-amz-server-side-encryption-customer-algorithm", "SSEKMSKeyId": "s3:x-amz-server-side-encryption-aws-kms-key-id",
	"ServerSideEncryption": "s3:x-amz-server-side-encryption", "StorageClass": "s3:x-amz-storage-class", "VersionId": "s3:versionid",
	"WebsiteRedirectLocation": "s3:x-amz-website-redirect-location",
}

// A keyField is a member with its key.
type keyField struct {
	index int
	key   string
}

// inputKeys returns how the condition keys of one kind of input are found.
func inputKeys[In any]() func(context.Context, any) policy.MapKeys {
	var fields []keyField
	t := reflect.TypeFor[In]()
	for i := range t.NumField() {
		if key, ok := conditionKeys[t.Field(i).Name]; ok {
			fields = append(fields, keyField{i, key})
		}
	}
	tagging, hasTagging := t.FieldByName("Tagging")
	return func(_ context.Context, in any) policy.MapKeys {
		v := reflect.ValueOf(in).Elem()
		keys := policy.MapKeys{}
		for _, f := range fields {
			if field := v.Field(f.index); !field.IsZero() {
				keys[f.key] = []string{valueOf(field)}
			}
		}
		if hasTagging {
			requestTags(v.Field(tagging.Index[0]), keys)
		}
		remaining(v, keys)
		return keys
	}
}

func valueOf(v reflect.Value) string {
	v = reflect.Indirect(v)
	switch x := v.Interface().(type) {
	case time.Time:
		return x.UTC().Format(time.RFC3339)
	case string:
		return x
	case int32:
		return strconv.Itoa(int(x))
	}
	return v.String()
}

// requestTags adds the tags that a request gives an object: a header, or a document.
func requestTags(v reflect.Value, keys policy.MapKeys) {
	var tags []types.Tag
	switch given := v.Interface().(type) {
	case *string:
		tags, _ = parseTagging(aws.ToString(given)) // the method says what is wrong with it
	case *types.Tagging:
		if given != nil {
			tags = given.TagSet
		}
	}
	addTags(tags, keys)
}

func addTags(tags []types.Tag, keys policy.MapKeys) {
	for _, t := range tags {
		k := aws.ToString(t.Key)
		keys["s3:requestobjecttag/"+strings.ToLower(k)] = []string{aws.ToString(t.Value)}
		keys["s3:requestobjecttagkeys"] = append(keys["s3:requestobjecttagkeys"], k)
	}
}

// remaining adds for how many days a lock is asked.
func remaining(v reflect.Value, keys policy.MapKeys) {
	var until *time.Time
	if f := v.FieldByName("ObjectLockRetainUntilDate"); f.IsValid() {
		until = f.Interface().(*time.Time)
	} else if f := v.FieldByName("Retention"); f.IsValid() {
		if r, ok := f.Interface().(*types.ObjectLockRetention); ok && r != nil {
			keys["s3:object-lock-mode"] = []string{string(r.Mode)}
			until = r.RetainUntilDate
		}
	}
	if until != nil {
		days := int(time.Until(*until).Hours()+23.99) / 24
		keys["s3:object-lock-retain-until-date"] = []string{until.UTC().Format(time.RFC3339)}
		keys["s3:object-lock-remaining-retention-days"] = []string{strconv.Itoa(days)}
	}
}

// existing finds the tags that an object has, for policies that ask for them.
type existing struct {
	s            *Service
	ctx          context.Context // of the one decision that it is made for
	bucket       *bucket
	key, version string
}

// Lookup implements policy.Keys.
func (e *existing) Lookup(name string) ([]string, bool) {
	tag, ok := strings.CutPrefix(name, "s3:existingobjecttag/")
	if !ok {
		return nil, false
	}
	var o Object
	err := e.s.db.View(e.ctx, func(tx *store.Tx) (err error) {
		if e.version == "" {
			o, _, err = e.s.current(tx, e.bucket, e.key)
		} else {
			o, _, _, err = e.s.version(tx, e.bucket, e.key, e.version)
		}
		return err
	})
	if err != nil {
		return nil, false
	}
	var found []string
	for _, t := range o.Tags {
		if strings.EqualFold(aws.ToString(t.Key), tag) {
			found = append(found, aws.ToString(t.Value))
		}
	}
	return found, len(found) == 1
}
