package codesign_test

import (
	"archive/zip"
	"bytes"
	"crypto/sha512"
	"encoding/pem"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"redoubt/internal/codesign"
)

func TestSignedPackageTellsWhoSignedIt(t *testing.T) {
	p := newPublisher(t)
	signed := p.sign(t, plain(t))
	got, err := codesign.Verify(t.Context(), signed, p.roots(t))
	must(t, err)
	if want := claims(); got.Profile != want.Profile || got.Job != want.Job || want.Signed.Sub(got.Signed) > time.Minute ||
		!got.Expires.Equal(got.Signed.AddDate(0, 135, 0)) {
		t.Errorf("got %+v, want %+v", got.Claims, want)
	}
	if len(got.Certificates) != 2 || len(got.Certificates[0]) != 192 || got.Certificates[0][96:] != got.Certificates[1][:96] {
		t.Errorf("certificates are named %q", got.Certificates)
	}
	was, is := unpack(t, plain(t)), unpack(t, signed)
	if len(is) != len(was)+2 || !slices.Equal(is[:len(was)], was) || is[len(was)].name != "META_INF/" || is[len(was)+1].name != signatureEntry {
		t.Errorf("entries are %v", is)
	}
}

func TestUnsignedPackageIsNotSigned(t *testing.T) {
	p := newPublisher(t)
	for name, pkg := range map[string][]byte{
		"plain": plain(t), "empty": {}, "no zip": []byte("hello"), "a name in another's content": pack(t, file{"a", signatureEntry, 0o644, zip.Store}),
		"a signed package inside": pack(t, file{"inner.zip", string(p.sign(t, plain(t))), 0o644, zip.Store}),
	} {
		if _, err := codesign.Verify(t.Context(), pkg, p.roots(t)); !errors.Is(err, codesign.ErrUnsigned) {
			t.Errorf("%s: got %v, want ErrUnsigned", name, err)
		}
	}
}

// As AWS has it: how entries are compressed, and when they were made, is not signed.
func TestPackageMayBeCompressedAnew(t *testing.T) {
	p := newPublisher(t)
	files := unpack(t, p.sign(t, plain(t)))
	for i := range files {
		files[i].method = zip.Deflate - files[i].method
		if strings.HasSuffix(files[i].name, "/") {
			files[i].method = zip.Store
		}
	}
	_, err := codesign.Verify(t.Context(), pack(t, files...), p.roots(t))
	must(t, err)
}

func TestChangedPackageIsRefused(t *testing.T) {
	p := newPublisher(t)
	signed := p.sign(t, plain(t))
	change := func(how func([]file) []file) []byte { return pack(t, how(unpack(t, signed))...) }
	for name, pkg := range map[string][]byte{
		"content":          change(func(f []file) []file { f[0].body += "#"; return f }),
		"name":             change(func(f []file) []file { f[0].name = "main.py"; return f }),
		"mode":             change(func(f []file) []file { f[0].mode = 0o755; return f }),
		"link":             change(func(f []file) []file { f[2].mode = fs.ModeSymlink | 0o777; return f }),
		"order":            change(func(f []file) []file { f[0], f[2] = f[2], f[0]; return f }),
		"added":            change(func(f []file) []file { return slices.Insert(f, 0, file{"evil.py", "x", 0o644, zip.Store}) }),
		"added behind":     change(func(f []file) []file { return append(f, file{"evil.py", "x", 0o644, zip.Store}) }),
		"added and empty":  change(func(f []file) []file { return slices.Insert(f, 0, file{"", "", 0o644, zip.Store}) }),
		"removed":          change(func(f []file) []file { return f[1:] }),
		"folder removed":   change(func(f []file) []file { return slices.Delete(f, 3, 4) }),
		"twice":            change(func(f []file) []file { return slices.Insert(f, 1, f[0]) }),
		"signature twice":  change(func(f []file) []file { return append(f, f[len(f)-1]) }),
		"signature empty":  change(func(f []file) []file { f[4].body = ""; return f }),
		"signature longer": change(func(f []file) []file { f[4].body += "\n"; return f }),
		"signature huge":   change(func(f []file) []file { f[4].body += strings.Repeat("\n", 1<<20); return f }),
		// What AWS's digest cannot tell apart: the end of a name and the beginning of a content.
		"name and content":  change(func(f []file) []file { f[0].name, f[0].body = f[0].name+f[0].body[:1], f[0].body[1:]; return f }),
		"two in one":        change(func(f []file) []file { f[0].body += f[1].name + f[1].body; return slices.Delete(f, 1, 2) }),
		"comment":           slices.Concat(signed[:len(signed)-2], []byte{1, 0, 'x'}),
		"data behind":       append(bytes.Clone(signed), 0),
		"data before":       append([]byte("#!/bin/sh\n"), signed...),
		"an entry before":   append(bytes.Clone(plain(t)[:200]), signed...),
		"an archive behind": append(bytes.Clone(signed), plain(t)...),
		"signature's byte":  change(func(f []file) []file { b := []byte(f[4].body); b[200] ^= 1; f[4].body = string(b); return f }),
	} {
		t.Run(name, func(t *testing.T) {
			_, err := codesign.Verify(t.Context(), pkg, p.roots(t))
			if name == "an archive behind" && errors.Is(err, codesign.ErrUnsigned) {
				return // the directory at the end is that of an unsigned archive, and so is what it unpacks to
			}
			if !errors.Is(err, codesign.ErrBroken) {
				t.Errorf("got %v, want ErrBroken", err)
			}
		})
	}
}

