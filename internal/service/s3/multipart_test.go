package s3_test

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"hash/crc32"
	"io"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

const minPart = 5 << 20

// uploadParts uploads parts, and returns what completes them.
func uploadParts(t *testing.T, c *s3.Client, b, id *string, key string, parts ...[]byte) *types.CompletedMultipartUpload {
	t.Helper()
	done := &types.CompletedMultipartUpload{}
	for i, data := range parts {
		n := aws.Int32(int32(i + 1))
		out, err := c.UploadPart(t.Context(), &s3.UploadPartInput{Bucket: b, Key: &key, UploadId: id, PartNumber: n, Body: bytes.NewReader(data)})
		ok(t, err)
		done.Parts = append(done.Parts, types.CompletedPart{PartNumber: n, ETag: out.ETag})
	}
	return done
}

func begin(t *testing.T, c *s3.Client, b *string, key string, with ...func(*s3.CreateMultipartUploadInput)) *string {
	t.Helper()
	in := &s3.CreateMultipartUploadInput{Bucket: b, Key: &key}
	for _, f := range with {
		f(in)
	}
	out, err := c.CreateMultipartUpload(t.Context(), in)
	ok(t, err)
	return out.UploadId
}

func TestPartsBecomeOneObject(t *testing.T) {
	t.Parallel()
	c := start(t)
	b := bucket(t, c)
	data := random(2*minPart + 100)
	id := begin(t, c, b, "k", func(in *s3.CreateMultipartUploadInput) {
		in.ContentType, in.Metadata = aws.String("text/x"), map[string]string{"m": "1"}
	})
	done := uploadParts(t, c, b, id, "k", data[:minPart], data[minPart:2*minPart], data[2*minPart:])
	parts, err := c.ListParts(t.Context(), &s3.ListPartsInput{Bucket: b, Key: aws.String("k"), UploadId: id, MaxParts: aws.Int32(2)})
	ok(t, err)
	if len(parts.Parts) != 2 || !*parts.IsTruncated || *parts.Parts[1].Size != minPart {
		t.Errorf("parts %v", parts.Parts)
	}
	ups, err := c.ListMultipartUploads(t.Context(), &s3.ListMultipartUploadsInput{Bucket: b})
	ok(t, err)
	if len(ups.Uploads) != 1 || *ups.Uploads[0].UploadId != *id {
		t.Errorf("uploads %v", ups.Uploads)
	}
	_, err = c.GetObject(t.Context(), &s3.GetObjectInput{Bucket: b, Key: aws.String("k")})
	must(t, err, "NoSuchKey")
	out, err := c.CompleteMultipartUpload(t.Context(), &s3.CompleteMultipartUploadInput{Bucket: b, Key: aws.String("k"), UploadId: id, MultipartUpload: done})
	ok(t, err)
	if etag := *out.ETag; etag[len(etag)-3:] != `-3"` || out.ChecksumCRC64NVME == nil || out.ChecksumType != types.ChecksumTypeFullObject {
		t.Errorf("completed %+v", out)
	}
	got, err := c.GetObject(t.Context(), &s3.GetObjectInput{Bucket: b, Key: aws.String("k"), ChecksumMode: types.ChecksumModeEnabled})
	ok(t, err)
	same(t, []byte(read(t, got.Body)), data)
	if *got.ContentType != "text/x" || got.Metadata["m"] != "1" {
		t.Errorf("stored with %v", got.Metadata)
	}
	for _, x := range []struct {
		asked    string
		from, to int
	}{{"bytes=5242870-5242890", minPart - 10, minPart + 11}, {"bytes=-101", 2*minPart - 1, 2*minPart + 100}, {"bytes=0-10485761", 0, 2*minPart + 2}} {
		r, err := c.GetObject(t.Context(), &s3.GetObjectInput{Bucket: b, Key: aws.String("k"), Range: &x.asked})
		ok(t, err)
		same(t, []byte(read(t, r.Body)), data[x.from:x.to])
	}
	r, err := c.GetObject(t.Context(), &s3.GetObjectInput{Bucket: b, Key: aws.String("k"), PartNumber: aws.Int32(2)})
	ok(t, err)
	same(t, []byte(read(t, r.Body)), data[minPart:2*minPart])
	if *r.PartsCount != 3 {
		t.Errorf("%d parts", *r.PartsCount)
	}
	_, err = c.CompleteMultipartUpload(t.Context(), &s3.CompleteMultipartUploadInput{Bucket: b, Key: aws.String("k"), UploadId: id, MultipartUpload: done})
	must(t, err, "NoSuchUpload")
}

