package logs

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	kmstypes "github.com/aws/aws-sdk-go-v2/service/kms/types"
	"github.com/aws/smithy-go"

	"redoubt/internal/api"
	"redoubt/internal/store"
)

// A DataKey encrypts events of a group. It is kept as KMS wrapped it.
type DataKey struct {
	KMSKey  string
	Wrapped []byte
}

const (
	// keyLife is for how long an opened data key is used: changes to a KMS key take up to five minutes to take effect
	// (https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/encrypt-log-data-kms.html).
	keyLife = 5 * time.Minute
	// keyTurn is after which time a group gets a new data key, so that none encrypts too much.
	keyTurn = 24 * time.Hour
)

// An openKey is a data key in the clear.
type openKey struct {
	id    string
	aead  cipher.AEAD
	until time.Time
}

// keyCache holds opened keys by their ids.
type keyCache struct {
	mu   sync.Mutex
	keys map[string]*openKey
}

func (c *keyCache) get(id string) *openKey {
	c.mu.Lock()
	defer c.mu.Unlock()
	if k := c.keys[id]; k != nil && time.Now().Before(k.until) {
		return k
	}
	return nil
}

// add opens a plain key for as long as it may be used, and clears the bytes.
func (c *keyCache) add(id string, plain []byte) (*openKey, error) {
	defer clear(plain)
	block, err := aes.NewCipher(plain)
	if err != nil {
		return nil, fmt.Errorf("opening a data key: %w", err)
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		return nil, fmt.Errorf("opening a data key: %w", err)
	}
	k := &openKey{id, aead, time.Now().Add(keyLife)}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.keys == nil {
		c.keys = map[string]*openKey{}
	}
	c.keys[id] = k
	return k, nil
}

// forgetKeys drops the keys whose time is over.
func (s *Service) forgetKeys(context.Context) error {
	c := &s.opened
	c.mu.Lock()
	defer c.mu.Unlock()
	for id, k := range c.keys {
		if !time.Now().Before(k.until) {
			delete(c.keys, id)
		}
	}
	return nil
}

func (k *openKey) seal(plain []byte) []byte { return k.aead.Seal(nil, nil, plain, nil) }

// newDataKey gives g a data key of a KMS key. The caller must be allowed to see the KMS key, and CloudWatch Logs to use
// it for this group.
func (s *Service) newDataKey(ctx context.Context, g *found, kmsKey string) (DataKey, error) {
	if !strings.HasPrefix(kmsKey, "arn:") || !strings.Contains(kmsKey, ":key/") {
		return DataKey{}, invalid("The specified KMS Key Id is not a valid key ARN.")
	}
	seen, err := api.Call[kms.DescribeKeyOutput](api.Via(ctx, "logs.amazonaws.com"), s.api, &kms.DescribeKeyInput{KeyId: &kmsKey})
	if err != nil {
		return DataKey{}, g.unusable(err)
	}
	if seen.KeyMetadata.KeySpec != kmstypes.KeySpecSymmetricDefault {
		return DataKey{}, invalid("The specified KMS Key Id is not a symmetric encryption key.")
	}
	return s.generate(ctx, g, *seen.KeyMetadata.Arn)
}

func (s *Service) generate(ctx context.Context, g *found, kmsKey string) (DataKey, error) {
	made, err := api.Call[kms.GenerateDataKeyOutput](g.asService(ctx), s.api, &kms.GenerateDataKeyInput{
		KeyId: &kmsKey, KeySpec: kmstypes.DataKeySpecAes256, EncryptionContext: g.encryptionContext(),
	})
	if err != nil {
		return DataKey{}, g.unusable(err)
	}
	g.KMSKey, g.DataKey, g.KeyMade = kmsKey, newID(), now()
	_, err = s.opened.add(g.DataKey, made.Plaintext)
	return DataKey{KMSKey: kmsKey, Wrapped: made.CiphertextBlob}, err
}

func (s *Service) putDataKey(tx *store.Tx, g *found, k DataKey) error {
	if g.DataKey == "" {
		return nil
	}
	return s.dataKeys.Put(tx, k, g.account, g.region, g.ID, g.DataKey)
}

