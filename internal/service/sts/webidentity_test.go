package sts_test

import (
	"encoding/base64"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudtrail"
	"github.com/aws/aws-sdk-go-v2/service/cloudtrail/types"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/go-jose/go-jose/v4"
)

const webActions = "sts:AssumeRoleWithWebIdentity sts:TagSession sts:SetSourceIdentity"

// A web is an account with a role for whom an issuer vouches.
type web struct {
	*account
	*issuer
	provider, role string
	key            jose.JSONWebKey
}

func startWeb(t *testing.T, more ...string) *web {
	t.Helper()
	w := &web{account: start(t), issuer: startIssuer(t), key: rsaKey(t, "first")}
	w.publish(w.key)
	w.provider = w.trusted(w.account, w.thumbprint())
	for i := range more {
		more[i] = strings.ReplaceAll(more[i], "ISSUER", w.host())
	}
	w.role = w.account.role("web", trust(`{"Federated":"`+w.provider+`"}`, webActions, more...), allow("iam:ListUsers"))
	return w
}

func TestATokenOfATrustedIssuerAssumesTheRole(t *testing.T) {
	t.Parallel()
	w := startWeb(t, condition("StringEquals", "ISSUER:aud", "client"))
	ec := ecKey(t, "second")
	w.publish(w.key, ec)
	for _, key := range []jose.JSONWebKey{w.key, ec} {
		out, err := bear(t, w.account, w.role, w.issuer.token(key))
		must(t, err)
		must(t, mayList(t, as(w.cfg, out.Credentials)))
		if *out.Audience != "client" || *out.SubjectFromWebIdentityToken != "mallory" || *out.Provider != w.provider {
			t.Errorf("got %s %s %s", *out.Audience, *out.SubjectFromWebIdentityToken, *out.Provider)
		}
		if arn := *whoIs(t, as(w.cfg, out.Credentials)).Arn; arn != "arn:aws:sts::"+w.id+":assumed-role/web/session" {
			t.Errorf("session is %s", arn)
		}
	}
	if w.fetched() != 1 {
		t.Errorf("keys were fetched %d times, want once", w.fetched())
	}
}