func TestUploadsAreRefusedWhereTheirPartsAreWrong(t *testing.T) {
	t.Parallel()
	c := start(t)
	b := bucket(t, c)
	id := begin(t, c, b, "k")
	done := uploadParts(t, c, b, id, "k", []byte("small"), []byte("last"))
	complete := func(parts ...types.CompletedPart) error {
		_, err := c.CompleteMultipartUpload(t.Context(), &s3.CompleteMultipartUploadInput{Bucket: b, Key: aws.String("k"), UploadId: id, MultipartUpload: &types.CompletedMultipartUpload{Parts: parts}})
		return err
	}
	p := done.Parts
	must(t, complete(p...), "EntityTooSmall")
	must(t, complete(p[1], p[0]), "InvalidPartOrder")
	must(t, complete(types.CompletedPart{PartNumber: aws.Int32(1), ETag: aws.String("x")}), "InvalidPart")
	must(t, complete(types.CompletedPart{PartNumber: aws.Int32(7), ETag: p[0].ETag}), "InvalidPart")
	must(t, complete(), "MalformedXML")
	ok(t, complete(p[1])) // the others are dropped
	if got := get(t, c, b, "k"); got != "last" {
		t.Errorf("got %q", got)
	}
	_, err := c.UploadPart(t.Context(), &s3.UploadPartInput{Bucket: b, Key: aws.String("k"), UploadId: id, PartNumber: aws.Int32(1), Body: bytes.NewReader(nil)})
	must(t, err, "NoSuchUpload")
	id = begin(t, c, b, "k")
	_, err = c.UploadPart(t.Context(), &s3.UploadPartInput{Bucket: b, Key: aws.String("k"), UploadId: id, PartNumber: aws.Int32(10001), Body: bytes.NewReader(nil)})
	must(t, err, "InvalidArgument")
	_, err = c.AbortMultipartUpload(t.Context(), &s3.AbortMultipartUploadInput{Bucket: b, Key: aws.String("k"), UploadId: id})
	ok(t, err)
	_, err = c.AbortMultipartUpload(t.Context(), &s3.AbortMultipartUploadInput{Bucket: b, Key: aws.String("k"), UploadId: id})
	must(t, err, "NoSuchUpload")
}

func TestChecksumsOfPartsMakeThatOfTheWhole(t *testing.T) {
	t.Parallel()
	c := start(t)
	b := bucket(t, c)
	data := random(minPart + 12345)
	for _, x := range []struct {
		algorithm types.ChecksumAlgorithm
		kind      types.ChecksumType
	}{
		{types.ChecksumAlgorithmCrc32, types.ChecksumTypeFullObject}, {types.ChecksumAlgorithmCrc32c, types.ChecksumTypeFullObject}, {types.ChecksumAlgorithmCrc64nvme, types.ChecksumTypeFullObject},
		{types.ChecksumAlgorithmSha256, types.ChecksumTypeComposite}, {types.ChecksumAlgorithmCrc32, types.ChecksumTypeComposite}, {types.ChecksumAlgorithmSha1, ""},
	} {
		id := begin(t, c, b, "k", func(in *s3.CreateMultipartUploadInput) { in.ChecksumAlgorithm, in.ChecksumType = x.algorithm, x.kind })
		done := &types.CompletedMultipartUpload{}
		for i, d := range [][]byte{data[:minPart], data[minPart:]} {
			n := aws.Int32(int32(i + 1))
			out, err := c.UploadPart(t.Context(), &s3.UploadPartInput{Bucket: b, Key: aws.String("k"), UploadId: id, PartNumber: n, Body: bytes.NewReader(d), ChecksumAlgorithm: x.algorithm})
			ok(t, err)
			done.Parts = append(done.Parts, types.CompletedPart{
				PartNumber: n, ETag: out.ETag, ChecksumCRC32: out.ChecksumCRC32, ChecksumCRC32C: out.ChecksumCRC32C, ChecksumCRC64NVME: out.ChecksumCRC64NVME,
				ChecksumSHA1: out.ChecksumSHA1, ChecksumSHA256: out.ChecksumSHA256,
			})
		}
		out, err := c.CompleteMultipartUpload(t.Context(), &s3.CompleteMultipartUploadInput{Bucket: b, Key: aws.String("k"), UploadId: id, MultipartUpload: done})
		if err != nil {
			t.Fatalf("%v: %v", x, err)
		}
		if x.algorithm == types.ChecksumAlgorithmCrc32 && x.kind == types.ChecksumTypeFullObject {
			if want := base64.StdEncoding.EncodeToString(binary.BigEndian.AppendUint32(nil, crc32.ChecksumIEEE(data))); aws.ToString(out.ChecksumCRC32) != want {
				t.Errorf("CRC32 %v, not %v", aws.ToString(out.ChecksumCRC32), want)
			}
		}
		got, err := c.GetObject(t.Context(), &s3.GetObjectInput{Bucket: b, Key: aws.String("k"), ChecksumMode: types.ChecksumModeEnabled})
		ok(t, err)
		same(t, []byte(read(t, got.Body)), data) // the SDK verifies full-object checksums
		a, err := c.GetObjectAttributes(t.Context(), &s3.GetObjectAttributesInput{
			Bucket: b, Key: aws.String("k"), ObjectAttributes: []types.ObjectAttributes{types.ObjectAttributesObjectParts, types.ObjectAttributesObjectSize, types.ObjectAttributesChecksum},
		})
		ok(t, err)
		if *a.ObjectParts.TotalPartsCount != 2 || *a.ObjectSize != int64(len(data)) || a.Checksum == nil {
			t.Errorf("%v: attributes %+v", x, a)
		}
	}
	_, err := c.CreateMultipartUpload(t.Context(), &s3.CreateMultipartUploadInput{Bucket: b, Key: aws.String("k"), ChecksumAlgorithm: types.ChecksumAlgorithmSha256, ChecksumType: types.ChecksumTypeFullObject})
	must(t, err, "InvalidRequest")
}

