package s3_test

import (
	"bytes"
	"crypto/md5"
	"encoding/base64"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"redoubt/redoubttest"
)

func TestObjectsUnderAKMSKeyNeedItsPermission(t *testing.T) {
	t.Parallel()
	admin := redoubttest.Start(t)
	c, keys := client(admin), kms.NewFromConfig(admin)
	b := bucket(t, c)
	key, err := keys.CreateKey(t.Context(), &kms.CreateKeyInput{})
	ok(t, err)
	reader := client(user(t, admin, "reader", `{"Effect":"Allow","Action":"s3:*","Resource":"*"}`))
	for _, x := range []struct {
		name string
		in   s3.PutObjectInput
		size int
	}{
		{"small", s3.PutObjectInput{ServerSideEncryption: types.ServerSideEncryptionAwsKms, SSEKMSKeyId: key.KeyMetadata.KeyId}, 100},
		{"large", s3.PutObjectInput{ServerSideEncryption: types.ServerSideEncryptionAwsKms, SSEKMSKeyId: key.KeyMetadata.Arn, BucketKeyEnabled: aws.Bool(true)}, 300_000},
		{"context", s3.PutObjectInput{ServerSideEncryption: types.ServerSideEncryptionAwsKms, SSEKMSKeyId: key.KeyMetadata.Arn,
			SSEKMSEncryptionContext: aws.String(base64.StdEncoding.EncodeToString([]byte(`{"team":"a"}`)))}, 10},
		{"twice", s3.PutObjectInput{ServerSideEncryption: types.ServerSideEncryptionAwsKmsDsse, SSEKMSKeyId: key.KeyMetadata.Arn}, 300_000},
		{"twice small", s3.PutObjectInput{ServerSideEncryption: types.ServerSideEncryptionAwsKmsDsse, SSEKMSKeyId: key.KeyMetadata.Arn}, 10},
	} {
		data := random(x.size)
		x.in.Bucket, x.in.Key, x.in.Body = b, &x.name, bytes.NewReader(data)
		out, err := c.PutObject(t.Context(), &x.in)
		if err != nil {
			t.Fatalf("%s: %v", x.name, err)
		}
		if out.ServerSideEncryption != x.in.ServerSideEncryption || *out.SSEKMSKeyId != *key.KeyMetadata.Arn {
			t.Errorf("%s: %v %v", x.name, out.ServerSideEncryption, *out.SSEKMSKeyId)
		}
		same(t, []byte(get(t, c, b, x.name)), data)
		if x.size > 200_000 {
			r, err := c.GetObject(t.Context(), &s3.GetObjectInput{Bucket: b, Key: &x.name, Range: aws.String("bytes=65000-200000")})
			ok(t, err)
			same(t, []byte(read(t, r.Body)), data[65000:200001])
		}
		must(t, tryGet(t, reader, b, x.name), "AccessDenied")
	}
	_, err = iam.NewFromConfig(admin).PutUserPolicy(t.Context(), &iam.PutUserPolicyInput{UserName: aws.String("reader"), PolicyName: aws.String("q"), PolicyDocument: aws.String(
		document(`{"Effect":"Allow","Action":"kms:Decrypt","Resource":"*","Condition":{"StringEquals":{"kms:ViaService":"s3.us-east-1.amazonaws.com","kms:EncryptionContext:aws:s3:arn":"arn:aws:s3:::` + *b + `/small"}}}`))})
	ok(t, err)
	ok(t, tryGet(t, reader, b, "small"))
	must(t, tryGet(t, reader, b, "large"), "AccessDenied")
	_, err = keys.DisableKey(t.Context(), &kms.DisableKeyInput{KeyId: key.KeyMetadata.KeyId})
	ok(t, err)
	must(t, tryGet(t, c, b, "small"), "KMS.DisabledException")
}

func TestPartsUnderAKMSKey(t *testing.T) {
	t.Parallel()
	c := start(t)
	b := bucket(t, c)
	_, err := c.PutBucketEncryption(t.Context(), &s3.PutBucketEncryptionInput{Bucket: b, ServerSideEncryptionConfiguration: &types.ServerSideEncryptionConfiguration{
		Rules: []types.ServerSideEncryptionRule{{ApplyServerSideEncryptionByDefault: &types.ServerSideEncryptionByDefault{SSEAlgorithm: types.ServerSideEncryptionAwsKms}, BucketKeyEnabled: aws.Bool(true)}},
	}})
	ok(t, err)
	id := begin(t, c, b, "k")
	data := random(minPart + 10)
	done := uploadParts(t, c, b, id, "k", data[:minPart], data[minPart:])
	out, err := c.CompleteMultipartUpload(t.Context(), &s3.CompleteMultipartUploadInput{Bucket: b, Key: aws.String("k"), UploadId: id, MultipartUpload: done})
	ok(t, err)
	if out.ServerSideEncryption != types.ServerSideEncryptionAwsKms || !aws.ToBool(out.BucketKeyEnabled) {
		t.Errorf("completed %+v", out)
	}
	same(t, []byte(get(t, c, b, "k")), data)
}

func TestOnlyTheCustomersKeyOpensTheirObjects(t *testing.T) {
	t.Parallel()
	c := start(t)
	b := bucket(t, c)
	key, other := random(32), random(32)
	sum := func(k []byte) *string {
		s := md5.Sum(k)
		return aws.String(base64.StdEncoding.EncodeToString(s[:]))
	}
	text := func(k []byte) *string { return aws.String(base64.StdEncoding.EncodeToString(k)) }
	alg := aws.String("AES256")
	for _, size := range []int{0, 100, 200_000} {
		data := random(size)
		_, err := c.PutObject(t.Context(), &s3.PutObjectInput{Bucket: b, Key: aws.String("k"), Body: bytes.NewReader(data), SSECustomerAlgorithm: alg, SSECustomerKey: text(key), SSECustomerKeyMD5: sum(key)})
		ok(t, err)
		must(t, tryGet(t, c, b, "k"), "InvalidRequest")
		_, err = c.GetObject(t.Context(), &s3.GetObjectInput{Bucket: b, Key: aws.String("k"), SSECustomerAlgorithm: alg, SSECustomerKey: text(other), SSECustomerKeyMD5: sum(other)})
		must(t, err, "AccessDenied")
		out, err := c.GetObject(t.Context(), &s3.GetObjectInput{Bucket: b, Key: aws.String("k"), SSECustomerAlgorithm: alg, SSECustomerKey: text(key), SSECustomerKeyMD5: sum(key)})
		ok(t, err)
		same(t, []byte(read(t, out.Body)), data)
		if aws.ToString(out.SSECustomerKeyMD5) != *sum(key) || out.ServerSideEncryption != "" {
			t.Errorf("shown %v %v", aws.ToString(out.SSECustomerKeyMD5), out.ServerSideEncryption)
		}
	}
	_, err := c.CopyObject(t.Context(), &s3.CopyObjectInput{
		Bucket: b, Key: aws.String("plain"), CopySource: aws.String(*b + "/k"), CopySourceSSECustomerAlgorithm: alg, CopySourceSSECustomerKey: text(key), CopySourceSSECustomerKeyMD5: sum(key),
	})
	ok(t, err)
	ok(t, tryGet(t, c, b, "plain"))
	_, err = c.PutObject(t.Context(), &s3.PutObjectInput{Bucket: b, Key: aws.String("k"), Body: strings.NewReader(""), SSECustomerAlgorithm: alg, SSECustomerKey: text(key), SSECustomerKeyMD5: sum(other)})
	must(t, err, "InvalidArgument")
}
