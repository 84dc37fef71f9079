package s3

import (
	"context"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"math"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"redoubt/internal/store"
)

// Object is the record of one version of an object, or of a delete marker. Its bytes are elsewhere.
type Object struct {
	Version   string `cbor:",omitempty"` // "null" for what no versioning made
	Order     uint64 // rises with each version of a key: nanoseconds since 1970, or one more than the last
	Marker    bool   `cbor:",omitempty"`
	NullOrder uint64 `cbor:",omitempty"` // of the current version: where among the earlier ones the null version is, or 0
	Modified  time.Time
	Size      int64
	ETag      string             `cbor:",omitempty"` // without its quotes
	Piece     Piece              `cbor:",omitzero"`
	Parts     int                `cbor:",omitempty"` // of a multipart upload, whose id the piece has
	Class     types.StorageClass `cbor:",omitempty"` // "" is STANDARD
	Checksum  Checksum           `cbor:",omitzero"`
	Sealing   Sealing            `cbor:",omitzero"`
	Headers   Headers            `cbor:",omitzero"`
	Metadata  map[string]string  `cbor:",omitempty"`
	Tags      []types.Tag        `cbor:",omitempty"`
	Lock      Lock               `cbor:",omitzero"`
}

// Headers are those that an object is stored with and served with.
type Headers struct {
	CacheControl, ContentDisposition, ContentEncoding, ContentLanguage, ContentType string `cbor:",omitempty"`
	Expires, Redirect                                                               string `cbor:",omitempty"`
}

// Lock is what keeps a version from being deleted.
type Lock struct {
	Mode  types.ObjectLockMode `cbor:",omitempty"`
	Until time.Time            `cbor:",omitzero"`
	Hold  bool                 `cbor:",omitempty"`
}

// nullVersion is the id of what was stored without versioning.
const nullVersion = "null"

// newVersionID makes an id from which the place of the version can be read. As on AWS it is opaque to clients.
func newVersionID(order uint64) string {
	var b [24]byte
	binary.BigEndian.PutUint64(b[:], order)
	random := newID()
	copy(b[8:], random)
	return base64.RawURLEncoding.EncodeToString(b[:])
}

// orderOf reads the place of a version from its id.
func orderOf(version string) (uint64, bool) {
	b, err := base64.RawURLEncoding.DecodeString(version)
	if err != nil || len(b) != 24 {
		return 0, false
	}
	return binary.BigEndian.Uint64(b), true
}

// versionKey is the key of an earlier version; newer ones sort first.
func (b *Bucket) versionKey(key string, order uint64) []string {
	return []string{b.Account, b.Region, b.ID, key, fmt.Sprintf("%016x", math.MaxUint64-order)}
}

// current reads the current version of a key: an object, or a delete marker.
func (s *Service) current(tx *store.Tx, b *bucket, key string) (Object, bool, error) {
	return s.objects.Get(tx, b.key(key)...)
}

// version reads the version of that id; isCurrent tells which table has it.
func (s *Service) version(tx *store.Tx, b *bucket, key, id string) (o Object, isCurrent, ok bool, err error) {
	now, ok, err := s.current(tx, b, key)
	if err != nil || !ok || now.Version == id {
		return now, true, ok, err
	}
	order, valid := orderOf(id)
	if id == nullVersion {
		order, valid = now.NullOrder, now.NullOrder != 0
	}
	if !valid {
		return o, false, false, nil
	}
	o, ok, err = s.versions.Get(tx, b.versionKey(key, order)...)
	return o, false, ok && o.Version == id, err
}

// read finds the version that a request names, or the current one, for whoever is allowed to read it. What is not there is
// an error in the words that the caller may hear.
func (s *Service) read(ctx context.Context, b *bucket, key, version string) (*Object, error) {
	var o Object
	var ok bool
	err := s.db.View(ctx, func(tx *store.Tx) (err error) {
		if version == "" {
			o, ok, err = s.current(tx, b, key)
		} else {
			o, _, ok, err = s.version(tx, b, key, version)
		}
		return err
	})
	switch {
	case err != nil:
		return nil, err
	case !ok && version != "":
		if _, valid := orderOf(version); !valid && version != nullVersion {
			return nil, badArgument("versionId", version, "Invalid version id specified")
		}
		return nil, s.hide(ctx, b, noSuchVersion(key, version))
	case !ok:
		return nil, s.hide(ctx, b, noSuchKey(key))
	case o.Marker:
		return nil, s.hide(ctx, b, isMarker(&o, key, version != ""))
	}
	return &o, nil
}

