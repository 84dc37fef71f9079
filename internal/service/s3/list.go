package s3

import (
	"context"
	"net/url"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"redoubt/internal/store"
)

// maxListed is how many keys one page has at most (API_ListObjectsV2, MaxKeys).
const maxListed = 1000

// A listing walks the keys of a bucket in order, and gathers those with a common prefix up to the delimiter into one.
type listing struct {
	prefix, delimiter string
	after             string // begin behind this key or common prefix
	limit             int
	truncated         bool
	last              string // the last key or common prefix of the page
	count             int
	prefixes          []string
}

// limitOf reads max-keys.
func limitOf(maxKeys *int32) (int, error) {
	if maxKeys == nil {
		return maxListed, nil
	}
	if *maxKeys < 0 {
		return 0, badArgument("max-keys", "", "Argument maxKeys must be an integer between 0 and 2147483647")
	}
	return min(int(*maxKeys), maxListed), nil
}

// common returns the prefix under which a key is gathered, or "".
func (l *listing) common(key string) string {
	if l.delimiter == "" {
		return ""
	}
	rest := key[len(l.prefix):]
	if i := strings.Index(rest, l.delimiter); i >= 0 {
		return key[:len(l.prefix)+i+len(l.delimiter)]
	}
	return ""
}

// start is where the walk begins: behind all that a common prefix stands for, if the page before ended with one.
func (l *listing) start() (from string, inclusive bool) {
	if l.after == "" || l.delimiter == "" || !strings.HasPrefix(l.after, l.prefix) || l.common(l.after) != l.after {
		return l.after, false
	}
	return successor(l.after), true
}

// successor is the least string above all that begin with s.
func successor(s string) string {
	b := []byte(s)
	for i := len(b) - 1; i >= 0; i-- {
		if b[i] < 0xFF {
			b[i]++
			return string(b[:i+1])
		}
	}
	return ""
}

// walk calls each for the keys of a page. A key that is not to be listed it skips.
func (l *listing) walk(s *Service, tx *store.Tx, b *bucket, each func(key string, o *Object)) error {
	begin := func(r *store.Range, after string) { r.After = b.key(after) }
	return l.seek(b, begin, func(r store.Range) (string, error) { return l.run(s, tx, r, each) })
}

// seek goes through a page in runs, each of which tells the key at which the next begins, or "" at the end: gathered keys
// are passed over by one seek, however many they are. begin sets where a page begins that does not at a common prefix.
func (l *listing) seek(b *bucket, begin func(r *store.Range, after string), run func(store.Range) (skipTo string, err error)) error {
	from, inclusive := l.start()
	for l.limit > 0 {
		r := store.Range{Prefix: b.place(), StartsWith: l.prefix}
		if from != "" && inclusive {
			r.From = b.key(from)
		} else if from != "" {
			begin(&r, from)
		}
		skipTo, err := run(r)
		if err != nil || skipTo == "" {
			return err
		}
		from, inclusive = skipTo, true
	}
	return nil
}

// run walks until the page is full, the range ends, or a common prefix is met, and returns where to go on.
func (l *listing) run(s *Service, tx *store.Tx, r store.Range, each func(string, *Object)) (skipTo string, err error) {
	for rec, err := range s.objects.Scan(tx, r) {
		if err != nil {
			return "", err
		}
		if rec.Value.Marker {
			continue
		}
		key := rec.Key[3]
		if l.count == l.limit {
			l.truncated = true
			return "", nil
		}
		l.count++
		if p := l.common(key); p != "" {
			l.prefixes, l.last = append(l.prefixes, p), p
			return successor(p), nil
		}
		l.last = key
		each(key, &rec.Value)
	}
	return "", nil
}

// An encoder writes keys as the request wants them.
type encoder func(string) string

func encoderOf(t types.EncodingType) (encoder, error) {
	switch t {
	case "":
		return func(s string) string { return s }, nil
	case types.EncodingTypeUrl:
		return encodeKey, nil
	}
	return nil, badArgument("encoding-type", string(t), "Invalid Encoding Method specified in Request")
}

// encodeKey encodes as S3 does: all but letters, digits, "-_.~*" and the slash.
func encodeKey(s string) string {
	return strings.NewReplacer("+", "%20", "%2F", "/", "%2A", "*").Replace(url.QueryEscape(s))
}

// ptr encodes a member of an answer that may be absent.
func (e encoder) ptr(s *string) *string {
	if s == nil {
		return nil
	}
	return aws.String(e(*s))
}

