package s3_test

import (
	"bytes"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

func TestObjectsComeBackAsTheyWerePut(t *testing.T) {
	t.Parallel()
	c := start(t)
	b := bucket(t, c)
	for _, size := range []int{0, 1, 1 << 10, 64 << 10, 64<<10 + 1, 65480, 65481, 3<<20 + 7} {
		data := random(size)
		in := &s3.PutObjectInput{Bucket: b, Key: aws.String("a key/with Ümläut+%/" + strings.Repeat("x", 3)), Body: bytes.NewReader(data)}
		if _, err := c.PutObject(t.Context(), in); err != nil {
			t.Fatalf("%d bytes: %v", size, err)
		}
		out, err := c.GetObject(t.Context(), &s3.GetObjectInput{Bucket: b, Key: in.Key})
		ok(t, err)
		same(t, []byte(read(t, out.Body)), data)
		if *out.ContentLength != int64(size) {
			t.Errorf("length %d, not %d", *out.ContentLength, size)
		}
	}
}

func TestObjectsKeepWhatTheyAreStoredWith(t *testing.T) {
	t.Parallel()
	c := start(t)
	b := bucket(t, c)
	expires := time.Date(2030, 1, 2, 3, 4, 5, 0, time.UTC)
	_, err := c.PutObject(t.Context(), &s3.PutObjectInput{
		Bucket: b, Key: aws.String("k"), Body: strings.NewReader("text"), ContentType: aws.String("text/plain"), CacheControl: aws.String("no-cache"),
		ContentDisposition: aws.String("inline"), ContentEncoding: aws.String("identity"), ContentLanguage: aws.String("de"), Expires: &expires,
		Metadata: map[string]string{"color": "blue"}, ChecksumAlgorithm: types.ChecksumAlgorithmCrc32, Tagging: aws.String("a=1&b=2"), StorageClass: types.StorageClassStandardIa,
	})
	ok(t, err)
	h, err := c.HeadObject(t.Context(), &s3.HeadObjectInput{Bucket: b, Key: aws.String("k"), ChecksumMode: types.ChecksumModeEnabled})
	ok(t, err)
	for _, x := range []struct{ name, got, want string }{
		{"type", aws.ToString(h.ContentType), "text/plain"}, {"cache", aws.ToString(h.CacheControl), "no-cache"},
		{"disposition", aws.ToString(h.ContentDisposition), "inline"}, {"encoding", aws.ToString(h.ContentEncoding), "identity"},
		{"language", aws.ToString(h.ContentLanguage), "de"}, {"metadata", h.Metadata["color"], "blue"}, {"class", string(h.StorageClass), "STANDARD_IA"},
		{"etag", aws.ToString(h.ETag), `"1cb251ec0d568de6a929b520c4aed8d1"`}, {"encryption", string(h.ServerSideEncryption), "AES256"},
		{"checksum", aws.ToString(h.ChecksumCRC32), "O4unxw=="},
	} {
		if x.got != x.want {
			t.Errorf("%s is %q, not %q", x.name, x.got, x.want)
		}
	}
	if *h.ContentLength != 4 {
		t.Errorf("length %d", *h.ContentLength)
	}
	out, err := c.GetObject(t.Context(), &s3.GetObjectInput{Bucket: b, Key: aws.String("k"), ResponseContentType: aws.String("image/png"), ResponseCacheControl: aws.String("private")})
	ok(t, err)
	read(t, out.Body)
	if *out.ContentType != "image/png" || *out.CacheControl != "private" || *out.TagCount != 2 || !out.Expires.Equal(expires) {
		t.Errorf("got %v %v %v %v", *out.ContentType, *out.CacheControl, out.TagCount, out.Expires)
	}
}

func TestRangesAreReadFromAnywhere(t *testing.T) {
	t.Parallel()
	c := start(t)
	b := bucket(t, c)
	data := random(300_000)
	_, err := c.PutObject(t.Context(), &s3.PutObjectInput{Bucket: b, Key: aws.String("k"), Body: bytes.NewReader(data)})
	ok(t, err)
	for _, x := range []struct {
		asked    string
		from, to int
	}{
		{"bytes=0-0", 0, 1}, {"bytes=65470-65490", 65470, 65491}, {"bytes=131000-131072", 131000, 131073}, {"bytes=299999-", 299999, 300000},
		{"bytes=-5", 299995, 300000}, {"bytes=200000-999999", 200000, 300000}, {"bytes=-999999", 0, 300000}, {"bytes=5-4", -1, 0}, {"bytes=1-2,4-5", -1, 0}, {"lines=1-2", -1, 0},
	} {
		out, err := c.GetObject(t.Context(), &s3.GetObjectInput{Bucket: b, Key: aws.String("k"), Range: &x.asked})
		if err != nil {
			t.Errorf("%s: %v", x.asked, err)
			continue
		}
		want := data
		if x.from >= 0 {
			want = data[x.from:x.to]
		}
		same(t, []byte(read(t, out.Body)), want)
		if (out.ContentRange != nil) != (x.from >= 0) {
			t.Errorf("%s: content range %v", x.asked, out.ContentRange)
		}
	}
	_, err = c.GetObject(t.Context(), &s3.GetObjectInput{Bucket: b, Key: aws.String("k"), Range: aws.String("bytes=300000-")})
	must(t, err, "InvalidRange")
}

func TestReadsAreConditional(t *testing.T) {
	t.Parallel()
	c := start(t)
	b := bucket(t, c)
	etag := put(t, c, b, "k", "text").ETag
	past, future := time.Now().Add(-time.Hour), time.Now().Add(time.Hour)
	for _, x := range []struct {
		name   string
		in     s3.GetObjectInput
		status int
	}{
		{"match", s3.GetObjectInput{IfMatch: etag}, 200},
		{"no match", s3.GetObjectInput{IfMatch: aws.String(`"other"`)}, 412},
		{"known already", s3.GetObjectInput{IfNoneMatch: etag}, 304},
		{"not known", s3.GetObjectInput{IfNoneMatch: aws.String(`"other"`)}, 200},
		{"modified since", s3.GetObjectInput{IfModifiedSince: &past}, 200},
		{"not modified since", s3.GetObjectInput{IfModifiedSince: &future}, 304},
		{"unmodified since", s3.GetObjectInput{IfUnmodifiedSince: &future}, 200},
		{"changed since", s3.GetObjectInput{IfUnmodifiedSince: &past}, 412},
		{"tag before date", s3.GetObjectInput{IfMatch: etag, IfUnmodifiedSince: &past}, 200},
	} {
		x.in.Bucket, x.in.Key = b, aws.String("k")
		out, err := c.GetObject(t.Context(), &x.in)
		status := 200
		var res *smithyhttp.ResponseError
		if errors.As(err, &res) {
			status = res.HTTPStatusCode()
		} else if err == nil {
			out.Body.Close()
		}
		if status != x.status {
			t.Errorf("%s: %d, not %d: %v", x.name, status, x.status, err)
		}
	}
}

func TestWritesAreConditional(t *testing.T) {
	t.Parallel()
	c := start(t)
	b := bucket(t, c)
	write := func(match, noneMatch *string) error {
		_, err := c.PutObject(t.Context(), &s3.PutObjectInput{Bucket: b, Key: aws.String("k"), Body: strings.NewReader("x"), IfMatch: match, IfNoneMatch: noneMatch})
		return err
	}
	must(t, write(aws.String(`"x"`), nil), "NoSuchKey")
	ok(t, write(nil, aws.String("*")))
	must(t, write(nil, aws.String("*")), "PreconditionFailed")
	must(t, write(aws.String(`"x"`), nil), "PreconditionFailed")
	must(t, write(nil, aws.String(`"x"`)), "NotImplemented")
	ok(t, write(put(t, c, b, "k", "y").ETag, nil))
}

func TestWhatIsMissingIsSaidInS3sWords(t *testing.T) {
	t.Parallel()
	c := start(t)
	b := bucket(t, c)
	_, err := c.GetObject(t.Context(), &s3.GetObjectInput{Bucket: b, Key: aws.String("none")})
	must(t, err, "NoSuchKey")
	_, err = c.HeadObject(t.Context(), &s3.HeadObjectInput{Bucket: b, Key: aws.String("none")})
	must(t, err, "NotFound")
	_, err = c.GetObject(t.Context(), &s3.GetObjectInput{Bucket: aws.String("none-at-all"), Key: aws.String("none")})
	must(t, err, "NoSuchBucket")
	_, err = c.HeadBucket(t.Context(), &s3.HeadBucketInput{Bucket: aws.String("none-at-all")})
	must(t, err, "NotFound")
	_, err = c.GetObject(t.Context(), &s3.GetObjectInput{Bucket: b, Key: aws.String("none"), VersionId: aws.String("nonsense")})
	must(t, err, "InvalidArgument")
	_, err = c.PutObject(t.Context(), &s3.PutObjectInput{Bucket: b, Key: aws.String(strings.Repeat("k", 1025)), Body: strings.NewReader("")})
	must(t, err, "KeyTooLongError")
	_, err = c.DeleteObject(t.Context(), &s3.DeleteObjectInput{Bucket: b, Key: aws.String("none")})
	ok(t, err)
}

func TestBodiesThatAreNotWhatTheirSenderSaysNeverShow(t *testing.T) {
	t.Parallel()
	c := start(t)
	b := bucket(t, c)
	in := func() *s3.PutObjectInput {
		return &s3.PutObjectInput{Bucket: b, Key: aws.String("k"), Body: strings.NewReader(strings.Repeat("data", 50_000))}
	}
	bad := in()
	bad.ContentMD5 = aws.String("rL0Y20zC+Fzt72VPzMSk2A==")
	_, err := c.PutObject(t.Context(), bad)
	must(t, err, "BadDigest")
	bad = in()
	bad.ContentMD5 = aws.String("short")
	_, err = c.PutObject(t.Context(), bad)
	must(t, err, "InvalidDigest")
	bad = in()
	bad.ChecksumSHA256 = aws.String("47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=")
	_, err = c.PutObject(t.Context(), bad)
	must(t, err, "BadDigest")
	_, err = c.GetObject(t.Context(), &s3.GetObjectInput{Bucket: b, Key: aws.String("k")})
	must(t, err, "NoSuchKey")
}

func TestChecksumsOfAllKindsAreKept(t *testing.T) {
	t.Parallel()
	c := start(t)
	b := bucket(t, c)
	for _, a := range []types.ChecksumAlgorithm{
		types.ChecksumAlgorithmCrc32, types.ChecksumAlgorithmCrc32c, types.ChecksumAlgorithmCrc64nvme, types.ChecksumAlgorithmSha1, types.ChecksumAlgorithmSha256,
	} {
		for _, size := range []int{10, 200_000} {
			data := random(size)
			_, err := c.PutObject(t.Context(), &s3.PutObjectInput{Bucket: b, Key: aws.String("k"), Body: bytes.NewReader(data), ChecksumAlgorithm: a})
			if err != nil {
				t.Fatalf("%s: %v", a, err)
			}
			out, err := c.GetObject(t.Context(), &s3.GetObjectInput{Bucket: b, Key: aws.String("k"), ChecksumMode: types.ChecksumModeEnabled})
			ok(t, err)
			same(t, []byte(read(t, out.Body)), data) // the SDK compares as it reads
			if out.ChecksumType != types.ChecksumTypeFullObject {
				t.Errorf("%s: type %q", a, out.ChecksumType)
			}
		}
	}
}

func TestCopiesKeepOrReplaceMetadata(t *testing.T) {
	t.Parallel()
	c := start(t)
	b, other := bucket(t, c), bucket(t, c)
	_, err := c.PutObject(t.Context(), &s3.PutObjectInput{Bucket: b, Key: aws.String("a b"), Body: strings.NewReader("text"), Metadata: map[string]string{"m": "1"}, Tagging: aws.String("t=1"), ContentType: aws.String("text/css")})
	ok(t, err)
	from := aws.String(*b + "/a%20b")
	_, err = c.CopyObject(t.Context(), &s3.CopyObjectInput{Bucket: other, Key: aws.String("kept"), CopySource: from})
	ok(t, err)
	h, err := c.GetObject(t.Context(), &s3.GetObjectInput{Bucket: other, Key: aws.String("kept")})
	ok(t, err)
	if read(t, h.Body) != "text" || h.Metadata["m"] != "1" || *h.ContentType != "text/css" || aws.ToInt32(h.TagCount) != 1 {
		t.Errorf("kept %v %v %v", h.Metadata, *h.ContentType, h.TagCount)
	}
	_, err = c.CopyObject(t.Context(), &s3.CopyObjectInput{
		Bucket: other, Key: aws.String("replaced"), CopySource: from, MetadataDirective: types.MetadataDirectiveReplace, Metadata: map[string]string{"n": "2"},
		TaggingDirective: types.TaggingDirectiveReplace,
	})
	ok(t, err)
	r, err := c.HeadObject(t.Context(), &s3.HeadObjectInput{Bucket: other, Key: aws.String("replaced")})
	ok(t, err)
	if r.Metadata["n"] != "2" || r.Metadata["m"] != "" || *r.ContentType != "binary/octet-stream" {
		t.Errorf("replaced %v %v", r.Metadata, *r.ContentType)
	}
	_, err = c.CopyObject(t.Context(), &s3.CopyObjectInput{Bucket: b, Key: aws.String("a b"), CopySource: from})
	must(t, err, "InvalidRequest")
	_, err = c.CopyObject(t.Context(), &s3.CopyObjectInput{Bucket: b, Key: aws.String("c"), CopySource: from, CopySourceIfMatch: aws.String(`"x"`)})
	must(t, err, "PreconditionFailed")
}

func TestManyObjectsAreDeletedAtOnce(t *testing.T) {
	t.Parallel()
	c := start(t)
	b := bucket(t, c)
	put(t, c, b, "a", "1")
	put(t, c, b, "b", "2")
	out, err := c.DeleteObjects(t.Context(), &s3.DeleteObjectsInput{Bucket: b, Delete: &types.Delete{Objects: []types.ObjectIdentifier{{Key: aws.String("a")}, {Key: aws.String("none")}}}})
	ok(t, err)
	if len(out.Deleted) != 2 || len(out.Errors) != 0 {
		t.Errorf("deleted %v, errors %v", out.Deleted, out.Errors)
	}
	_, err = c.GetObject(t.Context(), &s3.GetObjectInput{Bucket: b, Key: aws.String("a")})
	must(t, err, "NoSuchKey")
	_, err = c.DeleteBucket(t.Context(), &s3.DeleteBucketInput{Bucket: b})
	must(t, err, "BucketNotEmpty")
	_, err = c.DeleteObject(t.Context(), &s3.DeleteObjectInput{Bucket: b, Key: aws.String("b")})
	ok(t, err)
	_, err = c.DeleteBucket(t.Context(), &s3.DeleteBucketInput{Bucket: b})
	ok(t, err)
	_, err = c.PutObject(t.Context(), &s3.PutObjectInput{Bucket: b, Key: aws.String("a"), Body: strings.NewReader("")})
	must(t, err, "NoSuchBucket")
}

func TestBucketsHaveOneNameSpace(t *testing.T) {
	t.Parallel()
	c, other := start(t), start(t)
	b := bucket(t, c)
	_, err := c.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: b})
	must(t, err, "BucketAlreadyOwnedByYou")
	_, err = other.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: b})
	must(t, err, "BucketAlreadyExists")
	for _, name := range []string{"Upper", "a", "192.168.1.1", "a..b", "-a-", "xn--abc"} {
		_, err := c.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: &name})
		must(t, err, "InvalidBucketName")
	}
	_, err = c.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: aws.String("somewhere-else"), CreateBucketConfiguration: &types.CreateBucketConfiguration{LocationConstraint: "ap-south-1"}})
	must(t, err, "IllegalLocationConstraintException")
	list, err := c.ListBuckets(t.Context(), &s3.ListBucketsInput{})
	ok(t, err)
	if len(list.Buckets) != 1 || *list.Buckets[0].Name != *b {
		t.Errorf("listed %v", list.Buckets)
	}
	h, err := c.HeadBucket(t.Context(), &s3.HeadBucketInput{Bucket: b})
	ok(t, err)
	if aws.ToString(h.BucketRegion) != "us-east-1" {
		t.Errorf("region %v", aws.ToString(h.BucketRegion))
	}
	_, err = other.HeadBucket(t.Context(), &s3.HeadBucketInput{Bucket: b})
	var res *smithyhttp.ResponseError
	if !errors.As(err, &res) || res.HTTPStatusCode() != http.StatusForbidden {
		t.Errorf("a stranger got %v", err)
	}
}

