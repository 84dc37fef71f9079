package authority

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"os"
	"strings"
	"testing"

	"redoubt/internal/seal"
)

func open(t *testing.T, dir, host string) *Authority {
	t.Helper()
	ring, err := seal.Open(t.Context(), "", dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ring.Close() })
	a, err := Open(dir+"/tls", ring, host)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func (a *Authority) verify(t *testing.T, name string) error {
	t.Helper()
	leaf, err := a.Certificate(nil)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(a.cert)
	_, err = leaf.Leaf.Verify(x509.VerifyOptions{Roots: roots, DNSName: name})
	return err
}

func TestCertificateIsForThisMachine(t *testing.T) {
	a := open(t, t.TempDir(), "")
	for _, name := range []string{"localhost", "bucket.localhost", "127.0.0.1", "::1"} {
		if err := a.verify(t, name); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestNameUnderLocalhostStandsInItsCertificate(t *testing.T) {
	a := open(t, t.TempDir(), "")
	for name, want := range map[string]bool{
		"s3.localhost": true, "Bucket.S3.localhost": true, "localhost": false, "a_b.localhost": false, "*.x.localhost": false,
		"x.example.com": false, "..localhost": false,
	} {
		leaf, err := a.Certificate(&tls.ClientHelloInfo{ServerName: name})
		if err != nil {
			t.Fatal(err)
		}
		if got := leaf.Leaf.DNSNames[0] == strings.ToLower(name); got != (want || name == "localhost") {
			t.Errorf("%s: the certificate is for %q", name, leaf.Leaf.DNSNames)
		}
		if want && a.leaves[strings.ToLower(name)] != leaf {
			t.Errorf("the certificate for %s is not kept", name)
		}
	}
}

func TestCertificatesForNamesAreFew(t *testing.T) {
	a := open(t, t.TempDir(), "")
	for i := range maxLeaves + 5 {
		if _, err := a.Certificate(&tls.ClientHelloInfo{ServerName: fmt.Sprintf("n%d.localhost", i)}); err != nil {
			t.Fatal(err)
		}
	}
	if n := len(a.leaves); n != 5 {
		t.Errorf("%d certificates are kept, want 5", n)
	}
}

// Whoever steals the authority's key can speak for this machine only.
func TestAuthorityCannotVouchForOthers(t *testing.T) {
	a := open(t, t.TempDir(), "")
	a.hosts = append(a.hosts, "example.com")
	if err := a.verify(t, "example.com"); err == nil {
		t.Error("a certificate for example.com verifies")
	}
}

func TestAuthorityStaysTheSame(t *testing.T) {
	dir := t.TempDir()
	if a, b := open(t, dir, ""), open(t, dir, ""); !a.cert.Equal(b.cert) {
		t.Error("the second start made another authority, which clients do not trust yet")
	}
}

func TestAuthorityIsRenewedForANewHost(t *testing.T) {
	dir := t.TempDir()
	open(t, dir, "")
	if err := open(t, dir, "192.0.2.7").verify(t, "192.0.2.7"); err != nil {
		t.Error(err)
	}
}

func TestAuthorityKeyIsSealed(t *testing.T) {
	dir := t.TempDir()
	a := open(t, dir, "")
	secret, err := x509.MarshalPKCS8PrivateKey(a.key)
	if err != nil {
		t.Fatal(err)
	}
	onDisk, err := os.ReadFile(keyFile(dir + "/tls"))
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(onDisk, secret[len(secret)-32:]) {
		t.Error("the key is readable")
	}
}
