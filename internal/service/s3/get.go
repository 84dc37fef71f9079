package s3

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"redoubt/internal/api"
	"redoubt/internal/blob"
)

// A reading is what GetObject and HeadObject have in common.
type reading struct {
	bucket *bucket
	key    string
	object *Object
	span   span
	shown  shown
}

// shown is what both show.
type shown struct {
	AcceptRanges, CacheControl, ContentDisposition, ContentEncoding, ContentLanguage, ContentRange, ContentType *string
	ETag, Expiration, VersionId, WebsiteRedirectLocation                                                        *string
	ContentLength                                                                                               *int64
	Expires, LastModified, ObjectLockRetainUntilDate                                                            *time.Time
	Metadata                                                                                                    map[string]string
	ObjectLockLegalHoldStatus                                                                                   types.ObjectLockLegalHoldStatus
	ObjectLockMode                                                                                              types.ObjectLockMode
	PartsCount, TagCount                                                                                        *int32
	StorageClass                                                                                                types.StorageClass
}

// overrides are what a request wants to be answered in place of what is stored.
type overrides struct {
	ResponseCacheControl, ResponseContentDisposition, ResponseContentEncoding, ResponseContentLanguage, ResponseContentType *string
	ResponseExpires                                                                                                         *time.Time
}

// wanted is what the inputs of both have in common.
type wanted struct {
	Range, VersionId *string
	PartNumber       *int32
	ChecksumMode     types.ChecksumMode
}

// GetObject reads an object, or a range of it. The output's Body must be closed.
func (s *Service) GetObject(ctx context.Context, in *s3.GetObjectInput) (*s3.GetObjectOutput, error) {
	b, err := s.bucket(ctx, in.Bucket, in.ExpectedBucketOwner)
	if err != nil {
		return nil, err
	}
	for try := 0; ; try++ {
		out, err := s.get(ctx, b, in)
		if try == 3 || !errors.Is(err, blob.ErrNotFound) { // else it was replaced between its record and its bytes
			return out, err
		}
	}
}

func (s *Service) get(ctx context.Context, b *bucket, in *s3.GetObjectInput) (*s3.GetObjectOutput, error) {
	r, err := s.look(ctx, b, in)
	if err != nil {
		return nil, err
	}
	var asked sealingAsked
	transfer(&asked, in)
	under, err := s.decrypt(ctx, b, r.key, &r.object.Sealing, &asked)
	if err != nil {
		return nil, err
	}
	out := &s3.GetObjectOutput{}
	transfer(out, &r.shown)
	transfer(out, r.object.Sealing.shown(nil))
	r.showSum(out, in.ChecksumMode)
	out.Body, err = s.openSpan(ctx, b, r.object, r.span, under)
	return out, err
}

// HeadObject is GetObject without the bytes.
func (s *Service) HeadObject(ctx context.Context, in *s3.HeadObjectInput) (*s3.HeadObjectOutput, error) {
	b, err := s.bucket(ctx, in.Bucket, in.ExpectedBucketOwner)
	if err != nil {
		return nil, err
	}
	r, err := s.look(ctx, b, in)
	if err != nil {
		return nil, err
	}
	var asked sealingAsked
	transfer(&asked, in)
	if r.object.Sealing.CustomerMD5 != "" || asked.customer() {
		if _, err := s.decrypt(ctx, b, r.key, &r.object.Sealing, &asked); err != nil {
			return nil, err
		}
	}
	out := &s3.HeadObjectOutput{}
	transfer(out, &r.shown)
	transfer(out, r.object.Sealing.shown(nil))
	r.showSum(out, in.ChecksumMode)
	return out, nil
}

// look finds an object and what of it is to be shown.
func (s *Service) look(ctx context.Context, b *bucket, in any) (*reading, error) {
	f := place{}
	transfer(&f, in)
	var want wanted
	transfer(&want, in)
	o, err := s.read(ctx, b, aws.ToString(f.Key), aws.ToString(want.VersionId))
	if err != nil {
		return nil, err
	}
	var conditions readConditions
	transfer(&conditions, in)
	if err := conditions.check(o); err != nil {
		return nil, err
	}
	r := &reading{bucket: b, key: *f.Key, object: o}
	if r.span, err = s.spanOf(ctx, b, o, &want); err != nil {
		return nil, err
	}
	r.show()
	var instead overrides
	transfer(&instead, in)
	return r, r.override(ctx, &instead)
}

// place names an object in an input.
type place struct{ Key *string }

