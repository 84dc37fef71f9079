package kms

import (
	"context"
	"errors"
	"maps"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/smithy-go"

	"redoubt/internal/api"
	"redoubt/internal/policy"
	"redoubt/internal/store"
)

const keyType, aliasType = "AWS::KMS::Key", "AWS::KMS::Alias"

// key resolves the keys of operations that take every form of KeyId, of any account.
func (s *Service) key(ctx context.Context, keyID string) (api.Resource, error) {
	r, err := parseReference(ctx, keyID)
	return s.resolve(ctx, r, err)
}

// keyByID resolves the keys of operations that take no alias.
func (s *Service) keyByID(ctx context.Context, keyID string) (api.Resource, error) {
	r, err := parseKeyReference(ctx, keyID)
	return s.resolve(ctx, r, err)
}

// ownKey resolves the keys of operations that take no alias, and that AWS does not offer across accounts, whatever the
// key's policy says.
func (s *Service) ownKey(ctx context.Context, keyID string) (api.Resource, error) {
	res, err := s.keyByID(ctx, keyID)
	if res.Account != api.CallerOf(ctx).Account {
		res.Policy = nil
	}
	return res, err
}

// resolve returns a key that is there with its policy and grants. What is not there has no policy: it is denied to other
// accounts, and missed by those of its own who may use any key.
func (s *Service) resolve(ctx context.Context, r reference, parseErr error) (api.Resource, error) {
	nothing := api.Resource{ARN: arnOf(r.account, r.region, "key/*"), Type: keyType, Account: r.account}
	if parseErr != nil {
		return nothing, nil
	}
	k, err := s.lookup(ctx, r)
	var known smithy.APIError
	switch {
	case errors.As(err, &known):
		if r.alias == "" {
			nothing.ARN = r.arn()
		}
		return nothing, nil
	case err != nil:
		return nothing, err
	}
	return s.resource(ctx, k, r.alias)
}

func (s *Service) resource(ctx context.Context, k *live, alias string) (api.Resource, error) {
	document, err := s.policyFor(ctx, k, &api.CallerOf(ctx).Principal)
	facts := k.facts
	if alias != "" {
		facts = maps.Clone(facts)
		facts["kms:requestalias"] = []string{alias}
	}
	return api.Resource{
		ARN: k.arn, Type: keyType, Account: k.Account, Tags: k.Tags, Policy: document, MustDelegate: true, Keys: facts,
	}, err
}

// newKey is what a CreateKey tags: a key that has no name yet, so that the permission must be on all keys
// (https://docs.aws.amazon.com/kms/latest/developerguide/tag-permissions.html).
func newKey(ctx context.Context, _ *kms.CreateKeyInput) (api.Resource, error) {
	c := api.CallerOf(ctx)
	return api.Resource{ARN: arnOf(c.Account, c.Region, "key/*"), Account: c.Account}, nil
}

func bringsTags(in any) bool { return len(in.(*kms.CreateKeyInput).Tags) > 0 }

// decrypts resolves the key of a Decrypt: the named one, or else the one that the ciphertext names.
func (s *Service) decrypts(ctx context.Context, in *kms.DecryptInput) (api.Resource, error) {
	return s.opens(ctx, in.KeyId, in.CiphertextBlob)
}

func (s *Service) opens(ctx context.Context, keyID *string, ciphertext []byte) (api.Resource, error) {
	if keyID != nil {
		return s.key(ctx, *keyID)
	}
	c := api.CallerOf(ctx)
	if b, ok := parseBlob(ciphertext); ok {
		if k, err := s.load(ctx, place{b.account, c.Region, b.id}); k != nil || err != nil {
			return s.resourceOr(ctx, k, err)
		}
	}
	return api.Resource{ARN: arnOf(c.Account, c.Region, "key/*"), Type: keyType, Account: c.Account}, nil
}

func (s *Service) resourceOr(ctx context.Context, k *live, err error) (api.Resource, error) {
	if err != nil {
		return api.Resource{}, err
	}
	return s.resource(ctx, k, "")
}

// reEncryptsFrom and reEncryptsTo resolve the two keys of a ReEncrypt; both are told whether they are the same.
func (s *Service) reEncryptsFrom(ctx context.Context, in *kms.ReEncryptInput) (api.Resource, error) {
	from, _, err := s.reEncrypts(ctx, in)
	return from, err
}

func (s *Service) reEncryptsTo(ctx context.Context, in *kms.ReEncryptInput) (api.Resource, error) {
	_, to, err := s.reEncrypts(ctx, in)
	return to, err
}

func (s *Service) reEncrypts(ctx context.Context, in *kms.ReEncryptInput) (from, to api.Resource, err error) {
	if from, err = s.opens(ctx, in.SourceKeyId, in.CiphertextBlob); err != nil {
		return from, to, err
	}
	if to, err = s.key(ctx, aws.ToString(in.DestinationKeyId)); err != nil {
		return from, to, err
	}
	same := boolText(from.ARN == to.ARN)
	from.Keys, to.Keys = with(from.Keys, "kms:reencryptonsamekey", same), with(to.Keys, "kms:reencryptonsamekey", same)
	return from, to, nil
}

func with(facts policy.MapKeys, name, value string) policy.MapKeys {
	more := maps.Clone(facts)
	if more == nil {
		more = policy.MapKeys{}
	}
	more[name] = []string{value}
	return more
}

func boolText(b bool) string {
	if b {
		return "true"
	}
	return "false"
}

// alias resolves an alias itself, which has no policy of its own.
func (s *Service) alias(ctx context.Context, name string) (api.Resource, error) {
	c := api.CallerOf(ctx)
	return api.Resource{ARN: arnOf(c.Account, c.Region, name), Type: aliasType, Account: c.Account}, nil
}

// aliased resolves the key that an alias of the caller's account points to now.
func (s *Service) aliased(ctx context.Context, name string) (api.Resource, error) {
	c := api.CallerOf(ctx)
	r := reference{place: place{account: c.Account, region: c.Region}, alias: name}
	var a Alias
	err := s.db.View(ctx, func(tx *store.Tx) (err error) {
		a, _, err = s.aliases.Get(tx, r.account, r.region, r.alias)
		return err
	})
	if err != nil || a.KeyID == "" {
		return api.Resource{ARN: arnOf(r.account, r.region, "key/*"), Type: keyType, Account: r.account}, err
	}
	return s.keyByID(ctx, a.KeyID)
}