func (e encoder) prefixes(list []string) (out []types.CommonPrefix) {
	for _, p := range list {
		out = append(out, types.CommonPrefix{Prefix: aws.String(e(p))})
	}
	return out
}

func classOf(o *Object) types.ObjectStorageClass {
	if o.Class == "" {
		return types.ObjectStorageClassStandard
	}
	return types.ObjectStorageClass(o.Class)
}

func (e encoder) listed(key string, o *Object, owner *types.Owner) types.Object {
	v := types.Object{
		Key: aws.String(e(key)), LastModified: &o.Modified, ETag: aws.String(quoted(o.ETag)), Size: &o.Size, StorageClass: classOf(o), Owner: owner,
		ChecksumType: o.Checksum.Type,
	}
	if o.Checksum.Algorithm != "" {
		v.ChecksumAlgorithm = []types.ChecksumAlgorithm{o.Checksum.Algorithm}
	}
	return v
}

// ListObjectsV2 lists the current objects of a bucket.
func (s *Service) ListObjectsV2(ctx context.Context, in *s3.ListObjectsV2Input) (*s3.ListObjectsV2Output, error) {
	b, err := s.bucket(ctx, in.Bucket, in.ExpectedBucketOwner)
	if err != nil {
		return nil, err
	}
	limit, err := limitOf(in.MaxKeys)
	if err != nil {
		return nil, err
	}
	e, err := encoderOf(in.EncodingType)
	if err != nil {
		return nil, err
	}
	l := &listing{prefix: aws.ToString(in.Prefix), delimiter: aws.ToString(in.Delimiter), limit: limit, after: aws.ToString(in.StartAfter)}
	if in.ContinuationToken != nil {
		if l.after, err = openToken(in.ContinuationToken); err != nil {
			return nil, err
		}
	}
	var owner *types.Owner
	if aws.ToBool(in.FetchOwner) {
		owner = &types.Owner{ID: aws.String(canonicalID(b.Account))}
	}
	out := &s3.ListObjectsV2Output{
		Name: in.Bucket, Prefix: aws.String(e(l.prefix)), Delimiter: e.ptr(in.Delimiter), StartAfter: e.ptr(in.StartAfter), EncodingType: in.EncodingType,
		ContinuationToken: in.ContinuationToken, MaxKeys: aws.Int32(int32(limit)),
	}
	err = s.db.View(ctx, func(tx *store.Tx) error {
		return l.walk(s, tx, b, func(key string, o *Object) { out.Contents = append(out.Contents, e.listed(key, o, owner)) })
	})
	out.CommonPrefixes, out.KeyCount, out.IsTruncated = e.prefixes(l.prefixes), aws.Int32(int32(l.count)), &l.truncated
	if l.truncated {
		out.NextContinuationToken = sealToken(l.last)
	}
	return out, err
}

// ListObjects is the first form of ListObjectsV2.
func (s *Service) ListObjects(ctx context.Context, in *s3.ListObjectsInput) (*s3.ListObjectsOutput, error) {
	b, err := s.bucket(ctx, in.Bucket, in.ExpectedBucketOwner)
	if err != nil {
		return nil, err
	}
	limit, err := limitOf(in.MaxKeys)
	if err != nil {
		return nil, err
	}
	e, err := encoderOf(in.EncodingType)
	if err != nil {
		return nil, err
	}
	l := &listing{prefix: aws.ToString(in.Prefix), delimiter: aws.ToString(in.Delimiter), limit: limit, after: aws.ToString(in.Marker)}
	owner := &types.Owner{ID: aws.String(canonicalID(b.Account))}
	out := &s3.ListObjectsOutput{
		Name: in.Bucket, Prefix: aws.String(e(l.prefix)), Delimiter: e.ptr(in.Delimiter), Marker: aws.String(e(l.after)), EncodingType: in.EncodingType,
		MaxKeys: aws.Int32(int32(limit)),
	}
	err = s.db.View(ctx, func(tx *store.Tx) error {
		return l.walk(s, tx, b, func(key string, o *Object) { out.Contents = append(out.Contents, e.listed(key, o, owner)) })
	})
	out.CommonPrefixes, out.IsTruncated = e.prefixes(l.prefixes), &l.truncated
	if l.truncated && l.delimiter != "" {
		out.NextMarker = aws.String(e(l.last))
	}
	return out, err
}