func TestSignatureOfAnotherPackageIsRefused(t *testing.T) {
	p := newPublisher(t)
	one, two := unpack(t, p.sign(t, plain(t))), unpack(t, p.sign(t, pack(t, file{"evil.py", "x", 0o644, zip.Store})))
	two[len(two)-1] = one[len(one)-1]
	if _, err := codesign.Verify(t.Context(), pack(t, two...), p.roots(t)); !errors.Is(err, codesign.ErrBroken) {
		t.Errorf("got %v, want ErrBroken", err)
	}
}

func TestSignatureOfAnotherInstallationIsRefused(t *testing.T) {
	p, other := newPublisher(t), newPublisher(t)
	p.sign(t, plain(t))
	for _, roots := range []*publisher{p, newPublisher(t)} {
		if _, err := codesign.Verify(t.Context(), other.sign(t, plain(t)), roots.roots(t)); !errors.Is(err, codesign.ErrBroken) {
			t.Errorf("got %v, want ErrBroken", err)
		}
	}
}

// A signature claims a profile; the certificate says which one the key is of.
func TestSignatureCannotClaimTheProfileOfAnother(t *testing.T) {
	p := newPublisher(t)
	signed, err := codesign.Sign(t.Context(), plain(t), p.identity(t, profile+"2"), claims())
	must(t, err)
	if _, err := codesign.Verify(t.Context(), signed, p.roots(t)); !errors.Is(err, codesign.ErrBroken) {
		t.Errorf("got %v, want ErrBroken", err)
	}
}

func TestWhatCannotBeSignedIsRefused(t *testing.T) {
	p := newPublisher(t)
	who := p.identity(t, profile)
	for name, c := range map[string]struct {
		pkg  []byte
		want error
	}{
		"signed":  {p.sign(t, plain(t)), codesign.ErrSigned},
		"empty":   {pack(t), codesign.ErrMalformed},
		"nothing": {nil, codesign.ErrMalformed},
		"no zip":  {[]byte("def handler(): pass"), codesign.ErrMalformed},
		"twice":   {pack(t, file{"a", "1", 0o644, zip.Store}, file{"a", "2", 0o644, zip.Store}), codesign.ErrMalformed},
		"torn":    {bytes.Replace(plain(t), []byte("some data"), []byte("some dada"), 1), codesign.ErrMalformed},
	} {
		if _, err := codesign.Sign(t.Context(), c.pkg, who, claims()); !errors.Is(err, c.want) {
			t.Errorf("%s: got %v, want %v", name, err, c.want)
		}
	}
}

func TestAuthorityStaysTheSame(t *testing.T) {
	p := newPublisher(t)
	a, b := p.identity(t, profile), p.identity(t, profile)
	if !a.Root.Equal(b.Root) || a.Certificate.Equal(b.Certificate) || !a.Key.Equal(b.Key) {
		t.Error("each signature has an authority of its own, or two have one certificate")
	}
}

// The message is one that other programs read: OpenSSL verifies its signature and its chain.
func TestOpenSSLVerifiesTheMessage(t *testing.T) {
	openssl, err := exec.LookPath("openssl")
	if err != nil {
		t.Skip("openssl is not installed")
	}
	p := newPublisher(t)
	files := unpack(t, p.sign(t, plain(t)))
	dir := t.TempDir()
	write := func(name string, content []byte) string {
		must(t, os.WriteFile(dir+"/"+name, content, 0o600))
		return dir + "/" + name
	}
	message := write("message", []byte(files[len(files)-1].body))
	detached := write("content", content(files[:len(files)-1]))
	root := write("root.pem", pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: p.identity(t, profile).Root.Raw}))
	cmd := exec.Command(openssl, "cms", "-verify", "-binary", "-inform", "PEM", "-in", message, "-content", detached,
		"-CAfile", root, "-purpose", "any", "-out", os.DevNull)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v: %s", err, out)
	}
}

// content is what AWS signs: a digest of names and contents.
func content(files []file) []byte {
	h := sha512.New384()
	for _, f := range files {
		h.Write([]byte(f.name + f.body))
	}
	return h.Sum(nil)
}
