package s3

import (
	"context"
	"crypto/hmac"
	"crypto/md5"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	kmstypes "github.com/aws/aws-sdk-go-v2/service/kms/types"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go"

	"redoubt/internal/api"
	"redoubt/internal/seal"
	"redoubt/internal/wire"
)

// Sealing says with which key an object is encrypted. The zero value is SSE-S3: with the server's own.
type Sealing struct {
	Algorithm   types.ServerSideEncryption `cbor:",omitempty"` // aws:kms or aws:kms:dsse
	KeyID       string                     `cbor:",omitempty"` // ARN of the KMS key
	Wrapped     []byte                     `cbor:",omitempty"` // the data key, as KMS wrapped it
	Context     map[string]string          `cbor:",omitempty"` // the uploader's own, besides S3's
	BucketKey   bool                       `cbor:",omitempty"`
	CustomerMD5 string                     `cbor:",omitempty"` // of the key of SSE-C, as clients compare it
	Salt, Check []byte                     `cbor:",omitempty"` // HMAC of that key, to know it again; the key itself is kept nowhere
}

// An encryption is a Sealing with its key at hand.
type encryption struct {
	Sealing
	layer
	context *string // as the request gave it
}

// A layer is a key of its own under which bytes are sealed; the zero layer is the server's.
type layer struct {
	stream *seal.Stream
	twice  bool // under the server's as well (DSSE-KMS); small pieces always are, as all records
}

// sealingAsked is what requests say about encryption.
type sealingAsked struct {
	ServerSideEncryption                                    types.ServerSideEncryption
	SSEKMSKeyId, SSEKMSEncryptionContext                    *string
	BucketKeyEnabled                                        *bool
	SSECustomerAlgorithm, SSECustomerKey, SSECustomerKeyMD5 *string
}

// sealingShown is what answers say about it.
type sealingShown struct {
	ServerSideEncryption                    types.ServerSideEncryption
	SSEKMSKeyId, SSEKMSEncryptionContext    *string
	BucketKeyEnabled                        *bool
	SSECustomerAlgorithm, SSECustomerKeyMD5 *string
}

const customerAlgorithm = "AES256"

func (s *Sealing) shown(context *string) *sealingShown {
	switch {
	case s.CustomerMD5 != "":
		return &sealingShown{SSECustomerAlgorithm: aws.String(customerAlgorithm), SSECustomerKeyMD5: &s.CustomerMD5}
	case s.Algorithm == "":
		return &sealingShown{ServerSideEncryption: types.ServerSideEncryptionAes256}
	}
	shown := &sealingShown{ServerSideEncryption: s.Algorithm, SSEKMSKeyId: &s.KeyID, SSEKMSEncryptionContext: context}
	if s.BucketKey {
		shown.BucketKeyEnabled = aws.Bool(true)
	}
	return shown
}

// etag is the entity tag of an object: its MD5, unless that would tell something of what only a key should open
// (API_Object, ETag).
func (e *encryption) etag(md5 []byte) string {
	if e.stream == nil {
		return etagOf(md5)
	}
	return newID()
}

