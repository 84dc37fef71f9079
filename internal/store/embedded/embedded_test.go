package embedded_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"redoubt/internal/seal"
	"redoubt/internal/store"
	"redoubt/internal/store/embedded"
	"redoubt/internal/store/storetest"
)

func TestMain(m *testing.M) {
	storetest.Child(open)
	os.Exit(m.Run())
}

func TestEngine(t *testing.T) { storetest.Run(t, open) }

func TestFiles(t *testing.T) { storetest.RunFiles(t, open) }

func open(dir string) (*store.DB, error) {
	ring, err := seal.Open(context.Background(), "", dir)
	if err != nil {
		return nil, err
	}
	engine, err := embedded.Open(filepath.Join(dir, "store"), ring)
	if err != nil {
		return nil, errors.Join(err, ring.Close())
	}
	return store.Open(engine, ring)
}
