package s3_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"redoubt/internal/app"
	service "redoubt/internal/service/s3"
	"redoubt/redoubttest"
)

func TestLockedVersionsCannotBeDeleted(t *testing.T) {
	t.Parallel()
	admin := redoubttest.Start(t)
	c := client(admin)
	b := bucket(t, c, func(in *s3.CreateBucketInput) { in.ObjectLockEnabledForBucket = aws.Bool(true) })
	_, err := c.PutObjectLockConfiguration(t.Context(), &s3.PutObjectLockConfigurationInput{Bucket: b, ObjectLockConfiguration: &types.ObjectLockConfiguration{
		ObjectLockEnabled: types.ObjectLockEnabledEnabled,
		Rule:              &types.ObjectLockRule{DefaultRetention: &types.DefaultRetention{Mode: types.ObjectLockRetentionModeGovernance, Days: aws.Int32(1)}},
	}})
	ok(t, err)
	v := put(t, c, b, "k", "x").VersionId
	remove := func(c *s3.Client, v *string, bypass *bool) error {
		_, err := c.DeleteObject(t.Context(), &s3.DeleteObjectInput{Bucket: b, Key: aws.String("k"), VersionId: v, BypassGovernanceRetention: bypass})
		return err
	}
	must(t, remove(c, v, nil), "AccessDenied")
	weak := client(user(t, admin, "weak", `{"Effect":"Allow","Action":["s3:DeleteObject*"],"Resource":"*"}`))
	must(t, remove(weak, v, aws.Bool(true)), "AccessDenied")
	hold := func(s types.ObjectLockLegalHoldStatus) {
		_, err := c.PutObjectLegalHold(t.Context(), &s3.PutObjectLegalHoldInput{Bucket: b, Key: aws.String("k"), LegalHold: &types.ObjectLockLegalHold{Status: s}})
		ok(t, err)
	}
	hold(types.ObjectLockLegalHoldStatusOn)
	must(t, remove(c, v, aws.Bool(true)), "AccessDenied")
	hold(types.ObjectLockLegalHoldStatusOff)
	ok(t, remove(c, v, aws.Bool(true)))

	v = put(t, c, b, "k", "y").VersionId
	retain := func(mode types.ObjectLockRetentionMode, until time.Time, bypass *bool) error {
		_, err := c.PutObjectRetention(t.Context(), &s3.PutObjectRetentionInput{Bucket: b, Key: aws.String("k"), VersionId: v, BypassGovernanceRetention: bypass,
			Retention: &types.ObjectLockRetention{Mode: mode, RetainUntilDate: &until}})
		return err
	}
	now := time.Now()
	must(t, retain(types.ObjectLockRetentionModeGovernance, now.Add(time.Hour), nil), "AccessDenied") // shorter
	ok(t, retain(types.ObjectLockRetentionModeCompliance, now.Add(48*time.Hour), nil))
	must(t, retain(types.ObjectLockRetentionModeGovernance, now.Add(72*time.Hour), aws.Bool(true)), "AccessDenied")
	must(t, remove(c, v, aws.Bool(true)), "AccessDenied")
	got, err := c.GetObjectRetention(t.Context(), &s3.GetObjectRetentionInput{Bucket: b, Key: aws.String("k")})
	ok(t, err)
	if got.Retention.Mode != types.ObjectLockRetentionModeCompliance {
		t.Errorf("mode %s", got.Retention.Mode)
	}
	ok(t, remove(c, nil, nil)) // a delete marker hides it
	_, err = c.PutBucketVersioning(t.Context(), &s3.PutBucketVersioningInput{Bucket: b, VersioningConfiguration: &types.VersioningConfiguration{Status: types.BucketVersioningStatusSuspended}})
	must(t, err, "InvalidBucketState")
	plain := bucket(t, c)
	_, err = c.PutObject(t.Context(), &s3.PutObjectInput{Bucket: plain, Key: aws.String("k"), Body: strings.NewReader(""), ObjectLockLegalHoldStatus: types.ObjectLockLegalHoldStatusOn})
	must(t, err, "InvalidRequest")
}

// serviceOf is the service itself, whose background work tests do not wait for.
func serviceOf(server *redoubttest.Server) *service.Service {
	for _, e := range server.App.Registry().Services() {
		if found, is := e.Service.(*service.Service); is {
			return found
		}
	}
	return nil
}