// encrypt finds the key for an object to be stored: what the request asks for, or else the bucket's default.
func (s *Service) encrypt(ctx context.Context, b *bucket, key string, asked *sealingAsked) (*encryption, error) {
	if asked.customer() {
		if asked.ServerSideEncryption != "" {
			return nil, badArgument("x-amz-server-side-encryption", string(asked.ServerSideEncryption),
				"Server Side Encryption with Customer provided key is incompatible with the encryption method specified")
		}
		if b.Encryption.NoSSEC {
			return nil, refusef("AccessDenied", "Server-side encryption with customer-provided keys (SSE-C) is blocked for this bucket.")
		}
		return newCustomer(ctx, asked)
	}
	sealing := Sealing{Algorithm: b.Encryption.Algorithm, KeyID: b.Encryption.KeyID, BucketKey: b.Encryption.BucketKey}
	if asked.ServerSideEncryption != "" && asked.ServerSideEncryption != sealing.Algorithm {
		sealing = Sealing{Algorithm: asked.ServerSideEncryption}
	}
	switch sealing.Algorithm {
	case "", types.ServerSideEncryptionAes256:
		if asked.SSEKMSKeyId != nil {
			return nil, badArgument("x-amz-server-side-encryption-aws-kms-key-id", *asked.SSEKMSKeyId,
				"Server Side Encryption with AWS KMS managed key requires HTTP header x-amz-server-side-encryption : aws:kms")
		}
		return &encryption{}, nil
	case types.ServerSideEncryptionAwsKms, types.ServerSideEncryptionAwsKmsDsse:
	default:
		return nil, badArgument("x-amz-server-side-encryption", string(sealing.Algorithm), "The encryption method specified is not supported")
	}
	if asked.SSEKMSKeyId != nil {
		sealing.KeyID = *asked.SSEKMSKeyId
	}
	if asked.BucketKeyEnabled != nil {
		sealing.BucketKey = *asked.BucketKeyEnabled
	}
	sealing.BucketKey = sealing.BucketKey && sealing.Algorithm == types.ServerSideEncryptionAwsKms
	var err error
	if sealing.Context, err = parseContext(asked.SSEKMSEncryptionContext); err != nil {
		return nil, err
	}
	return s.newDataKey(ctx, b, key, sealing, asked.SSEKMSEncryptionContext)
}

func parseContext(text *string) (map[string]string, error) {
	if text == nil {
		return nil, nil
	}
	plain, err := base64.StdEncoding.DecodeString(*text)
	var pairs map[string]string
	if err == nil {
		err = json.Unmarshal(plain, &pairs)
	}
	if err != nil {
		return nil, badArgument("x-amz-server-side-encryption-context", *text, "The header 'x-amz-server-side-encryption-context' shall be Base64-encoded UTF-8 string holding JSON which represents a string-string map")
	}
	return pairs, nil
}

// managedKey is what encrypts where no key is named: AWS's own for S3, made on first use.
const managedKey = "alias/aws/s3"

// newDataKey has KMS make a data key, as the caller: without permission to use the key nothing is stored under it.
func (s *Service) newDataKey(ctx context.Context, b *bucket, key string, sealing Sealing, given *string) (*encryption, error) {
	id := sealing.KeyID
	if id == "" {
		id = managedKey
	}
	out, err := api.Call[kms.GenerateDataKeyOutput](forwarded(ctx), s.api, &kms.GenerateDataKeyInput{
		KeyId: &id, KeySpec: kmstypes.DataKeySpecAes256, EncryptionContext: sealing.context(b, key),
	})
	if err != nil {
		return nil, kmsError(err)
	}
	sealing.KeyID, sealing.Wrapped = *out.KeyId, out.CiphertextBlob
	l, err := sealing.layer(out.Plaintext)
	return &encryption{Sealing: sealing, layer: l, context: given}, err
}

func forwarded(ctx context.Context) context.Context { return api.Via(ctx, "s3.amazonaws.com") }

// context is what KMS binds a data key to: the object or, with a bucket key, the bucket.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingKMSEncryption.html#encryption-context
func (s *Sealing) context(b *bucket, key string) map[string]string {
	pairs := map[string]string{"aws:s3:arn": b.arn() + "/" + key}
	if s.BucketKey {
		pairs["aws:s3:arn"] = b.arn()
	}
	for k, v := range s.Context {
		pairs[k] = v
	}
	return pairs
}

// kmsError passes a refusal of KMS on, as S3 does.
func kmsError(err error) error {
	var known smithy.APIError
	if !errors.As(err, &known) {
		return err
	}
	if code := known.ErrorCode(); code != "AccessDeniedException" {
		return wire.Errorf("KMS."+code, http.StatusBadRequest, "%s", known.ErrorMessage())
	}
	return refusef("AccessDenied", "%s", known.ErrorMessage())
}

