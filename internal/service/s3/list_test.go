package s3_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

// listed is a whole listing in pages: keys, and common prefixes marked by a "*".
func listed(t *testing.T, c *s3.Client, in s3.ListObjectsV2Input) string {
	t.Helper()
	var all []string
	p := s3.NewListObjectsV2Paginator(c, &in)
	for p.HasMorePages() {
		page, err := p.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if n := len(page.Contents) + len(page.CommonPrefixes); in.MaxKeys != nil && n > int(*in.MaxKeys) || int(*page.KeyCount) != n {
			t.Errorf("a page of %d, KeyCount %d", n, *page.KeyCount)
		}
		for _, o := range page.Contents {
			all = append(all, *o.Key)
		}
		for _, o := range page.CommonPrefixes {
			all = append(all, *o.Prefix+"*")
		}
	}
	slices.Sort(all)
	return strings.Join(all, " ")
}

func TestListingsGatherCommonPrefixes(t *testing.T) {
	t.Parallel()
	c := start(t)
	b := bucket(t, c)
	for _, k := range []string{"a", "b/1", "b/2", "b/c/3", "b/c/4", "b0", "c/", "d/x", "é", "z//y"} {
		put(t, c, b, k, "")
	}
	for _, x := range []struct{ prefix, delimiter, after, want string }{
		{"", "", "", "a b/1 b/2 b/c/3 b/c/4 b0 c/ d/x z//y é"},
		{"", "/", "", "a b/* b0 c/* d/* z/* é"},
		{"b/", "/", "", "b/1 b/2 b/c/*"},
		{"b", "", "", "b/1 b/2 b/c/3 b/c/4 b0"},
		{"b/", "", "b/2", "b/c/3 b/c/4"},
		{"", "/", "b/", "b0 c/* d/* z/* é"},
		{"", "c", "", "a b/1 b/2 b/c* b0 c* d/x z//y é"},
		{"x", "/", "", ""},
		{"z/", "/", "", "z//*"},
	} {
		for _, limit := range []*int32{nil, aws.Int32(1), aws.Int32(3)} {
			in := s3.ListObjectsV2Input{Bucket: b, MaxKeys: limit, Prefix: &x.prefix}
			if x.delimiter != "" {
				in.Delimiter = &x.delimiter
			}
			if x.after != "" {
				in.StartAfter = &x.after
			}
			if got := listed(t, c, in); got != x.want {
				t.Errorf("prefix %q, delimiter %q, after %q, %v at a time: got %q, want %q", x.prefix, x.delimiter, x.after, limit, got, x.want)
			}
		}
	}
	v1, err := c.ListObjects(t.Context(), &s3.ListObjectsInput{Bucket: b, Delimiter: aws.String("/"), MaxKeys: aws.Int32(2)})
	ok(t, err)
	if !*v1.IsTruncated || aws.ToString(v1.NextMarker) != "b/" || len(v1.Contents) != 1 || len(v1.CommonPrefixes) != 1 {
		t.Errorf("V1: %v %v", aws.ToString(v1.NextMarker), v1.Contents)
	}
	enc, err := c.ListObjectsV2(t.Context(), &s3.ListObjectsV2Input{Bucket: b, EncodingType: types.EncodingTypeUrl, Prefix: aws.String("é")})
	ok(t, err)
	if *enc.Contents[0].Key != "%C3%A9" || *enc.Prefix != "%C3%A9" {
		t.Errorf("encoded %v", *enc.Contents[0].Key)
	}
	_, err = c.ListObjectsV2(t.Context(), &s3.ListObjectsV2Input{Bucket: b, ContinuationToken: aws.String("!")})
	must(t, err, "InvalidArgument")
}

