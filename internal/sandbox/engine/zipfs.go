package engine

import (
	"archive/zip"
	"bytes"
	"fmt"
	"io/fs"
)

// ZipFS makes an Archive of a file tree, such as an embedded one: a runtime client of ours.
func ZipFS(tree fs.FS) (Archive, error) {
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	if err := w.AddFS(tree); err != nil {
		return nil, fmt.Errorf("archiving a file tree: %w", err)
	}
	if err := w.Close(); err != nil {
		return nil, fmt.Errorf("archiving a file tree: %w", err)
	}
	return bytes.NewReader(b.Bytes()), nil
}
