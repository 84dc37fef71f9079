// Package authority is the local certificate authority that vouches for a Redoubt server to the clients of its machine.
package authority

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"time"

	"redoubt/internal/seal"
)

const (
	authorityLife = 10 * 365 * 24 * time.Hour
	serverLife    = 90 * 24 * time.Hour
	renewBefore   = 30 * 24 * time.Hour
)

// An Authority issues certificates for the names of this machine, and for no others: clients that trust it are not
// thereby open to anyone who steals it.
type Authority struct {
	cert  *x509.Certificate
	key   *ecdsa.PrivateKey
	hosts []string

	mu     sync.Mutex
	leaves map[string]*tls.Certificate // by the name asked for, "" for all that need none of their own
}

// Open reads the authority in dir, or makes one. Its key is kept sealed; CertFile is for clients to trust. host is
// a name or address, besides localhost, that the server is reached by.
func Open(dir string, ring *seal.Ring, host string) (*Authority, error) {
	box, err := ring.Box("authority")
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	a := &Authority{hosts: []string{"localhost", "*.localhost", "127.0.0.1", "::1"}}
	if host != "" && host != "localhost" && host != "127.0.0.1" && host != "::1" {
		a.hosts = append(a.hosts, host)
	}
	err = a.read(dir, box)
	if errors.Is(err, os.ErrNotExist) || err == nil && !a.covers(host) {
		err = a.create(dir, box)
	}
	return a, err
}

// CertFile is the path of the certificate that clients must trust, for an authority in dir.
func CertFile(dir string) string { return filepath.Join(dir, "ca.pem") }

func keyFile(dir string) string { return filepath.Join(dir, "ca.key.sealed") }

func (a *Authority) read(dir string, box *seal.Box) error {
	text, err := os.ReadFile(CertFile(dir))
	if err != nil {
		return err
	}
	sealed, err := os.ReadFile(keyFile(dir))
	if err != nil {
		return err
	}
	block, _ := pem.Decode(text)
	if block == nil {
		return fmt.Errorf("%s holds no certificate; remove it, and a new one is made at the next start", CertFile(dir))
	}
	if a.cert, err = x509.ParseCertificate(block.Bytes); err != nil {
		return fmt.Errorf("reading %s: %w", CertFile(dir), err)
	}
	der, err := box.Open(sealed, block.Bytes)
	if err != nil {
		return fmt.Errorf("unsealing %s: %w", keyFile(dir), err)
	}
	key, err := x509.ParsePKCS8PrivateKey(der)
	if err != nil {
		return fmt.Errorf("reading %s: %w", keyFile(dir), err)
	}
	var ok bool
	if a.key, ok = key.(*ecdsa.PrivateKey); !ok {
		return fmt.Errorf("%s is not an ECDSA key", keyFile(dir))
	}
	return nil
}

// covers reports whether the authority may vouch for host, and will live long enough to.
func (a *Authority) covers(host string) bool {
	if time.Until(a.cert.NotAfter) < serverLife {
		return false
	}
	ip := net.ParseIP(host)
	if ip == nil {
		return host == "" || a.permitsName(host)
	}
	for _, n := range a.cert.PermittedIPRanges {
		if n.Contains(ip) {
			return true
		}
	}
	return false
}

func (a *Authority) permitsName(host string) bool {
	for _, d := range a.cert.PermittedDNSDomains {
		if d == host {
			return true
		}
	}
	return false
}

func (a *Authority) create(dir string, box *seal.Box) error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	now := time.Now()
	template := &x509.Certificate{
		SerialNumber: serial(), Subject: pkix.Name{CommonName: "Redoubt local authority"},
		NotBefore: now.Add(-time.Hour), NotAfter: now.Add(authorityLife),
		IsCA: true, BasicConstraintsValid: true, MaxPathLenZero: true, KeyUsage: x509.KeyUsageCertSign,
		PermittedDNSDomainsCritical: true,
	}
	a.constrain(template)
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		return err
	}
	if a.cert, err = x509.ParseCertificate(der); err != nil {
		return err
	}
	a.key = key
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return err
	}
	sealed, err := box.Seal(secret, der)
	if err != nil {
		return err
	}
	if err := os.WriteFile(keyFile(dir), sealed, 0o600); err != nil {
		return err
	}
	return os.WriteFile(CertFile(dir), pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o644)
}

// constrain limits the authority to the names of its machine (RFC 5280, 4.2.1.10).
func (a *Authority) constrain(c *x509.Certificate) {
	c.PermittedDNSDomains = []string{"localhost"}
	c.PermittedIPRanges = []*net.IPNet{
		{IP: net.IPv4(127, 0, 0, 0).To4(), Mask: net.CIDRMask(8, 32)}, {IP: net.IPv6loopback, Mask: net.CIDRMask(128, 128)},
	}
	for _, h := range a.hosts[4:] {
		if ip := net.ParseIP(h); ip != nil {
			if v4 := ip.To4(); v4 != nil {
				ip = v4
			}
			c.PermittedIPRanges = append(c.PermittedIPRanges, &net.IPNet{IP: ip, Mask: net.CIDRMask(8*len(ip), 8*len(ip))})
		} else {
			c.PermittedDNSDomains = append(c.PermittedDNSDomains, h)
		}
	}
}

// maxLeaves bounds how many certificates are kept for the names that clients ask for.
const maxLeaves = 256

// Certificate returns the server's certificate, and renews it well before it ends. It fits tls.Config.GetCertificate.
func (a *Authority) Certificate(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	name := underLocalhost(hello)
	a.mu.Lock()
	defer a.mu.Unlock()
	if leaf := a.leaves[name]; leaf != nil && time.Until(leaf.Leaf.NotAfter) > renewBefore {
		return leaf, nil
	}
	leaf, err := a.issue(name)
	if err != nil {
		return nil, fmt.Errorf("issuing the server's certificate: %w", err)
	}
	if a.leaves == nil || len(a.leaves) >= maxLeaves {
		a.leaves = map[string]*tls.Certificate{}
	}
	a.leaves[name] = leaf
	return leaf, nil
}

var localName = regexp.MustCompile(`^([a-z0-9][a-z0-9-]{0,62}\.)+localhost$`)

// underLocalhost is the name that a client asks for, if it is one under localhost, and else "". Such a name stands in the
// certificate itself: OpenSSL and curl take no wildcard that has but one label beside it, nor any for two labels, as in
// bucket.s3.localhost.
func underLocalhost(hello *tls.ClientHelloInfo) string {
	if hello == nil {
		return ""
	}
	name := strings.ToLower(hello.ServerName)
	if len(name) > 253 || !localName.MatchString(name) {
		return ""
	}
	return name
}

// issue makes a certificate for all names of the server, and name, if it is not "".
func (a *Authority) issue(name string) (*tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	now := time.Now()
	template := &x509.Certificate{
		SerialNumber: serial(), Subject: pkix.Name{CommonName: "Redoubt"},
		NotBefore: now.Add(-time.Hour), NotAfter: now.Add(serverLife),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	if name != "" {
		template.DNSNames = append(template.DNSNames, name)
	}
	for _, h := range a.hosts {
		if ip := net.ParseIP(h); ip != nil {
			template.IPAddresses = append(template.IPAddresses, ip)
		} else {
			template.DNSNames = append(template.DNSNames, h)
		}
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.cert, &key.PublicKey, a.key)
	if err != nil {
		return nil, err
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, err
	}
	return &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}, nil
}

func serial() *big.Int {
	var b [16]byte
	rand.Read(b[:])
	b[0] &= 0x7f
	return new(big.Int).SetBytes(bytes.Clone(b[:]))
}