func (r *reading) show() {
	o, h := r.object, &r.object.Headers
	v := &r.shown
	*v = shown{
		AcceptRanges: aws.String("bytes"), ETag: aws.String(quoted(o.ETag)), LastModified: &o.Modified, ContentLength: &r.span.length,
		VersionId: r.bucket.shownVersion(o), Metadata: o.Metadata, StorageClass: o.Class,
		CacheControl: present(h.CacheControl), ContentDisposition: present(h.ContentDisposition), ContentEncoding: present(h.ContentEncoding),
		ContentLanguage: present(h.ContentLanguage), ContentType: present(h.ContentType), WebsiteRedirectLocation: present(h.Redirect),
		ObjectLockMode: o.Lock.Mode,
	}
	v.Expiration = r.bucket.expiration(r.key, o)
	if t, err := time.Parse(httpTime, h.Expires); err == nil {
		v.Expires = &t
	}
	if r.span.partial {
		v.ContentRange = aws.String(r.span.String())
	}
	if n := len(o.Tags); n > 0 {
		v.TagCount = aws.Int32(int32(n))
	}
	if r.span.parts > 0 {
		v.PartsCount = aws.Int32(int32(r.span.parts))
	}
	if !o.Lock.Until.IsZero() {
		v.ObjectLockRetainUntilDate = &o.Lock.Until
	}
	if o.Lock.Hold {
		v.ObjectLockLegalHoldStatus = types.ObjectLockLegalHoldStatusOn
	}
}

func present(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

// override answers with other headers than those that are stored; strangers may not ask for that.
func (r *reading) override(ctx context.Context, with *overrides) error {
	if *with == (overrides{}) {
		return nil
	}
	if api.CallerOf(ctx).Principal.Anonymous {
		return refusef("InvalidRequest", "Request specific response headers cannot be used for anonymous GET requests.")
	}
	for _, o := range []struct {
		to   **string
		text *string
	}{
		{&r.shown.CacheControl, with.ResponseCacheControl}, {&r.shown.ContentDisposition, with.ResponseContentDisposition},
		{&r.shown.ContentEncoding, with.ResponseContentEncoding}, {&r.shown.ContentLanguage, with.ResponseContentLanguage},
		{&r.shown.ContentType, with.ResponseContentType},
	} {
		if o.text != nil {
			*o.to = o.text
		}
	}
	if with.ResponseExpires != nil {
		r.shown.Expires = with.ResponseExpires
	}
	return nil
}

// showSum shows the checksum where it was asked for and is of what is sent.
func (r *reading) showSum(out any, mode types.ChecksumMode) {
	if mode != types.ChecksumModeEnabled {
		return
	}
	var v sums
	switch {
	case !r.span.partial:
		v.show(r.object.Checksum)
	case r.span.sum.Value != "":
		v.show(r.span.sum)
	}
	transfer(out, &v)
}

// A span is the part of an object that is sent.
type span struct {
	offset, length, size int64
	partial              bool
	parts                int      // how many the object has, if one was asked for
	sum                  Checksum // of the span, if it is a part
}

func (p span) String() string {
	return fmt.Sprintf("bytes %d-%d/%d", p.offset, p.offset+p.length-1, p.size)
}

func (s *Service) spanOf(ctx context.Context, b *bucket, o *Object, want *wanted) (span, error) {
	whole := span{length: o.Size, size: o.Size}
	switch {
	case want.PartNumber != nil && want.Range != nil:
		return whole, refusef("InvalidRequest", "Cannot specify both Range header and partNumber query parameter")
	case want.PartNumber != nil:
		return s.spanOfPart(ctx, b, o, int(*want.PartNumber))
	case want.Range != nil:
		return parseRange(*want.Range, o.Size)
	}
	return whole, nil
}

// parseRange reads one range of bytes. What is none, or several, is as if it were not there (RFC 9110, section 14.2).
func parseRange(text string, size int64) (span, error) {
	whole := span{length: size, size: size}
	spec, ok := strings.CutPrefix(text, "bytes=")
	first, last, dash := strings.Cut(strings.TrimSpace(spec), "-")
	if !ok || !dash || strings.Contains(spec, ",") {
		return whole, nil
	}
	from, err1 := strconv.ParseInt(first, 10, 64)
	to, err2 := strconv.ParseInt(last, 10, 64)
	switch {
	case first == "" && err2 == nil && to >= 0: // the last bytes
		if from, to = max(0, size-to), size-1; from >= size {
			return whole, badRange(text, size)
		}
	case err1 != nil || from < 0 || last != "" && (err2 != nil || to < from):
		return whole, nil
	case last == "":
		to = size - 1
	}
	if from >= size {
		return whole, badRange(text, size)
	}
	return span{offset: from, length: min(to, size-1) - from + 1, size: size, partial: true}, nil
}

// A body reads exactly the bytes of a span.
type body struct {
	io.Reader
	close func() error
}

func (b *body) Close() error { return b.close() }

// short makes the early end of an object what it is: damage.
type short struct {
	r      io.Reader
	left   int64
	failed func(error) // is told why a read fails: the client learns only that it does
}

func (r *short) Read(p []byte) (int, error) {
	if r.left == 0 {
		return 0, io.EOF
	}
	n, err := r.r.Read(p[:min(int64(len(p)), r.left)])
	r.left -= int64(n)
	if err == io.EOF && r.left > 0 {
		err = fmt.Errorf("an object ends too early: %w", blob.ErrCorrupt)
	}
	if err != nil && err != io.EOF {
		r.failed(err)
	}
	return n, err
}