func TestTokensThatAreNotGoodAreRefused(t *testing.T) {
	t.Parallel()
	w := startWeb(t)
	forger := rsaKey(t, "first")
	hmac := jose.JSONWebKey{Key: []byte(strings.Repeat("k", 32)), KeyID: "first", Algorithm: string(jose.HS256)}
	good := w.issuer.token(w.key)
	parts := strings.Split(good, ".")
	none := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"none","kid":"first"}`)) + "." + parts[1] + "."
	hour := func(n int) int64 { return time.Now().Add(time.Duration(n) * time.Hour).Unix() }
	for name, test := range map[string]struct{ token, code string }{
		"wrong audience":        {w.issuer.token(w.key, map[string]any{"aud": "other"}), "InvalidIdentityToken"},
		"wrong party":           {w.issuer.token(w.key, map[string]any{"azp": "other"}), "InvalidIdentityToken"},
		"no audience":           {w.issuer.token(w.key, map[string]any{"aud": nil}), "InvalidIdentityToken"},
		"no subject":            {w.issuer.token(w.key, map[string]any{"sub": nil}), "InvalidIdentityToken"},
		"no end":                {w.issuer.token(w.key, map[string]any{"exp": nil}), "InvalidIdentityToken"},
		"expired":               {w.issuer.token(w.key, map[string]any{"exp": hour(-1)}), "ExpiredTokenException"},
		"not yet":               {w.issuer.token(w.key, map[string]any{"nbf": hour(1), "exp": hour(2)}), "InvalidIdentityToken"},
		"unknown issuer":        {w.issuer.token(w.key, map[string]any{"iss": "https://other.localhost"}), "InvalidIdentityToken"},
		"issuer without https":  {w.issuer.token(w.key, map[string]any{"iss": "http://" + w.host()}), "InvalidIdentityToken"},
		"signed by another key": {w.issuer.token(forger), "InvalidIdentityToken"},
		"other claims":          {parts[0] + "." + strings.Split(w.issuer.token(w.key, map[string]any{"sub": "eve"}), ".")[1] + "." + parts[2], "InvalidIdentityToken"},
		"HMAC":                  {w.issuer.token(hmac), "InvalidIdentityToken"},
		"no algorithm":          {none, "InvalidIdentityToken"},
		"no token":              {"garbage", "InvalidIdentityToken"},
		"bad tags":              {w.issuer.token(w.key, map[string]any{"https://aws.amazon.com/tags": map[string]any{"principal_tags": map[string]any{"team": []string{"a", "b"}}}}), "InvalidIdentityToken"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := bear(t, w.account, w.role, test.token)
			refused(t, err, test.code)
		})
	}
	_, err := bear(t, w.account, w.role, good)
	must(t, err)
}

func TestTheTrustPolicyDecidesAboutTheClaims(t *testing.T) {
	t.Parallel()
	w := startWeb(t, condition("StringEquals", "ISSUER:sub", "alice"))
	_, err := bear(t, w.account, w.role, w.issuer.token(w.key))
	refused(t, err, "AccessDenied")
	_, err = bear(t, w.account, w.role, w.issuer.token(w.key, map[string]any{"sub": "alice"}))
	must(t, err)
	_, err = bear(t, w.account, w.arn("role/missing"), w.issuer.token(w.key, map[string]any{"sub": "alice"}))
	refused(t, err, "AccessDenied")
	other := w.account.role("other", trusting(w.arn("root")), "")
	_, err = bear(t, w.account, other, w.issuer.token(w.key, map[string]any{"sub": "alice"}))
	refused(t, err, "AccessDenied")
}

func TestAProviderOfOneAccountIsNothingToAnother(t *testing.T) {
	t.Parallel()
	w, b := startWeb(t), start(t)
	role := b.role("web", trust(`{"Federated":"`+w.provider+`"}`, webActions), "")
	_, err := bear(t, b, role, w.issuer.token(w.key))
	refused(t, err, "InvalidIdentityToken", "No OpenIDConnect provider found in your account for "+w.URL)
}

func TestCredentialsDoNotHelpATokenThatTheTrustPolicyRefuses(t *testing.T) {
	t.Parallel()
	w := startWeb(t, condition("StringEquals", "ISSUER:sub", "alice"))
	_, err := assume(t, w.cfg, w.role)
	refused(t, err, "AccessDenied")
}

func TestNewKeysOfTheIssuerAreFetched(t *testing.T) {
	t.Parallel()
	w := startWeb(t)
	next := rsaKey(t, "second")
	w.publish(next)
	_, err := bear(t, w.account, w.role, w.issuer.token(next))
	must(t, err)
	_, err = bear(t, w.account, w.role, w.issuer.token(w.key))
	refused(t, err, "IDPCommunicationError")
	if w.fetched() != 1 { // a stranger cannot make the server ask again and again
		t.Errorf("keys were fetched %d times, want once", w.fetched())
	}
}

func TestAnIssuerThatCannotBeReachedOrTrustedVouchesForNobody(t *testing.T) {
	t.Parallel()
	down := startWeb(t)
	down.Close()
	_, err := bear(t, down.account, down.role, down.issuer.token(down.key))
	refused(t, err, "IDPCommunicationError", "Couldn't retrieve verification key from your identity provider, please reference AssumeRoleWithWebIdentity documentation for requirements")

	liar := startWeb(t)
	liar.lie("https://other.localhost")
	_, err = bear(t, liar.account, liar.role, liar.issuer.token(liar.key))
	refused(t, err, "IDPCommunicationError")

	pinned := startWeb(t)
	_, err = pinned.UpdateOpenIDConnectProviderThumbprint(t.Context(), &iam.UpdateOpenIDConnectProviderThumbprintInput{
		OpenIDConnectProviderArn: &pinned.provider, ThumbprintList: []string{strings.Repeat("0", 40)},
	})
	must(t, err)
	_, err = bear(t, pinned.account, pinned.role, pinned.issuer.token(pinned.key))
	refused(t, err, "IDPCommunicationError")
}

func TestATokenTagsItsSessionAndNamesItsSource(t *testing.T) {
	t.Parallel()
	w := startWeb(t)
	token := w.issuer.token(w.key, map[string]any{
		"https://aws.amazon.com/source_identity": "Mallory",
		"https://aws.amazon.com/tags":            map[string]any{"principal_tags": map[string]any{"team": []string{"red"}}, "transitive_tag_keys": []string{"team"}},
	})
	both := document(statement("Allow", "iam:ListUsers", `"Condition":{"StringEquals":{"aws:PrincipalTag/team":"red","aws:SourceIdentity":"Mallory"}}`))
	w.allowRole("web", both)
	out, err := bear(t, w.account, w.role, token)
	must(t, err)
	session := as(w.cfg, out.Credentials)
	must(t, mayList(t, session))
	must(t, mayList(t, mustAssume(t, session, w.account.role("next", trusting(w.role), both))))

	plain, err := bear(t, w.account, w.role, w.issuer.token(w.key))
	must(t, err)
	refused(t, mayList(t, as(w.cfg, plain.Credentials)), "AccessDenied")
	strict := w.account.role("strict", trust(`{"Federated":"`+w.provider+`"}`, "sts:AssumeRoleWithWebIdentity"), "")
	_, err = bear(t, w.account, strict, token)
	refused(t, err, "AccessDenied")
	_, err = bear(t, w.account, strict, w.issuer.token(w.key))
	must(t, err)
}

func TestBearersOfTokensAreInTheTrailOfTheRolesAccount(t *testing.T) {
	t.Parallel()
	w := startWeb(t, condition("StringEquals", "ISSUER:sub", "alice"))
	good := w.issuer.token(w.key, map[string]any{"sub": "alice"})
	_, err := bear(t, w.account, w.role, good)
	must(t, err)
	_, err = bear(t, w.account, w.role, w.issuer.token(w.key))
	refused(t, err, "AccessDenied")
	_, err = bear(t, w.account, w.role, w.issuer.token(w.key, map[string]any{"aud": "other"}))
	refused(t, err, "InvalidIdentityToken")
	out, err := cloudtrail.NewFromConfig(w.cfg).LookupEvents(t.Context(), &cloudtrail.LookupEventsInput{
		LookupAttributes: []types.LookupAttribute{{AttributeKey: types.LookupAttributeKeyEventName, AttributeValue: aws.String("AssumeRoleWithWebIdentity")}},
	})
	must(t, err)
	if len(out.Events) != 3 {
		t.Fatalf("got %d events, want 3", len(out.Events))
	}
	for i, want := range []string{
		`"errorCode":"InvalidIdentityTokenException"`,
		`"principalId":"` + w.provider + `:client:mallory"`,
		`{"type":"WebIdentityUser","principalId":"` + w.provider + `:client:alice","userName":"alice","identityProvider":"` + w.provider + `"}`,
	} {
		if record := *out.Events[i].CloudTrailEvent; !strings.Contains(record, want) || strings.Contains(record, good) {
			t.Errorf("record %d lacks %s, or has the token: %s", i, want, record)
		}
	}
}
