package codesign

import (
	"archive/zip"
	"bytes"
	"context"
	"crypto/sha512"
	"crypto/x509"
	"encoding/hex"
	"io"
)

// Verify finds out who signed a package. Its error is ErrUnsigned for a package without a signature and ErrBroken for one
// that was changed, or that none of roots vouches for. Whether the signature has expired or was revoked, and whether the
// signer is allowed to, is for the caller to decide.
func Verify(ctx context.Context, pkg []byte, roots *x509.CertPool) (*Signature, error) {
	if !Signed(pkg) {
		return nil, ErrUnsigned
	}
	r, err := open(pkg)
	if err == nil {
		err = tight(pkg, r)
	}
	if err != nil {
		return nil, broken("%v", err)
	}
	e, err := read(r)
	if err != nil {
		return nil, broken("%v", err)
	}
	if err := e.check(roots); err != nil {
		return nil, broken("%v", err)
	}
	sums := newDigests()
	if err := sums.all(ctx, r); err != nil {
		if ctx.Err() != nil {
			return nil, err
		}
		return nil, broken("%v", err)
	}
	if !bytes.Equal(sums.message(), e.message) || !bytes.Equal(sums.framed.Sum(nil), e.framed) {
		return nil, broken("the package was changed after it was signed")
	}
	return &Signature{e.Claims, fingerprints(e.leaf, e.root)}, nil
}

// Signed reports whether a package claims to be signed. The name of the signature stands in the archive itself, so what
// does not hold it is not signed, and need not be opened.
func Signed(pkg []byte) bool {
	if len(pkg) > MaxPackage || !bytes.Contains(pkg, []byte(entry)) {
		return false
	}
	r, err := open(pkg)
	if err != nil {
		return true // whatever it is, it is not to be taken for unsigned
	}
	for _, f := range r.File {
		if f.Name == entry {
			return true
		}
	}
	return false
}

// read finds the signature, which is the last entry.
func read(r *zip.Reader) (*envelope, error) {
	f := r.File[len(r.File)-1]
	if f.Name != entry {
		return nil, errNotLast
	}
	if f.UncompressedSize64 > maxSignature {
		return nil, errTooLarge
	}
	body, err := f.Open()
	if err != nil {
		return nil, err
	}
	defer body.Close()
	text, err := io.ReadAll(io.LimitReader(body, maxSignature+1))
	if err != nil {
		return nil, err
	}
	return decode(text)
}

// fingerprints are the composite hashes of a chain (API_GetRevocationStatus, certificateHashes). A root is its own issuer.
func fingerprints(leaf, root *x509.Certificate) []string {
	hash := func(c *x509.Certificate) string {
		sum := sha512.Sum384(c.RawTBSCertificate)
		return hex.EncodeToString(sum[:])
	}
	return []string{hash(leaf) + hash(root), hash(root) + hash(root)}
}