// versionsOf lists "key version-number[*]" of all pages; * marks delete markers.
func versionsOf(t *testing.T, c *s3.Client, b *string, pageSize int32) (all []string, ids []string) {
	t.Helper()
	in := &s3.ListObjectVersionsInput{Bucket: b, MaxKeys: &pageSize}
	for {
		page, err := c.ListObjectVersions(t.Context(), in)
		if err != nil {
			t.Fatal(err)
		}
		type entry struct {
			key, id, mark string
			latest        bool
		}
		var entries []entry
		for _, v := range page.Versions {
			entries = append(entries, entry{*v.Key, *v.VersionId, "", *v.IsLatest})
		}
		for _, v := range page.DeleteMarkers {
			entries = append(entries, entry{*v.Key, *v.VersionId, "-", *v.IsLatest})
		}
		if len(entries) > int(pageSize) {
			t.Errorf("a page of %d", len(entries))
		}
		for _, e := range entries {
			text := e.key + e.mark
			if e.latest {
				text += "!"
			}
			all, ids = append(all, text), append(ids, e.id)
		}
		if !*page.IsTruncated {
			return all, ids
		}
		in.KeyMarker, in.VersionIdMarker = page.NextKeyMarker, page.NextVersionIdMarker
	}
}

func TestVersionsAreKeptAndHidden(t *testing.T) {
	t.Parallel()
	c := start(t)
	b := bucket(t, c)
	put(t, c, b, "k", "null")
	enable(t, c, b, types.BucketVersioningStatusEnabled)
	first, second := put(t, c, b, "k", "1"), put(t, c, b, "k", "2")
	put(t, c, b, "other", "x")
	del, err := c.DeleteObject(t.Context(), &s3.DeleteObjectInput{Bucket: b, Key: aws.String("k")})
	ok(t, err)
	if !aws.ToBool(del.DeleteMarker) || del.VersionId == nil {
		t.Errorf("deleted %+v", del)
	}
	_, err = c.GetObject(t.Context(), &s3.GetObjectInput{Bucket: b, Key: aws.String("k")})
	must(t, err, "NoSuchKey")
	_, err = c.GetObject(t.Context(), &s3.GetObjectInput{Bucket: b, Key: aws.String("k"), VersionId: del.VersionId})
	must(t, err, "MethodNotAllowed")
	for id, want := range map[*string]string{first.VersionId: "1", second.VersionId: "2", aws.String("null"): "null"} {
		out, err := c.GetObject(t.Context(), &s3.GetObjectInput{Bucket: b, Key: aws.String("k"), VersionId: id})
		ok(t, err)
		if got := read(t, out.Body); got != want || *out.VersionId != *id {
			t.Errorf("version %s is %q, not %q", *id, got, want)
		}
	}
	for _, size := range []int32{1, 2, 100} {
		if got, _ := versionsOf(t, c, b, size); len(got) != 5 {
			t.Errorf("%d at a time: %v", size, got)
		}
	}
	if got := listed(t, c, s3.ListObjectsV2Input{Bucket: b}); got != "other" {
		t.Errorf("listed %q", got)
	}
	// Without its marker the newest version shows again.
	_, err = c.DeleteObject(t.Context(), &s3.DeleteObjectInput{Bucket: b, Key: aws.String("k"), VersionId: del.VersionId})
	ok(t, err)
	if got := get(t, c, b, "k"); got != "2" {
		t.Errorf("got %q", got)
	}
	// Suspended: the null version is replaced, the others stay.
	enable(t, c, b, types.BucketVersioningStatusSuspended)
	if v := put(t, c, b, "k", "null again").VersionId; *v != "null" {
		t.Errorf("version %s", *v)
	}
	put(t, c, b, "k", "null once more")
	if got, _ := versionsOf(t, c, b, 100); strings.Join(got, " ") != "k! k k other!" {
		t.Errorf("versions %v", got)
	}
	all, ids := versionsOf(t, c, b, 100)
	for i, id := range ids {
		_, err := c.DeleteObject(t.Context(), &s3.DeleteObjectInput{Bucket: b, Key: aws.String(strings.TrimRight(all[i], "!-")), VersionId: &id})
		ok(t, err)
	}
	if left, _ := versionsOf(t, c, b, 100); len(left) > 0 {
		t.Errorf("left %v", left)
	}
	_, err = c.DeleteBucket(t.Context(), &s3.DeleteBucketInput{Bucket: b})
	ok(t, err)
}

func enable(t *testing.T, c *s3.Client, b *string, status types.BucketVersioningStatus) {
	t.Helper()
	_, err := c.PutBucketVersioning(t.Context(), &s3.PutBucketVersioningInput{Bucket: b, VersioningConfiguration: &types.VersioningConfiguration{Status: status}})
	ok(t, err)
}