// put stores a new version of a key. check, if not nil, is asked about the current one, which may be missing.
func (s *Service) put(tx *store.Tx, b *bucket, key string, o *Object, check func(now *Object) error) error {
	if err := s.stillThere(tx, b); err != nil {
		return err
	}
	now, ok, err := s.current(tx, b, key)
	if err != nil {
		return err
	}
	was := &now
	if !ok {
		was = nil
	}
	if check != nil {
		if err := check(was); err != nil {
			return err
		}
	}
	o.Order = max(uint64(o.Modified.UnixNano()), now.Order+1)
	if err := s.makeWay(tx, b, key, o, was); err != nil {
		return err
	}
	return s.objects.Put(tx, *o, b.key(key)...)
}

// makeWay names a new version, and moves or removes the one that was current.
func (s *Service) makeWay(tx *store.Tx, b *bucket, key string, o, was *Object) error {
	enabled := b.Versioning == types.BucketVersioningStatusEnabled
	o.Version = nullVersion
	if enabled {
		o.Version = newVersionID(o.Order)
	}
	if was == nil {
		return nil
	}
	if !enabled && was.Version == nullVersion {
		o.NullOrder = 0
		return s.release(tx, b, was)
	}
	if !enabled && was.NullOrder != 0 {
		if err := s.removeEarlier(tx, b, key, was.NullOrder); err != nil {
			return err
		}
		was.NullOrder = 0
	}
	if o.NullOrder = was.NullOrder; was.Version == nullVersion {
		o.NullOrder = was.Order
	}
	earlier := *was
	earlier.NullOrder = 0
	return s.versions.Put(tx, earlier, b.versionKey(key, was.Order)...)
}

// removeEarlier removes a version that is not current, with its bytes.
func (s *Service) removeEarlier(tx *store.Tx, b *bucket, key string, order uint64) error {
	k := b.versionKey(key, order)
	o, ok, err := s.versions.Get(tx, k...)
	if err != nil || !ok {
		return err
	}
	if err := s.release(tx, b, &o); err != nil {
		return err
	}
	return s.versions.Delete(tx, k...)
}

// removeCurrent removes the current version; the newest of the earlier ones takes its place.
func (s *Service) removeCurrent(tx *store.Tx, b *bucket, key string, o *Object) error {
	if err := s.release(tx, b, o); err != nil {
		return err
	}
	for next, err := range s.versions.Scan(tx, store.Range{Prefix: b.key(key)}) {
		if err != nil {
			return err
		}
		v := next.Value
		if v.NullOrder = o.NullOrder; v.Version == nullVersion {
			v.NullOrder = 0
		}
		if err := s.versions.Delete(tx, next.Key...); err != nil {
			return err
		}
		return s.objects.Put(tx, v, b.key(key)...)
	}
	return s.objects.Delete(tx, b.key(key)...)
}

// rewrite applies fn to a version that is there, for changes of what an object is stored with.
func (s *Service) rewrite(ctx context.Context, b *bucket, key, version string, fn func(*Object) error) (*Object, error) {
	var o Object
	err := s.db.Update(ctx, func(tx *store.Tx) error {
		isCurrent, ok := true, false
		var err error
		if version == "" {
			o, ok, err = s.current(tx, b, key)
		} else {
			o, isCurrent, ok, err = s.version(tx, b, key, version)
		}
		switch {
		case err != nil:
			return err
		case !ok && version != "":
			return noSuchVersion(key, version)
		case !ok:
			return noSuchKey(key)
		case o.Marker:
			return isMarker(&o, key, true)
		}
		if err := fn(&o); err != nil {
			return err
		}
		if isCurrent {
			return s.objects.Put(tx, o, b.key(key)...)
		}
		return s.versions.Put(tx, o, b.versionKey(key, o.Order)...)
	})
	return &o, err
}

// shownVersion is the version id in an answer: there is none where there never was versioning.
func (b *Bucket) shownVersion(o *Object) *string {
	if !b.versioned() {
		return nil
	}
	return &o.Version
}

func quoted(etag string) string { return `"` + etag + `"` }