// customer reports whether a request brings a key of its own.
func (a *sealingAsked) customer() bool {
	return a.SSECustomerAlgorithm != nil || a.SSECustomerKey != nil || a.SSECustomerKeyMD5 != nil
}

// key reads the key of SSE-C.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/ServerSideEncryptionCustomerKeys.html
func (a *sealingAsked) key(ctx context.Context) ([]byte, error) {
	if !api.CallerOf(ctx).Request.Secure {
		return nil, refusef("InvalidRequest", "Requests specifying Server Side Encryption with Customer provided keys must be made over a secure connection.")
	}
	if a.SSECustomerAlgorithm == nil {
		return nil, badArgument("x-amz-server-side-encryption", "null", "Requests specifying Server Side Encryption with Customer provided keys must provide a valid encryption algorithm.")
	}
	if *a.SSECustomerAlgorithm != customerAlgorithm {
		return nil, wire.Errorf("InvalidEncryptionAlgorithmError", http.StatusBadRequest, "The encryption request you specified is not valid. The valid value is AES256.")
	}
	key, err := base64.StdEncoding.DecodeString(aws.ToString(a.SSECustomerKey))
	if err != nil || len(key) != sha256.Size {
		return nil, badArgument("x-amz-server-side-encryption", customerAlgorithm, "The secret key was invalid for the specified algorithm.")
	}
	if sum := md5.Sum(key); aws.ToString(a.SSECustomerKeyMD5) != base64.StdEncoding.EncodeToString(sum[:]) {
		return nil, badArgument("x-amz-server-side-encryption", customerAlgorithm, "The calculated MD5 hash of the key did not match the hash that was provided.")
	}
	return key, nil
}

func newCustomer(ctx context.Context, asked *sealingAsked) (*encryption, error) {
	key, err := asked.key(ctx)
	if err != nil {
		return nil, err
	}
	e := &encryption{Sealing: Sealing{CustomerMD5: *asked.SSECustomerKeyMD5, Salt: make([]byte, 16)}}
	rand.Read(e.Salt) // never fails (crypto/rand)
	e.Check = e.mac(key)
	e.layer, err = e.Sealing.layer(key)
	return e, err
}

// layer is what a key seals with.
func (s *Sealing) layer(key []byte) (layer, error) {
	stream, err := seal.NewStream(key)
	return layer{stream, s.Algorithm == types.ServerSideEncryptionAwsKmsDsse}, err
}

// mac knows a customer's key again. Its salt keeps the same key from showing on two objects.
func (s *Sealing) mac(key []byte) []byte {
	h := hmac.New(sha256.New, s.Salt)
	h.Write(key)
	return h.Sum(nil)
}

// decrypt finds the key of an object that is there, for a caller who may use it.
func (s *Service) decrypt(ctx context.Context, b *bucket, key string, sealing *Sealing, asked *sealingAsked) (layer, error) {
	switch {
	case sealing.CustomerMD5 != "":
		return sealing.openCustomer(ctx, asked)
	case asked.customer():
		return layer{}, refusef("InvalidRequest", "The encryption parameters are not applicable to this object.")
	case sealing.Algorithm == "":
		return layer{}, nil
	}
	out, err := api.Call[kms.DecryptOutput](forwarded(ctx), s.api, &kms.DecryptInput{
		KeyId: &sealing.KeyID, CiphertextBlob: sealing.Wrapped, EncryptionContext: sealing.context(b, key),
	})
	if err != nil {
		return layer{}, kmsError(err)
	}
	return sealing.layer(out.Plaintext)
}

func (s *Sealing) openCustomer(ctx context.Context, asked *sealingAsked) (layer, error) {
	if !asked.customer() {
		return layer{}, refusef("InvalidRequest", "The object was stored using a form of Server Side Encryption. The correct parameters must be provided to retrieve the object.")
	}
	key, err := asked.key(ctx)
	if err != nil {
		return layer{}, err
	}
	if !hmac.Equal(s.mac(key), s.Check) {
		return layer{}, refuse("AccessDenied")
	}
	return s.layer(key)
}
