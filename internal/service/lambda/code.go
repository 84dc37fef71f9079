package lambda

import (
	"archive/zip"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"slices"
	"strings"

	"redoubt/internal/blob"
	"redoubt/internal/sandbox"
	"redoubt/internal/service/lambda/runtimeapi"
	"redoubt/internal/store"
)

// Limits of a deployment package (https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html).
const (
	maxZipped   = 50 << 20
	maxUnzipped = 250 << 20
)

// Bootstrap tells what a package has for a program of its own, which runtimes of the provided family start.
type Bootstrap uint8

// The kinds of bootstrap.
const (
	NoBootstrap Bootstrap = iota
	PlainBootstrap
	ExecutableBootstrap
)

// packages keeps deployment packages, sealed.
type packages struct {
	blobs *blob.Store
	db    *store.DB
}

// inspectBeside checks the package of a function with layers.
func inspectBeside(archive []byte, layers []Attachment) (Code, error) {
	room, err := roomBeside(layers)
	if err != nil {
		return Code{}, err
	}
	return inspect(archive, room)
}

// inspect checks a package as Lambda does, and returns all that is known of it before it is kept.
func inspect(archive []byte, room int64) (Code, error) {
	// Before the archive is read: each entry costs some hundred bytes.
	if bytes.Count(archive, []byte(entrySignature)) > sandbox.MaxEntries {
		return Code{}, cannotUnzip(fmt.Errorf("more than %d entries", sandbox.MaxEntries))
	}
	r, err := zip.NewReader(bytes.NewReader(archive), int64(len(archive)))
	if err != nil {
		return Code{}, cannotUnzip(nil)
	}
	if len(r.File) == 0 {
		return Code{}, invalid("Uploaded file must be a non-empty zip")
	}
	sum := sha256.Sum256(archive)
	code := Code{SHA256: sum[:], Size: int64(len(archive))}
	for _, f := range r.File {
		if size := f.UncompressedSize64; size > uint64(room) || code.Unzipped+int64(size) > room {
			return Code{}, tooLargeUnzipped(room)
		}
		code.Unzipped += int64(f.UncompressedSize64)
		code.see(f)
	}
	if err := sandbox.CheckArchive(maxUnzipped, r); err != nil {
		return Code{}, cannotUnzip(err)
	}
	return code, nil
}

func tooLargeUnzipped(room int64) error {
	return invalid("Unzipped size must be smaller than %d bytes", room)
}

// see notes what an entry means to who starts the environment.
func (c *Code) see(f *zip.File) {
	name := strings.TrimPrefix(f.Name, "./")
	if name == "bootstrap" {
		c.Bootstrap = PlainBootstrap
		if f.Mode()&0o111 != 0 {
			c.Bootstrap = ExecutableBootstrap
		}
	}
	program, ok := strings.CutPrefix(name, "extensions/")
	if ok && program != "" && !strings.Contains(program, "/") && len(c.Extensions) <= runtimeapi.MaxExtensions && !slices.Contains(c.Extensions, program) {
		c.Extensions = append(c.Extensions, program) // with one too many no function starts, and records stay small
	}
}

// entrySignature begins each entry of the directory of a zip file (APPNOTE.TXT, 4.3.12).
const entrySignature = "PK\x01\x02"

// cannotUnzip refuses a package in Lambda's words. The reason, where there is one, is ours.
func cannotUnzip(why error) error {
	const text = "Could not unzip uploaded file. Please check your file, then try to upload again."
	if why == nil {
		return invalid(text)
	}
	return invalid(text+" (%v)", why)
}

// keep stores a package that was inspected.
func (p packages) keep(ctx context.Context, code Code, archive []byte) (Code, error) {
	var err error
	code.Blob, _, err = p.blobs.Put(ctx, bytes.NewReader(archive))
	if err != nil {
		return code, fmt.Errorf("keeping a deployment package: %w", err)
	}
	return code, nil
}

// drop removes a package that no function refers to any more, once that is durable: a crash must not bring back a record
// whose package is gone. What fails to be removed only takes room, until it is swept.
func (p packages) drop(ctx context.Context, code Code) {
	if p.db.Sync(ctx) != nil {
		return
	}
	_ = p.blobs.Delete(context.WithoutCancel(ctx), code.Blob)
}

// open reads a package into memory: a zip archive is read at random, and a sealed object only from its beginning.
func (p packages) open(ctx context.Context, code Code) (*bytes.Reader, error) {
	r, size, err := p.blobs.Open(ctx, code.Blob)
	if err != nil {
		return nil, fmt.Errorf("opening a deployment package: %w", err)
	}
	defer r.Close()
	archive := make([]byte, size)
	if _, err := io.ReadFull(r, archive); err != nil {
		return nil, fmt.Errorf("reading a deployment package: %w", err)
	}
	return bytes.NewReader(archive), nil
}

// id is how the sandbox knows the package: by content, so that functions with the same package share it.
func (c Code) id() string { return "code-" + hex.EncodeToString(c.SHA256) }

// Keeps implements api.BlobKeeper: the packages of all functions, their versions and layers, in use or not.
func (s *Service) Keeps(ctx context.Context) (kept map[blob.ID]bool, err error) {
	err = s.deps.DB.View(ctx, func(tx *store.Tx) error {
		if kept, err = s.inUse(tx); err != nil {
			return err
		}
		for r, err := range s.layerVersions.Scan(tx, store.Range{}) {
			if err != nil {
				return err
			}
			kept[r.Value.Code.Blob] = true
		}
		return nil
	})
	return kept, err
}

// inUse finds the packages of all functions and their versions, and of the layers that they have.
func (s *Service) inUse(tx *store.Tx) (map[blob.ID]bool, error) {
	used := map[blob.ID]bool{}
	add := func(c *Configuration) {
		used[c.Code.Blob] = true
		for _, l := range c.Layers {
			used[l.Code.Blob] = true
		}
	}
	for r, err := range s.functions.Scan(tx, store.Range{}) {
		if err != nil {
			return nil, err
		}
		add(&r.Value.Configuration)
	}
	for r, err := range s.versions.Scan(tx, store.Range{}) {
		if err != nil {
			return nil, err
		}
		add(&r.Value.Configuration)
	}
	return used, nil
}