func TestRequestsAreWrittenDownInAnotherBucket(t *testing.T) {
	t.Parallel()
	server := redoubttest.Run(t, app.Config{})
	c := client(server.Account(t))
	b, target := bucket(t, c), bucket(t, c)
	_, err := c.PutBucketLogging(t.Context(), &s3.PutBucketLoggingInput{Bucket: b, BucketLoggingStatus: &types.BucketLoggingStatus{LoggingEnabled: &types.LoggingEnabled{TargetBucket: target, TargetPrefix: aws.String("log/")}}})
	ok(t, err)
	put(t, c, b, "a key", "text")
	_, err = c.GetObject(t.Context(), &s3.GetObjectInput{Bucket: b, Key: aws.String("missing")})
	must(t, err, "NoSuchKey")
	if err := serviceOf(server).DeliverLogs(t.Context()); err == nil {
		t.Error("delivered without permission")
	}
	setPolicy(t, c, target, fmt.Sprintf(`{"Effect":"Allow","Principal":{"Service":"logging.s3.amazonaws.com"},"Action":"s3:PutObject","Resource":"arn:aws:s3:::%s/log/*",
		"Condition":{"ArnLike":{"aws:SourceArn":"arn:aws:s3:::%s"},"StringLike":{"aws:SourceAccount":"2*"}}}`, *target, *b))
	put(t, c, b, "a key", "text")
	_, err = c.GetObject(t.Context(), &s3.GetObjectInput{Bucket: b, Key: aws.String("missing")})
	must(t, err, "NoSuchKey")
	ok(t, serviceOf(server).DeliverLogs(t.Context()))
	list, err := c.ListObjectsV2(t.Context(), &s3.ListObjectsV2Input{Bucket: target, Prefix: aws.String("log/")})
	ok(t, err)
	if len(list.Contents) != 1 {
		t.Fatalf("%d log objects", len(list.Contents))
	}
	text := get(t, c, target, *list.Contents[0].Key)
	for _, want := range []string{" REST.PUT.OBJECT a%20key \"PUT /" + *b + "/a%20key?x-id=PutObject HTTP/", " REST.GET.OBJECT missing \"GET ", " 404 NoSuchKey ", " SigV4 TLS_"} {
		if !strings.Contains(text, want) {
			t.Errorf("the log has no %q: %s", want, text)
		}
	}
	_, err = c.PutBucketLogging(t.Context(), &s3.PutBucketLoggingInput{Bucket: b, BucketLoggingStatus: &types.BucketLoggingStatus{LoggingEnabled: &types.LoggingEnabled{TargetBucket: aws.String("none-of-ours"), TargetPrefix: aws.String("")}}})
	must(t, err, "InvalidTargetBucketForLogging")
}

func TestObjectsAndUploadsEndByLifecycle(t *testing.T) {
	t.Parallel()
	server := redoubttest.Run(t, app.Config{})
	c := client(server.Account(t))
	s := serviceOf(server)
	b, versioned := bucket(t, c), bucket(t, c)
	rules := func(b *string, r ...types.LifecycleRule) {
		for i := range r {
			r[i].Status = types.ExpirationStatusEnabled
		}
		_, err := c.PutBucketLifecycleConfiguration(t.Context(), &s3.PutBucketLifecycleConfigurationInput{Bucket: b, LifecycleConfiguration: &types.BucketLifecycleConfiguration{Rules: r}})
		ok(t, err)
	}
	rules(b, types.LifecycleRule{ID: aws.String("logs"), Filter: &types.LifecycleRuleFilter{Prefix: aws.String("log/")}, Expiration: &types.LifecycleExpiration{Days: aws.Int32(3)}},
		types.LifecycleRule{Filter: &types.LifecycleRuleFilter{And: &types.LifecycleRuleAndOperator{Tags: []types.Tag{{Key: aws.String("temp"), Value: aws.String("1")}}, ObjectSizeGreaterThan: aws.Int64(1)}}, Expiration: &types.LifecycleExpiration{Days: aws.Int32(1)}},
		types.LifecycleRule{Filter: &types.LifecycleRuleFilter{}, AbortIncompleteMultipartUpload: &types.AbortIncompleteMultipartUpload{DaysAfterInitiation: aws.Int32(1)}})
	enable(t, c, versioned, types.BucketVersioningStatusEnabled)
	rules(versioned, types.LifecycleRule{Filter: &types.LifecycleRuleFilter{}, NoncurrentVersionExpiration: &types.NoncurrentVersionExpiration{NoncurrentDays: aws.Int32(1), NewerNoncurrentVersions: aws.Int32(1)},
		Expiration: &types.LifecycleExpiration{ExpiredObjectDeleteMarker: aws.Bool(true)}})
	if out := put(t, c, b, "log/a", "x"); !strings.Contains(aws.ToString(out.Expiration), `rule-id="logs"`) {
		t.Errorf("expiration %q", aws.ToString(out.Expiration))
	}
	put(t, c, b, "kept", "x")
	_, err := c.PutObject(t.Context(), &s3.PutObjectInput{Bucket: b, Key: aws.String("temp"), Body: strings.NewReader("xx"), Tagging: aws.String("temp=1")})
	ok(t, err)
	begin(t, c, b, "upload")
	for range 4 {
		put(t, c, versioned, "k", "x")
	}
	_, err = c.DeleteObject(t.Context(), &s3.DeleteObjectInput{Bucket: versioned, Key: aws.String("only-a-marker")})
	ok(t, err)

	at := func(days int, want, wantVersions string, uploads int) {
		t.Helper()
		ok(t, s.Expire(t.Context(), time.Now().AddDate(0, 0, days)))
		if got := listed(t, c, s3.ListObjectsV2Input{Bucket: b}); got != want {
			t.Errorf("after %d days: %q", days, got)
		}
		if got, _ := versionsOf(t, c, versioned, 100); strings.Join(got, " ") != wantVersions {
			t.Errorf("after %d days: versions %v", days, got)
		}
		ups, err := c.ListMultipartUploads(t.Context(), &s3.ListMultipartUploadsInput{Bucket: b})
		ok(t, err)
		if len(ups.Uploads) != uploads {
			t.Errorf("after %d days: uploads %v", days, ups.Uploads)
		}
	}
	at(0, "kept log/a temp", "k! k k k", 1)
	at(2, "kept log/a", "k! k", 0)
	at(5, "kept", "k! k", 0)
	_, err = c.PutBucketLifecycleConfiguration(t.Context(), &s3.PutBucketLifecycleConfigurationInput{Bucket: b, LifecycleConfiguration: &types.BucketLifecycleConfiguration{Rules: []types.LifecycleRule{{
		Status: types.ExpirationStatusEnabled, Filter: &types.LifecycleRuleFilter{}, Transitions: []types.Transition{{Days: aws.Int32(1), StorageClass: types.TransitionStorageClassGlacier}},
	}}}})
	must(t, err, "NotImplemented")
}

