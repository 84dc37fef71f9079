package kms

import (
	"context"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"

	"redoubt/internal/api"
	"redoubt/internal/store"
)

// A key has at most 50,000 grants (KMS quotas, "Grants per KMS key").
const maxGrants = 50_000

// grantable are the operations that a grant on a key may permit, besides those on grants and keys themselves
// (https://docs.aws.amazon.com/kms/latest/developerguide/grants.html#terms-grant-operations).
func (k *Key) grantable() []types.GrantOperation {
	list := []types.GrantOperation{types.GrantOperationCreateGrant, types.GrantOperationDescribeKey, types.GrantOperationRetireGrant}
	if k.kind().paired() {
		list = append(list, types.GrantOperationGetPublicKey)
	}
	list = append(list, grantableFor[k.usage()]...)
	if k.symmetric() {
		list = append(list, types.GrantOperationGenerateDataKey, types.GrantOperationGenerateDataKeyWithoutPlaintext,
			types.GrantOperationGenerateDataKeyPair, types.GrantOperationGenerateDataKeyPairWithoutPlaintext)
	}
	return list
}

var grantableFor = map[types.KeyUsageType][]types.GrantOperation{
	types.KeyUsageTypeEncryptDecrypt: {
		types.GrantOperationDecrypt, types.GrantOperationEncrypt, types.GrantOperationReEncryptFrom, types.GrantOperationReEncryptTo,
	},
	types.KeyUsageTypeSignVerify:             {types.GrantOperationSign, types.GrantOperationVerify},
	types.KeyUsageTypeGenerateVerifyMac:      {types.GrantOperationGenerateMac, types.GrantOperationVerifyMac},
	types.KeyUsageTypeKeyAgreement:           {types.GrantOperationDeriveSharedSecret},
	types.KeyUsageTypeEncapsulateDecapsulate: {types.GrantOperationEncapsulate, types.GrantOperationDecapsulate},
}

// CreateGrant implements the KMS operation.
func (s *Service) CreateGrant(ctx context.Context, in *kms.CreateGrantInput) (*kms.CreateGrantOutput, error) {
	if err := checkTokens(in.GrantTokens); err != nil {
		return nil, err
	}
	k, err := s.openByID(ctx, *in.KeyId)
	if err != nil {
		return nil, err
	}
	g, err := newGrant(ctx, k, in)
	if err == nil {
		err = s.bindPrincipals(ctx, g)
	}
	if err == nil {
		err = k.usable()
	}
	if err == nil {
		err = dryRun(in.DryRun)
	}
	if err != nil {
		return nil, err
	}
	err = s.db.Update(ctx, func(tx *store.Tx) error { return s.addGrant(tx, g) })
	return &kms.CreateGrantOutput{GrantId: aws.String(g.ID), GrantToken: aws.String(g.token())}, err
}

func newGrant(ctx context.Context, k *live, in *kms.CreateGrantInput) (*Grant, error) {
	g := &Grant{
		ID: randomHex(32), Account: k.Account, Region: k.Region, KeyID: k.ID, Name: aws.ToString(in.Name),
		Created: time.Now().UTC(), Issuer: api.CallerOf(ctx).Account,
		Grantee: aws.ToString(in.GranteePrincipal), GranteeService: aws.ToString(in.GranteeServicePrincipal),
		Retiring: aws.ToString(in.RetiringPrincipal), RetiringService: aws.ToString(in.RetiringServicePrincipal),
	}
	for _, op := range in.Operations {
		if !slices.Contains(k.grantable(), op) {
			return nil, invalid("The operation %s is not compatible with the key spec %s", op, k.spec())
		}
		if !slices.Contains(g.Operations, op) {
			g.Operations = append(g.Operations, op)
		}
	}
	if c := in.Constraints; c != nil {
		if !k.symmetric() && len(c.EncryptionContextEquals)+len(c.EncryptionContextSubset) > 0 {
			return nil, invalid("Encryption context constraints are not supported for the key spec %s", k.spec())
		}
		g.Equals, g.Subset, g.SourceARN = c.EncryptionContextEquals, c.EncryptionContextSubset, aws.ToString(c.SourceArn)
	}
	return g, g.check()
}

// addGrant stores a grant, or takes the id of the one that is there already: with a name, a request may be sent again.
func (s *Service) addGrant(tx *store.Tx, g *Grant) error {
	k, err := s.get(tx, g.place())
	if err != nil {
		return err
	}
	if err := k.usable(); err != nil {
		return err
	}
	if g.Name != "" {
		same, ok, err := s.index.Get(tx, g.Account, g.Region, byFingerprint, g.KeyID, g.fingerprint())
		if err != nil {
			return err
		}
		if ok {
			g.ID = same.ID
			return nil
		}
	}
	if k.Grants >= maxGrants {
		return limitExceeded("Too many grants for key %s", k.place().arn())
	}
	k.Grants++
	if err := s.putGrant(tx, g); err != nil {
		return err
	}
	return s.put(tx, &k)
}
