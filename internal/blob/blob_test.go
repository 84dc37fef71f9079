package blob_test

import (
	"context"
	"path/filepath"
	"testing"

	"redoubt/internal/blob"
	"redoubt/internal/blob/blobtest"
	"redoubt/internal/seal"
)

func TestStore(t *testing.T) {
	blobtest.Run(t, func(dir string) (*blob.Store, error) {
		ring, err := seal.Open(context.Background(), "", dir)
		if err != nil {
			return nil, err
		}
		return blob.Open(filepath.Join(dir, "blob"), ring)
	})
}
