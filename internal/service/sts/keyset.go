package sts

import (
	"context"
	"crypto/sha1" // thumbprints are SHA-1 by AWS's definition
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/go-jose/go-jose/v4"

	"redoubt/internal/api"
)

const (
	keysGoodFor = 10 * time.Minute
	keysRetry   = 10 * time.Second // at most so often is a provider asked for a key that it did not list
	failRetry   = time.Second      // and one that cannot be reached
	fetchTime   = 5 * time.Second
	maxDocument = 1 << 20
)

// keySets holds the keys of OIDC providers.
type keySets struct {
	mu  sync.Mutex
	all map[string]*keySet // by provider ARN
}

type keySet struct {
	mu      sync.Mutex
	fetched time.Time
	failed  time.Time
	failure error
	keys    jose.JSONWebKeySet
}

// find returns a provider's key.
func (k *keySets) find(ctx context.Context, p *api.Provider, issuer, id string) (*jose.JSONWebKey, error) {
	k.mu.Lock()
	if k.all == nil {
		k.all = map[string]*keySet{}
	}
	set := k.all[p.ARN]
	if set == nil {
		set = &keySet{}
		k.all[p.ARN] = set
	}
	k.mu.Unlock()
	return set.find(ctx, p, issuer, id)
}

func (s *keySet) find(ctx context.Context, p *api.Provider, issuer, id string) (*jose.JSONWebKey, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	age := time.Since(s.fetched)
	if found := s.keys.Key(id); len(found) > 0 && age < keysGoodFor {
		return &found[0], nil
	}
	if age > keysRetry {
		if err := s.fetchLocked(ctx, p, issuer); err != nil {
			return nil, err
		}
	}
	if found := s.keys.Key(id); len(found) > 0 {
		return &found[0], nil
	}
	return nil, fmt.Errorf("provider %s has no key %q", p.ARN, id)
}

// fetchLocked reads the keys anew. Strangers can make it do so, and must not make them queue for a provider that is down.
func (s *keySet) fetchLocked(ctx context.Context, p *api.Provider, issuer string) error {
	if time.Since(s.failed) < failRetry {
		return s.failure
	}
	keys, err := fetchKeys(ctx, p, issuer)
	if err != nil {
		s.failed, s.failure = time.Now(), err
		return err
	}
	s.keys, s.fetched = *keys, time.Now()
	return nil
}

// fetchKeys reads a provider's keys by way of its discovery document (OpenID Connect Discovery 1.0, section 4).
func fetchKeys(ctx context.Context, p *api.Provider, issuer string) (*jose.JSONWebKeySet, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), fetchTime) // the keys are for others, too
	defer cancel()
	client := &http.Client{
		Transport:     &http.Transport{TLSClientConfig: trust(p), DisableKeepAlives: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	var discovery struct {
		Issuer  string `json:"issuer"`
		JWKSURI string `json:"jwks_uri"`
	}
	if err := fetch(ctx, client, strings.TrimSuffix(issuer, "/")+"/.well-known/openid-configuration", &discovery); err != nil {
		return nil, err
	}
	if discovery.Issuer != issuer {
		return nil, fmt.Errorf("provider %s calls itself %q", p.ARN, discovery.Issuer)
	}
	keys := new(jose.JSONWebKeySet)
	return keys, fetch(ctx, client, discovery.JWKSURI, keys)
}

func fetch(ctx context.Context, client *http.Client, url string, into any) error {
	if !strings.HasPrefix(url, "https://") {
		return fmt.Errorf("%q is not an https URL", url)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	res, err := client.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("%s answered %s", url, res.Status)
	}
	return json.NewDecoder(io.LimitReader(res.Body, maxDocument)).Decode(into)
}

// trust accepts a provider whose certificate the system trusts, or is pinned by a thumbprint, as AWS does.
func trust(p *api.Provider) *tls.Config {
	return &tls.Config{
		MinVersion:         tls.VersionTLS12,
		InsecureSkipVerify: true, // VerifyConnection does it, in two ways
		VerifyConnection: func(cs tls.ConnectionState) error {
			leaf, rest := cs.PeerCertificates[0], x509.NewCertPool()
			for _, c := range cs.PeerCertificates[1:] {
				rest.AddCert(c)
			}
			if _, err := leaf.Verify(x509.VerifyOptions{DNSName: cs.ServerName, Intermediates: rest}); err == nil {
				return nil
			}
			return pinned(p, cs, rest)
		},
	}
}

// pinned checks that a certificate of the chain is one of the provider's, and that the chain leads to it.
func pinned(p *api.Provider, cs tls.ConnectionState, rest *x509.CertPool) error {
	roots := x509.NewCertPool()
	found := false
	for _, c := range cs.PeerCertificates {
		sum := sha1.Sum(c.Raw)
		if slices.ContainsFunc(p.Thumbprints, func(t string) bool { return strings.EqualFold(t, hex.EncodeToString(sum[:])) }) {
			roots.AddCert(c)
			found = true
		}
	}
	if !found {
		return errors.New("no certificate of the provider has a thumbprint that is trusted")
	}
	_, err := cs.PeerCertificates[0].Verify(x509.VerifyOptions{DNSName: cs.ServerName, Roots: roots, Intermediates: rest})
	return err
}
