package s3_test

import (
	"bytes"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"
	"github.com/minio/minio-go/v7/pkg/encrypt"
	"github.com/minio/minio-go/v7/pkg/tags"

	"redoubt/redoubttest"
)

// other is a client that has nothing in common with the SDKs.
func other(t *testing.T, cfg aws.Config) *minio.Client {
	t.Helper()
	keys, err := cfg.Credentials.Retrieve(t.Context())
	ok(t, err)
	c, err := minio.New(strings.TrimPrefix(*cfg.BaseEndpoint, "https://"), &minio.Options{
		Creds: credentials.NewStaticV4(keys.AccessKeyID, keys.SecretAccessKey, ""), Secure: true, Region: cfg.Region,
		Transport: cfg.HTTPClient.(*http.Client).Transport, TrailingHeaders: true,
	})
	ok(t, err)
	return c
}

func TestAnotherClientUsesBucketsAndObjects(t *testing.T) {
	t.Parallel()
	cfg := redoubttest.Start(t)
	c := other(t, cfg)
	ctx, b := t.Context(), "another-client-"+time.Now().UTC().Format("150405.000000000")
	ok(t, c.MakeBucket(ctx, b, minio.MakeBucketOptions{Region: "us-east-1"}))
	there, err := c.BucketExists(ctx, b)
	ok(t, err)
	if !there {
		t.Error("the bucket is not there")
	}
	for _, size := range []int{0, 1000, 20 << 20} { // the last in parts
		data := random(size)
		_, err := c.PutObject(ctx, b, "dir/käy +", bytes.NewReader(data), int64(size), minio.PutObjectOptions{
			ContentType: "text/x", UserMetadata: map[string]string{"m": "1"}, UserTags: map[string]string{"t": "1"}, PartSize: 5 << 20,
		})
		ok(t, err)
		o, err := c.GetObject(ctx, b, "dir/käy +", minio.GetObjectOptions{})
		ok(t, err)
		got, err := io.ReadAll(o)
		ok(t, err)
		same(t, got, data)
		if size > 0 {
			_, err = o.Seek(int64(size/2), io.SeekStart)
			ok(t, err)
			got, err = io.ReadAll(o)
			ok(t, err)
			same(t, got, data[size/2:])
		}
		info, err := c.StatObject(ctx, b, "dir/käy +", minio.StatObjectOptions{})
		ok(t, err)
		if info.ContentType != "text/x" || info.UserMetadata["M"] != "1" || info.Size != int64(size) {
			t.Errorf("stat %+v", info)
		}
	}
	// A stream whose length nobody knows.
	_, err = c.PutObject(ctx, b, "stream", io.LimitReader(zeroes{}, 6<<20), -1, minio.PutObjectOptions{PartSize: 5 << 20})
	ok(t, err)
	set, err := c.GetObjectTagging(ctx, b, "dir/käy +", minio.GetObjectTaggingOptions{})
	ok(t, err)
	if set.ToMap()["t"] != "1" {
		t.Errorf("tags %v", set)
	}
	more, err := tags.NewTags(map[string]string{"x": "y"}, false)
	ok(t, err)
	ok(t, c.SetBucketTagging(ctx, b, more))
	n := 0
	for o := range c.ListObjects(ctx, b, minio.ListObjectsOptions{Recursive: true}) {
		ok(t, o.Err)
		n++
	}
	if n != 2 {
		t.Errorf("listed %d", n)
	}
	_, err = c.ComposeObject(ctx, minio.CopyDestOptions{Bucket: b, Object: "both"}, minio.CopySrcOptions{Bucket: b, Object: "stream"}, minio.CopySrcOptions{Bucket: b, Object: "dir/käy +"})
	ok(t, err)
	u, err := c.PresignedGetObject(ctx, b, "both", time.Minute, url.Values{"response-content-type": {"image/x"}})
	ok(t, err)
	res, err := cfg.HTTPClient.(*http.Client).Get(u.String())
	ok(t, err)
	if got := read(t, res.Body); len(got) != 26<<20 || res.Header.Get("Content-Type") != "image/x" {
		t.Errorf("%s: %d bytes of %s", res.Status, len(got), res.Header.Get("Content-Type"))
	}
	ok(t, c.EnableVersioning(ctx, b))
	v, err := c.PutObject(ctx, b, "v", strings.NewReader("1"), 1, minio.PutObjectOptions{})
	ok(t, err)
	if v.VersionID == "" {
		t.Error("no version")
	}
	key, err := encrypt.NewSSEC(random(32))
	ok(t, err)
	_, err = c.PutObject(ctx, b, "own", strings.NewReader("secret"), 6, minio.PutObjectOptions{ServerSideEncryption: key})
	ok(t, err)
	o, err := c.GetObject(ctx, b, "own", minio.GetObjectOptions{ServerSideEncryption: key})
	ok(t, err)
	if got, err := io.ReadAll(o); string(got) != "secret" {
		t.Errorf("got %q, %v", got, err)
	}
	for e := range c.RemoveObjects(ctx, b, c.ListObjects(ctx, b, minio.ListObjectsOptions{Recursive: true, WithVersions: true}), minio.RemoveObjectsOptions{}) {
		t.Error(e.Err)
	}
	ok(t, c.RemoveBucket(ctx, b))
}

type zeroes struct{}

func (zeroes) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}
