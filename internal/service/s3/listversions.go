package s3

import (
	"context"
	"iter"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"redoubt/internal/store"
)

// ListObjectVersions lists all versions of all keys, the newest of each first.
func (s *Service) ListObjectVersions(ctx context.Context, in *s3.ListObjectVersionsInput) (*s3.ListObjectVersionsOutput, error) {
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
	if aws.ToString(in.VersionIdMarker) != "" && aws.ToString(in.KeyMarker) == "" {
		return nil, badArgument("version-id-marker", *in.VersionIdMarker, "A version-id marker cannot be specified without a key marker.")
	}
	w := &versionWalk{
		listing: listing{prefix: aws.ToString(in.Prefix), delimiter: aws.ToString(in.Delimiter), limit: limit, after: aws.ToString(in.KeyMarker)},
		after:   aws.ToString(in.VersionIdMarker), encode: e, owner: &types.Owner{ID: aws.String(canonicalID(b.Account))},
		out: &s3.ListObjectVersionsOutput{
			Name: in.Bucket, Prefix: aws.String(e(aws.ToString(in.Prefix))), Delimiter: e.ptr(in.Delimiter), KeyMarker: aws.String(e(aws.ToString(in.KeyMarker))),
			VersionIdMarker: aws.String(aws.ToString(in.VersionIdMarker)), EncodingType: in.EncodingType, MaxKeys: aws.Int32(int32(limit)),
		},
	}
	err = s.db.View(ctx, func(tx *store.Tx) error { return w.walk(s, tx, b) })
	w.out.CommonPrefixes, w.out.IsTruncated = e.prefixes(w.prefixes), &w.truncated
	if w.truncated {
		w.out.NextKeyMarker = aws.String(e(w.last))
		if w.lastVersion != "" {
			w.out.NextVersionIdMarker = &w.lastVersion
		}
	}
	return w.out, err
}

// A versionWalk is a listing of versions.
type versionWalk struct {
	listing
	after       string // version: within the key of listing.after, begin behind this one
	lastVersion string
	encode      encoder
	owner       *types.Owner
	out         *s3.ListObjectVersionsOutput
}

func (w *versionWalk) walk(s *Service, tx *store.Tx, b *bucket) error {
	begin := func(r *store.Range, after string) { r.After = b.key(after) }
	if w.after != "" { // the rest of that key is still to come
		begin = func(r *store.Range, after string) { r.From = b.key(after) }
	}
	return w.seek(b, begin, func(r store.Range) (string, error) { return w.run(s, tx, b, r) })
}

// run goes through the current versions, and in step with it through the earlier ones.
func (w *versionWalk) run(s *Service, tx *store.Tx, b *bucket, r store.Range) (skipTo string, err error) {
	next, stop := iter.Pull2(s.versions.Scan(tx, r))
	defer stop()
	earlier, err, more := next()
	for rec, err2 := range s.objects.Scan(tx, r) {
		if err2 != nil || err != nil {
			return "", errOr(err2, err)
		}
		key := rec.Key[3]
		if p := w.common(key); p != "" {
			if !w.room() {
				return "", nil
			}
			w.prefixes, w.last, w.lastVersion = append(w.prefixes, p), p, ""
			return successor(p), nil
		}
		if !w.add(key, &rec.Value, true) {
			return "", nil
		}
		for ; more && err == nil && earlier.Key[3] <= key; earlier, err, more = next() {
			o := earlier.Value // of its own: the answer refers to it
			if earlier.Key[3] == key && !w.add(key, &o, false) {
				return "", nil
			}
		}
	}
	return "", err
}

// room counts an entry, if the page is not full.
func (w *versionWalk) room() bool {
	if w.count == w.limit {
		w.truncated = true
		return false
	}
	w.count++
	return true
}

// add lists a version, and returns false if the page is full.
func (w *versionWalk) add(key string, o *Object, latest bool) bool {
	if w.after != "" && key == w.listing.after {
		order, valid := orderOf(w.after)
		switch {
		case o.Version == w.after:
			w.after = ""
			return true // the last of the page before
		case !valid || o.Order >= order:
			return true
		}
		w.after = "" // the marker's own version is gone
	}
	if !w.room() {
		return false
	}
	w.last, w.lastVersion = key, o.Version
	if o.Marker {
		w.out.DeleteMarkers = append(w.out.DeleteMarkers, types.DeleteMarkerEntry{
			Key: aws.String(w.encode(key)), VersionId: &o.Version, IsLatest: &latest, LastModified: &o.Modified, Owner: w.owner,
		})
		return true
	}
	v := types.ObjectVersion{
		Key: aws.String(w.encode(key)), VersionId: &o.Version, IsLatest: &latest, LastModified: &o.Modified, ETag: aws.String(quoted(o.ETag)),
		Size: &o.Size, StorageClass: types.ObjectVersionStorageClassStandard, Owner: w.owner, ChecksumType: o.Checksum.Type,
	}
	if o.Class != "" {
		v.StorageClass = types.ObjectVersionStorageClass(o.Class)
	}
	if o.Checksum.Algorithm != "" {
		v.ChecksumAlgorithm = []types.ChecksumAlgorithm{o.Checksum.Algorithm}
	}
	w.out.Versions = append(w.out.Versions, v)
	return true
}
