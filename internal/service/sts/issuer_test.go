package sts_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	sdk "github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
)

// An issuer is an OpenID Connect provider on the loopback.
type issuer struct {
	*httptest.Server
	t *testing.T

	mu      sync.Mutex
	keys    jose.JSONWebKeySet
	called  string // how it calls itself; "" means by its URL
	fetches int
}

func startIssuer(t *testing.T) *issuer {
	t.Helper()
	is := &issuer{t: t}
	mux := http.NewServeMux()
	mux.HandleFunc("/.well-known/openid-configuration", is.discover)
	mux.HandleFunc("/keys", func(w http.ResponseWriter, _ *http.Request) {
		is.mu.Lock()
		defer is.mu.Unlock()
		is.fetches++
		json.NewEncoder(w).Encode(is.keys)
	})
	is.Server = httptest.NewTLSServer(mux)
	t.Cleanup(is.Close)
	return is
}

func (is *issuer) discover(w http.ResponseWriter, _ *http.Request) {
	is.mu.Lock()
	defer is.mu.Unlock()
	name := is.URL
	if is.called != "" {
		name = is.called
	}
	json.NewEncoder(w).Encode(map[string]string{"issuer": name, "jwks_uri": is.URL + "/keys"})
}

// publish makes these the issuer's keys.
func (is *issuer) publish(keys ...jose.JSONWebKey) {
	is.mu.Lock()
	defer is.mu.Unlock()
	is.keys.Keys = nil
	for _, k := range keys {
		is.keys.Keys = append(is.keys.Keys, k.Public())
	}
}

// fetched is how often its keys were asked for.
func (is *issuer) fetched() int {
	is.mu.Lock()
	defer is.mu.Unlock()
	return is.fetches
}

// lie makes the issuer call itself by another name.
func (is *issuer) lie(name string) {
	is.mu.Lock()
	defer is.mu.Unlock()
	is.called = name
}

func (is *issuer) thumbprint() string {
	sum := sha1.Sum(is.Certificate().Raw)
	return hex.EncodeToString(sum[:])
}

// host is the issuer as condition keys and ARNs have it.
func (is *issuer) host() string { return strings.TrimPrefix(is.URL, "https://") }

// trusted makes the issuer a provider of the account with one client, and returns the provider's ARN.
func (is *issuer) trusted(a *account, thumbprint string) string {
	is.t.Helper()
	out, err := a.CreateOpenIDConnectProvider(is.t.Context(), &iam.CreateOpenIDConnectProviderInput{
		Url: &is.URL, ClientIDList: []string{"client"}, ThumbprintList: []string{thumbprint},
	})
	must(is.t, err)
	return *out.OpenIDConnectProviderArn
}

func rsaKey(t *testing.T, id string) jose.JSONWebKey {
	t.Helper()
	k, err := rsa.GenerateKey(rand.Reader, 2048)
	must(t, err)
	return keyOf(k, id, jose.RS256)
}

func ecKey(t *testing.T, id string) jose.JSONWebKey {
	t.Helper()
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	return keyOf(k, id, jose.ES256)
}

func keyOf(k crypto.PrivateKey, id string, algorithm jose.SignatureAlgorithm) jose.JSONWebKey {
	return jose.JSONWebKey{Key: k, KeyID: id, Algorithm: string(algorithm), Use: "sig"}
}

// token is a token for mallory; more adds and replaces claims, nil ones remove.
func (is *issuer) token(key jose.JSONWebKey, more ...map[string]any) string {
	is.t.Helper()
	claims := map[string]any{
		"iss": is.URL, "sub": "mallory", "aud": "client",
		"iat": time.Now().Unix(), "exp": time.Now().Add(time.Hour).Unix(),
	}
	for _, m := range more {
		for k, v := range m {
			if claims[k] = v; v == nil {
				delete(claims, k)
			}
		}
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.SignatureAlgorithm(key.Algorithm), Key: key}, nil)
	must(is.t, err)
	token, err := jwt.Signed(signer).Claims(claims).Serialize()
	must(is.t, err)
	return token
}

// bear assumes a role with a token, by a client without credentials.
func bear(t *testing.T, a *account, role, token string) (*sdk.AssumeRoleWithWebIdentityOutput, error) {
	t.Helper()
	cfg := a.cfg
	cfg.Credentials = aws.AnonymousCredentials{}
	return sdk.NewFromConfig(cfg).AssumeRoleWithWebIdentity(t.Context(), &sdk.AssumeRoleWithWebIdentityInput{
		RoleArn: &role, RoleSessionName: aws.String("session"), WebIdentityToken: &token,
	})
}
