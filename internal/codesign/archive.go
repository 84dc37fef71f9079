package codesign

import (
	"archive/zip"
	"bytes"
	"context"
	"crypto/sha512"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"io"
)

// open reads the directory of a package, within limits: each entry costs some hundred bytes before it can be looked at.
func open(pkg []byte) (*zip.Reader, error) {
	if len(pkg) > MaxPackage {
		return nil, fmt.Errorf("it is larger than %d bytes", MaxPackage)
	}
	if bytes.Count(pkg, []byte("PK\x01\x02")) > maxEntries {
		return nil, fmt.Errorf("it has more than %d entries", maxEntries)
	}
	r, err := zip.NewReader(bytes.NewReader(pkg), int64(len(pkg)))
	if err != nil {
		return nil, errors.New("it is no zip file")
	}
	if len(r.File) == 0 {
		return nil, errors.New("it is empty")
	}
	names := make(map[string]bool, len(r.File))
	var size uint64
	for _, f := range r.File {
		if names[f.Name] {
			return nil, fmt.Errorf("it has two entries %q", f.Name)
		}
		names[f.Name] = true
		if size += f.UncompressedSize64; f.UncompressedSize64 > maxUnpacked || size > maxUnpacked {
			return nil, fmt.Errorf("it unpacks to more than %d bytes", maxUnpacked)
		}
	}
	return r, nil
}

// tight refuses bytes before the first entry and behind the directory, comments included: nothing that is signed tells of
// them.
func tight(pkg []byte, r *zip.Reader) error {
	if r.Comment != "" || len(pkg) < 30 || !bytes.Equal(pkg[len(pkg)-22:len(pkg)-18], []byte("PK\x05\x06")) {
		return errors.New("there is something behind the archive")
	}
	first := int64(len(pkg))
	for _, f := range r.File {
		at, err := f.DataOffset()
		if err != nil {
			return fmt.Errorf("entry %q: %w", f.Name, err)
		}
		first = min(first, at)
	}
	// The header of the first entry has 30 bytes, its name and its extra field (APPNOTE.TXT, 4.3.7).
	if head := 30 + int64(binary.LittleEndian.Uint16(pkg[26:])) + int64(binary.LittleEndian.Uint16(pkg[28:])); head != first {
		return errors.New("there is something before the archive")
	}
	return nil
}

// digests are of the entries of a package, in the order of its directory, but for the signature.
type digests struct {
	// content is AWS's: names and contents, one after the other. It does not tell where a name ends and a content begins.
	content hash.Hash
	// framed is ours, and does: of each entry, 4 length of the name, name, 4 mode, 8 length of the content, content.
	framed hash.Hash
	buffer []byte
}

func newDigests() *digests {
	return &digests{content: sha512.New384(), framed: sha512.New384(), buffer: make([]byte, 64<<10)}
}

// all adds every entry of r.
func (d *digests) all(ctx context.Context, r *zip.Reader) error {
	for _, f := range r.File {
		if err := ctx.Err(); err != nil {
			return err
		}
		if f.Name == entry {
			continue
		}
		if err := d.add(f); err != nil {
			return fmt.Errorf("entry %q: %w", f.Name, err)
		}
	}
	return nil
}

func (d *digests) add(f *zip.File) error {
	d.head(&f.FileHeader)
	body, err := f.Open()
	if err != nil {
		return err
	}
	defer body.Close()
	// The reader itself refuses what is not as long as the directory says, and checks its sum.
	n, err := io.CopyBuffer(io.MultiWriter(d.content, d.framed), onlyReader{body}, d.buffer)
	if err == nil && uint64(n) != f.UncompressedSize64 {
		err = errors.New("it is not as long as it says")
	}
	return err
}

// onlyReader hides what would let io.CopyBuffer leave its buffer unused.
type onlyReader struct{ io.Reader }

func (d *digests) head(h *zip.FileHeader) {
	io.WriteString(d.content, h.Name)
	var b []byte
	b = binary.BigEndian.AppendUint32(b, uint32(len(h.Name)))
	b = append(b, h.Name...)
	b = binary.BigEndian.AppendUint32(b, uint32(h.Mode()))
	b = binary.BigEndian.AppendUint64(b, h.UncompressedSize64)
	d.framed.Write(b)
}

// message is the digest of CMS: of the content, which is itself a digest.
func (d *digests) message() []byte {
	sum := sha512.Sum384(d.content.Sum(nil))
	return sum[:]
}