func TestTagsOfObjectsAndBuckets(t *testing.T) {
	t.Parallel()
	c := start(t)
	b := bucket(t, c)
	put(t, c, b, "k", "")
	tags := []types.Tag{{Key: aws.String("team"), Value: aws.String("a")}}
	_, err := c.PutObjectTagging(t.Context(), &s3.PutObjectTaggingInput{Bucket: b, Key: aws.String("k"), Tagging: &types.Tagging{TagSet: tags}})
	ok(t, err)
	got, err := c.GetObjectTagging(t.Context(), &s3.GetObjectTaggingInput{Bucket: b, Key: aws.String("k")})
	ok(t, err)
	if len(got.TagSet) != 1 || *got.TagSet[0].Value != "a" {
		t.Errorf("tags %v", got.TagSet)
	}
	_, err = c.DeleteObjectTagging(t.Context(), &s3.DeleteObjectTaggingInput{Bucket: b, Key: aws.String("k")})
	ok(t, err)
	_, err = c.GetBucketTagging(t.Context(), &s3.GetBucketTaggingInput{Bucket: b})
	must(t, err, "NoSuchTagSet")
	_, err = c.PutBucketTagging(t.Context(), &s3.PutBucketTaggingInput{Bucket: b, Tagging: &types.Tagging{TagSet: tags}})
	ok(t, err)
	of, err := c.GetBucketTagging(t.Context(), &s3.GetBucketTaggingInput{Bucket: b})
	ok(t, err)
	if len(of.TagSet) != 1 {
		t.Errorf("tags %v", of.TagSet)
	}
	_, err = c.PutObjectTagging(t.Context(), &s3.PutObjectTaggingInput{Bucket: b, Key: aws.String("k"), Tagging: &types.Tagging{TagSet: []types.Tag{{Key: aws.String("aws:x"), Value: aws.String("")}}}})
	must(t, err, "InvalidTag")
}