func TestPartsAreCopiedFromObjects(t *testing.T) {
	t.Parallel()
	c := start(t)
	b := bucket(t, c)
	data := random(minPart + 1000)
	_, err := c.PutObject(t.Context(), &s3.PutObjectInput{Bucket: b, Key: aws.String("from"), Body: bytes.NewReader(data)})
	ok(t, err)
	id := begin(t, c, b, "to")
	done := &types.CompletedMultipartUpload{}
	for i, r := range []string{"bytes=100-5242979", "bytes=0-99"} {
		n := aws.Int32(int32(i + 1))
		out, err := c.UploadPartCopy(t.Context(), &s3.UploadPartCopyInput{Bucket: b, Key: aws.String("to"), UploadId: id, PartNumber: n, CopySource: aws.String(*b + "/from"), CopySourceRange: &r})
		ok(t, err)
		done.Parts = append(done.Parts, types.CompletedPart{PartNumber: n, ETag: out.CopyPartResult.ETag})
	}
	_, err = c.UploadPartCopy(t.Context(), &s3.UploadPartCopyInput{Bucket: b, Key: aws.String("to"), UploadId: id, PartNumber: aws.Int32(3), CopySource: aws.String(*b + "/from"), CopySourceRange: aws.String("bytes=0-99999999")})
	must(t, err, "InvalidArgument")
	_, err = c.CompleteMultipartUpload(t.Context(), &s3.CompleteMultipartUploadInput{Bucket: b, Key: aws.String("to"), UploadId: id, MultipartUpload: done})
	ok(t, err)
	same(t, []byte(get(t, c, b, "to")), append(bytes.Clone(data[100:5242980]), data[:100]...))
}

func TestAnObjectIsReadToItsEndThoughItIsReplaced(t *testing.T) {
	t.Parallel()
	c := start(t)
	b := bucket(t, c)
	data := random(4*minPart + 100)
	id := begin(t, c, b, "k")
	done := uploadParts(t, c, b, id, "k", data[:2*minPart], data[2*minPart:4*minPart], data[4*minPart:])
	_, err := c.CompleteMultipartUpload(t.Context(), &s3.CompleteMultipartUploadInput{Bucket: b, Key: aws.String("k"), UploadId: id, MultipartUpload: done})
	ok(t, err)
	out, err := c.GetObject(t.Context(), &s3.GetObjectInput{Bucket: b, Key: aws.String("k")})
	ok(t, err)
	first := make([]byte, 1000)
	_, err = io.ReadFull(out.Body, first)
	ok(t, err)
	for range 20 { // what is replaced is being removed meanwhile
		put(t, c, b, "k", "another")
	}
	same(t, append(first, read(t, out.Body)...), data)
	if got := get(t, c, b, "k"); got != "another" {
		t.Errorf("got %q", got)
	}
}
