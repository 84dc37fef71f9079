package s3

import (
	"context"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"redoubt/internal/store"
)

const (
	maxKey      = 1024    // bytes (AmazonS3/latest/userguide/object-keys.html)
	maxMetadata = 2 << 10 // bytes of names and values (AmazonS3/latest/userguide/UsingMetadata.html)
	maxPut      = 5 << 30 // bytes of an object or part in one piece
)

// upload is what the inputs of operations that store an object have in common.
type upload struct {
	ACL                                                                             types.ObjectCannedACL
	GrantFullControl, GrantRead, GrantReadACP, GrantWriteACP                        *string
	CacheControl, ContentDisposition, ContentEncoding, ContentLanguage, ContentType *string
	Expires                                                                         *time.Time
	Metadata                                                                        map[string]string
	StorageClass                                                                    types.StorageClass
	Tagging, WebsiteRedirectLocation                                                *string
	ObjectLockMode                                                                  types.ObjectLockMode
	ObjectLockRetainUntilDate                                                       *time.Time
	ObjectLockLegalHoldStatus                                                       types.ObjectLockLegalHoldStatus
	ObjectLockEventHold                                                             types.ObjectLockEventHold
	WriteOffsetBytes                                                                *int64
	AnnotationDirective                                                             types.AnnotationDirective
}

// object makes the record of what is to be stored, without its bytes.
func (u *upload) object(b *bucket) (*Object, error) {
	if err := u.check(b); err != nil {
		return nil, err
	}
	o := &Object{Modified: time.Now().UTC().Truncate(time.Millisecond), Metadata: u.Metadata, Headers: Headers{
		CacheControl: aws.ToString(u.CacheControl), ContentDisposition: aws.ToString(u.ContentDisposition),
		ContentEncoding: aws.ToString(u.ContentEncoding), ContentLanguage: aws.ToString(u.ContentLanguage),
		ContentType: aws.ToString(u.ContentType), Redirect: aws.ToString(u.WebsiteRedirectLocation),
	}}
	if u.Expires != nil {
		o.Headers.Expires = u.Expires.UTC().Format(httpTime)
	}
	if o.Headers.ContentType == "" {
		o.Headers.ContentType = "binary/octet-stream"
	}
	if u.StorageClass != types.StorageClassStandard {
		o.Class = u.StorageClass
	}
	var err error
	if u.Tagging != nil {
		if o.Tags, err = parseTagging(*u.Tagging); err != nil {
			return nil, err
		}
	}
	o.Lock, err = u.lock(b, o.Modified)
	return o, err
}

// classes are the storage classes whose objects can be read at once. Here they differ in name only.
var classes = map[types.StorageClass]bool{
	"": true, types.StorageClassStandard: true, types.StorageClassReducedRedundancy: true, types.StorageClassStandardIa: true,
	types.StorageClassOnezoneIa: true, types.StorageClassIntelligentTiering: true, types.StorageClassGlacierIr: true,
}

func (u *upload) check(b *bucket) error {
	if err := checkACL(string(u.ACL), b.Ownership, u.GrantFullControl, u.GrantRead, u.GrantReadACP, nil, u.GrantWriteACP); err != nil {
		return err
	}
	if !classes[u.StorageClass] {
		if u.StorageClass == types.StorageClassGlacier || u.StorageClass == types.StorageClassDeepArchive {
			return absent("The storage class " + string(u.StorageClass))
		}
		return refuse("InvalidStorageClass")
	}
	if u.WriteOffsetBytes != nil || u.ObjectLockEventHold != "" || u.AnnotationDirective != "" {
		return refuse("NotImplemented")
	}
	if at := aws.ToString(u.WebsiteRedirectLocation); at != "" && !strings.HasPrefix(at, "/") && !strings.HasPrefix(at, "http://") && !strings.HasPrefix(at, "https://") {
		return refusef("InvalidRedirectLocation", "The website redirect location must have a prefix of 'http://' or 'https://' or '/'.")
	}
	size := 0
	for k, v := range u.Metadata {
		size += len(k) + len(v)
	}
	if size > maxMetadata {
		return refuse("MetadataTooLarge")
	}
	return nil
}

func checkKey(key string) error {
	if len(key) > maxKey {
		return refuse("KeyTooLongError")
	}
	if key == "" || !utf8.ValidString(key) {
		return badArgument("Key", "", "Object key is not valid")
	}
	return nil
}

// PutObject stores an object. It shows once all of it has come and is what its sender says.
func (s *Service) PutObject(ctx context.Context, in *s3.PutObjectInput) (*s3.PutObjectOutput, error) {
	b, err := s.bucket(ctx, in.Bucket, in.ExpectedBucketOwner)
	if err != nil {
		return nil, err
	}
	key := aws.ToString(in.Key)
	o, enc, d, err := s.prepare(ctx, b, key, in)
	if err != nil {
		return nil, err
	}
	defer d.close()
	must := conditions{match: in.IfMatch, noneMatch: in.IfNoneMatch}
	if err := s.expect(ctx, b, key, must); err != nil {
		return nil, err
	}
	w, err := s.write(ctx, d, enc.layer)
	if err != nil {
		return nil, err
	}
	if err = s.commit(ctx, b, key, o, w, d, enc, must); err != nil {
		s.discard(ctx, w)
		return nil, err
	}
	out := &s3.PutObjectOutput{ETag: aws.String(quoted(o.ETag)), VersionId: b.shownVersion(o), Expiration: b.expiration(key, o)}
	var shown sums
	shown.show(o.Checksum)
	transfer(out, &shown)
	transfer(out, o.Sealing.shown(enc.context))
	return out, nil
}

// prepare reads what an upload says, before its body is read.
func (s *Service) prepare(ctx context.Context, b *bucket, key string, in *s3.PutObjectInput) (*Object, *encryption, *digest, error) {
	if err := checkKey(key); err != nil {
		return nil, nil, nil, err
	}
	if aws.ToInt64(in.ContentLength) > maxPut {
		return nil, nil, nil, refuse("EntityTooLarge")
	}
	var u upload
	transfer(&u, in)
	o, err := u.object(b)
	if err != nil {
		return nil, nil, nil, err
	}
	var given sums
	transfer(&given, in)
	d, err := newDigest(in.Body, &given, in.ContentMD5)
	if err != nil {
		return nil, nil, nil, err
	}
	var asked sealingAsked
	transfer(&asked, in)
	enc, err := s.encrypt(ctx, b, key, &asked)
	return o, enc, d, err
}

// commit makes a written object the current version of its key.
func (s *Service) commit(ctx context.Context, b *bucket, key string, o *Object, w *written, d *digest, enc *encryption, must conditions) error {
	sum, hashed, err := d.finish()
	if err != nil {
		return err
	}
	o.Size, o.Piece, o.Checksum, o.Sealing = w.Size, w.Piece, sum, enc.Sealing
	o.ETag = enc.etag(hashed)
	return s.db.Update(ctx, func(tx *store.Tx) error {
		if err := s.put(tx, b, key, o, must.check(key)); err != nil {
			return err
		}
		return s.take(tx, b, w)
	})
}
