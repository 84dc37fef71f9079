package lambda_test

import (
	"archive/zip"
	"bytes"
	"crypto/rand"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	s3types "github.com/aws/aws-sdk-go-v2/service/s3/types"
)

// bucket makes a bucket with versions of its objects.
func (w *world) bucket() (*s3.Client, string) {
	w.Helper()
	c := s3.NewFromConfig(w.cfg, func(o *s3.Options) { o.UsePathStyle = true })
	name := "code-" + strings.ToLower(rand.Text())
	_, err := c.CreateBucket(w.ctx, &s3.CreateBucketInput{Bucket: &name})
	w.must(err)
	_, err = c.PutBucketVersioning(w.ctx, &s3.PutBucketVersioningInput{
		Bucket: &name, VersioningConfiguration: &s3types.VersioningConfiguration{Status: s3types.BucketVersioningStatusEnabled},
	})
	w.must(err)
	return c, name
}

// put uploads a package into a bucket, and returns its version.
func (w *world) put(c *s3.Client, bucket, key string, code []byte) *string {
	w.Helper()
	out, err := c.PutObject(w.ctx, &s3.PutObjectInput{Bucket: &bucket, Key: &key, Body: bytes.NewReader(code)})
	w.must(err)
	return out.VersionId
}

func TestCodeComesFromS3(t *testing.T) {
	needs(t, "python3")
	t.Parallel()
	w := newWorld(t)
	c, bucket := w.bucket()
	key := aws.String("app.zip")
	first := w.put(c, bucket, *key, files{"app.py": "def handler(e, c): return 1"}.zip())
	w.put(c, bucket, *key, files{"app.py": "def handler(e, c): return 2"}.zip())
	in := python("")
	in.Code = &types.FunctionCode{S3Bucket: &bucket, S3Key: key, S3ObjectStorageMode: types.S3ObjectStorageModeCopy}
	made := w.create("f", in)
	if got := w.invoke("f", `{}`); got.payload != "2" {
		t.Errorf("created with %+v", got)
	}
	back, err := w.lambda.UpdateFunctionCode(w.ctx, &lambda.UpdateFunctionCodeInput{FunctionName: aws.String("f"), S3Bucket: &bucket, S3Key: key, S3ObjectVersion: first})
	w.must(err)
	if got := w.invoke("f", `{}`); got.payload != "1" || *back.CodeSha256 == *made.CodeSha256 {
		t.Errorf("updated to %+v", got)
	}
}

func TestLayerComesFromS3(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c, bucket := w.bucket()
	content := files{"x": "x"}.zip()
	w.put(c, bucket, "layer.zip", content)
	out := w.publishLayer(&lambda.PublishLayerVersionInput{
		LayerName: aws.String("l"), Content: &types.LayerVersionContentInput{S3Bucket: &bucket, S3Key: aws.String("layer.zip")},
	})
	if out.Content.CodeSize != int64(len(content)) {
		t.Errorf("got %d bytes", out.Content.CodeSize)
	}
}

func TestRefusedCodeFromS3(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c, bucket := w.bucket()
	w.put(c, bucket, "app.zip", files{"bootstrap": "x"}.zip())
	w.put(c, bucket, "text", []byte("text"))
	w.script("f")
	stranger := lambda.NewFromConfig(w.user("stranger", `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"lambda:*","Resource":"*"}]}`))
	none, versions := "no-such-"+strings.ToLower(rand.Text()), strings.Repeat("0", 32)
	for name, x := range map[string]struct {
		client        *lambda.Client
		in            lambda.UpdateFunctionCodeInput
		code, message string
	}{
		"no bucket": {w.lambda, lambda.UpdateFunctionCodeInput{S3Bucket: &none, S3Key: aws.String("k")}, "InvalidParameterValueException",
			"Error occurred while GetObject. S3 Error Code: NoSuchBucket. S3 Error Message: The specified bucket does not exist"},
		"no key": {w.lambda, lambda.UpdateFunctionCodeInput{S3Bucket: &bucket, S3Key: aws.String("k")}, "InvalidParameterValueException",
			"Error occurred while GetObject. S3 Error Code: NoSuchKey. S3 Error Message: The specified key does not exist."},
		"no version": {w.lambda, lambda.UpdateFunctionCodeInput{S3Bucket: &bucket, S3Key: aws.String("app.zip"), S3ObjectVersion: &versions}, "InvalidParameterValueException",
			"Error occurred while GetObject. S3 Error Code: "},
		"no permission to read it": {stranger, lambda.UpdateFunctionCodeInput{S3Bucket: &bucket, S3Key: aws.String("app.zip")}, "AccessDeniedException",
			"Your access has been denied by S3, please make sure your request credentials have permission to GetObject for " + bucket + "/app.zip. S3 Error Code: AccessDenied. S3 Error Message: "},
		"no archive":   {w.lambda, lambda.UpdateFunctionCodeInput{S3Bucket: &bucket, S3Key: aws.String("text")}, "InvalidParameterValueException", "Could not unzip uploaded file. Please check your file, then try to upload again."},
		"half a name":  {w.lambda, lambda.UpdateFunctionCodeInput{S3Bucket: &bucket}, "InvalidParameterValueException", "Please provide a source for function code."},
		"two packages": {w.lambda, lambda.UpdateFunctionCodeInput{S3Bucket: &bucket, S3Key: aws.String("app.zip"), ZipFile: files{"x": "x"}.zip()}, "InvalidParameterValueException", "Please do not provide other FunctionCode parameters when providing a ZipFile."},
		"reference": {w.lambda, lambda.UpdateFunctionCodeInput{S3Bucket: &bucket, S3Key: aws.String("app.zip"), S3ObjectStorageMode: types.S3ObjectStorageModeReference}, "InvalidParameterValueException",
			"(S3ObjectStorageMode REFERENCE) is not supported by Redoubt yet"},
	} {
		x.in.FunctionName = aws.String("f")
		_, err := x.client.UpdateFunctionCode(w.ctx, &x.in)
		t.Run(name, func(t *testing.T) { wantError(t, err, x.code, x.message) })
	}
}

func TestLargePackageComesByS3Only(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c, bucket := w.bucket()
	w.script("f")
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	file, err := z.CreateHeader(&zip.FileHeader{Name: "data", Method: zip.Store})
	w.must(err)
	_, err = file.Write(make([]byte, 50<<20))
	w.must(err)
	w.must(z.Close())
	_, err = w.lambda.UpdateFunctionCode(w.ctx, &lambda.UpdateFunctionCodeInput{FunctionName: aws.String("f"), ZipFile: b.Bytes()})
	wantError(t, err, "RequestTooLargeException", "Zipped size must be smaller than 52428800 bytes")
	w.put(c, bucket, "app.zip", b.Bytes())
	out, err := w.lambda.UpdateFunctionCode(w.ctx, &lambda.UpdateFunctionCodeInput{FunctionName: aws.String("f"), S3Bucket: &bucket, S3Key: aws.String("app.zip")})
	w.must(err)
	if out.CodeSize != int64(b.Len()) {
		t.Errorf("got %d bytes", out.CodeSize)
	}
}