func TestConfigurationsAreKeptOrRefused(t *testing.T) {
	t.Parallel()
	c := start(t)
	b := bucket(t, c)
	_, err := c.GetBucketWebsite(t.Context(), &s3.GetBucketWebsiteInput{Bucket: b})
	must(t, err, "NoSuchWebsiteConfiguration")
	_, err = c.PutBucketWebsite(t.Context(), &s3.PutBucketWebsiteInput{Bucket: b, WebsiteConfiguration: &types.WebsiteConfiguration{IndexDocument: &types.IndexDocument{Suffix: aws.String("index.html")}}})
	ok(t, err)
	w, err := c.GetBucketWebsite(t.Context(), &s3.GetBucketWebsiteInput{Bucket: b})
	ok(t, err)
	if *w.IndexDocument.Suffix != "index.html" {
		t.Errorf("website %+v", w)
	}
	_, err = c.PutBucketNotificationConfiguration(t.Context(), &s3.PutBucketNotificationConfigurationInput{Bucket: b, NotificationConfiguration: &types.NotificationConfiguration{EventBridgeConfiguration: &types.EventBridgeConfiguration{}}})
	must(t, err, "NotImplemented")
	_, err = c.ListBucketInventoryConfigurations(t.Context(), &s3.ListBucketInventoryConfigurationsInput{Bucket: b})
	must(t, err, "NotImplemented")
	_, err = c.PutObject(t.Context(), &s3.PutObjectInput{Bucket: b, Key: aws.String("k"), ACL: types.ObjectCannedACLPublicRead, Body: strings.NewReader("")})
	must(t, err, "AccessControlListNotSupported")
	_, err = c.PutObject(t.Context(), &s3.PutObjectInput{Bucket: b, Key: aws.String("k"), ACL: types.ObjectCannedACLBucketOwnerFullControl, Body: strings.NewReader("")})
	ok(t, err)
	acl, err := c.GetObjectAcl(t.Context(), &s3.GetObjectAclInput{Bucket: b, Key: aws.String("k")})
	ok(t, err)
	if len(acl.Grants) != 1 || acl.Grants[0].Permission != types.PermissionFullControl || acl.Grants[0].Grantee.Type != types.TypeCanonicalUser {
		t.Errorf("ACL %+v", acl.Grants)
	}
	own, err := c.GetBucketOwnershipControls(t.Context(), &s3.GetBucketOwnershipControlsInput{Bucket: b})
	ok(t, err)
	if own.OwnershipControls.Rules[0].ObjectOwnership != types.ObjectOwnershipBucketOwnerEnforced {
		t.Errorf("ownership %+v", own.OwnershipControls)
	}
	enc, err := c.GetBucketEncryption(t.Context(), &s3.GetBucketEncryptionInput{Bucket: b})
	ok(t, err)
	if enc.ServerSideEncryptionConfiguration.Rules[0].ApplyServerSideEncryptionByDefault.SSEAlgorithm != types.ServerSideEncryptionAes256 {
		t.Errorf("encryption %+v", enc)
	}
}
