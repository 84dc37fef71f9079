package codesign

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"math/big"
	"net/url"
	"time"

	"redoubt/internal/store"
)

// An authority issues for 20 years and is trusted for 30: longer than any signature lives. A certificate of a signer need
// only live while it signs, because it is verified for the time of the signature.
const (
	authorityLife = 30 * 365 * 24 * time.Hour
	issuesFor     = 20 * 365 * 24 * time.Hour
	signerLife    = 24 * time.Hour
	allowedSkew   = 5 * time.Minute
)

// An Authority vouches for the signing profiles of one installation. It has nothing to do with the authority that vouches
// for the server: each has a key of its own.
type Authority struct {
	roots *store.Table[root] // serial number
	keys  *store.Table[rootKey]
}

// A root is a certificate that signatures are trusted by.
type root struct{ Certificate []byte }

// A rootKey is the secret of a root. The store seals it; only who issues reads it.
type rootKey struct{ Key []byte }

// NewAuthority returns the authority of the installation whose store db is. It makes nothing before it is needed.
func NewAuthority(db *store.DB) *Authority {
	return &Authority{store.NewTable[root](db, "codesign", "root"), store.NewTable[rootKey](db, "codesign", "key")}
}

// Roots are the certificates to verify signatures by.
func (a *Authority) Roots(tx *store.Tx) (*x509.CertPool, error) {
	pool := x509.NewCertPool()
	for r, err := range a.roots.Scan(tx, store.Range{}) {
		if err != nil {
			return nil, err
		}
		c, err := x509.ParseCertificate(r.Value.Certificate)
		if err != nil {
			return nil, fmt.Errorf("reading the authority of signatures: %w", err)
		}
		pool.AddCert(c)
	}
	return pool, nil
}

// NewKey makes the key of a signing profile, in the form that Identify takes.
func NewKey() ([]byte, error) {
	key, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		return nil, err
	}
	return x509.MarshalPKCS8PrivateKey(key)
}

// Identify certifies that a key of NewKey is that of the version of a signing profile, for as long as it takes to sign.
func (a *Authority) Identify(tx *store.Tx, profile string, key []byte) (Identity, error) {
	secret, err := parseKey(key)
	if err != nil {
		return Identity{}, err
	}
	name, err := url.Parse(profile)
	if err != nil {
		return Identity{}, err
	}
	issuer, issuerKey, err := a.issuer(tx)
	if err != nil {
		return Identity{}, fmt.Errorf("finding the authority of signatures: %w", err)
	}
	now := time.Now()
	c, err := create(&x509.Certificate{
		Subject: pkix.Name{CommonName: "Redoubt signing profile"}, URIs: []*url.URL{name},
		NotBefore: now.Add(-allowedSkew), NotAfter: now.Add(signerLife),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageCodeSigning},
	}, issuer, &secret.PublicKey, issuerKey)
	return Identity{secret, c, issuer}, err
}

// issuer finds a root that may still issue, or makes one.
func (a *Authority) issuer(tx *store.Tx) (*x509.Certificate, *ecdsa.PrivateKey, error) {
	for r, err := range a.roots.Scan(tx, store.Range{}) {
		if err != nil {
			return nil, nil, err
		}
		c, err := x509.ParseCertificate(r.Value.Certificate)
		if err != nil || time.Since(c.NotBefore) > issuesFor {
			continue
		}
		k, ok, err := a.keys.Get(tx, r.Key...)
		if err == nil && !ok {
			err = errors.New("its key is missing")
		}
		if err != nil {
			return nil, nil, err
		}
		key, err := parseKey(k.Key)
		return c, key, err
	}
	return a.found(tx)
}

// found makes a root.
func (a *Authority) found(tx *store.Tx) (*x509.Certificate, *ecdsa.PrivateKey, error) {
	der, err := NewKey()
	if err != nil {
		return nil, nil, err
	}
	key, err := parseKey(der)
	if err != nil {
		return nil, nil, err
	}
	now := time.Now()
	template := &x509.Certificate{
		Subject:   pkix.Name{CommonName: "Redoubt code signing authority"},
		NotBefore: now.Add(-allowedSkew), NotAfter: now.Add(authorityLife),
		IsCA: true, BasicConstraintsValid: true, MaxPathLenZero: true,
		KeyUsage: x509.KeyUsageCertSign, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageCodeSigning},
	}
	c, err := create(template, template, &key.PublicKey, key)
	if err != nil {
		return nil, nil, err
	}
	name := c.SerialNumber.Text(16)
	if err := a.roots.Put(tx, root{c.Raw}, name); err != nil {
		return nil, nil, err
	}
	return c, key, a.keys.Put(tx, rootKey{der}, name)
}

func create(template, parent *x509.Certificate, key *ecdsa.PublicKey, signer *ecdsa.PrivateKey) (*x509.Certificate, error) {
	var serial [16]byte
	rand.Read(serial[:])
	serial[0] = serial[0]&0x7f | 0x40 // positive, and always as long
	template.SerialNumber = new(big.Int).SetBytes(serial[:])
	template.SignatureAlgorithm = x509.ECDSAWithSHA384
	der, err := x509.CreateCertificate(rand.Reader, template, parent, key, signer)
	if err != nil {
		return nil, err
	}
	return x509.ParseCertificate(der)
}

func parseKey(der []byte) (*ecdsa.PrivateKey, error) {
	key, err := x509.ParsePKCS8PrivateKey(der)
	if err != nil {
		return nil, fmt.Errorf("reading a signing key: %w", err)
	}
	secret, ok := key.(*ecdsa.PrivateKey)
	if !ok {
		return nil, fmt.Errorf("reading a signing key: it is a %T", key)
	}
	return secret, nil
}