// asService is the context in which CloudWatch Logs itself acts for the group.
func (g *found) asService(ctx context.Context) context.Context {
	return api.As(ctx, "logs."+g.region+".amazonaws.com", g.arn())
}

func (g *found) encryptionContext() map[string]string {
	return map[string]string{"aws:logs:arn": g.arn()}
}

// unusable is what CloudWatch Logs says of a KMS key that it cannot use.
func (g *found) unusable(err error) error {
	var known smithy.APIError
	if !errors.As(err, &known) {
		return err
	}
	switch known.ErrorCode() {
	case "NotFoundException":
		return invalid("The specified KMS Key Id could not be found.")
	case "DisabledException", "KMSInvalidStateException":
		return invalid("The specified KMS Key Id is not enabled.")
	case "InvalidArnException", "InvalidKeyUsageException":
		return invalid("The specified KMS Key Id is not valid.")
	}
	return g.forbidden()
}

func (g *found) forbidden() error {
	return &types.AccessDeniedException{Message: aws.String(
		"The specified KMS key does not exist or is not allowed to be used with Arn '" + g.arn() + "'")}
}

// writingKey returns the key for new events, or nil for a group without.
func (s *Service) writingKey(ctx context.Context, g *found) (*openKey, error) {
	if g.KMSKey == "" {
		return nil, nil
	}
	if now()-g.KeyMade > keyTurn.Milliseconds() {
		if err := s.turnKey(ctx, g); err != nil {
			return nil, err
		}
	}
	if k := s.opened.get(g.DataKey); k != nil {
		return k, nil
	}
	var dk DataKey
	err := s.db.View(ctx, func(tx *store.Tx) (err error) {
		dk, err = s.dataKey(tx, g, g.DataKey)
		return err
	})
	if err != nil {
		return nil, err
	}
	return s.unwrap(ctx, g, g.DataKey, dk)
}

// turnKey gives the group a new data key of the same KMS key.
func (s *Service) turnKey(ctx context.Context, g *found) error {
	was := g.DataKey
	dk, err := s.generate(ctx, g, g.KMSKey)
	if err != nil {
		return err
	}
	return s.change(ctx, g.reference, func(tx *store.Tx, g2 *found) error {
		if g2.ID != g.ID || g2.DataKey != was {
			return errOtherKey
		}
		g2.DataKey, g2.KeyMade = g.DataKey, g.KeyMade
		return s.putDataKey(tx, g2, dk)
	})
}

func (s *Service) dataKey(tx *store.Tx, g *found, id string) (DataKey, error) {
	dk, ok, err := s.dataKeys.Get(tx, g.account, g.region, g.ID, id)
	if err == nil && !ok {
		err = fmt.Errorf("%w: a data key is missing", store.ErrCorrupt)
	}
	return dk, err
}

// unwrap has KMS open a data key.
func (s *Service) unwrap(ctx context.Context, g *found, id string, dk DataKey) (*openKey, error) {
	out, err := api.Call[kms.DecryptOutput](g.asService(ctx), s.api, &kms.DecryptInput{
		KeyId: &dk.KMSKey, CiphertextBlob: dk.Wrapped, EncryptionContext: g.encryptionContext(),
	})
	var known smithy.APIError
	if errors.As(err, &known) {
		return nil, g.forbidden()
	} else if err != nil {
		return nil, err
	}
	return s.opened.add(id, out.Plaintext)
}

// open returns the data of a chunk in the clear.
func (s *Service) open(ctx context.Context, tx *store.Tx, g *found, c *Chunk) ([]byte, error) {
	if c.DataKey == "" {
		return c.Data, nil
	}
	k := s.opened.get(c.DataKey)
	if k == nil {
		dk, err := s.dataKey(tx, g, c.DataKey)
		if err != nil {
			return nil, err
		}
		if k, err = s.unwrap(ctx, g, c.DataKey, dk); err != nil {
			return nil, err
		}
	}
	plain, err := k.aead.Open(nil, nil, c.Data, nil)
	if err != nil {
		return nil, fmt.Errorf("%w: log events %w", store.ErrCorrupt, err)
	}
	return plain, nil
}
