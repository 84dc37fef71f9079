package kms

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"

	"redoubt/internal/api"
	"redoubt/internal/policy"
	"redoubt/internal/store"
)

// A key has at most 50,000 grants (KMS quotas, "Grants per KMS key").
const maxGrants = 50_000

// grantable are the operations that a grant on a symmetric encryption key may permit
// (https://docs.aws.amazon.com/kms/latest/developerguide/grants.html#terms-grant-operations).
var grantable = []types.GrantOperation{
	types.GrantOperationCreateGrant, types.GrantOperationDecrypt, types.GrantOperationDescribeKey, types.GrantOperationEncrypt,
	types.GrantOperationGenerateDataKey, types.GrantOperationGenerateDataKeyPair,
	types.GrantOperationGenerateDataKeyPairWithoutPlaintext, types.GrantOperationGenerateDataKeyWithoutPlaintext,
	types.GrantOperationReEncryptFrom, types.GrantOperationReEncryptTo, types.GrantOperationRetireGrant,
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
		err = s.checkPrincipals(ctx, g)
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
		if !slices.Contains(grantable, op) {
			return nil, invalid("The operation %s is not compatible with the key spec SYMMETRIC_DEFAULT", op)
		}
		if !slices.Contains(g.Operations, op) {
			g.Operations = append(g.Operations, op)
		}
	}
	if c := in.Constraints; c != nil {
		g.Equals, g.Subset, g.SourceARN = c.EncryptionContextEquals, c.EncryptionContextSubset, aws.ToString(c.SourceArn)
	}
	return g, g.check()
}

// check applies the rules of API_CreateGrant.
func (g *Grant) check() error {
	switch {
	case (g.Grantee == "") == (g.GranteeService == ""):
		return invalid("Either GranteePrincipal or GranteeServicePrincipal must be specified, but not both.")
	case g.Retiring != "" && g.RetiringService != "":
		return invalid("Either RetiringPrincipal or RetiringServicePrincipal can be specified, but not both.")
	case g.GranteeService != "" && (g.SourceARN == "" || g.retiring() == ""):
		return invalid("A grant to a service must have a SourceArn constraint and a retiring principal.")
	case len(g.Operations) == 0:
		return invalid("At least one operation must be specified.")
	case len(g.Equals) > 0 && len(g.Subset) > 0:
		return invalid("EncryptionContextEquals and EncryptionContextSubset cannot both be specified.")
	}
	for _, context := range []map[string]string{g.Equals, g.Subset} {
		if err := checkConstraint(context); err != nil {
			return err
		}
	}
	return nil
}

// A constraint has at most 8 pairs of at most 384 characters.
func checkConstraint(context map[string]string) error {
	if len(context) > 8 {
		return invalid("A grant constraint cannot have more than 8 encryption context pairs.")
	}
	for k, v := range context {
		if len(k)+len(v) > 384 {
			return invalid("An encryption context pair in a grant constraint cannot exceed 384 characters.")
		}
	}
	return nil
}

// checkPrincipals refuses what is no principal. Roles must exist, as far as they are asked for here.
func (s *Service) checkPrincipals(ctx context.Context, g *Grant) error {
	for _, p := range []string{g.Grantee, g.Retiring} {
		if p == "" {
			continue
		}
		if err := s.checkPrincipal(ctx, p); err != nil {
			return err
		}
	}
	_, err := g.compile(append(g.statements(), g.retirement()...))
	var m *policy.Malformed
	if errors.As(err, &m) {
		return invalidARN("%s", m.Message)
	}
	return err
}

func (s *Service) checkPrincipal(ctx context.Context, arn string) error {
	no := invalidARN("ARN does not refer to a valid principal: %s", arn)
	if !strings.HasPrefix(arn, "arn:aws:iam::") && !strings.HasPrefix(arn, "arn:aws:sts::") {
		return no
	}
	probe := Grant{Issuer: "000000000000", Retiring: arn}
	if _, err := probe.compile(probe.retirement()); err != nil {
		return no
	}
	if strings.Contains(arn, ":role/") {
		if _, err := s.api.Directory().Role(ctx, arn); errors.Is(err, api.ErrUnknown) {
			return no
		} else if err != nil {
			return err
		}
	}
	return nil
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

// RevokeGrant implements the KMS operation.
func (s *Service) RevokeGrant(ctx context.Context, in *kms.RevokeGrantInput) (*kms.RevokeGrantOutput, error) {
	r, err := parseKeyReference(ctx, *in.KeyId)
	if err != nil {
		return nil, err
	}
	return &kms.RevokeGrantOutput{}, s.endGrant(ctx, r.place, *in.GrantId, in.DryRun)
}

// RetireGrant implements the KMS operation.
func (s *Service) RetireGrant(ctx context.Context, in *kms.RetireGrantInput) (*kms.RetireGrantOutput, error) {
	p, id, err := grantToRetire(ctx, in)
	if err != nil {
		return nil, err
	}
	return &kms.RetireGrantOutput{}, s.endGrant(ctx, p, id, in.DryRun)
}

func (s *Service) endGrant(ctx context.Context, p place, id string, dry *bool) error {
	return s.db.Update(ctx, func(tx *store.Tx) error {
		k, err := s.get(tx, p)
		if err != nil {
			return err
		}
		g, err := s.getGrant(tx, p, id)
		if err != nil {
			return err
		}
		if err := dryRun(dry); err != nil {
			return err
		}
		if err := s.deleteGrant(tx, &g); err != nil {
			return err
		}
		k.Grants--
		return s.put(tx, &k)
	})
}

// grantToRetire is the grant that a token names, or a key and an id.
func grantToRetire(ctx context.Context, in *kms.RetireGrantInput) (place, string, error) {
	if in.GrantToken != nil {
		p, id, err := parseToken(*in.GrantToken)
		if err == nil && p.region != api.CallerOf(ctx).Region {
			err = &types.InvalidGrantTokenException{Message: aws.String("The grant token is not valid.")}
		}
		return p, id, err
	}
	if in.KeyId == nil || in.GrantId == nil {
		return place{}, "", invalid("Grant token OR (grant ID, key ID) must be specified")
	}
	r, err := parseKeyReference(ctx, *in.KeyId)
	return r.place, *in.GrantId, err
}

// retires resolves the key of a RetireGrant. Who may retire is told by the grant alone; the key's policy has no say.
func (s *Service) retires(ctx context.Context, in *kms.RetireGrantInput) (api.Resource, error) {
	c := api.CallerOf(ctx)
	p, id, err := grantToRetire(ctx, in)
	if err != nil {
		return api.Resource{ARN: arnOf(c.Account, c.Region, "key/*"), Type: keyType, Account: c.Account}, nil
	}
	res := api.Resource{ARN: p.arn(), Type: keyType, Account: p.account}
	err = s.db.View(ctx, func(tx *store.Tx) error {
		k, err := s.loadIn(tx, p)
		if err != nil || k == nil {
			return err
		}
		g, ok, err := s.grants.Get(tx, p.account, p.region, p.id, id)
		if err != nil || !ok {
			return err
		}
		res.Tags, res.Keys, res.MustDelegate = k.Tags, k.facts, true
		res.Policy, err = g.compile(g.retirement())
		return err
	})
	return res, err
}
