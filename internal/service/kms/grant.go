package kms

import (
	"cmp"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"

	"redoubt/internal/policy"
	"redoubt/internal/store"
)

// A Grant lets a principal use a key without a word in the key's policy.
type Grant struct {
	ID                        string
	Account, Region, KeyID    string
	Name                      string
	Created                   time.Time
	Issuer                    string // account that created it
	Grantee, GranteeService   string // one of them
	Retiring, RetiringService string
	GranteeID, RetiringID     string // unique ids of Grantee and Retiring, of users and roles
	Operations                []types.GrantOperation
	Equals, Subset            map[string]string // constraints on the encryption context; nil means none
	SourceARN                 string
}

// A grantRef is an entry of the index of grants. Its key is one of
//
//	account, region, "grantee", key id, principal, grant id
//	account, region, "retiring", principal, key id, grant id
//	account, region, "same", key id, fingerprint           of a grant with a name
//
// Users and roles are there by their unique ids.
type grantRef struct{ ID string }

const byGrantee, byRetiring, byFingerprint = "grantee", "retiring", "same"

// grantee is the principal that may use the key, retiring the one that may end the grant, or "". Users and roles are
// meant by their unique ids: one that is made later under the same name is another.
func (g *Grant) grantee() string  { return cmp.Or(g.GranteeID, g.Grantee, g.GranteeService) }
func (g *Grant) retiring() string { return cmp.Or(g.RetiringID, g.Retiring, g.RetiringService) }

func (g *Grant) place() place { return place{g.Account, g.Region, g.KeyID} }

// fingerprint is the same for grants that are the same but for their ids.
func (g *Grant) fingerprint() string {
	same := *g
	same.ID, same.Created = "", time.Time{}
	text, _ := json.Marshal(same) // strings and maps of strings always marshal
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}

// indexKeys are the keys under which the index has the grant.
func (g *Grant) indexKeys() [][]string {
	keys := [][]string{{g.Account, g.Region, byGrantee, g.KeyID, g.grantee(), g.ID}}
	if g.retiring() != "" {
		keys = append(keys, []string{g.Account, g.Region, byRetiring, g.retiring(), g.KeyID, g.ID})
	}
	if g.Name != "" {
		keys = append(keys, []string{g.Account, g.Region, byFingerprint, g.KeyID, g.fingerprint()})
	}
	return keys
}

func (s *Service) putGrant(tx *store.Tx, g *Grant) error {
	for _, key := range g.indexKeys() {
		if err := s.index.Put(tx, grantRef{g.ID}, key...); err != nil {
			return err
		}
	}
	return s.grants.Put(tx, *g, g.Account, g.Region, g.KeyID, g.ID)
}

func (s *Service) deleteGrant(tx *store.Tx, g *Grant) error {
	for _, key := range g.indexKeys() {
		if err := s.index.Delete(tx, key...); err != nil {
			return err
		}
	}
	return s.grants.Delete(tx, g.Account, g.Region, g.KeyID, g.ID)
}

func (s *Service) getGrant(tx *store.Tx, p place, id string) (Grant, error) {
	g, ok, err := s.grants.Get(tx, p.account, p.region, p.id, id)
	if err == nil && !ok {
		err = notFound("Grant ID %s not found", id)
	}
	return g, err
}

// shown has who is gone by the unique id that nobody will ever have again.
func (g Grant) shown(find policy.Finder) (Grant, error) {
	gone, err := policy.Bindings{g.Grantee: g.GranteeID, g.Retiring: g.RetiringID}.Gone(find)
	g.Grantee, g.Retiring = cmp.Or(gone[g.Grantee], g.Grantee), cmp.Or(gone[g.Retiring], g.Retiring)
	return g, err
}

func (g *Grant) entry() types.GrantListEntry {
	e := types.GrantListEntry{
		GrantId: aws.String(g.ID), KeyId: aws.String(g.place().arn()), CreationDate: aws.Time(g.Created),
		IssuingAccount: aws.String("arn:aws:iam::" + g.Issuer + ":root"), Operations: g.Operations,
		Name: optional(g.Name), GranteePrincipal: optional(g.Grantee), GranteeServicePrincipal: optional(g.GranteeService),
		RetiringPrincipal: optional(g.Retiring), RetiringServicePrincipal: optional(g.RetiringService),
	}
	if g.Equals != nil || g.Subset != nil || g.SourceARN != "" {
		e.Constraints = &types.GrantConstraints{
			EncryptionContextEquals: g.Equals, EncryptionContextSubset: g.Subset, SourceArn: optional(g.SourceARN),
		}
	}
	return e
}

func optional(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

// A grant token names a grant. It is no secret: who may use or retire the grant is told by the grant. Grants hold from
// the moment they are made, so a token brings nothing that the caller does not have already.
func (g *Grant) token() string {
	return base64.StdEncoding.EncodeToString([]byte(strings.Join([]string{
		g.Account, g.Region, g.KeyID, g.ID, randomHex(8),
	}, "\x00")))
}

// parseToken reads a grant token.
func parseToken(token string) (p place, id string, err error) {
	text, err := base64.StdEncoding.Strict().DecodeString(token)
	parts := strings.Split(string(text), "\x00")
	if err != nil || len(parts) != 5 || slices.Contains(parts, "") {
		return p, "", &types.InvalidGrantTokenException{Message: aws.String("The grant token is not valid.")}
	}
	return place{parts[0], parts[1], parts[2]}, parts[3], nil
}

func checkTokens(tokens []string) error {
	for _, t := range tokens {
		if _, _, err := parseToken(t); err != nil {
			return err
		}
	}
	return nil
}
