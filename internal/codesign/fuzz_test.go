package codesign

import (
	"archive/zip"
	"bytes"
	"context"
	"crypto/x509"
	"crypto/x509/pkix"
	"net/url"
	"testing"
	"time"
)

// A signer is an authority and a profile of it, without a store.
type signer struct {
	Identity
	roots *x509.CertPool
}

const signerName = "arn:aws:signer:us-east-1:123456789012:/signing-profiles/p/AbCdEfGhIj"

func newSigner(f *testing.F) *signer {
	f.Helper()
	check := func(err error) {
		if err != nil {
			f.Helper()
			f.Fatal(err)
		}
	}
	der, err := NewKey()
	check(err)
	key, err := parseKey(der)
	check(err)
	name, err := url.Parse(signerName)
	check(err)
	template := func() *x509.Certificate {
		return &x509.Certificate{
			Subject: pkix.Name{CommonName: "test"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
			ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageCodeSigning},
		}
	}
	top := template()
	top.IsCA, top.BasicConstraintsValid, top.KeyUsage = true, true, x509.KeyUsageCertSign
	root, err := create(top, top, &key.PublicKey, key)
	check(err)
	leaf := template()
	leaf.URIs = []*url.URL{name}
	c, err := create(leaf, root, &key.PublicKey, key)
	check(err)
	s := &signer{Identity{key, c, root}, x509.NewCertPool()}
	s.roots.AddCert(root)
	return s
}

func (s *signer) sign(pkg []byte) ([]byte, error) {
	return Sign(context.Background(), pkg, s.Identity, Claims{Profile: signerName, Job: "job", Signed: time.Now(), Expires: time.Now()})
}

// example is a signed package.
func (s *signer) example(f *testing.F) []byte {
	f.Helper()
	var out bytes.Buffer
	w := zip.NewWriter(&out)
	e, err := w.Create("index.py")
	if err == nil {
		_, err = e.Write([]byte("def handler(event, context): pass\n"))
	}
	if err == nil {
		err = w.Close()
	}
	signed, signErr := s.sign(out.Bytes())
	if err != nil || signErr != nil {
		f.Fatal(err, signErr)
	}
	return signed
}

// Whatever is taken for a package, nobody but the authority makes a signature: what verifies has the signed content.
func FuzzVerify(f *testing.F) {
	s := newSigner(f)
	f.Add(s.example(f))
	f.Add([]byte("PK\x05\x06"))
	f.Fuzz(func(t *testing.T, pkg []byte) {
		if _, err := Verify(t.Context(), pkg, x509.NewCertPool()); err == nil {
			t.Error("verified by nobody")
		}
		if _, err := Verify(t.Context(), pkg, s.roots); err != nil {
			return
		}
		r, err := open(pkg)
		if err != nil || len(r.File) != 3 || r.File[0].Name != "index.py" {
			t.Errorf("another package verifies: %v", err)
		}
	})
}

// What can be signed is verified.
func FuzzSign(f *testing.F) {
	s := newSigner(f)
	f.Add([]byte("PK\x05\x06" + "\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"))
	f.Add([]byte(""))
	f.Add(bytes.Replace(s.example(f), []byte(entry), []byte("META_INF/aws_signer_signature_v1.0.TF"), 2))
	f.Fuzz(func(t *testing.T, pkg []byte) {
		out, err := s.sign(pkg)
		if err != nil {
			return
		}
		if _, err := Verify(t.Context(), out, s.roots); err != nil {
			t.Errorf("what was signed is refused: %v", err)
		}
	})
}

// A message has one form only.
func FuzzDecode(f *testing.F) {
	signed := newSigner(f).example(f)
	r, err := open(signed)
	if err != nil {
		f.Fatal(err)
	}
	e, err := read(r)
	if err != nil {
		f.Fatal(err)
	}
	text, err := e.encode()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(text)
	f.Fuzz(func(t *testing.T, text []byte) {
		e, err := decode(text)
		if err != nil {
			return
		}
		if again, err := e.encode(); err != nil || !bytes.Equal(again, text) {
			t.Errorf("encoded anew as %s (%v)", again, err)
		}
	})
}
