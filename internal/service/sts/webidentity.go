package sts

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/aws-sdk-go-v2/service/sts/types"
	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"redoubt/internal/api"
	"redoubt/internal/arn"
	"redoubt/internal/policy"
	"redoubt/internal/wire"
)

// claims are what a token of an OIDC provider says.
type claims struct {
	jwt.Claims
	AuthorizedParty string        `json:"azp"`
	AMR             []string      `json:"amr"`
	Provider        *api.Provider `json:"-"`
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

var tokenAlgorithms = []jose.SignatureAlgorithm{jose.RS256, jose.RS384, jose.RS512, jose.ES256, jose.ES384, jose.ES512}

// webIdentity finds out who calls AssumeRoleWithWebIdentity: the provider that vouches for the token.
func (s *Service) webIdentity(ctx context.Context, input any) (policy.Principal, policy.MapKeys, error) {
	in := input.(*sts.AssumeRoleWithWebIdentityInput)
	c, err := s.verifyToken(ctx, in)
	if err != nil {
		return policy.Principal{}, nil, err
	}
	issuer := strings.ToLower(c.Provider.URL)
	keys := policy.MapKeys{
		issuer + ":aud": {c.audience()}, issuer + ":sub": {c.Subject},
		"sts:rolesessionname": {aws.ToString(in.RoleSessionName)}, "aws:federatedprovider": {c.Provider.ARN},
	}
	if c.AuthorizedParty != "" && len(c.Audience) > 0 {
		keys[issuer+":oaud"] = c.Audience
	}
	if len(c.AMR) > 0 {
		keys[issuer+":amr"] = c.AMR
	}
	return policy.Principal{Federated: c.Provider.ARN, Account: accountOf(*in.RoleArn)}, keys, nil
}

// verifyToken checks a token against the provider of the role's account that issued it.
func (s *Service) verifyToken(ctx context.Context, in *sts.AssumeRoleWithWebIdentityInput) (*claims, error) {
	token, err := jwt.ParseSigned(*in.WebIdentityToken, tokenAlgorithms)
	if err != nil || len(token.Headers) != 1 {
		return nil, invalidToken("The web identity token that was passed could not be validated: it is not a signed JWT.")
	}
	c := new(claims)
	if err := token.UnsafeClaimsWithoutVerification(c); err != nil {
		return nil, invalidToken("The claims of the web identity token could not be read.")
	}
	c.Provider, err = s.api.Directory().Provider(ctx, accountOf(*in.RoleArn), c.Issuer)
	if errors.Is(err, api.ErrUnknown) {
		return nil, invalidToken("No OpenIDConnect provider found in your account for " + c.Issuer)
	} else if err != nil {
		return nil, err
	}
	key, err := s.keys.find(ctx, c.Provider, c.Issuer, token.Headers[0].KeyID)
	if err != nil {
		return nil, wire.Errorf("IDPCommunicationError", http.StatusBadRequest,
			"Couldn't retrieve verification key from your identity provider, please reference AssumeRoleWithWebIdentity documentation for requirements")
	}
	provider := c.Provider
	if err := token.Claims(key, c); err != nil {
		return nil, invalidToken("Token signature is not valid")
	}
	c.Provider = provider
	return c, c.check(time.Now())
}

func (c *claims) check(now time.Time) error {
	const leeway = 5 * time.Minute // API_AssumeRoleWithWebIdentity allows clocks to differ
	switch {
	case c.Expiry == nil:
		return invalidToken("Missing a required claim: exp")
	case now.After(c.Expiry.Time()):
		return &types.ExpiredTokenException{Message: aws.String("Token expired: current date/time " + stamp(now) + " must be before the expiration date/time " + stamp(c.Expiry.Time()))}
	case c.NotBefore != nil && c.NotBefore.Time().After(now.Add(leeway)), c.IssuedAt != nil && c.IssuedAt.Time().After(now.Add(leeway)):
		return invalidToken("Token is not yet valid")
	}
	for _, id := range c.Provider.ClientIDs {
		if id == c.audience() {
			return nil
		}
	}
	return invalidToken("Incorrect token audience")
}

func stamp(t time.Time) string { return t.UTC().Format("20060102T150405Z") }

// AssumeRoleWithWebIdentity issues credentials of a role to the bearer of a token that its trust policy accepts.
func (s *Service) AssumeRoleWithWebIdentity(ctx context.Context, in *sts.AssumeRoleWithWebIdentityInput) (*sts.AssumeRoleWithWebIdentityOutput, error) {
	if in.ProviderId != nil {
		return nil, api.Errorf("ValidationError", "ProviderId is for OAuth 2.0 access tokens, which Redoubt does not support: use an OpenID Connect ID token")
	}
	c, err := s.verifyToken(ctx, in)
	if err != nil {
		return nil, err
	}
	role, err := s.api.Directory().Role(ctx, *in.RoleArn)
	if err != nil {
		return nil, err
	}
	length, err := sessionLength(in.DurationSeconds, role.MaxSession, false)
	if err != nil {
		return nil, err
	}
	narrowing, err := s.narrow(ctx, in.Policy, in.PolicyArns)
	if err != nil {
		return nil, err
	}
	session := roleSession(role, *in.RoleSessionName, length)
	session.Policies, session.PolicyARN = narrowing.texts, narrowing.arns
	session.Federated, session.Subject = c.Provider.ARN, c.Subject
	creds, err := s.issue(session)
	if err != nil {
		return nil, err
	}
	audience := c.audience()
	return &sts.AssumeRoleWithWebIdentityOutput{
		Credentials: creds, AssumedRoleUser: roleUser(session), Audience: &audience, Provider: &c.Provider.ARN,
		SubjectFromWebIdentityToken: &c.Subject, PackedPolicySize: packedSize(session),
	}, nil
}

func accountOf(roleARN string) string {
	a, err := arn.Parse(roleARN)
	if err != nil {
		return ""
	}
	return a.Account
}

func invalidToken(message string) error {
	return &types.InvalidIdentityTokenException{Message: &message}
}
