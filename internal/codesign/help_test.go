package codesign_test

import (
	"archive/zip"
	"bytes"
	"context"
	"crypto/x509"
	"io"
	"io/fs"
	"testing"
	"time"

	"redoubt/internal/codesign"
	"redoubt/internal/seal"
	"redoubt/internal/store"
	"redoubt/internal/store/embedded"
)

const profile = "arn:aws:signer:us-east-1:123456789012:/signing-profiles/mine/AbCdEfGhIj"

const signatureEntry = "META_INF/aws_signer_signature_v1.0.SF"

// A publisher is somebody whose authority has a store of its own.
type publisher struct {
	db        *store.DB
	authority *codesign.Authority
	key       []byte
}

func newPublisher(t testing.TB) *publisher {
	t.Helper()
	dir := t.TempDir()
	ring, err := seal.Open(t.Context(), "", dir)
	must(t, err)
	t.Cleanup(func() { ring.Close() })
	engine, err := embedded.Open(dir+"/store", ring)
	must(t, err)
	db, err := store.Open(engine, ring)
	must(t, err)
	t.Cleanup(func() { db.Close() })
	key, err := codesign.NewKey()
	must(t, err)
	return &publisher{db, codesign.NewAuthority(db), key}
}

func (p *publisher) identity(t testing.TB, profile string) (who codesign.Identity) {
	t.Helper()
	must(t, p.db.Update(context.Background(), func(tx *store.Tx) (err error) {
		who, err = p.authority.Identify(tx, profile, p.key)
		return err
	}))
	return who
}

func (p *publisher) roots(t testing.TB) (pool *x509.CertPool) {
	t.Helper()
	must(t, p.db.View(context.Background(), func(tx *store.Tx) (err error) {
		pool, err = p.authority.Roots(tx)
		return err
	}))
	return pool
}

func claims() codesign.Claims {
	now := time.Now().UTC().Truncate(time.Second)
	return codesign.Claims{
		Profile: profile, Job: "arn:aws:signer:us-east-1:123456789012:/signing-jobs/5c1e9a4e-0000-4000-8000-000000000000",
		Signed: now, Expires: now.AddDate(0, 135, 0),
	}
}

func (p *publisher) sign(t testing.TB, pkg []byte) []byte {
	t.Helper()
	signed, err := codesign.Sign(context.Background(), pkg, p.identity(t, profile), claims())
	must(t, err)
	return signed
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// A file is an entry of a package.
type file struct {
	name, body string
	mode       fs.FileMode
	method     uint16
}

func pack(t testing.TB, files ...file) []byte {
	t.Helper()
	var out bytes.Buffer
	w := zip.NewWriter(&out)
	for _, f := range files {
		h := &zip.FileHeader{Name: f.name, Method: f.method}
		h.SetMode(f.mode)
		e, err := w.CreateHeader(h)
		must(t, err)
		_, err = io.WriteString(e, f.body)
		must(t, err)
	}
	must(t, w.Close())
	return out.Bytes()
}

func unpack(t testing.TB, pkg []byte) (files []file) {
	t.Helper()
	r, err := zip.NewReader(bytes.NewReader(pkg), int64(len(pkg)))
	must(t, err)
	for _, f := range r.File {
		body, err := f.Open()
		must(t, err)
		text, err := io.ReadAll(body)
		must(t, err)
		files = append(files, file{f.Name, string(text), f.Mode(), f.Method})
	}
	return files
}

func plain(t testing.TB) []byte {
	return pack(t, file{"index.py", "def handler(event, context):\n    return 1\n", 0o644, zip.Deflate},
		file{"lib/", "", fs.ModeDir | 0o755, zip.Store}, file{"lib/a.txt", "some data", 0o644, zip.Store})
}
