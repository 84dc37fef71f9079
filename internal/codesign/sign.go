package codesign

import (
	"archive/zip"
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/x509"
	"io/fs"
)

// An Identity is who signs: the key of a profile, and the certificates that say so.
type Identity struct {
	Key               *ecdsa.PrivateKey
	Certificate, Root *x509.Certificate
}

// Sign returns a package with its signature. Its entries keep their bytes; what is between and around them is left out.
func Sign(ctx context.Context, pkg []byte, who Identity, claims Claims) ([]byte, error) {
	r, err := open(pkg)
	if err != nil {
		return nil, malformed("%v", err)
	}
	var out bytes.Buffer
	w := zip.NewWriter(&out)
	sums, err := copyAll(ctx, w, r)
	if err != nil {
		return nil, err
	}
	e := &envelope{
		Claims: claims, message: sums.message(), framed: sums.framed.Sum(nil), leaf: who.Certificate, root: who.Root,
	}
	if err := e.sign(who.Key); err != nil {
		return nil, err
	}
	text, err := e.encode()
	if err != nil {
		return nil, err
	}
	signature, err := w.CreateHeader(&zip.FileHeader{Name: entry, Method: zip.Deflate, Modified: claims.Signed})
	if err != nil {
		return nil, err
	}
	if _, err := signature.Write(text); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

// copyAll copies the entries as they are, adds the folder of the signature where there is none, as AWS does, and returns
// the digests of all.
func copyAll(ctx context.Context, w *zip.Writer, r *zip.Reader) (*digests, error) {
	sums, hasFolder := newDigests(), false
	for _, f := range r.File {
		if f.Name == entry {
			return nil, ErrSigned
		}
		hasFolder = hasFolder || f.Name == folder
		if err := w.Copy(f); err != nil {
			return nil, malformed("entry %q: %v", f.Name, err)
		}
	}
	if err := sums.all(ctx, r); err != nil {
		if ctx.Err() != nil {
			return nil, err
		}
		return nil, malformed("%v", err)
	}
	if hasFolder {
		return sums, nil
	}
	h := &zip.FileHeader{Name: folder}
	h.SetMode(fs.ModeDir | 0o755)
	if _, err := w.CreateHeader(h); err != nil {
		return nil, err
	}
	sums.head(h)
	return sums, nil
}
