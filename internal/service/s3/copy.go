package s3

import (
	"cmp"
	"context"
	"net/url"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

// A sourceName names an object to copy.
type sourceName struct{ bucket, key, version string }

// parseSource reads x-amz-copy-source: BUCKET/KEY?versionId=ID, its key encoded, with or without a slash in front.
func parseSource(text *string) (n sourceName, err error) {
	path, query, _ := strings.Cut(aws.ToString(text), "?")
	plain, err := url.PathUnescape(strings.TrimPrefix(path, "/"))
	var ok bool
	if n.bucket, n.key, ok = strings.Cut(plain, "/"); err != nil || !ok || n.bucket == "" || n.key == "" || strings.HasPrefix(plain, "arn:") {
		return sourceName{}, badArgument("x-amz-copy-source", aws.ToString(text), "Copy Source must mention the source bucket and key: sourcebucket/sourcekey")
	}
	if query != "" {
		values, err := url.ParseQuery(query)
		if err != nil {
			return sourceName{}, badArgument("x-amz-copy-source", aws.ToString(text), "Invalid copy source query")
		}
		n.version = values.Get("versionId")
	}
	return n, nil
}

// copying is what CopyObject and UploadPartCopy say about their source.
type copying struct {
	CopySource, CopySourceIfMatch, CopySourceIfNoneMatch                                  *string
	CopySourceIfModifiedSince, CopySourceIfUnmodifiedSince                                *time.Time
	CopySourceSSECustomerAlgorithm, CopySourceSSECustomerKey, CopySourceSSECustomerKeyMD5 *string
	ExpectedSourceBucketOwner                                                             *string
}

// A copied object is a source, found and allowed.
type copied struct {
	bucket  *bucket
	key     string
	object  *Object
	copying copying
}

// sourceOf finds what is to be copied.
func (s *Service) sourceOf(ctx context.Context, in any) (*copied, error) {
	var c copying
	transfer(&c, in)
	n, err := parseSource(c.CopySource)
	if err != nil {
		return nil, err
	}
	b, err := s.bucket(ctx, &n.bucket, c.ExpectedSourceBucketOwner)
	if err != nil {
		return nil, err
	}
	o, err := s.read(ctx, b, n.key, n.version)
	if err != nil {
		return nil, err
	}
	return &copied{b, n.key, o, c}, c.check(o)
}

// check applies the conditions on the source. Unlike a read's, a failed one is never "not modified".
func (c *copying) check(o *Object) error {
	modified := second(o.Modified)
	switch {
	case c.CopySourceIfMatch != nil && !matches(*c.CopySourceIfMatch, o.ETag):
		return preconditionFailed("x-amz-copy-source-If-Match")
	case c.CopySourceIfMatch == nil && c.CopySourceIfUnmodifiedSince != nil && modified.After(*c.CopySourceIfUnmodifiedSince):
		return preconditionFailed("x-amz-copy-source-If-Unmodified-Since")
	case c.CopySourceIfNoneMatch != nil && matches(*c.CopySourceIfNoneMatch, o.ETag):
		return preconditionFailed("x-amz-copy-source-If-None-Match")
	case c.CopySourceIfNoneMatch == nil && c.CopySourceIfModifiedSince != nil && !modified.After(*c.CopySourceIfModifiedSince):
		return preconditionFailed("x-amz-copy-source-If-Modified-Since")
	}
	return nil
}

// open reads a span of the source.
func (c *copied) open(ctx context.Context, s *Service, p span) (*body, error) {
	asked := sealingAsked{SSECustomerAlgorithm: c.copying.CopySourceSSECustomerAlgorithm, SSECustomerKey: c.copying.CopySourceSSECustomerKey,
		SSECustomerKeyMD5: c.copying.CopySourceSSECustomerKeyMD5}
	under, err := s.decrypt(ctx, c.bucket, c.key, &c.object.Sealing, &asked)
	if err != nil {
		return nil, err
	}
	r, err := s.openSpan(ctx, c.bucket, c.object, p, under)
	if err != nil {
		return nil, err
	}
	return r.(*body), nil
}

// CopyObject stores a copy of an object, of up to 5 GiB, with its metadata and tags or with others.
func (s *Service) CopyObject(ctx context.Context, in *s3.CopyObjectInput) (*s3.CopyObjectOutput, error) {
	b, err := s.bucket(ctx, in.Bucket, in.ExpectedBucketOwner)
	if err != nil {
		return nil, err
	}
	from, err := s.sourceOf(ctx, in)
	if err != nil {
		return nil, err
	}
	if from.object.Size > maxPut {
		return nil, refusef("InvalidRequest", "The specified copy source is larger than the maximum allowable size for a copy source: %d", int64(maxPut))
	}
	put, err := from.put(in)
	if err != nil {
		return nil, err
	}
	if err := checkSelfCopy(b, from, in); err != nil {
		return nil, err
	}
	key := aws.ToString(in.Key)
	o, enc, d, err := s.prepare(ctx, b, key, put)
	if err != nil {
		return nil, err
	}
	if err := d.use(cmp.Or(in.ChecksumAlgorithm, from.object.Checksum.Algorithm)); err != nil {
		return nil, err
	}
	if in.TaggingDirective != types.TaggingDirectiveReplace {
		o.Tags = from.object.Tags
	}
	must := conditions{match: in.IfMatch, noneMatch: in.IfNoneMatch}
	if err := s.expect(ctx, b, key, must); err != nil {
		return nil, err
	}
	r, err := from.open(ctx, s, span{length: from.object.Size})
	if err != nil {
		return nil, err
	}
	defer r.Close()
	defer d.close()
	d.body = r
	w, err := s.write(ctx, d, enc.layer)
	if err != nil {
		return nil, err
	}
	if err := s.commit(ctx, b, key, o, w, d, enc, must); err != nil {
		s.discard(ctx, w)
		return nil, err
	}
	return copyOutput(b, from, o, enc), nil
}

func copyOutput(b *bucket, from *copied, o *Object, enc *encryption) *s3.CopyObjectOutput {
	result := &types.CopyObjectResult{ETag: aws.String(quoted(o.ETag)), LastModified: &o.Modified}
	var shown sums
	shown.show(o.Checksum)
	transfer(result, &shown)
	out := &s3.CopyObjectOutput{CopyObjectResult: result, VersionId: b.shownVersion(o), CopySourceVersionId: from.bucket.shownVersion(from.object)}
	transfer(out, o.Sealing.shown(enc.context))
	return out
}

// put is the upload that a copy comes to: what the request says of the new object, and the source's metadata unless that is
// to be replaced.
func (c *copied) put(in *s3.CopyObjectInput) (*s3.PutObjectInput, error) {
	put := &s3.PutObjectInput{}
	transfer(put, in)
	put.ChecksumAlgorithm, put.IfMatch, put.IfNoneMatch = "", nil, nil
	if in.AnnotationDirective != "" {
		return nil, refuse("NotImplemented")
	}
	if in.TaggingDirective != types.TaggingDirectiveReplace {
		put.Tagging = nil
	}
	if in.MetadataDirective == types.MetadataDirectiveReplace {
		return put, nil
	}
	h := &c.object.Headers
	put.CacheControl, put.ContentDisposition, put.ContentEncoding = present(h.CacheControl), present(h.ContentDisposition), present(h.ContentEncoding)
	put.ContentLanguage, put.ContentType, put.Metadata = present(h.ContentLanguage), present(h.ContentType), c.object.Metadata
	put.Expires = nil
	if t, err := time.Parse(httpTime, h.Expires); err == nil {
		put.Expires = &t
	}
	return put, nil
}

// checkSelfCopy refuses to copy an object to itself where nothing would change.
func checkSelfCopy(b *bucket, from *copied, in *s3.CopyObjectInput) error {
	same := from.bucket.ID == b.ID && from.key == aws.ToString(in.Key) && from.copying.CopySource != nil && !strings.Contains(*from.copying.CopySource, "?versionId=")
	changes := in.MetadataDirective == types.MetadataDirectiveReplace || in.TaggingDirective == types.TaggingDirectiveReplace || in.StorageClass != "" ||
		in.WebsiteRedirectLocation != nil || in.ServerSideEncryption != "" || in.SSECustomerAlgorithm != nil || in.ChecksumAlgorithm != ""
	if same && !changes {
		return refusef("InvalidRequest", "This copy request is illegal because it is trying to copy an object to itself without changing the object's metadata, storage class, website redirect location or encryption attributes.")
	}
	return nil
}
