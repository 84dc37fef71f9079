package sts

import (
	"context"
	"errors"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/aws-sdk-go-v2/service/sts/types"
	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"redoubt/internal/api"
	"redoubt/internal/policy"
)

// claims are what a token of an OIDC provider says.
type claims struct {
	jwt.Claims
	AuthorizedParty string        `json:"azp"`
	AMR             []string      `json:"amr"`
	Tags            tokenTags     `json:"https://aws.amazon.com/tags"`
	SourceIdentity  string        `json:"https://aws.amazon.com/source_identity"`
	Provider        *api.Provider `json:"-"`
}

// tokenTags are the session tags in a token, each a list of one value
// (https://docs.aws.amazon.com/IAM/latest/UserGuide/id_session-tags.html#id_session-tags_adding-assume-role-idp).
type tokenTags struct {
	Principal  map[string][]string `json:"principal_tags"`
	Transitive []string            `json:"transitive_tag_keys"`
}

func (t tokenTags) list() (tags []types.Tag) {
	for _, k := range slices.Sorted(maps.Keys(t.Principal)) {
		tags = append(tags, types.Tag{Key: aws.String(k), Value: aws.String(t.Principal[k][0])})
	}
	return tags
}

// audience is what AWS compares with the provider's client ids: azp where there is one.
func (c *claims) audience() string {
	if c.AuthorizedParty != "" {
		return c.AuthorizedParty
	}
	if len(c.Audience) > 0 {
		return c.Audience[0]
	}
	return ""
}

// keys are the condition keys that a token brings
// (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_iam-condition-keys.html#condition-keys-wif).
func (c *claims) keys(sessionName string) policy.MapKeys {
	issuer := strings.ToLower(c.Provider.URL)
	keys := policy.MapKeys{
		issuer + ":aud": {c.audience()}, issuer + ":sub": {c.Subject},
		"sts:rolesessionname": {sessionName}, "aws:federatedprovider": {c.Provider.ARN},
	}
	if c.AuthorizedParty != "" && len(c.Audience) > 0 {
		keys[issuer+":oaud"] = c.Audience
	}
	if len(c.AMR) > 0 {
		keys[issuer+":amr"] = c.AMR
	}
	if c.SourceIdentity != "" {
		keys["sts:sourceidentity"] = []string{c.SourceIdentity}
	}
	if len(c.Tags.Transitive) > 0 {
		keys["sts:transitivetagkeys"] = c.Tags.Transitive
	}
	for k, v := range c.Tags.Principal {
		keys["aws:tagkeys"] = append(keys["aws:tagkeys"], k)
		keys["aws:requesttag/"+strings.ToLower(k)] = v
	}
	return keys
}

var tokenAlgorithms = []jose.SignatureAlgorithm{jose.RS256, jose.RS384, jose.RS512, jose.ES256, jose.ES384, jose.ES512}

// verifyToken checks a token against the provider of the role's account that issued it. With an error it returns the
// claims as far as it got: with a provider once one is known.
func (s *Service) verifyToken(ctx context.Context, in *sts.AssumeRoleWithWebIdentityInput) (*claims, error) {
	c := new(claims)
	token, err := jwt.ParseSigned(*in.WebIdentityToken, tokenAlgorithms)
	if err != nil || len(token.Headers) != 1 {
		return c, invalidToken("The web identity token that was passed could not be validated: it is not a signed JWT.")
	}
	if err := token.UnsafeClaimsWithoutVerification(c); err != nil {
		return c, invalidToken("The claims of the web identity token could not be read.")
	}
	provider, err := s.api.Directory().Provider(ctx, accountOf(*in.RoleArn), c.Issuer)
	if errors.Is(err, api.ErrUnknown) {
		return c, invalidToken("No OpenIDConnect provider found in your account for " + c.Issuer)
	} else if err != nil {
		return c, err
	}
	c.Provider = provider
	key, err := s.keys.find(ctx, provider, c.Issuer, token.Headers[0].KeyID)
	if err != nil {
		return c, unreachable()
	}
	if err := token.Claims(key, c); err != nil {
		return c, invalidToken("Token signature is not valid")
	}
	return c, c.check(time.Now())
}

// check refuses claims that are out of their time, for somebody else, or incomplete.
func (c *claims) check(now time.Time) error {
	const leeway = 5 * time.Minute // clocks differ
	switch {
	case c.Expiry == nil:
		return invalidToken("Missing a required claim: exp")
	case c.Subject == "":
		return invalidToken("Missing a required claim: sub")
	case c.audience() == "":
		return invalidToken("Missing a required claim: aud")
	case !now.Before(c.Expiry.Time()):
		return &types.ExpiredTokenException{Message: aws.String("Token expired: current date/time " + stamp(now) + " must be before the expiration date/time " + stamp(c.Expiry.Time()))}
	case c.NotBefore != nil && c.NotBefore.Time().After(now.Add(leeway)), c.IssuedAt != nil && c.IssuedAt.Time().After(now.Add(leeway)):
		return invalidToken("Token is not yet valid")
	case !slices.Contains(c.Provider.ClientIDs, c.audience()):
		return invalidToken("Incorrect token audience")
	}
	return c.checkSession()
}

// The forms of what a token says about the session, as for the parameters of AssumeRole.
var (
	tagKey             = regexp.MustCompile(`^[\p{L}\p{Z}\p{N}_.:/=+\-@]{1,128}$`)
	tagValue           = regexp.MustCompile(`^[\p{L}\p{Z}\p{N}_.:/=+\-@]{0,256}$`)
	sourceIdentityForm = regexp.MustCompile(`^[\w+=,.@-]{2,64}$`)
)

func (c *claims) checkSession() error {
	if c.SourceIdentity != "" && !sourceIdentityForm.MatchString(c.SourceIdentity) {
		return invalidToken("The source identity in the token is not valid.")
	}
	for k, v := range c.Tags.Principal {
		if len(v) != 1 || !tagKey.MatchString(k) || !tagValue.MatchString(v[0]) {
			return invalidToken("The session tags in the token are not valid.")
		}
	}
	return nil
}

func stamp(t time.Time) string { return t.UTC().Format("20060102T150405Z") }

func invalidToken(message string) error {
	return &types.InvalidIdentityTokenException{Message: &message}
}
